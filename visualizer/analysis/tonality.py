"""Chroma and key."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visualizer.analysis.model import PITCHES
from visualizer.analysis.spectra import RATE

Floats = NDArray[np.float32]
Times = NDArray[np.float64]

# Krumhansl, Cognitive Foundations of Musical Pitch (1990), table 2.1.
MAJOR = np.array([6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88])
MINOR = np.array([6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17])
CLEAR = 0.45  # Correlation with the best profile below which a song has no key.


def normalize_chroma(power: Floats) -> Floats:
    """Amplitude of each pitch class relative to the strongest of its frame, shape (n, 12)."""
    amplitude = np.sqrt(power)
    strongest = amplitude.max(axis=1, keepdims=True)
    floor = 0.01 * strongest.max(initial=0.0) + 1e-6
    return np.asarray(amplitude / np.maximum(strongest, floor), np.float32)


def chord_changes(chroma: Floats, beats: Times, span: int) -> Times:
    """How unlike the harmony of the `span` beats before and after each beat is.

    Args:
        chroma: Shape (n, 12), at RATE.
        beats: Seconds, increasing, at least two.
        span: Beats that are compared; fewer at both ends of the song.

    Returns:
        Shape (len(beats),), in [0, 1]; 0 where either side is silent.
    """
    edges = np.append(beats, 2 * beats[-1] - beats[-2])
    frames = np.clip(np.rint(edges * RATE).astype(int), 0, len(chroma))
    sums = np.cumsum(np.pad(chroma, ((1, 0), (0, 0))), axis=0, dtype=np.float64)[frames]
    here = np.arange(len(beats))
    past = sums[here] - sums[np.maximum(here - span, 0)]
    coming = sums[np.minimum(here + span, len(beats))] - sums[here]
    norms = np.linalg.norm(past, axis=1) * np.linalg.norm(coming, axis=1)
    alike = (past * coming).sum(axis=1) / np.maximum(norms, 1e-9)
    return np.where(norms > 1e-6, 1 - alike, 0.0)


@dataclass(frozen=True)
class Key:
    """A key.

    Attributes:
        name: Such as "F# minor"; empty where none is clear.
        confidence: How well its profile fits the song, 0 to 1.
    """

    name: str
    confidence: float


def find_key(chroma: Floats) -> Key:
    """The key by Krumhansl's profiles."""
    mean = chroma.mean(axis=0) if len(chroma) else np.zeros(12)
    if mean.std() < 1e-3:
        return Key("", 0.0)
    fits = {
        f"{PITCHES[tonic]} {mode}": float(np.corrcoef(np.roll(profile, tonic), mean)[0, 1])
        for mode, profile in (("major", MAJOR), ("minor", MINOR))
        for tonic in range(12)
    }
    best = max(fits, key=lambda name: fits[name])
    return Key(best if fits[best] > CLEAR else "", max(0.0, fits[best]))
