"""One-dimensional control signals: shaping and sampling, numpy only.

Conventions: a curve is float32, shape (n,), values in [0, 1], point i at second i / rate. An event
list is float64, shape (m,), seconds, increasing. Nothing here knows about frames but `pulses` and
`sample`, which take the times at which the caller wants values.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

Floats = NDArray[np.floating]


def normalize(curve: Floats, low: float = 5.0, high: float = 99.0) -> NDArray[np.float32]:
    """Stretches a curve to [0, 1] by its own percentiles, so that one outlier cannot flatten it.

    Args:
        curve: Shape (n,), any unit.
        low: Percentile that becomes 0.
        high: Percentile that becomes 1.

    Returns:
        Shape (n,), in [0, 1]; all zeros where the curve is constant.

    >>> normalize(np.array([1.0, 2.0, 3.0]), low=0, high=100).tolist()
    [0.0, 0.5, 1.0]
    """
    if curve.size == 0:
        return np.zeros(0, np.float32)
    floor, ceiling = np.percentile(curve, [low, high])
    if not ceiling - floor > 1e-9 * max(1.0, abs(ceiling)):
        return np.zeros(curve.shape, np.float32)
    stretched: NDArray[np.float64] = (np.asarray(curve, np.float64) - floor) / (ceiling - floor)
    return stretched.clip(0.0, 1.0).astype(np.float32)


def attack_release(
    curve: Floats, rate: float, attack: float, release: float
) -> NDArray[np.float32]:
    """Follows a curve like a compressor's envelope: rises over `attack`, falls over `release`.

    The rise is run backwards in time, so the envelope reaches each peak when the peak sounds and
    not after it: an offline film may look ahead.

    Args:
        curve: Shape (n,), in [0, 1].
        rate: Points per second.
        attack: Seconds to rise by 63 %.
        release: Seconds to fall by 63 %.

    Returns:
        Shape (n,), in [0, 1], nowhere below the curve.
    """
    fallen = _decay(np.asarray(curve, np.float64), rate, release)
    return _decay(fallen[::-1], rate, attack)[::-1].astype(np.float32)


def smooth(curve: Floats, rate: float, seconds: float) -> NDArray[np.float32]:
    """Averages a curve over about `seconds`, forwards and backwards, so that nothing is late."""
    if seconds * rate < 0.5 or curve.size == 0:
        return np.asarray(curve, np.float32)
    keep = math.exp(-1.0 / (seconds * rate))
    forward = _one_pole(np.asarray(curve, np.float64), keep)
    return _one_pole(forward[::-1], keep)[::-1].astype(np.float32)


def sample(curve: Floats, rate: float, times: Floats) -> NDArray[np.float32]:
    """Reads a curve at `times` (seconds) by linear interpolation; held constant beyond its ends."""
    if curve.size == 0:
        return np.zeros(np.shape(times), np.float32)
    return np.interp(times, np.arange(curve.size) / rate, curve).astype(np.float32)


def pulses(
    events: Floats, times: Floats, attack: float, release: float, weights: Floats | None = None
) -> NDArray[np.float32]:
    """Turns events into hits: 1 on the frame nearest to each event, falling away after it.

    Args:
        events: Shape (m,), seconds, increasing.
        times: Shape (n,), seconds of the frames, evenly spaced.
        attack: Seconds of rise before the event.
        release: Seconds to fall by 63 % after it.
        weights: Shape (m,), height of each hit in [0, 1]; all 1 when omitted.

    Returns:
        Shape (n,), in [0, 1].
    """
    n = len(times)
    hits = np.zeros(n)
    if n == 0 or len(events) == 0:
        return hits.astype(np.float32)
    rate = (n - 1) / (times[-1] - times[0]) if n > 1 else 1.0
    frames = np.rint((np.asarray(events) - times[0]) * rate).astype(int)
    heights = np.ones(len(events)) if weights is None else np.asarray(weights)
    inside = (frames >= 0) & (frames < n)
    np.maximum.at(hits, frames[inside], heights[inside])
    return attack_release(hits, rate, attack, release)


def _decay(curve: NDArray[np.float64], rate: float, seconds: float) -> NDArray[np.float64]:
    """y[i] = max(x[i], keep * y[i-1]), computed without a Python loop in the log domain."""
    if seconds * rate < 0.05 or curve.size == 0:
        return curve
    slope = 1.0 / (seconds * rate)
    ramp = np.arange(curve.size) * slope
    with np.errstate(divide="ignore"):
        level = np.maximum.accumulate(np.log(np.maximum(curve, 0.0)) + ramp)
    followed: NDArray[np.float64] = np.exp(level - ramp)
    return followed


def _one_pole(curve: NDArray[np.float64], keep: float) -> NDArray[np.float64]:
    filtered, _ = lfilter([1.0 - keep], [1.0, -keep], curve, zi=[keep * curve[0]])
    return np.asarray(filtered)
