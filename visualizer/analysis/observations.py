"""What each frame says about beats and drums, before any grid is laid over it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visualizer.analysis.flux import heard_level
from visualizer.analysis.network import hear
from visualizer.analysis.onsets import onset_strength
from visualizer.analysis.spectra import Spectra
from visualizer.analysis.tonality import normalize_chroma

Floats = NDArray[np.float32]

LEAST = 0.001  # No frame is certain: the network has not heard everything.


@dataclass(frozen=True)
class Observations:
    """What is heard at each frame, shape (n,) each.

    Attributes:
        beat: Probability of a beat.
        downbeat: Probability of a downbeat.
        strength: Strength of the onset, in [0, 1]; no probability.
        kick: Probability of a kick.
        snare: Probability of a snare or clap.
        hat: Probability of a hi-hat.
    """

    beat: Floats
    downbeat: Floats
    strength: Floats
    kick: Floats
    snare: Floats
    hat: Floats


def observe(spectra: Spectra) -> Observations:
    """Lets the network hear a song."""
    heard = hear(heard_level(spectra.mel), normalize_chroma(spectra.chroma))
    beat = np.clip(heard["beat"], 2 * LEAST, 1 - LEAST)
    downbeat = np.clip(heard["downbeat"], LEAST, beat - LEAST)
    return Observations(
        beat,
        downbeat,
        onset_strength(spectra),
        heard["kick"],
        heard["snare"],
        heard["hat"],
    )
