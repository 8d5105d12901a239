"""Where somebody seems to sing, estimated from the mix.

The partials of a voice glide together, up and down, while they sound; those of drums do not last,
and those of keys and held chords stand still. So the movement of each partial within its mel bands
is measured, and all are summed with their sign: what moves alike adds up, noise cancels. A guitar
or a lead that bends its notes is taken for a voice; a stem of the vocals makes the guess
unnecessary (`visualizer.analysis.stems`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, maximum_filter1d, minimum_filter1d

from visualizer.analysis.spectra import MEL_BANDS, RATE, Spectra, mel_centres
from visualizer.curves import normalize

Floats = NDArray[np.float32]

LOW_HZ, HIGH_HZ = 180.0, 4500.0
HIT = 0.05  # Seconds: what is shorter within a band is a hit.
REACH = 2  # Frames before and after, between which movement is measured.
STEADY = 2.0  # How much a change of level, as at the start of a note, speaks against movement.
SMOOTH = 0.12  # Seconds: syllables stay apart.


def vocal_activity(spectra: Spectra) -> Floats:
    """How much voice there seems to be at each frame, shape (n,), in [0, 1]."""
    centres = mel_centres(MEL_BANDS)
    bands = np.flatnonzero((centres > LOW_HZ) & (centres < HIGH_HZ))
    movement = np.zeros(len(spectra.mel), np.float32)
    below, here = (_lasting(spectra.mel[:, band]) for band in bands[:2])
    for band in bands[2:]:  # Band by band: all at once would need a gigabyte for an hour.
        above = _lasting(spectra.mel[:, band])
        level = below + here + above
        movement += _steady(level) * _change((above - below) / np.maximum(level, 1e-6))
        below, here = here, above
    smooth = gaussian_filter1d(np.abs(movement), SMOOTH * RATE)
    return normalize(np.sqrt(smooth), low=10, high=99.5)


def _lasting(power: Floats) -> Floats:
    """Amplitude without every peak that is as short as a hit."""
    width = int(HIT * RATE) | 1
    opened = maximum_filter1d(minimum_filter1d(power, width), width)
    return np.asarray(np.sqrt(opened), np.float32)


def _steady(level: Floats) -> Floats:
    """The lowest level nearby, less for each bit by which the highest exceeds it."""
    lowest = minimum_filter1d(level, 2 * REACH + 1)
    highest = maximum_filter1d(level, 2 * REACH + 1)
    return np.asarray(np.maximum(0.0, lowest - STEADY * (highest - lowest)), np.float32)


def _change(place: Floats) -> Floats:
    """From REACH frames before to REACH frames after each frame."""
    padded = np.pad(place, REACH, mode="edge")
    return np.asarray(padded[2 * REACH :] - padded[: -2 * REACH], np.float32)
