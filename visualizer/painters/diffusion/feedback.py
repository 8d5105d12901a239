"""The mode feedback: move the last picture, paint it over, hold it to its anchor."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch

from visualizer import camera
from visualizer.painters import Curves, oklab
from visualizer.painters.diffusion.easel import Easel, per_frame
from visualizer.painters.diffusion.watchdog import Watchdog

HARD = 0.6  # Strength from which a frame is more new than old.


def feedback(easel: Easel, curves: Curves) -> Iterator[torch.Tensor]:
    """Yields one frame for each cue of the shot, its lead included.

    Args:
        easel: What to paint with.
        curves: Where to leave what the watchdog saw, once the shot is painted.
    """
    brush, fps = easel.brush(), easel.score.fps
    cues = easel.score.cues(easel.shot)
    cue = next(cues)
    picture = easel.first(cue)
    anchor = easel.anchor(picture, cue)
    watchdog = Watchdog(anchor, picture)
    yield easel.show(oklab.from_srgb(picture), cue)
    for cue in cues:
        move = easel.move(cue)
        brush.advance(move, per_frame(cue.noise, fps))
        moved = camera.warp(picture, move, "bicubic").clamp(0.0, 1.0)
        strength = per_frame(cue.strength, fps)
        steps = _steps(easel.model.caps.steps, cue.strength)
        painted = brush.repaint(moved, strength, easel.condition(cue), steps, anchor)
        lab = anchor.hold(oklab.from_srgb(painted), easel.tint(cue))
        picture = watchdog.see(cue, lab, oklab.to_srgb(lab), moved)
        yield easel.show(lab, cue)
    curves.update(watchdog.curves())


def _steps(steps: int, strength: float) -> int:
    """Hard hits, where most of the picture is new, get half as many steps again.

    One step from much noise is the mean of all that could be, and that is a blur.
    """
    return steps if strength < HARD else math.ceil(1.5 * steps)
