"""OKLab, where equal steps look equal and chroma is apart from lightness.

Source: B. Ottosson, https://bottosson.github.io/posts/oklab/
Conventions: shape (..., 3, height, width), channels lightness, green-red and blue-yellow.
"""

from __future__ import annotations

import cv2
import numpy as np
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


# Encoded sRGB is a line up to here, in light, and a power above. Each is held where the other goes
# on, and they are added: choosing between them takes longer than both.
_KNEE = 0.0031308


def from_srgb(picture: torch.Tensor) -> torch.Tensor:
    """Encoded sRGB in [0, 1] to OKLab."""
    knee = 12.92 * _KNEE
    curve = _power(picture.clamp_min(knee).add_(0.055).div_(1.055), 2.4)
    curve.sub_(((knee + 0.055) / 1.055) ** 2.4)
    linear = curve.add_(picture.clamp_max(knee), alpha=1.0 / 12.92)
    # A tiny floor instead of a signed root: the pictures of this program are in gamut.
    lms = _power(_apply(RGB_TO_LMS, linear).clamp_min_(1e-9), 1.0 / 3.0)
    return _apply(LMS_TO_LAB, lms)


def to_srgb(lab: torch.Tensor) -> torch.Tensor:
    """OKLab to encoded sRGB, clipped to [0, 1]."""
    lms = _apply(_inverse(LMS_TO_LAB), lab) ** 3
    linear = _apply(_inverse(RGB_TO_LMS), lms).clamp_(0.0, 1.0)
    curve = _power(linear.clamp_min(_KNEE), 1.0 / 2.4).sub_(_KNEE ** (1.0 / 2.4))
    return linear.clamp_max_(_KNEE).mul_(12.92).add_(curve, alpha=1.055).clamp_(0.0, 1.0)


def _power(values: torch.Tensor, exponent: float) -> torch.Tensor:
    """Positive values to a power; shape (..., height, width).

    On the CPU by OpenCV's logarithm and exponential, in a sixth of the time.
    """
    if values.device.type != "cpu" or values.dtype != torch.float32 or values.requires_grad:
        return values**exponent
    rows = values.contiguous().numpy().reshape(-1, values.shape[-1])
    result = cv2.exp(cv2.multiply(cv2.log(rows), exponent))
    return torch.from_numpy(np.asarray(result, np.float32).reshape(values.shape))


def _apply(matrix: tuple[tuple[float, ...], ...], colour: torch.Tensor) -> torch.Tensor:
    weights = torch.tensor(matrix, dtype=colour.dtype, device=colour.device)
    return torch.einsum("ij,...jhw->...ihw", weights, colour)


def _inverse(matrix: tuple[tuple[float, ...], ...]) -> tuple[tuple[float, ...], ...]:
    inverse = torch.linalg.inv(torch.tensor(matrix, dtype=torch.float64))
    return tuple(tuple(row) for row in inverse.tolist())
