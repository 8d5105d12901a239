"""What one shot is painted with, whatever the mode."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F

from visualizer import camera
from visualizer.painters import Painter, oklab
from visualizer.painters.diffusion.anchor import Anchor, Pull, grade, is_neutral, tint
from visualizer.painters.diffusion.brush import Brush
from visualizer.painters.diffusion.depth import Depth
from visualizer.painters.diffusion.keepsake import Keepsake
from visualizer.painters.diffusion.key import Size, load_picture, painting_size
from visualizer.painters.diffusion.model import Condition, FrameModel, mix
from visualizer.painters.diffusion.relief import Move, Relief
from visualizer.score import Cue, Look, Score, Shot


@dataclass(frozen=True)
class Easel:
    """A model, a shot, and the prompts, pictures and colours that belong to it.

    Attributes:
        model: What paints.
        score: The film.
        shot: The shot to paint.
        conditions: The prompts of the shot's looks, embedded.
        pull: How strongly frames are held to the first of their shot.
        key: Paints the picture that a shot begins with where the user gave none.
        key_strength: How much of the key painter's picture the model paints anew.
        depth: Finds what is near in pictures, or None where all shall be flat.
        after: The next shot's, where this one becomes it softly.
    """

    model: FrameModel
    score: Score
    shot: Shot
    conditions: Sequence[Condition]
    pull: Pull
    key: Painter | None
    key_strength: float
    depth: Depth | None = None
    after: Easel | None = None

    @property
    def size(self) -> Size:
        """The size it is painted at."""
        return painting_size(self.model.caps, self.score.width, self.score.height)

    @property
    def finest(self) -> Size:
        """The film's own size, or the one it is painted at where that is larger."""
        own = Size(self.score.width, self.score.height)
        return max(own, self.size, key=lambda size: size.height)

    @property
    def small(self) -> Score:
        """The film at the size it is painted at, for painters beneath."""
        return replace(self.score, width=self.size.width, height=self.size.height)

    def brush(self, relief: Relief | None = None) -> Brush:
        """A brush at the shot's beginning, on a picture with relief or without."""
        return Brush(self.model, self.size, self.shot.seed, relief)

    def condition(self, cue: Cue) -> Condition:
        """The prompts in view, blended."""
        return mix(self.conditions, cue.weights)

    def tint(self, cue: Cue) -> torch.Tensor:
        """The mean colour of the palettes in view."""
        return tint(self.shot.looks, cue.weights, self.model.device)

    def move(self, cue: Cue) -> Move:
        """The camera's move since the frame before."""

        def at(share: float) -> camera.Matrix:
            part = replace(cue, zoom=share * cue.zoom, pan=share * cue.pan, lift=share * cue.lift)
            return camera.step(part, self.score.fps, self.size.aspect)

        return Move.of(at)

    def first(self, cue: Cue) -> torch.Tensor:
        """The user's picture; or the key painter's, painted over; or the prompt's own.

        Its noise is the composition's, so that a section that returns begins as it did before.
        """
        look = self.foremost(cue)
        given = self.given(look)
        if given is not None:
            return given
        brush = Brush(self.model, self.size, look.seed)
        if self.key is None:
            return brush.imagine(self.condition(cue))
        picture = next(iter(self.key.paint(self.small, self.shot))).to(self.model.device)
        steps = max(1, math.ceil(self.model.caps.key_steps * self.key_strength))
        return brush.repaint(picture, self.key_strength, self.condition(cue), steps)

    def given(self, look: Look, size: Size | None = None) -> torch.Tensor | None:
        """The user's picture for a look, if there is one; where no size is named, to paint over."""
        if look.image is None:
            return None
        path, way = self.score.images[look.image], self.shot.paint.picture
        return load_picture(path, size or self.size, way).to(self.model.device)

    def relief(self, picture: torch.Tensor, look: Look) -> Relief:
        """What the camera finds in a look's first picture.

        A guess is trusted on pictures of the user's only: that they show something is known.
        """
        if self.depth is None or (look.image is None and self.depth.trust < 1.0):
            return Relief()
        return Relief.of(self.depth.nearness(picture), self.depth.trust)

    def keepsake(self, picture: torch.Tensor, relief: Relief, cue: Cue) -> Keepsake | None:
        """A shot's first picture to hold on to, where it is the user's."""
        look = self.shot.looks.index(self.foremost(cue))
        return None if self.shot.looks[look].image is None else Keepsake(picture, relief, look)

    def foremost(self, cue: Cue) -> Look:
        """The look that shows most."""
        return self.shot.looks[cue.weights.index(max(cue.weights))]

    def anchor(self, picture: torch.Tensor, cue: Cue) -> Anchor:
        """Takes a picture as the one to hold later ones to."""
        latents = self.model.encode(picture[None])
        return Anchor.of(oklab.from_srgb(picture), latents, self.tint(cue), self.pull)

    def show(self, lab: torch.Tensor, cue: Cue, plain: torch.Tensor | None = None) -> torch.Tensor:
        """A painted picture graded and scaled to the film's size.

        Args:
            lab: In OKLab.
            cue: Its grading.
            plain: The same in sRGB, where it is at hand.
        """
        picture = plain if plain is not None and is_neutral(cue) else oklab.to_srgb(grade(lab, cue))
        return self.scaled(picture)

    def scaled(self, picture: torch.Tensor) -> torch.Tensor:
        """A picture at the film's size."""
        height, width = self.score.height, self.score.width
        if picture.shape[-2:] == (height, width):
            return picture
        if height < picture.shape[-2]:
            size = (height, width)
            return F.interpolate(picture[None], size, mode="bicubic", antialias=True)[0].clamp(0, 1)
        return camera.enlarge(picture, height, width).clamp_(0.0, 1.0)


def per_frame(share: float, fps: int) -> float:
    """What is renewed in one frame, for a share meant at 24 frames per second.

    The old is kept by the product of all frames, so that at any rate as much of it is left after
    a second.

    >>> round(1 - (1 - per_frame(0.5, 48)) ** 2, 9)
    0.5
    """
    return float(1.0 - (1.0 - share) ** (24.0 / fps))
