"""How bright each frame is, as WCAG measures it, decoded small and one frame at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from visualizer import ffmpeg
from visualizer.errors import VisualizerError

LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)  # Of linear sRGB (IEC 61966-2-1).
SIDE = 32  # The picture is averaged down to 32 x 32 points.
FORM = f"scale={SIDE}:{SIDE}:flags=area,format=rgb24"

HALF = SIDE // 2
QUARTER = SIDE // 4
REGIONS = (  # Each is a quarter of the picture: four corners and the middle.
    np.s_[:HALF, :HALF],
    np.s_[:HALF, HALF:],
    np.s_[HALF:, :HALF],
    np.s_[HALF:, HALF:],
    np.s_[QUARTER:-QUARTER, QUARTER:-QUARTER],
)


@dataclass(frozen=True)
class Luminance:
    """Linear light over the film: 0 black, 1 white.

    Attributes:
        whole: float32, shape (frames,): mean relative luminance of the picture.
        regions: float32, shape (frames, 5, 3): mean red, green and blue of the four corners and of
            the middle.
    """

    whole: NDArray[np.float32]
    regions: NDArray[np.float32]


def read_luminance(video: Path, frames: int) -> Luminance:
    """Decodes the picture once; six colours remain of each frame.

    Args:
        video: The film.
        frames: Number of frames that it should have.

    Raises:
        VisualizerError: Not all frames can be decoded.
    """
    six = np.dtype((np.float32, (1 + len(REGIONS), 3)))
    rows = np.asarray(np.fromiter(map(_means, _frames(video)), six), np.float32)
    if len(rows) != frames:
        raise VisualizerError(f"{video}: is damaged; {len(rows)} of {frames} frames can be shown")
    return Luminance(rows[:, 0] @ LUMINANCE, rows[:, 1:])


def _frames(video: Path) -> Iterator[NDArray[np.uint8]]:
    """Every frame of the file, none dropped and none doubled, shape (SIDE, SIDE, 3)."""
    size = SIDE * SIDE * 3
    raw = ["-vf", FORM, "-fps_mode", "passthrough", "-f", "rawvideo", "pipe:1"]
    with ffmpeg.pipe([*ffmpeg.source(video), "-map", "0:v:0", *raw]) as running:
        while len(data := running.output.read(size)) == size:
            yield np.frombuffer(data, np.uint8).reshape(SIDE, SIDE, 3)


def _means(frame: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Of the whole and of each region, shape (6, 3)."""
    linear = _linear_light()[frame]
    return np.stack([linear[part].mean(axis=(0, 1)) for part in (np.s_[:], *REGIONS)])


@cache
def _linear_light() -> NDArray[np.float32]:
    """Linear light of each sRGB byte (WCAG 2.2, "relative luminance"), shape (256,)."""
    encoded = np.arange(256) / 255
    dark = encoded <= 0.04045
    return np.where(dark, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4).astype(np.float32)
