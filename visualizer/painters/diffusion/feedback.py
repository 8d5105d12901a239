"""The mode feedback: move the last picture, paint it over, hold it to its anchor."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from visualizer import camera
from visualizer.painters.diffusion import oklab
from visualizer.painters.diffusion.anchor import Anchor
from visualizer.painters.diffusion.easel import Easel, per_frame


def feedback(easel: Easel) -> Iterator[torch.Tensor]:
    """Yields one frame for each cue of the shot, its lead included."""
    brush, fps, steps = easel.brush(), easel.score.fps, easel.model.caps.steps
    anchor: Anchor | None = None
    for cue in easel.score.cues(easel.shot):
        if anchor is None:
            picture = easel.first(brush, cue)
            anchor = easel.anchor(picture, cue)
            lab = oklab.from_srgb(picture)
        else:
            move = easel.move(cue)
            brush.advance(move, per_frame(cue.noise, fps))
            picture = camera.warp(picture, move, "bicubic").clamp(0.0, 1.0)
            strength = per_frame(cue.strength, fps)
            picture = brush.repaint(picture, strength, easel.condition(cue), steps, anchor)
            lab = anchor.hold(oklab.from_srgb(picture), easel.tint(cue))
            picture = oklab.to_srgb(lab)
        yield easel.show(lab, cue)
