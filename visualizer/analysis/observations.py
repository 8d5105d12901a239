"""What each frame says about beats and drums, before any grid is laid over it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visualizer.analysis.flux import heard_level, rises
from visualizer.analysis.network import hear
from visualizer.analysis.onsets import onset_strength
from visualizer.analysis.spectra import MEL_BANDS, Spectra, mel_centres
from visualizer.analysis.tonality import normalize_chroma

Floats = NDArray[np.float32]

LOW_HZ = 600.0  # Bass, kick and the lowest chord notes.
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
        harmony: Amplitude of each pitch class, shape (n, 12), in [0, 1].
        low: Levels of the bands below LOW_HZ, shape (n, bands), in [0, 1].
        attacks: How fast each of SHARP_BANDS rises, shape (n, SHARP_BANDS).
    """

    beat: Floats
    downbeat: Floats
    strength: Floats
    kick: Floats
    snare: Floats
    hat: Floats
    harmony: Floats
    low: Floats
    attacks: Floats


def observe(spectra: Spectra) -> Observations:
    """Lets the network hear a song."""
    level, harmony = heard_level(spectra.mel), normalize_chroma(spectra.chroma)
    heard = hear(level, harmony)
    attacks = rises(heard_level(spectra.sharp))
    beat = np.clip(heard["beat"], 2 * LEAST, 1 - LEAST)
    downbeat = np.clip(heard["downbeat"], LEAST, beat - LEAST)
    return Observations(
        beat,
        downbeat,
        onset_strength(attacks),
        heard["kick"],
        heard["snare"],
        heard["hat"],
        harmony,
        level[:, mel_centres(MEL_BANDS) < LOW_HZ].copy(),
        attacks,
    )
