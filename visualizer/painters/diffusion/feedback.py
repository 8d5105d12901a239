"""The mode feedback: move the last picture, paint it over, hold it to its anchor."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch

from visualizer import camera
from visualizer.painters import Curves, oklab
from visualizer.painters.diffusion.easel import Easel, per_frame
from visualizer.painters.diffusion.joining import share_of_next
from visualizer.painters.diffusion.watchdog import Watchdog
from visualizer.score import Cue

HARD = 0.6  # Strength from which a frame is more new than old.


@dataclass(frozen=True)
class _Frame:
    """A painted frame.

    Attributes:
        cue: What it is painted for.
        lab: In OKLab.
        picture: In sRGB.
    """

    cue: Cue
    lab: torch.Tensor
    picture: torch.Tensor


def feedback(easel: Easel, curves: Curves) -> Iterator[torch.Tensor]:
    """Yields one frame for each cue of the shot, its lead included.

    Args:
        easel: What to paint with.
        curves: Where to leave what the watchdog saw, once the shot is painted.
    """
    for frame in _frames(easel, curves):
        yield easel.show(frame.lab, frame.cue, frame.picture)


def _frames(easel: Easel, curves: Curves) -> Iterator[_Frame]:
    cues = easel.score.cues(easel.shot)
    cue = next(cues)
    picture = easel.first(cue)
    relief = easel.relief(picture, easel.foremost(cue))
    brush, fps = easel.brush(relief), easel.score.fps
    anchor, end = easel.anchor(picture, cue), _End(easel)
    watchdog = Watchdog(anchor, picture)
    yield _Frame(cue, oklab.from_srgb(picture), picture)
    for cue in cues:
        move = easel.move(cue)
        brush.advance(move, per_frame(cue.noise, fps))
        grid = relief.grid(move, picture)
        moved, relief = camera.resample(picture, grid).clamp_(0.0, 1.0), relief.at(grid)
        strength = per_frame(cue.strength, fps)
        steps = _steps(easel.model.caps.steps, cue.strength)
        painted = brush.repaint(moved, strength, easel.condition(cue), steps, anchor)
        lab = anchor.hold(oklab.from_srgb(painted), easel.tint(cue))
        frame = _Frame(cue, lab, oklab.to_srgb(lab))
        picture = watchdog.see(cue, lab, frame.picture, moved)
        if end.is_near(cue):
            frame = end.cross(frame)
            picture = frame.picture
        yield frame
    rows = watchdog.curves().items()
    curves.update({at: row for at, row in rows if at >= easel.shot.first})


class _End:
    """The end of a shot that becomes another; the model makes one picture of the two each time."""

    def __init__(self, easel: Easel) -> None:
        after = easel.after
        self._last = easel.shot.first + len(easel.shot)
        self._begin = self._last if after is None else self._last - after.shot.lead
        self._coming = iter(()) if after is None else _frames(after, {})

    def is_near(self, cue: Cue) -> bool:
        """Whether the next shot has begun underneath."""
        return cue.frame >= self._begin

    def cross(self, frame: _Frame) -> _Frame:
        """A frame with its share of the next shot."""
        at = frame.cue.frame
        coming = next(other for other in self._coming if other.cue.frame == at)
        lab = torch.lerp(frame.lab, coming.lab, share_of_next(at, self._last))
        return _Frame(frame.cue, lab, oklab.to_srgb(lab))


def _steps(steps: int, strength: float) -> int:
    """Hard hits, where most of the picture is new, get half as many steps again.

    One step from much noise is the mean of all that could be, and that is a blur.
    """
    return steps if strength < HARD else math.ceil(1.5 * steps)
