"""The user's picture, carried along so that it can be known again.

A model that paints over its own last frame makes of any photograph what it knows best, a weak one
within a second. The camera's way since the first frame is known, so the photograph can be moved
there at once, as sharp as it was given, and a little of it be mixed in under every pass.
"""

from __future__ import annotations

import torch

from visualizer import camera
from visualizer.painters import oklab
from visualizer.painters.diffusion.anchor import Anchor
from visualizer.painters.diffusion.relief import Move, Relief, reach

_SHARE = 0.06  # Of the photograph under a frame at 24 per second: half of it within half a second.


class Keepsake:
    """A shot's first picture, where the user gave it, and the camera's way since.

    Attributes:
        look: Which of the shot's looks it belongs to.
        seen: The picture from where the camera stands now.
    """

    def __init__(
        self, picture: torch.Tensor, relief: Relief, look: int = 0, share: float = _SHARE
    ) -> None:
        """Takes the picture, shape (3, height, width), with its relief.

        Args:
            picture: The shot's first.
            relief: Of the picture.
            look: Which of the shot's looks it belongs to.
            share: How much of it to mix in a frame.
        """
        self._picture, self._relief, self._share = picture, relief, share
        self._way, self._weight = Move.none(), 1.0
        self.look, self.seen = look, picture

    def advance(self, move: Move, weight: float = 1.0) -> None:
        """Moves on.

        Args:
            move: The camera's.
            weight: How much of its look is in view.
        """
        self._way, self._weight = self._way @ move, weight
        self.seen = self._relief.warp(self._picture, self._way)

    def beneath(self, moved: torch.Tensor, frames: float = 1.0) -> torch.Tensor:
        """The last picture, moved, with some of the first where that reaches.

        Args:
            moved: Shape (3, height, width).
            frames: How many at 24 per second it stands for.
        """
        share = self._worth * (1.0 - (1.0 - self._share) ** frames)
        return torch.lerp(moved, self.seen, share * reach(self._way.plane, moved))

    def hold(self, anchor: Anchor) -> Anchor:
        """An anchor that knows what the camera sees of the picture now.

        Held to the colours of the whole, a photograph would change its hues wherever the camera
        comes close to one thing in it.
        """
        return anchor.towards(oklab.from_srgb(self.seen), self._worth)

    @property
    def _worth(self) -> float:
        """How much it can still tell: of what is enlarged to twice the size, a quarter."""
        return self._weight * min(1.0, camera.scale(self._way.plane)) ** 2
