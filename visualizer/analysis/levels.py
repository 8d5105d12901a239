"""The curves: how loud, deep, bright, percussive or new the music is at each moment.

Each curve is centred on its frame and normalised within the song, so a quiet ballad and a loud
master both use the whole range and nothing comes late.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d, minimum_filter1d, uniform_filter1d

from visualizer.analysis.flux import SILENCE
from visualizer.analysis.spectra import MEL_BANDS, RATE, Spectra, mel_centres
from visualizer.curves import normalize

Floats = NDArray[np.float32]

BASS_HZ, TREBLE_HZ = 160.0, 2500.0
MOMENTARY = 0.4  # Seconds: the momentary window of BS.1770.
HELD = 0.15  # Seconds a partial must last to count as a tone and not as a hit.


def measure_curves(spectra: Spectra, novelty: Floats) -> dict[str, Floats]:
    """All curves by name, each of shape (n,) and in [0, 1].

    Args:
        spectra: Of the song.
        novelty: How new the music is at each frame, shape (n,).
    """
    audible = spectra.loudness > SILENCE * 0.1
    centres = mel_centres(MEL_BANDS)
    amplitude = np.sqrt(spectra.mel)
    tones = _held(amplitude)
    bands = {
        "bass": spectra.mel[:, centres < BASS_HZ],
        "mid": spectra.mel[:, (centres >= BASS_HZ) & (centres < TREBLE_HZ)],
        "treble": spectra.mel[:, centres >= TREBLE_HZ],
    }
    curves = {"loudness": _loudness(spectra)}
    curves |= {name: _punch(power.sum(axis=1)) for name, power in bands.items()}
    curves["percussive"] = _punch(((amplitude - tones) ** 2).sum(axis=1))
    curves["harmonic"] = _punch((tones**2).sum(axis=1))
    curves["brightness"] = _brightness(spectra)
    curves["novelty"] = normalize(novelty, low=20)
    return {
        name: np.where(audible, curve, 0).astype(np.float32) if name != "novelty" else curve
        for name, curve in curves.items()
    }


def _held(amplitude: Floats) -> Floats:
    """What lasts: an opening along time removes every peak shorter than HELD."""
    width = int(HELD * RATE) | 1
    lasting = maximum_filter1d(minimum_filter1d(amplitude, width, axis=0), width, axis=0)
    return np.asarray(lasting, np.float32)


def _punch(power: Floats) -> Floats:
    """Normalised square root of the amplitude: between the linear and the decibel picture."""
    return normalize(np.maximum(power, 0) ** 0.25, low=2, high=99.7)


def _loudness(spectra: Spectra) -> Floats:
    momentary = uniform_filter1d(spectra.loudness.astype(np.float64), int(MOMENTARY * RATE) + 1)
    decibels = 10 * np.log10(np.maximum(momentary, SILENCE * 0.1))
    return normalize(np.maximum(decibels, decibels.max(initial=-90.0) - 45), low=2, high=99)


def _brightness(spectra: Spectra) -> Floats:
    octaves = np.log2(np.maximum(spectra.centroid, 60.0))
    return normalize(uniform_filter1d(octaves, 9), low=5, high=99)
