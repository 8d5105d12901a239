"""A strip of buildings with windows, drawn once and read by the city."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from visualizer.painters.scenes.tiles import kept

WIDE, TALL = 6.0, 1.0  # Size of the strip, in heights of the tallest tower.
BAYS = 64  # Windows in a row of the largest building.


@kept(6)
def skyline(seed: int, device: torch.device, rows: int, slim: float) -> torch.Tensor:
    """A strip of towers that repeats sideways.

    Args:
        seed: Same seed, same street.
        device: Where the strip lives.
        rows: Pixels from the ground to the top of the strip; match it to the picture.
        slim: How high the towers are compared to their width.

    Returns:
        float32, shape (4, rows + 1, columns + 1), ground at the bottom, for `sample`: where there
        is a building, where there is a window, a number in [0, 1] for each window, and one for
        each building.
    """
    rng = np.random.default_rng([seed, 77])
    strip = np.zeros((4, rows, int(rows * WIDE / TALL)))
    place = 0.0
    while place < WIDE - 0.05:
        wide = min(rng.uniform(0.09, 0.24) / (0.6 + 0.6 * slim) + 0.03, WIDE - place)
        tall = min(0.93, rng.gamma(2.6, 0.16) * (0.55 + 0.45 * slim) + 0.14)
        columns = slice(round(place * rows), round((place + wide) * rows))
        _tower(rng, strip[:, rows - round(tall * rows) :, columns], rows)
        place += wide + rng.choice([0.0, 0.0, 0.012])
    _spires(rng, strip, rows)
    padded = np.pad(strip, ((0, 0), (0, 1), (0, 1)), mode="wrap")
    padded[:, -1] = padded[:, -2]
    return torch.from_numpy(padded.astype(np.float32)).to(device)


def _tower(rng: np.random.Generator, block: NDArray[np.float64], rows: int) -> None:
    """Fills one building: its body, stepped at the top, and its windows."""
    tall, wide = block.shape[1:]
    inset = round(wide * rng.choice([0.0, 0.0, 0.15, 0.25]))
    crown = round(tall * rng.uniform(0.04, 0.3)) if inset else 0
    numbers = rng.uniform(size=(BAYS, BAYS))
    dark = rng.uniform(0.0, 0.25)  # Some buildings are nearly asleep.
    block[0, crown:] = 1.0
    block[0, :crown, inset : wide - inset] = 1.0
    block[3] = rng.uniform()
    pitch_x, pitch_y = rng.uniform((0.011, 0.016), (0.019, 0.027)) * rows
    if rng.uniform() < 0.25:  # Some offices glow floor by floor.
        numbers[:] = numbers[:, :1]
    floors, open_y = _bays(tall, max(3.0, pitch_y), 0.55)
    bays, open_x = _bays(wide, max(3.0, pitch_x), 0.60)
    block[2] = (numbers + dark).clip(0.0, 1.0)[floors][:, bays]
    block[1] = np.outer(open_y, open_x) * block[0]
    block[1, : crown + max(3, round(pitch_y))] = 0.0


def _bays(pixels: int, pitch: float, share: float) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Which bay each pixel is in, counted from the far end, and whether it is glass.

    Glass never touches the border of its bay, where two windows would mix.
    """
    place = np.arange(pixels)[::-1] / pitch
    number = place.astype(np.intp)
    inside = (place - number) * pitch
    glass = (inside >= 1.0) & (inside < 1.0 + max(1.0, share * pitch))
    return number % BAYS, glass


def _spires(rng: np.random.Generator, strip: NDArray[np.float64], rows: int) -> None:
    """Puts masts on some roofs, each with a lamp that always burns."""
    roof = rows - strip[0].sum(0).astype(int)
    thick = max(1, rows // 240)
    for place, length in rng.uniform((0.01, 0.03), (0.99, 0.12), (14, 2)):
        column = int(place * strip.shape[2])
        top = max(2, int(roof[column]) - round(rows * length))
        strip[0, top : roof[column], column : column + thick] = 1.0
        lamp = np.s_[:, top : top + 2 * thick, column : column + 2 * thick]
        strip[lamp] = np.array([1.0, 1.0, 0.0, 0.95])[:, None, None]
