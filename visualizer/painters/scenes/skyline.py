"""A strip of buildings with windows, drawn once and read by the city."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray

WIDE, TALL = 6.0, 1.0  # Size of the strip in canvas units.


@lru_cache(maxsize=24)
def skyline(seed: int, device: torch.device, rows: int, slim: float) -> torch.Tensor:
    """A strip of towers that repeats sideways.

    Args:
        seed: Same seed, same street.
        device: Where the strip lives.
        rows: Pixels from the ground to the top of the strip; match it to the picture.
        slim: How high the towers are compared to their width.

    Returns:
        float32, shape (4, rows + 1, columns + 1), ground at the bottom, for `sample`: where there is
        a building, where there is a window, a number in [0, 1] for each window, and one for each
        building.
    """
    rng = np.random.default_rng([seed, 77])
    columns = int(rows * WIDE / TALL)
    strip = np.zeros((4, rows, columns))
    place = 0
    while place < columns:
        wide = min(int(rows * rng.uniform(0.09, 0.24) / (0.6 + 0.6 * slim)) + 6, columns - place)
        tall = int(rows * min(0.93, rng.gamma(2.6, 0.16) * (0.55 + 0.45 * slim) + 0.14))
        _tower(rng, strip[:, rows - tall :, place : place + wide], rows)
        place += wide + int(rng.integers(0, max(2, rows // 60)))
    _spires(rng, strip, rows)
    padded = np.pad(strip, ((0, 0), (0, 1), (0, 1)), mode="wrap")
    padded[:, -1] = padded[:, -2]
    return torch.from_numpy(padded.astype(np.float32)).to(device)


def _tower(rng: np.random.Generator, block: NDArray[np.float64], rows: int) -> None:
    """Fills one building: its body, stepped at the top, and its windows."""
    tall, wide = block.shape[1:]
    inset = int(wide * rng.choice([0.0, 0.0, 0.15, 0.25]))
    crown = int(tall * rng.uniform(0.04, 0.3)) if inset else 0
    block[0, crown:] = 1.0
    block[0, :crown, inset : wide - inset] = 1.0
    block[3] = rng.uniform()
    pitch_x = max(3, round(rows * rng.uniform(0.011, 0.019)))
    pitch_y = max(4, round(rows * rng.uniform(0.016, 0.027)))
    ribbon = rng.uniform() < 0.25  # Some offices glow floor by floor.
    floors, bays = np.arange(tall) // pitch_y, np.arange(wide) // pitch_x
    open_y, open_x = _open(tall, pitch_y, 0.55), _open(wide, pitch_x, 0.6)
    open_x[-max(1, pitch_x // 3) :] = False
    own = rng.uniform(size=(floors[-1] + 1, bays[-1] + 1))
    if ribbon:
        own[:] = own[:, :1]
    dark = rng.uniform(0.0, 0.25)  # Some buildings are nearly asleep.
    block[2] = (own + dark).clip(0.0, 1.0)[floors][:, bays]
    block[1] = np.outer(open_y, open_x) * block[0]
    block[1, : crown + pitch_y] = 0.0


def _open(pixels: int, pitch: int, share: float) -> NDArray[np.bool_]:
    """Where the glass is, inside each bay: never at its border, where two windows would mix."""
    place = np.arange(pixels) % pitch
    return (place >= 1) & (place < 1 + max(1, round(share * pitch)))


def _spires(rng: np.random.Generator, strip: NDArray[np.float64], rows: int) -> None:
    """Puts masts on some roofs, each with a lamp that always burns."""
    columns = strip.shape[2]
    roof = rows - strip[0].sum(0).astype(int)
    thick = max(1, rows // 240)
    for column in rng.integers(thick, columns - thick, 14):
        top = max(2, int(roof[column]) - int(rows * rng.uniform(0.03, 0.12)))
        strip[0, top : roof[column], column : column + thick] = 1.0
        lamp = np.s_[:, top : top + 2 * thick, column : column + 2 * thick]
        strip[lamp] = np.array([1.0, 1.0, 0.0, 0.95])[:, None, None]
