"""The user's pictures as a film of their own, for the mode restyle to paint over.

The camera leans into a picture with the music and comes back by itself: were it to travel on, as
it does through a scene that has no end, it would soon have left the picture behind.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch

from visualizer.camera import Matrix
from visualizer.painters import Painter, oklab
from visualizer.painters.diffusion.anchor import grade, is_neutral
from visualizer.painters.diffusion.easel import Easel
from visualizer.painters.diffusion.key import Size
from visualizer.painters.diffusion.relief import Move, Relief
from visualizer.score import Cue, Look

HOME = 1.08  # A picture is shown a little enlarged, so that its edges mostly stay out of sight.
AT_HOME = np.diag([1.0 / HOME, 1.0 / HOME, 1.0])
RETURN = 0.5  # Seconds in which the camera comes back half of the way.


@dataclass(frozen=True)
class Below:
    """A frame of the film that is painted over.

    Attributes:
        cue: Of the frame.
        frame: float32, shape (3, height, width), in [0, 1], with the cue's grading.
        move: The camera's since the frame before; nothing at the first.
    """

    cue: Cue
    frame: torch.Tensor
    move: Move


def film_below(easel: Easel, painter: Painter, size: Size) -> Iterator[Below]:
    """One frame for each cue: of the user's pictures where the shot has any, else a painter's.

    Args:
        easel: What the shot is painted on.
        painter: Paints shots without pictures.
        size: Of the frames.
    """
    if any(look.image is not None for look in easel.shot.looks):
        yield from _leaning(easel, size)
        return
    score = replace(easel.score, width=size.width, height=size.height)
    film = painter.paint(score, easel.shot)
    for k, (cue, frame) in enumerate(zip(easel.score.cues(easel.shot), film, strict=True)):
        move = easel.move(cue) if k else Move.none()
        yield Below(cue, frame.to(easel.model.device), move)


def lean(way: Move, move: Move, fps: int) -> Move:
    """Goes on from where the camera stands, and a little of the way home.

    Args:
        way: From the whole picture to what the camera sees of it.
        move: The camera's next.
        fps: Frames per second.
    """
    kept = 0.5 ** (1.0 / (fps * RETURN))

    def nearer(far: Matrix) -> Matrix:
        back: Matrix = kept * far + (1.0 - kept) * AT_HOME
        return back

    gone = way @ move
    return Move(nearer(gone.plane), nearer(gone.far), nearer(gone.near))


def _leaning(easel: Easel, size: Size) -> Iterator[Below]:
    views = [_View.of(easel, look, size) for look in easel.shot.looks]
    way, move = Move.of(lambda share: AT_HOME), Move.none()
    for k, cue in enumerate(easel.score.cues(easel.shot)):
        if k:
            there = lean(way, easel.move(cue), easel.score.fps)
            way, move = there, way.back() @ there
        shown = [w * v.seen(way) for v, w in zip(views, cue.weights, strict=True) if w > 0.0]
        picture = torch.stack(shown).sum(0)
        if not is_neutral(cue):
            picture = oklab.to_srgb(grade(oklab.from_srgb(picture), cue))
        yield Below(cue, picture, move)


@dataclass(frozen=True)
class _View:
    """A picture with what is near and far in it."""

    picture: torch.Tensor
    relief: Relief

    @classmethod
    def of(cls, easel: Easel, look: Look, size: Size) -> _View:
        """The look's own picture, or where it has none that of the look beside it."""
        if look.image is None:
            look = next(other for other in easel.shot.looks if other.image is not None)
        small = easel.given(look)
        picture = small if size == easel.size else easel.given(look, size)
        assert picture is not None and small is not None
        return cls(picture, easel.relief(small, look).sized(size.height, size.width))

    def seen(self, way: Move) -> torch.Tensor:
        return self.relief.warp(self.picture, way)
