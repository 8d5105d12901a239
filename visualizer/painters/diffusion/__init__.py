"""Diffusion as a painter.

Read in the order of the pipeline: `loading` (a folder or a hub id becomes a model), `model` (what
a model must offer), `pipeline` and `replay` (what they share, and CUDA graphs), `vp` and `levels`
(the Stable Diffusion family), `flow` (the others), `key` (the first picture of a shot), `depth`
and `relief` (parallax), `noise` (noise that travels with the camera), `anchor` (what keeps a long
shot from drifting), `easel` (what a shot is painted with), then the modes: `feedback`, `walk`,
`keyframes`, and `restyle` with `leaning` (the user's pictures as a film below) and `coat` (what was
painted over a film, carried along by it); `joining` (how one shot becomes the next); and `painter`,
which chooses.

This package is the one home of diffusers. Its modules are imported when a model is loaded.
"""

from __future__ import annotations

from visualizer.painters.diffusion.painter import DiffusionPainter

__all__ = ["DiffusionPainter"]
