"""OKLab, where equal steps look equal and chroma is apart from lightness.

Source: B. Ottosson, https://bottosson.github.io/posts/oklab/
Conventions: shape (..., 3, height, width), channels lightness, green-red and blue-yellow.
"""

from __future__ import annotations

import torch

RGB_TO_LMS = (
    (0.4122214708, 0.5363325363, 0.0514459929),
    (0.2119034982, 0.6806995451, 0.1073969566),
    (0.0883024619, 0.2817188376, 0.6299787005),
)
LMS_TO_LAB = (
    (0.2104542553, 0.7936177850, -0.0040720468),
    (1.9779984951, -2.4285922050, 0.4505937099),
    (0.0259040371, 0.7827717662, -0.8086757660),
)


def from_srgb(picture: torch.Tensor) -> torch.Tensor:
    """Encoded sRGB in [0, 1] to OKLab."""
    linear = torch.where(
        picture <= 0.04045, picture / 12.92, ((picture.clamp_min(0.0) + 0.055) / 1.055) ** 2.4
    )
    # A tiny floor instead of a signed root: the pictures of this program are in gamut.
    return _apply(LMS_TO_LAB, _apply(RGB_TO_LMS, linear).clamp_min(1e-9) ** (1.0 / 3.0))


def to_srgb(lab: torch.Tensor) -> torch.Tensor:
    """OKLab to encoded sRGB, clipped to [0, 1]."""
    lms = _apply(_inverse(LMS_TO_LAB), lab) ** 3
    linear = _apply(_inverse(RGB_TO_LMS), lms).clamp(0.0, 1.0)
    return torch.where(
        linear <= 0.0031308, linear * 12.92, 1.055 * linear.clamp_min(1e-9) ** (1 / 2.4) - 0.055
    )


def _apply(matrix: tuple[tuple[float, ...], ...], colour: torch.Tensor) -> torch.Tensor:
    weights = torch.tensor(matrix, dtype=colour.dtype, device=colour.device)
    return torch.einsum("ij,...jhw->...ihw", weights, colour)


def _inverse(matrix: tuple[tuple[float, ...], ...]) -> tuple[tuple[float, ...], ...]:
    inverse = torch.linalg.inv(torch.tensor(matrix, dtype=torch.float64))
    return tuple(tuple(row) for row in inverse.tolist())
