"""Flashes as WCAG 2.3.1 counts them, to warn before a film harms a viewer.

Source: https://www.w3.org/TR/WCAG22/#dfn-general-flash-and-red-flash-thresholds.

Approximations: the picture is judged in five regions of a quarter of its area each (corners and
middle) and not in every ten-degree field of view; a region's mean stands for all its points. How
far colours are apart is read from their distances to red.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from visualizer.report.luminance import LUMINANCE

CHANGE = 0.10  # Of the largest relative luminance: less is no flash.
DARK = 0.80  # The darker of the two pictures must be below.
RED = 0.80  # Of a saturated red's light is red.
HUES = 0.20  # In the CIE 1976 diagram (u', v'): nearer colours are no red flash.
GLOOM = 0.004  # Grey light that any screen adds: what is nearly black has no colour.
ALLOWED = 3  # Flashes in any one second.
TO_XYZ = np.array([[0.4124, 0.2126, 0.0193], [0.3576, 0.7152, 0.1192], [0.1805, 0.0722, 0.9505]])
SECOND = 1 - 1e-6  # Exactly three flashes a second must not become more by rounding.


@dataclass(frozen=True)
class Flashes:
    """The worst second of the film.

    Attributes:
        most: Flashes (pairs of opposing changes) in that second; halves are possible.
        second: Where that second begins; 0 where nothing flashes.
        are_red: Whether they are changes to or from a saturated red.
    """

    most: float
    second: float
    are_red: bool = False

    @property
    def is_safe(self) -> bool:
        """Whether no second holds more than three flashes."""
        return self.most <= ALLOWED


def count_flashes(regions: NDArray[np.floating], times: NDArray[np.floating]) -> Flashes:
    """Counts flashes in each region and returns the worst second of the worst region.

    Args:
        regions: Linear light of red, green and blue in [0, 1], shape (frames, regions, 3).
        times: Shape (frames,), seconds.
    """
    light = np.asarray(regions, np.float64)
    grey, share, away = light @ LUMINANCE, *_redness(light)
    bright = _worst(_turns(grey, grey < DARK, CHANGE), times)
    red = _worst(_turns(away, share >= RED, HUES), times)
    return replace(red, are_red=True) if red.most > bright.most else bright


def _redness(light: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The share of red in the light, and its colour's distance from pure red."""
    light = light + GLOOM
    hues = _chromaticity(light) - _chromaticity(np.array([1.0, 0.0, 0.0]))
    return light[..., 0] / light.sum(-1), np.hypot(hues[..., 0], hues[..., 1])


def _chromaticity(light: NDArray[np.float64]) -> NDArray[np.float64]:
    """Places in the CIE 1976 diagram, (u', v'), for linear sRGB of any shape (..., 3)."""
    x, y, z = np.moveaxis(light @ TO_XYZ, -1, 0)
    places: NDArray[np.float64] = np.stack([4 * x, 9 * y], -1) / (x + 15 * y + 3 * z)[..., None]
    return places


def _worst(turns: list[list[int]], times: NDArray[np.floating]) -> Flashes:
    """The second with most turns, of any region."""
    worst = Flashes(0.0, 0.0)
    for region in turns:
        changes = times[region]
        if len(changes) == 0:
            continue
        within = np.searchsorted(changes, changes + SECOND) - np.arange(len(changes))
        at = int(np.argmax(within))
        if within[at] / 2 > worst.most:
            worst = Flashes(float(within[at] / 2), float(changes[at]))
    return worst


def _turns(levels: NDArray[np.float64], counts: NDArray[np.bool_], apart: float) -> list[list[int]]:
    """Of each region the frames at which an opposing change is complete.

    Args:
        levels: Shape (frames, regions).
        counts: Where a level may be the lower end of a change.
        apart: How far turning points are apart at least.
    """
    return [_changes(*column, apart) for column in zip(levels.T, counts.T, strict=True)]


def _changes(levels: NDArray[np.float64], counts: NDArray[np.bool_], apart: float) -> list[int]:
    complete: list[int] = []
    rising: bool | None = None
    low, high, deep = np.inf, -np.inf, False
    for frame, (value, may) in enumerate(zip(levels.tolist(), counts.tolist(), strict=True)):
        if value < low:
            low, deep = value, may
        high = max(high, value)
        if rising is not True and value - low >= apart and deep:
            rising, high = True, value
            complete.append(frame)
        elif rising is not False and high - value >= apart and may:
            rising, low, deep = False, value, may
            complete.append(frame)
    return complete
