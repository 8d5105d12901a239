"""Sudden rises of energy, band by band: the raw material of onsets and beats.

Conventions: float32, shape (n, bands), at the frames of `spectra`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d, uniform_filter1d

from visualizer.analysis.spectra import RATE

Floats = NDArray[np.float32]

DEPTH_DB = 70.0  # What lies deeper below the loudest moment of the song is not heard.
SILENCE = 1e-7  # Power of a song's loudest moment below which nothing is music: -70 dB.


def heard_level(power: Floats) -> Floats:
    """Level of each band above the song's own floor: 0 is inaudible, 1 is the song's loudest.

    Args:
        power: Shape (n, bands).

    Returns:
        Shape (n, bands), in [0, 1]; all zeros for a silent song.
    """
    loudest = float(np.percentile(power.max(axis=1), 99.5)) if len(power) else 0.0
    if loudest < SILENCE:
        return np.zeros(power.shape, np.float32)
    floor = 10 ** (-DEPTH_DB / 10)
    # In place: for an hour of music each copy would be a hundred megabytes.
    level = np.divide(power, loudest, dtype=np.float32)
    np.log10(np.maximum(level, floor, out=level), out=level)
    level *= 10 / DEPTH_DB
    level += 1
    return np.clip(level, 0.0, 1.0, out=level)


def rises(level: Floats) -> Floats:
    """Rise of each band over the last two frames, falls left out.

    A level starts to rise as soon as the analysis window touches a sound, about 10 ms before the
    sound; looking back by as much puts the steepest rise on the sound itself. Before the song
    there is silence.
    """
    before = np.concatenate([np.zeros_like(level[:2]), level[:-2]])
    return np.asarray(np.maximum(0.0, level - before), np.float32)


def stand_out(strength: Floats, seconds: float = 6.0) -> Floats:
    """Scales a strength curve by its neighbourhood, so that quiet passages count too.

    Args:
        strength: Shape (n,), not negative.
        seconds: Length of the neighbourhood.

    Returns:
        Shape (n,), in [0, 1].
    """
    if strength.size == 0:
        return strength
    width = int(seconds * RATE)
    excess = np.maximum(0.0, strength - uniform_filter1d(strength, RATE // 2))
    if excess.max() <= 0:
        return np.zeros(strength.shape, np.float32)
    local = uniform_filter1d(maximum_filter1d(excess, width), width)
    scaled = excess / np.maximum(local, 0.1 * excess.max())
    return np.asarray(np.clip(scaled, 0.0, 1.0), np.float32)
