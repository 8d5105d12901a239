"""What each frame says about beats, before any grid is laid over it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visualizer.analysis.onsets import drum_strengths, onset_strength
from visualizer.analysis.spectra import Spectra

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Observations:
    """Probabilities at each frame, shape (n,) each.

    Attributes:
        beat: Of a beat that is no downbeat.
        downbeat: Of a downbeat.
        strength: Strength of the onset, in [0, 1]; no probability.
        kick, snare, hat: Strength of each drum.
    """

    beat: Floats
    downbeat: Floats
    strength: Floats
    kick: Floats
    snare: Floats
    hat: Floats


def observe(spectra: Spectra) -> Observations:
    """Observes the beat in hand-made features."""
    strength = onset_strength(spectra)
    drums = drum_strengths(spectra)
    total = np.clip(0.03 + 0.85 * strength, 0, 0.9)
    share = np.clip(0.15 + 0.5 * drums["kick"] - 0.4 * drums["snare"], 0.05, 0.6)
    return Observations(total * (1 - share), total * share, strength, **drums)
