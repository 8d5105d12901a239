"""When something begins to sound.

Conventions: times are float64 seconds, increasing, on the time base of `spectra`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.signal import find_peaks

from visualizer.analysis.flux import stand_out
from visualizer.analysis.spectra import RATE

Floats = NDArray[np.float32]
Times = NDArray[np.float64]

FAINTEST = 0.05  # No lower peak is looked at to find out how high the clear ones are.
CLEAR = 95  # Percentile of the peaks that counts as clear.


def onset_strength(attacks: Floats) -> Floats:
    """How strongly something new sounds at each frame.

    Args:
        attacks: How fast each band rises, shape (n, bands).

    Returns:
        Shape (n,), in [0, 1].
    """
    return stand_out(attacks.mean(axis=1))


def usual_threshold(chance: Floats, least: float, most: float) -> float:
    """Half the probability that a song's clear hits have: deep in a mix all of them are fainter.

    Args:
        chance: Probability of a hit, shape (n,), at RATE.
        least: The lowest threshold.
        most: The highest one, and that of a song with no hits.
    """
    _, found = find_peaks(chance, height=FAINTEST)
    heights = found["peak_heights"]
    return float(np.clip(np.percentile(heights, CLEAR) / 2, least, most)) if len(heights) else most


def peak_times(strength: Floats, threshold: float, apart: float) -> Times:
    """Times of the peaks of a curve, between frames by the parabola through each peak.

    Args:
        strength: Shape (n,), at RATE.
        threshold: Smallest height of a peak.
        apart: Seconds; of two closer peaks the higher one stays.
    """
    padded = np.pad(strength.astype(np.float64), 1)
    peaks, _ = find_peaks(
        padded, height=threshold, prominence=threshold / 2, distance=max(1, round(apart * RATE))
    )
    before, here, after = (
        padded[peaks - 1],
        padded[peaks],
        padded[np.minimum(peaks + 1, len(padded) - 1)],
    )
    bend = np.maximum(2 * here - before - after, 1e-9)
    between = np.clip(0.5 * (after - before) / bend, -0.5, 0.5)
    return np.asarray(np.maximum(0.0, (peaks - 1 + between) / RATE))
