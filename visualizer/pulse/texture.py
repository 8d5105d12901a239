"""How fine pictures are, place by place: calm skies and nets of lines.

A critic that must not see light and colour cannot say where detail belongs, and one that may see
them is hardly ever sure (see `critic.Fine`). Left to it alone, a decoder put scribbles into dark
places. This says it instead, without having to be learned: each cell of a picture has its colour
and its fineness, in grey and in hue, and those that are painted must be those that are drawn.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from visualizer.pulse.colors import apart, each
from visualizer.pulse.denoiser import huber

CELL = 8  # Pixels along its edge.
FLOOR = 3e-4  # Squared Laplacian that nobody sees.
COLORS = 3  # Red, green and blue come first.
FINE, COLOR = 0.35, 2.0  # How much fineness and colour count beside each other.
TOO_FINE = 3.0  # How much more a cell that is too fine counts than one that is not fine enough.


def textures(pictures: torch.Tensor) -> torch.Tensor:
    """Colour and fineness of each cell.

    Args:
        pictures: Shape (n, 3, height, width), in [0, 1], edges multiples of `CELL`.

    Returns:
        Shape (n, 7, height / `CELL`, width / `CELL`): mean red, green and blue, then the logarithms
        of mean squared Laplacians: of the grey, of red less green, of blue less both, and of the
        grey in pairs of pixels.
    """
    grey = pictures.mean(1, keepdim=True)
    red, green, blue = (pictures[:, k : k + 1] for k in range(COLORS))
    fine = [_fineness(part, CELL) for part in (grey, red - green, blue - 0.5 * (red + green))]
    coarse = _fineness(F.avg_pool2d(grey, 2), CELL // 2)
    return torch.cat([COLOR * F.avg_pool2d(pictures, CELL), *fine, coarse], 1)


def mistextured(
    painted: torch.Tensor, drawn: torch.Tensor, trust: torch.Tensor, rng: np.random.Generator
) -> torch.Tensor:
    """How far pictures are from drawings in what `textures` says of them.

    Args:
        painted: Pictures, shape (n, 3, height, width).
        drawn: The drawings they started from, or others of the same words.
        trust: How much of each drawing was left, shape (n, 1, 1, 1): so much, each cell must be as
            fine as there; else it may be anywhere, but as fine as drawings are in its colour.
        rng: Chooses the directions in which cells are compared; see `colors.apart`.

    Returns:
        Shape (n, 1, 1, 1).
    """
    found, true = textures(painted), textures(drawn)
    fine, goal = found[:, COLORS:], true[:, COLORS:]
    here = huber(fine, goal) * torch.where(fine > goal, TOO_FINE, 1.0)
    return trust * each(here) + (1.0 - trust) * apart(found, true, rng)


def detail(pictures: torch.Tensor) -> torch.Tensor:
    """Mean variance of the Laplacian of the pictures' grey."""
    grey = pictures.detach().mean(1, keepdim=True)
    return _laplacian(grey).var(dim=(1, 2, 3)).mean()


def _fineness(grey: torch.Tensor, cell: int) -> torch.Tensor:
    energy = _laplacian(F.pad(grey, (1, 1, 1, 1), mode="replicate")).square()
    return FINE * (F.avg_pool2d(energy, cell) + FLOOR).log()


def _laplacian(grey: torch.Tensor) -> torch.Tensor:
    """Of all but the rim: two pixels lower and narrower."""
    kernel = grey.new_tensor([[0.0, 1.0, 0.0], [1.0, -4.0, 1.0], [0.0, 1.0, 0.0]])
    return F.conv2d(grey, kernel[None, None])
