"""What the program hears in a song, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

ANALYSIS_VERSION = 5  # Raised whenever the same song would be heard differently.

Role = Literal["intro", "verse", "chorus", "build", "drop", "break", "outro"]
ROLES: tuple[Role, ...] = get_args(Role)
EVENTS = ("beat", "downbeat", "onset", "kick", "snare", "hat", "bass_note")
PITCHES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
CURVES = (
    "loudness",
    "bass",
    "mid",
    "treble",
    "percussive",
    "harmonic",
    "brightness",
    "novelty",
    "vocals",
)


@dataclass(frozen=True)
class Section:
    """A stretch of the song.

    Attributes:
        start: Seconds.
        end: Seconds; the next section's start.
        label: Letter that returns when the music returns: "A", "B", ...
        role: What the stretch does in the song.
    """

    start: float
    end: float
    label: str
    role: Role


@dataclass(frozen=True)
class Analysis:
    """All that was heard in one song.

    Attributes:
        duration: Seconds.
        tempo_bpm: Median tempo; 0 where no beat was found.
        meter: Beats per bar.
        confidence: Trust in the beat grid, 0 to 1.
        events: Seconds, increasing, for each of `EVENTS`.
        sections: They cover 0 to `duration` without gap.
        rate: Points per second of the curves.
        curves: float32, shape (n,), in [0, 1], for each of `CURVES`.
        chroma: float32, shape (n, 12), in [0, 1], for each of `PITCHES`.
        key: Such as "A minor"; empty where nothing is tonal.
        key_confidence: Trust in the key, 0 to 1.
    """

    duration: float
    tempo_bpm: float
    meter: int
    confidence: float
    events: Mapping[str, NDArray[np.float64]]
    sections: tuple[Section, ...]
    rate: float
    curves: Mapping[str, NDArray[np.float32]]
    chroma: NDArray[np.float32]
    key: str
    key_confidence: float = 0.0
