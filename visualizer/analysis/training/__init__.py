"""How the network that hears beats was taught: songs that generate their own truth.

`python -m visualizer.analysis.training` renders songs, trains on them and writes the weights. It
needs torch and an hour or two on two CPU cores; listening needs neither.
"""
