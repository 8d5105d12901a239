"""The mode feedback: move the last picture, paint it over, hold it to its anchor."""

from __future__ import annotations

import math
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass

import torch

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
    # A thread beside this one brings pictures to the film's size and moves the noise.
    with ThreadPoolExecutor(1) as beside:
        waiting: Future[torch.Tensor] | None = None
        for frame in _frames(easel, curves, beside):
            coming = beside.submit(_shown, easel, frame)
            if waiting is not None:
                yield waiting.result()
            waiting = coming
        if waiting is not None:
            yield waiting.result()


def _shown(easel: Easel, frame: _Frame) -> torch.Tensor:
    with torch.inference_mode():
        return easel.show(frame.lab, frame.cue, frame.picture)


def _frames(easel: Easel, curves: Curves, beside: Executor) -> Iterator[_Frame]:
    cues = easel.score.cues(easel.shot)
    cue = next(cues)
    picture = easel.first(cue)
    relief = easel.relief(picture, easel.foremost(cue))
    brush, fps = easel.brush(relief), easel.score.fps
    anchor, end = easel.anchor(picture, cue), _End(easel, beside)
    watchdog, keepsake = Watchdog(anchor, picture), easel.keepsake(picture, relief, cue)
    yield _Frame(cue, oklab.from_srgb(picture), picture)
    for cue in cues:
        move = easel.move(cue)
        travel = beside.submit(brush.advance, move, per_frame(cue.noise, fps))
        moved, relief = relief.carry(picture, move)
        held, seen = anchor, None
        if keepsake is not None:
            keepsake.advance(move, cue.weights[keepsake.look])
            moved, seen = keepsake.beneath(moved, 24.0 / fps), keepsake.seen
            held = keepsake.hold(anchor)
        travel.result()
        strength = per_frame(cue.strength, fps)
        steps = _steps(easel.model.caps.steps, cue.strength)
        painted = brush.repaint(moved, strength, easel.condition(cue), steps, anchor)
        lab = held.hold(oklab.from_srgb(painted), easel.tint(cue))
        frame = _Frame(cue, lab, oklab.to_srgb(lab))
        picture = watchdog.see(cue, lab, frame.picture, moved, held, seen)
        if end.is_near(cue):
            frame = end.cross(frame)
            picture = frame.picture
        yield frame
    rows = watchdog.curves().items()
    curves.update({at: row for at, row in rows if at >= easel.shot.first})


class _End:
    """The end of a shot that becomes another; the model makes one picture of the two each time."""

    def __init__(self, easel: Easel, beside: Executor) -> None:
        after = easel.after
        self._last = easel.shot.first + len(easel.shot)
        self._begin = self._last if after is None else self._last - after.shot.lead
        self._coming = iter(()) if after is None else _frames(after, {}, beside)

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
