"""The curves: how loud, deep, bright, percussive or new the music is at each moment.

Each curve is centred on its frame and normalised within the song, so a quiet ballad and a loud
master both use the whole range and nothing comes late.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import convolve1d, maximum_filter1d, minimum_filter1d, uniform_filter1d

from visualizer.analysis.flux import SILENCE, heard_level
from visualizer.analysis.spectra import MEL_BANDS, RATE, Spectra, mel_centres
from visualizer.analysis.voice import vocal_activity
from visualizer.curves import normalize

Floats = NDArray[np.float32]

BASS_HZ, TREBLE_HZ = 160.0, 2500.0
MOMENTARY = 0.4  # Seconds: the momentary window of BS.1770.
OFFSET_LU = -0.691  # Undoes the gain of the K-weighting at 997 Hz.
INAUDIBLE = -90.0  # LUFS: even of a very quiet song nothing softer is heard.
HANN_POWER = 3.0  # What the power of a Hann window's bins sums to, of a signal of mean square 1.
CHANGE = 2  # Seconds before and after a moment that are compared.
HELD = 0.15  # Seconds a partial must last to count as a tone and not as a hit.


def measure_curves(spectra: Spectra) -> dict[str, Floats]:
    """All curves by name, each of shape (n,) and in [0, 1]."""
    audible = spectra.loudness > SILENCE * 0.1
    centres = mel_centres(MEL_BANDS)
    amplitude = np.sqrt(spectra.mel)
    tones = _held(amplitude)
    low, high = np.searchsorted(centres, [BASS_HZ, TREBLE_HZ]).tolist()
    bands = {"bass": slice(low), "mid": slice(low, high), "treble": slice(high, None)}
    curves = {"loudness": _loudness(spectra)}
    curves |= {name: _punch(spectra.mel[:, band].sum(axis=1)) for name, band in bands.items()}
    hits = np.subtract(amplitude, tones, out=amplitude)
    curves["percussive"] = _punch(_energy(hits))
    curves["harmonic"] = _punch(_energy(tones))
    del amplitude, hits, tones  # They are as large as the spectra.
    curves["brightness"] = _brightness(spectra)
    curves["novelty"] = _novelty(spectra)
    curves["vocals"] = vocal_activity(spectra)
    return {
        name: np.where(audible, curve, 0).astype(np.float32) if name != "novelty" else curve
        for name, curve in curves.items()
    }


def _energy(bands: Floats) -> Floats:
    """Sum of squares over the bands, without a copy of them."""
    return np.asarray(np.einsum("ij,ij->i", bands, bands), np.float32)


def _held(amplitude: Floats) -> Floats:
    """What lasts: an opening along time removes every peak shorter than HELD."""
    width = int(HELD * RATE) | 1
    lasting = maximum_filter1d(minimum_filter1d(amplitude, width, axis=0), width, axis=0)
    return np.asarray(lasting, np.float32)


def _punch(power: Floats) -> Floats:
    """Normalised square root of the amplitude: between the linear and the decibel picture."""
    return normalize(np.maximum(power, 0) ** 0.25, low=2, high=99.7)


def _novelty(spectra: Spectra) -> Floats:
    """How unlike the last two seconds the coming two are, in timbre and level."""
    level = heard_level(spectra.mel).reshape(len(spectra.mel), -1, 3).mean(axis=2)
    width = CHANGE * RATE + 1
    mean = uniform_filter1d(level, width, axis=0)
    around = np.pad(mean, ((width // 2 + 1, width // 2 + 1), (0, 0)), mode="symmetric")
    distance = np.linalg.norm(around[width + 1 :] - around[: -width - 1], axis=1)
    return normalize(distance, low=20, high=99.9)


def momentary_loudness(spectra: Spectra) -> NDArray[np.float64]:
    """Momentary loudness in LUFS around each frame (ITU-R BS.1770-5; EBU Tech 3341), shape (n,).

    The window of 0.4 s is centred on the frame, where a live meter looks back. A mono song counts
    as played by both loudspeakers. Silence is -inf.
    """
    window = np.ones(round(MOMENTARY * RATE) + 1)
    window[[0, -1]] = 0.5  # An even number of frames has no middle one.
    power = spectra.loudness.astype(np.float64)
    mean_square = convolve1d(power, window / window.sum(), mode="constant")
    with np.errstate(divide="ignore"):
        return np.asarray(OFFSET_LU + 10 * np.log10(2 * mean_square / HANN_POWER))


def _loudness(spectra: Spectra) -> Floats:
    level = np.maximum(momentary_loudness(spectra), INAUDIBLE)
    return normalize(np.maximum(level, level.max(initial=INAUDIBLE) - 45), low=2, high=99)


def _brightness(spectra: Spectra) -> Floats:
    octaves = np.log2(np.maximum(spectra.centroid, 60.0))
    return normalize(uniform_filter1d(octaves, 9), low=5, high=99)
