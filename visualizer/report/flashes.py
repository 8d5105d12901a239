"""Flashes as WCAG 2.3.1 counts them, to warn before a film harms a viewer.

Source: https://www.w3.org/TR/WCAG22/#dfn-general-flash-and-red-flash-thresholds.

Approximations: the picture is judged in five regions of a quarter of its area each (corners and
middle) and not in every ten-degree field of view; a region's mean stands for all its points; red
flashes are not judged apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CHANGE = 0.10  # Of the largest relative luminance: less is no flash.
DARK = 0.80  # The darker of the two pictures must be below.
ALLOWED = 3  # Flashes in any one second.
SECOND = 1 - 1e-6  # Exactly three flashes a second must not become more by rounding.


@dataclass(frozen=True)
class Flashes:
    """The worst second of the film.

    Attributes:
        most: Flashes (pairs of opposing changes) in that second; halves are possible.
        second: Where that second begins; 0 where nothing flashes.
    """

    most: float
    second: float

    @property
    def is_safe(self) -> bool:
        """Whether no second holds more than three flashes."""
        return self.most <= ALLOWED


def count_flashes(regions: NDArray[np.floating], times: NDArray[np.floating]) -> Flashes:
    """Counts flashes in each region and returns the worst second of the worst region.

    Args:
        regions: Shape (frames, regions), relative luminance in [0, 1].
        times: Shape (frames,), seconds.
    """
    worst = Flashes(0.0, 0.0)
    for column in np.asarray(regions, np.float64).T:
        changes = times[_changes(column)]
        if len(changes) == 0:
            continue
        within = np.searchsorted(changes, changes + SECOND) - np.arange(len(changes))
        at = int(np.argmax(within))
        if within[at] / 2 > worst.most:
            worst = Flashes(float(within[at] / 2), float(changes[at]))
    return worst


def _changes(luminance: NDArray[np.float64]) -> list[int]:
    """Frames at which an opposing change is complete: turning points that lie 0.1 apart."""
    complete: list[int] = []
    rising: bool | None = None
    low, high = np.inf, -np.inf
    for frame, value in enumerate(luminance.tolist()):
        low, high = min(low, value), max(high, value)
        if rising is not True and value - low >= CHANGE and low < DARK:
            rising, high = True, value
            complete.append(frame)
        elif rising is not False and high - value >= CHANGE and value < DARK:
            rising, low = False, value
            complete.append(frame)
    return complete
