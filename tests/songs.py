"""Songs that were never heard: analyses whose every beat and section is known."""

from __future__ import annotations

import numpy as np

from visualizer.analysis import CURVES, EVENTS, Analysis, Section

ROLES = ("intro", "build", "drop", "break", "build", "drop", "outro")
LABELS = ("A", "B", "C", "D", "B", "C", "A")


def known_song(bpm: float = 120.0, bars_per_section: int = 4, rate: float = 100.0) -> Analysis:
    """Seven sections in 4/4, kick on every beat, curves flat at one half."""
    beat = 60.0 / bpm
    length = 4 * bars_per_section * beat
    duration = length * len(ROLES)
    beats = np.arange(0.0, duration - 1e-9, beat)
    events = dict.fromkeys(EVENTS, beats) | {"downbeat": beats[::4], "snare": beats[1::2]}
    sections = tuple(
        Section(i * length, (i + 1) * length, label, role)  # type: ignore[arg-type]
        for i, (label, role) in enumerate(zip(LABELS, ROLES, strict=True))
    )
    n = int(duration * rate)
    flat = {name: np.full(n, 0.5, np.float32) for name in CURVES}
    return Analysis(
        duration,
        bpm,
        4,
        1.0,
        events,
        sections,
        rate,
        flat,
        np.zeros((n, 12), np.float32),
        "C major",
    )


def silent_song(duration: float = 5.0, rate: float = 100.0) -> Analysis:
    """Nothing to hear: no events, curves at zero, one section."""
    n = int(duration * rate)
    return Analysis(
        duration,
        0.0,
        4,
        0.0,
        {name: np.zeros(0) for name in EVENTS},
        (Section(0.0, duration, "A", "verse"),),
        rate,
        {name: np.zeros(n, np.float32) for name in CURVES},
        np.zeros((n, 12), np.float32),
        "",
    )
