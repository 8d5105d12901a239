"""Pulse: a miniature Stable Diffusion that this project draws its own lessons for.

In the order of the work: `drawings` are made by the scenes painter, `captions` say what they show,
`tokens` spells the words, `parts` is the model, `gallery` keeps drawings and latents on disk,
`autoencoder`, `denoiser` and `distil` are the three lessons, `run` keeps a lesson so that it can
be gone on with, `studio` puts them in order, and `train` is the command:
`python -m visualizer.pulse.train --help`.
"""
