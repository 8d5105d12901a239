"""What the song offers to move a picture: every driver of a preset as numbers per frame."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from visualizer import curves
from visualizer.preset import Length
from visualizer.preset.routes import EVENTS
from visualizer.score.looks import beat_seconds

if TYPE_CHECKING:
    from visualizer.analysis import Analysis

Column = NDArray[np.float32]

# The band whose level decides how hard an event hits.
_WEIGHED_BY = {"kick": "bass", "snare": "mid", "hat": "treble", "bass_note": "bass"}
_SILENCE = 0.02


class Drivers:
    """The song's curves and events, shaped and sampled at the times of the frames.

    Args:
        analysis: What was heard.
        times: Shape (n,), seconds of the frames, evenly spaced.
    """

    def __init__(self, analysis: Analysis, times: NDArray[np.float64]) -> None:
        self._analysis = analysis
        self._times = times
        self._shaped: dict[tuple[str, float, float], Column] = {}
        self.beat = beat_seconds(analysis)
        self.bar = self.beat * max(analysis.meter, 1)

    def seconds(self, length: Length) -> float:
        """A length of the preset in seconds of this song."""
        return length.seconds(self.beat, self.bar)

    def grid(self, every: Literal["beat", "bar"]) -> NDArray[np.float64]:
        """Seconds of the beats or bars; where none is heard, as the tempo would have them."""
        heard = self._event_times("downbeat" if every == "bar" else "beat")
        if len(heard):
            return heard
        return np.arange(0.0, self._analysis.duration, getattr(self, every))

    def section(self, index: int) -> str:
        """Role and letter of a section, such as "chorus B"."""
        section = self._analysis.sections[index]
        return f"{section.role} {section.label}"

    def visit(self, index: int) -> int:
        """How often the music of a section was heard before it."""
        label = self._analysis.sections[index].label
        return sum(section.label == label for section in self._analysis.sections[:index])

    def shaped(self, name: str, attack: float, release: float) -> Column:
        """One driver with its attack and release (seconds): float32, shape (n,)."""
        key = (name, attack, release)
        if key not in self._shaped:
            shape = self._events if name in EVENTS else self._curve
            self._shaped[key] = shape(name, attack, release)
        return self._shaped[key]

    def _curve(self, name: str, attack: float, release: float) -> Column:
        if name in ("energy", "build", "progress", "sway"):
            return np.asarray(getattr(self, f"_{name}"), np.float32)
        rate = self._analysis.rate
        followed = curves.attack_release(self._analysis.curves[name], rate, attack, release)
        return curves.sample(followed, rate, self._times)

    def _events(self, name: str, attack: float, release: float) -> Column:
        events = self._event_times(name)
        return curves.pulses(events, self._times, attack, release, self._weights(name, events))

    def _event_times(self, name: str) -> NDArray[np.float64]:
        sections = self._analysis.sections
        if name == "section":
            return np.array([section.start for section in sections[1:]])
        if name == "drop":
            return np.array([section.start for section in sections if section.role == "drop"])
        return np.asarray(self._analysis.events[name], np.float64)

    def _weights(self, name: str, events: NDArray[np.float64]) -> NDArray[np.float64]:
        """Hits are as hard as they sound, and a grid that runs on through silence hits nothing."""
        if name in ("section", "drop"):
            return np.ones(len(events))
        level = self._peak(_WEIGHED_BY.get(name, "loudness"), events)
        heard = self._peak("loudness", events) > _SILENCE
        return np.where(heard, 0.4 + 0.6 * level, 0.0)

    def _peak(self, curve: str, events: NDArray[np.float64]) -> NDArray[np.float64]:
        """The highest value of a curve within 60 ms after each event."""
        rate = self._analysis.rate
        reads = [
            curves.sample(self._analysis.curves[curve], rate, events + d / 1000)
            for d in (0, 20, 40, 60)
        ]
        return np.max(reads, axis=0).astype(np.float64) if len(events) else np.zeros(0)

    @cached_property
    def _energy(self) -> Column:
        """The weight of each section, from its mean loudness, smooth across the boundaries."""
        loudness, rate = self._analysis.curves["loudness"], self._analysis.rate
        steps = np.zeros(len(loudness))
        for section in self._analysis.sections:
            here = slice(int(section.start * rate), max(int(section.end * rate), 1))
            if loudness[here].size:
                steps[here] = loudness[here].mean()
        smooth = curves.smooth(curves.normalize(steps, 0, 100), rate, self.beat)
        return curves.sample(smooth, rate, self._times)

    @cached_property
    def _build(self) -> Column:
        ramp = np.zeros(len(self._times))
        for section in self._analysis.sections:
            if section.role == "build":
                inside = (self._times >= section.start) & (self._times < section.end)
                length = max(section.end - section.start, 1e-6)
                ramp[inside] = ((self._times[inside] - section.start) / length) ** 2
        return ramp.astype(np.float32)

    @cached_property
    def _progress(self) -> Column:
        return np.clip(self._times / max(self._analysis.duration, 1e-6), 0, 1).astype(np.float32)

    @cached_property
    def _sway(self) -> Column:
        first = self._analysis.events["downbeat"][:1]
        origin = float(first[0]) if len(first) else 0.0
        phase = 2.0 * np.pi * (self._times - origin) / (4.0 * self.bar)
        return np.sin(phase).astype(np.float32)
