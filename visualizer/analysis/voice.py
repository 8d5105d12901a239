"""Where somebody seems to sing, estimated from the mix.

A voice lies between two kinds of sound: it lasts longer in one band than a hit does, and shorter
than a held chord, because its partials glide and its syllables change (the idea of Tachibana, Ono
and Sagayama's two-stage separation, 2010). A lead that moves like a voice is taken for one; a
stem of the vocals (`visualizer.analysis.stems`) makes the guess unnecessary.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, maximum_filter1d, minimum_filter1d

from visualizer.analysis.spectra import MEL_BANDS, RATE, Spectra, mel_centres
from visualizer.curves import normalize

Floats = NDArray[np.float32]

LOW_HZ, HIGH_HZ = 180.0, 4500.0
HIT, HELD = 0.07, 0.5  # Seconds: longest hit and shortest held note within one band.
SMOOTH = 0.08  # Seconds: syllables stay apart.


def vocal_activity(spectra: Spectra) -> Floats:
    """How much voice there seems to be at each frame, shape (n,), in [0, 1]."""
    centres = mel_centres(MEL_BANDS)
    amplitude = np.sqrt(spectra.mel[:, (centres > LOW_HZ) & (centres < HIGH_HZ)])
    moving = _opened(amplitude, HIT) - _opened(amplitude, HELD)
    level = np.sqrt((np.maximum(moving, 0) ** 2).sum(axis=1))
    return normalize(np.sqrt(gaussian_filter1d(level, SMOOTH * RATE)), low=10, high=99.5)


def _opened(amplitude: Floats, seconds: float) -> Floats:
    """Without every peak along time that is shorter than `seconds`."""
    width = int(seconds * RATE) | 1
    return np.asarray(
        maximum_filter1d(minimum_filter1d(amplitude, width, axis=0), width, axis=0), np.float32
    )
