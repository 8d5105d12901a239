"""The mode restyle: another painter's film below, or the user's pictures; the model's brush above.

Motion, beats and light are the film's below, exact to the frame; the model gives them matter.
Frames are painted without each other, but for the noise, which travels with the camera; then what
was painted stays on what it was painted on, as long as the noise of a cue lasts. Frames that are
no keys are not painted: the coat of the last one rides on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import torch

from visualizer import camera
from visualizer.ahead import ahead
from visualizer.painters import Painter, oklab
from visualizer.painters.diffusion import batch
from visualizer.painters.diffusion.anchor import Anchor
from visualizer.painters.diffusion.batch import Request
from visualizer.painters.diffusion.coat import Coat, fineness
from visualizer.painters.diffusion.easel import Easel, per_frame
from visualizer.painters.diffusion.keyframes import key_rows
from visualizer.painters.diffusion.leaning import film_below
from visualizer.score import Cue

AHEAD = 2  # Frames of the film below, and pictures, that may lie ready.

Item = TypeVar("Item")


@dataclass(frozen=True)
class Touch:
    """How heavily a model paints over a film.

    Attributes:
        strength: Share of each cue's strength that is used.
        sheer: How much shines through of what the film shows finer than the brush, in [0, 1].
    """

    strength: float = 1.0
    sheer: float = 0.0


def restyle(easel: Easel, below: Painter, touch: Touch) -> Iterator[torch.Tensor]:
    """Yields one frame for each cue of the shot, its lead included.

    Args:
        easel: What the shot is painted on.
        below: Paints the film below, where the user gave no picture.
        touch: How heavily the model paints.
    """
    films, coat = deque[_Film](), Coat()
    requests = _requests(easel, below, touch, films)
    painting = batch.paint(easel.model, requests, easel.model.caps.steps)
    for painted in _beside(easel, painting):
        while films[0].fresh is None:
            yield _covered(easel, films.popleft(), coat, touch)
        yield _covered(easel, films.popleft(), coat, touch, painted.picture)
    while films:
        yield _covered(easel, films.popleft(), coat, touch)


@dataclass(frozen=True)
class _Film:
    """A frame of the film below.

    Attributes:
        cue: Of the frame.
        frame: float32, shape (3, height, width), in [0, 1].
        small: The same at the size it is painted at.
        fresh: Share of the coat that is painted anew; None where nothing is painted.
    """

    cue: Cue
    frame: torch.Tensor
    small: torch.Tensor
    fresh: float | None

    def finish(self, painted: torch.Tensor, through: torch.Tensor) -> torch.Tensor:
        """A painted picture with what only the larger frame is fine enough to show.

        Args:
            painted: float32, shape (3, height, width), in [0, 1].
            through: How much of that shines through, shape (1, height, width), in [0, 1].
        """
        height, width = self.frame.shape[-2:]
        if painted.shape[-2:] == (height, width):
            return painted
        above = camera.enlarge(painted - through * self.small, height, width)
        shining = camera.enlarge(through, height, width, "bilinear")
        return above.addcmul_(shining, self.frame).clamp_(0.0, 1.0)


def _covered(
    easel: Easel, film: _Film, coat: Coat, touch: Touch, painted: torch.Tensor | None = None
) -> torch.Tensor:
    """A frame as it is shown, with what was painted of it or of the ones before."""
    lab, tint = oklab.from_srgb(film.small), easel.tint(film.cue)
    if painted is None or film.fresh is None:
        covered = coat.ride(lab)
    else:
        covered = coat.over(lab, oklab.from_srgb(painted), film.fresh)
    through = touch.sheer * fineness(lab)
    # The light and colours of the film below are the music's: each frame is held to its own.
    anchor = Anchor.of(lab, None, tint, easel.pull)
    picture = oklab.to_srgb(anchor.hold(torch.lerp(covered, lab, through), tint))
    return easel.scaled(film.finish(picture, through))


def _requests(
    easel: Easel, painter: Painter, touch: Touch, films: deque[_Film]
) -> Iterator[Request]:
    brush, fps = easel.brush(), easel.score.fps
    size, finest = easel.size, easel.finest if touch.sheer > 0.0 else easel.size
    painted = set(key_rows(easel.shot)) if easel.shot.paint.keys else None
    kept = 1.0
    for row, below in enumerate(_beside(easel, film_below(easel, painter, finest))):
        cue, frame = below.cue, below.frame
        renewed = per_frame(cue.noise, fps)
        kept *= 1.0 - renewed
        brush.advance(below.move, renewed)
        small = frame if finest == size else camera.shrink(frame, size.height, size.width)
        if painted is not None and row not in painted:
            films.append(_Film(cue, frame, small, None))
            continue
        films.append(_Film(cue, frame, small, 1.0 - kept))
        kept, latents, condition = 1.0, easel.model.encode(small[None]), easel.condition(cue)
        yield Request(cue, latents, brush.noise, touch.strength * cue.strength, condition)


def _beside(easel: Easel, items: Iterable[Item]) -> Iterator[Item]:
    """Made in a thread of their own on a processor; a GPU works beside as it is."""
    if easel.model.device.type == "cpu":
        return ahead(items, AHEAD, torch.no_grad())
    return iter(items)
