"""Pure image geometry: one composed warp per frame, in torch, on any device.

Conventions: a matrix is float64, shape (3, 3), and maps a point of the new frame to the point of
the old frame that it shows, in coordinates centred on the picture where the height spans [-1, 1]
and the width [-aspect, aspect], y down.
"""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from visualizer.score import Cue

Matrix = NDArray[np.float64]


def step(cue: Cue, fps: int, aspect: float) -> Matrix:
    """The camera's move from the frame before `cue` to the frame of `cue`.

    Tilt is a lean and not a rate; one frame's share of it is applied, so that trails fall away
    towards the horizon.
    """
    scale = math.exp(-cue.zoom / fps)
    turn = math.radians(cue.rotate) / fps
    c, s = scale * math.cos(turn), scale * math.sin(turn)
    lean = math.sin(math.radians(cue.tilt)) * 0.5 / fps
    affine = np.array(
        [
            [c, s, 2.0 * aspect * cue.pan / fps],
            [-s, c, -2.0 * cue.lift / fps],
            [0.0, 0.0, 1.0],
        ]
    )
    return affine @ np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, lean, 1.0]])


def sampling_grid(matrix: Matrix, height: int, width: int, device: torch.device) -> torch.Tensor:
    """The grid that `torch.nn.functional.grid_sample` wants: shape (1, height, width, 2)."""
    aspect = width / height
    m = torch.tensor(matrix, dtype=torch.float32, device=device)
    y = (torch.arange(height, device=device) + 0.5) * (2.0 / height) - 1.0
    x = ((torch.arange(width, device=device) + 0.5) * (2.0 / width) - 1.0) * aspect
    depth = m[2, 0] * x + (m[2, 1] * y + m[2, 2])[:, None]
    u = (m[0, 0] * x + (m[0, 1] * y + m[0, 2])[:, None]) / depth / aspect
    v = (m[1, 0] * x + (m[1, 1] * y + m[1, 2])[:, None]) / depth
    return torch.stack([u, v], dim=-1)[None]


def warp(image: torch.Tensor, matrix: Matrix, mode: str = "bilinear") -> torch.Tensor:
    """Moves a picture as the camera moved; what comes in from outside is mirrored.

    Args:
        image: Shape (channels, height, width), float.
        matrix: From `step`.
        mode: "nearest", "bilinear" or "bicubic".

    Returns:
        Same shape and dtype.
    """
    grid = sampling_grid(matrix, image.shape[-2], image.shape[-1], image.device)
    return F.grid_sample(
        image[None], grid.to(image.dtype), mode=mode, padding_mode="reflection", align_corners=False
    )[0]
