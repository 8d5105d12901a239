"""Parts of painted pictures, shown as pixels: whole ones would take too long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from visualizer.pulse.batches import Batch
from visualizer.pulse.texture import CELL

WINDOW, MARGIN = 16, 2  # Cells along the edge of what the decoder sees, and of that, what is cut.
EDGE = (WINDOW - 2 * MARGIN) * CELL  # Pixels along the edge of what is shown.


@dataclass(frozen=True)
class Window:
    """A square part of every picture of a batch.

    Attributes:
        top: First row that the decoder sees, in cells.
        left: First column.
    """

    top: int
    left: int

    @classmethod
    def anywhere(cls, latents: torch.Tensor, rng: np.random.Generator) -> Window:
        """One that lies within latents of this shape."""
        return cls(*(int(rng.integers(cells - WINDOW + 1)) for cells in latents.shape[2:]))

    def show(self, vae: Any, latents: torch.Tensor) -> torch.Tensor:
        """What an autoencoder shows there, float32, shape (n, 3, `EDGE`, `EDGE`), about [0, 1]."""
        rows, columns = (slice(first, first + WINDOW) for first in (self.top, self.left))
        with torch.autocast(latents.device.type, dtype=torch.bfloat16):
            shown: torch.Tensor = vae.decode(latents[..., rows, columns]).sample
        cut = slice(MARGIN * CELL, MARGIN * CELL + EDGE)
        return shown[..., cut, cut].float() * 0.5 + 0.5

    def drawn(self, seen: Batch) -> torch.Tensor:
        """The drawings there, float32, shape (n, 3, `EDGE`, `EDGE`), in [0, 1]."""
        top, left = ((first + MARGIN) * CELL for first in (self.top, self.left))
        return seen.book.pictures(seen.chosen, top, left, EDGE).to(seen.latents.device)
