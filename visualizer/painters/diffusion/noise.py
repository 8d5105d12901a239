"""Noise that travels with the camera.

One noise for every frame sticks to the glass while the picture moves beneath it; new noise in
every frame boils. Warped noise is neither, but interpolating it averages it away: 120 frames of a
slow zoom leave a fifth of it. So each value is a grain with a place of its own. The camera moves
the places, by fractions of a cell if need be, and never the values; a cell shows the one grain
that lies in it, gets a new one where none does, and drops what is too many. Which grain is shown
depends on its place alone, so the field stays white to the last frame.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch

Forward = Callable[[torch.Tensor], torch.Tensor]
"""Moves points, float64, shape (points, 2), in the camera's coordinates."""


class TravellingNoise:
    """White noise at latent resolution that rides on the camera and renews itself."""

    def __init__(self, channels: int, height: int, width: int, seed: int) -> None:
        """Starts a field of new noise; the same seed gives the same field on every device."""
        self._generator = torch.Generator().manual_seed(seed)
        self._height, self._width = height, width
        self._centres = _centres(height, width)
        self._places = self._centres.clone()
        self._grains = self._draw(channels)

    @property
    def field(self) -> torch.Tensor:
        """float32, shape (1, channels, height, width), each channel of mean 0 and deviation 1."""
        grains = self._grains - self._grains.mean(dim=1, keepdim=True)
        grains = grains / grains.std(dim=1, keepdim=True)
        return grains.reshape(1, -1, self._height, self._width)

    def advance(self, forward: Forward, renewal: float) -> None:
        """Moves on by one frame.

        Args:
            forward: Where points of the old frame lie in the new one, such as
                `visualizer.camera.forward` with a move.
            renewal: Share of the noise that is new, in [0, 1]: 0 only travels, 1 forgets all.
        """
        places = forward(self._places)
        owner, held = self._settle(places)
        keep = 1.0 - renewal
        fresh = self._draw(self._grains.shape[0])
        aged = keep * self._grains[:, owner] + math.sqrt(1.0 - keep * keep) * fresh
        self._grains = torch.where(held, aged, fresh)
        self._places = torch.where(held[:, None], places[owner], self._centres)

    def _draw(self, channels: int) -> torch.Tensor:
        return torch.randn(channels, self._height * self._width, generator=self._generator)

    def _settle(self, places: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """For each cell: the grain it shows, and whether there is one.

        Grains that find their cell taken try the nearest beside it before they are given up.
        """
        nobody = len(places)
        owner = torch.full((nobody,), nobody)
        seeking = torch.ones(nobody, dtype=torch.bool)
        for column, row in self._choices(places):
            inside = (column >= 0) & (column < self._width) & (row >= 0) & (row < self._height)
            cell = torch.where(inside, row * self._width + column, 0)
            grain = (seeking & inside & (owner[cell] == nobody)).nonzero()[:, 0]
            owner.scatter_reduce_(0, cell[grain], grain, "amin")
            seeking[owner[owner < nobody]] = False
        held = owner < nobody
        return torch.where(held, owner, 0), held

    def _choices(self, places: torch.Tensor) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Columns and rows of the four cells nearest to each place, the one it lies in first."""
        x = (places[:, 0] * self._height / self._width + 1.0) * (self._width / 2)
        y = (places[:, 1] + 1.0) * (self._height / 2)
        column, row = x.floor().long(), y.floor().long()
        beside = column + torch.where(x - column < 0.5, -1, 1)
        above = row + torch.where(y - row < 0.5, -1, 1)
        return [(column, row), (beside, row), (column, above), (beside, above)]


def _centres(height: int, width: int) -> torch.Tensor:
    """Shape (height * width, 2): x and y of the cells, in the camera's coordinates."""
    y = (torch.arange(height, dtype=torch.float64) + 0.5) * (2.0 / height) - 1.0
    x = ((torch.arange(width, dtype=torch.float64) + 0.5) * (2.0 / width) - 1.0) * width / height
    return torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1).reshape(-1, 2)
