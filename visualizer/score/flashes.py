"""Keeps a film safe to watch: no more than three flashes in any second (WCAG 2.3.1)."""

from __future__ import annotations

from bisect import bisect, insort

import numpy as np
from numpy.typing import NDArray
from scipy.signal import find_peaks

PER_SECOND = 3
VISIBLE = 0.1  # A smaller rise is no flash to WCAG.


def limit_flashes(flash: NDArray[np.float32], fps: int) -> NDArray[np.float32]:
    """Takes out the weaker flashes where more than three fall into one second.

    Args:
        flash: Shape (n,), in [0, 1]: light added to each frame.
        fps: Frames per second.

    Returns:
        Shape (n,); a peak that is taken out is cut down to the level of the valleys beside it.

    Source: https://www.w3.org/TR/WCAG21/#three-flashes-or-below-threshold
    """
    padded = np.concatenate([[0.0], np.asarray(flash, np.float64), [0.0]])
    peaks, shape = find_peaks(padded, prominence=VISIBLE, plateau_size=1)
    kept: list[int] = []
    for peak in peaks[np.argsort(-padded[peaks], kind="stable")].tolist():
        if _has_room(kept, peak, fps):
            insort(kept, peak)
    for peak in sorted(set(peaks.tolist()) - set(kept)):
        at = int(np.searchsorted(peaks, peak))
        left, right = int(shape["left_bases"][at]), int(shape["right_bases"][at])
        inside = [k for k in kept if left < k < right]
        left = max([k for k in inside if k < peak], default=left)
        right = min([k for k in inside if k > peak], default=right)
        _cut_down(padded, left, peak, right)
    return padded[1:-1].astype(np.float32)


def _has_room(kept: list[int], peak: int, fps: int) -> bool:
    """Whether no second would hold more than three of the kept peaks if this one joined them."""
    at = bisect(kept, peak)
    near = [*kept[max(0, at - PER_SECOND) : at], peak, *kept[at : at + PER_SECOND]]
    return all(last - first >= fps for first, last in zip(near, near[PER_SECOND:], strict=False))


def _cut_down(level: NDArray[np.float64], left: int, peak: int, right: int) -> None:
    """Lowers one peak to the line between the lowest points on its two sides."""
    low_left = left + int(np.argmin(level[left : peak + 1]))
    low_right = peak + int(np.argmin(level[peak : right + 1]))
    line = np.linspace(level[low_left], level[low_right], low_right - low_left + 1)
    level[low_left : low_right + 1] = np.minimum(level[low_left : low_right + 1], line)
