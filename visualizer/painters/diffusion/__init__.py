"""Diffusion as a painter.

Read in the order of the pipeline: `loading` (a folder or a hub id becomes a model), `model` (what
a model must offer), `vp` and `levels` (the Stable Diffusion family), `flow` (the others),
`noise` (noise that travels with the camera), `anchor` (what keeps a long shot from drifting),
`key` (the first picture of a shot), `easel` (what a shot is painted with), then the modes:
`feedback`, `walk`, `keyframes`, `restyle`; and `painter`, which chooses among them.

This package is the one home of diffusers. Its modules are imported when a model is loaded.
"""

from __future__ import annotations

from visualizer.painters.diffusion.painter import DiffusionPainter

__all__ = ["DiffusionPainter"]
