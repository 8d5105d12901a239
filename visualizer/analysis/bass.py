"""When a bass note begins: something rises in the lowest octaves, and stays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d, minimum_filter1d

from visualizer.analysis.flux import SILENCE, rises, stand_out
from visualizer.analysis.onsets import Times, peak_times
from visualizer.analysis.spectra import MEL_BANDS, RATE, mel_centres

HIGHEST_HZ = 180.0  # The chords begin about here.
HELD = 0.17  # Seconds: what is shorter is a kick.
LEAST, APART = 0.15, 0.08  # Strength of a note against the strongest nearby; seconds between two.


def bass_notes(mel: NDArray[np.float32]) -> Times:
    """Seconds at which a bass note begins, increasing.

    Args:
        mel: Power per mel band, shape (n, MEL_BANDS), as in `Spectra`.
    """
    if mel.max(initial=0.0) < SILENCE:
        return np.zeros(0)
    low = int(np.searchsorted(mel_centres(MEL_BANDS), HIGHEST_HZ))
    amplitude, width = np.sqrt(mel[:, :low]), int(HELD * RATE) | 1
    held = maximum_filter1d(minimum_filter1d(amplitude, width, axis=0), width, axis=0)
    return peak_times(stand_out(rises(held).sum(axis=1)), LEAST, APART)
