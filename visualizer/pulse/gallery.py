"""Drawings and their latents on disk, in pieces that are drawn once and found again.

A piece is one .npy file of `PIECE` drawings of one shape. It is written beside its place and then
renamed, so that work that was stopped goes on with the first piece that is missing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from visualizer.pulse.drawings import draw, imagine, imagine_later

PIECE = 256  # Drawings in a file.
SHAPES = ((256, 256), (192, 320), (256, 256), (320, 192), (256, 256), (192, 320))
"""Height and width of the pieces in turn: films are square, wide and tall."""


@dataclass(frozen=True)
class Gallery:
    """A folder of drawings.

    Attributes:
        folder: Where the pieces lie.
        scale: Size of the drawings: 1 for `SHAPES`, 2 for twice their height and width.
        piece: Drawings in a file.
        later: Whether the camera has moved on by a frame.
    """

    folder: Path
    scale: int = 1
    piece: int = PIECE
    later: bool = False

    def shape(self, number: int) -> tuple[int, int]:
        """Height and width of the drawings of a piece, in pixels."""
        height, width = SHAPES[number % len(SHAPES)]
        return height * self.scale, width * self.scale

    def numbers(self, number: int) -> range:
        """Which drawings are in a piece; other scales show other drawings."""
        first = (number + (self.scale - 1) * 1_000_000) * self.piece
        return range(first, first + self.piece)

    def pictures(self, number: int) -> NDArray[np.uint8]:
        """A piece, drawn now if it was not yet.

        Returns:
            uint8, shape (piece, 3, height, width), sRGB-encoded; mapped, not loaded.
        """
        path = self.folder / f"pictures-{self._kind}-{number:05}.npy"
        return _made(path, lambda: self._draw(number))

    def latents(
        self, number: int, encode: Callable[[torch.Tensor], torch.Tensor], name: str
    ) -> NDArray[np.float16]:
        """The latents of a piece, made now if they were not yet.

        Args:
            number: Of the piece.
            encode: Takes uint8 pictures, shape (n, 3, height, width).
            name: Of what `encode` does, for the file's name.

        Returns:
            float16, shape (piece, channels, rows, columns).
        """
        path = self.folder / f"latents-{self._kind}-{name}-{number:05}.npy"
        return _made(path, lambda: self._encode(number, encode))

    @property
    def _kind(self) -> str:
        return f"{self.scale}-later" if self.later else f"{self.scale}"

    def _draw(self, number: int) -> NDArray[np.uint8]:
        height, width = self.shape(number)
        choose = imagine_later if self.later else imagine
        drawn = (draw(choose(n), height, width).numpy() for n in self.numbers(number))
        return np.stack(list(drawn))

    def _encode(
        self, number: int, encode: Callable[[torch.Tensor], torch.Tensor]
    ) -> NDArray[np.float16]:
        pictures = torch.from_numpy(np.array(self.pictures(number)))
        parts = [encode(part).to(torch.float16) for part in torch.split(pictures, 16)]
        return torch.cat(parts).numpy()


def _made(path: Path, make: Callable[[], NDArray[Any]]) -> NDArray[Any]:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        with part.open("wb") as file:
            np.save(file, make(), allow_pickle=False)
        part.rename(path)
    found: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    return found
