"""The picture a shot begins with, and the size it is painted at."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from visualizer.errors import VisualizerError
from visualizer.painters.diffusion.model import Caps


@dataclass(frozen=True)
class Size:
    """Pixels of the painted picture.

    Attributes:
        width: Pixels.
        height: Pixels.
    """

    width: int
    height: int

    @property
    def aspect(self) -> float:
        """Width over height."""
        return self.width / self.height


def painting_size(caps: Caps, width: int, height: int) -> Size:
    """The size nearest to the area the model was made for, in the film's shape.

    >>> from visualizer.painters.diffusion.model import Caps
    >>> painting_size(Caps("", 512 * 512, 16, 4, 8, 1, 4), 1280, 720)
    Size(width=688, height=384)
    """
    aspect, multiple = width / height, caps.multiple
    rows = max(1, round(math.sqrt(caps.area / aspect) / multiple))
    columns = max(1, round(rows * aspect))
    return Size(columns * multiple, rows * multiple)


def load_picture(path: str, size: Size, way: str = "fill") -> torch.Tensor:
    """Reads a user's picture and brings it into the frame, scaled and centred.

    Args:
        path: The file.
        size: Of the frame.
        way: "fill" cuts it to the frame's shape; "fit" shows all of it, and what is left of the
            frame is filled with the picture itself, large and blurred.

    Returns:
        float32, shape (3, height, width), sRGB-encoded, in [0, 1].

    Raises:
        VisualizerError: When the file is missing or is no picture.
    """
    pixels = _read(path)
    cut = _resize(_crop(pixels, size.aspect), size.width, size.height)
    fitted = _on_blur(pixels, cut) if way == "fit" else cut
    return torch.from_numpy(fitted).permute(2, 0, 1).float() / 255.0


def check_picture(path: str) -> None:
    """Opens a user's picture to see whether it can be used.

    Raises:
        VisualizerError: When the file is missing or is no picture.
    """
    _read(path)


def _read(path: str) -> NDArray[np.uint8]:
    if not Path(path).is_file():
        raise VisualizerError(f"{path}: no such picture")
    try:
        # Not imread, which cannot open every path on Windows.
        pixels = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR_RGB)
    except (cv2.error, OSError):
        pixels = None
    if pixels is None:
        raise VisualizerError(f"{path}: no picture that can be read; use a PNG, JPEG or WebP file")
    return np.asarray(pixels, np.uint8)


def _on_blur(pixels: NDArray[np.uint8], cut: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The whole picture in the middle of its own blur."""
    height, width = cut.shape[:2]
    scale = min(width / pixels.shape[1], height / pixels.shape[0])
    whole = _resize(
        pixels, max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale))
    )
    filled = cv2.GaussianBlur(cut, (0, 0), 0.06 * max(width, height))
    top, left = (height - whole.shape[0]) // 2, (width - whole.shape[1]) // 2
    filled[top : top + whole.shape[0], left : left + whole.shape[1]] = whole
    return np.asarray(filled, np.uint8)


def _resize(pixels: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    shrinks = width < pixels.shape[1]
    way = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=way), np.uint8)


def _crop(pixels: NDArray[np.uint8], aspect: float) -> NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    keep_width = min(width, max(1, round(height * aspect)))
    keep_height = min(height, max(1, round(width / aspect)))
    left, top = (width - keep_width) // 2, (height - keep_height) // 2
    return pixels[top : top + keep_height, left : left + keep_width]
