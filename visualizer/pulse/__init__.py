"""Pulse: a miniature Stable Diffusion that this project draws its own lessons for.

In the order of the work: `drawings` are made by the scenes painter, `captions` say what they show,
`tokens` spells the words, `parts` is the model, `gallery` keeps drawings and latents on disk, and
`batches` hands them out. The lessons, from `autoencoder` to `finish`, are kept by `run` so that
they can be gone on with, and what they teach by `shelf`. `studio` puts them in order, and `train`
is the command: `python -m visualizer.pulse.train --help`.
"""
