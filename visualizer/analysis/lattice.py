"""The even pulse of music that keeps its tempo.

Most music is made to a click. Where that is so, the beats lie on one lattice of half beats from
the first sound to the last, and a passage that seems to say otherwise is a syncopation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visualizer.analysis.observations import Observations
from visualizer.analysis.spectra import RATE

Times = NDArray[np.float64]
Floats = NDArray[np.float32]

LEAST_BEATS = 8
NEAR, EVEN = 0.02, 0.9  # So many seconds off the lattice lie beats of even music, all but a tenth.
BEND = 0.02  # The median interval may be so far from the true one.
ROUNDS, TINY = 12, 0.001  # Of weighting; seconds of the smallest deviation that is told apart.
FINENESS = 1601  # Intervals that are tried.
WINDOW = 4 * RATE  # Frames whose pulses are compared.
SLOWEST, FASTEST = 100 / 60, 400 / 60  # Hz of a pulse that is looked for where beats are few.
IN_STEP, ALSO_IN_STEP = 0.85, 0.6  # Least agreement of all windows: of beats, and of onsets.
AUDIBLE = 0.15  # Onset strength of the first and the last sound.


@dataclass(frozen=True)
class Pulse:
    """Times `first + k * interval`: half beats, or as fine as the music goes."""

    first: float
    interval: float

    def every(self, step: int, place: int, start: float, end: float) -> Times:
        """Every so many of them, from the one called `place` on, between two times."""
        interval = step * self.interval
        first = self.first + place * self.interval
        count = np.arange(
            np.ceil((start - first) / interval), np.floor((end - first) / interval) + 1
        )
        return np.asarray(first + count * interval)


def sounding(observed: Observations) -> tuple[float, float]:
    """Seconds of the first and the last sound."""
    frames = np.flatnonzero(observed.strength > AUDIBLE)
    return (frames[0] / RATE, frames[-1] / RATE) if len(frames) else (0.0, 0.0)


def fit_pulse(beats: Times) -> Pulse | None:
    """The lattice of half beats on which nearly all of these beats lie, if there is one."""
    if len(beats) < LEAST_BEATS:
        return None
    halves = 0.5 * np.median(np.diff(beats)) * np.exp(np.linspace(-BEND, BEND, FINENESS))
    turns = [np.exp(2j * np.pi / half * beats).mean() for half in halves]
    best = int(np.abs(turns).argmax())
    half, first = halves[best], np.angle(turns[best]) / (2 * np.pi) * halves[best]
    for _ in range(2):
        count = np.rint((beats - first) / half)
        close = np.abs(beats - first - count * half) < 1.5 * NEAR
        if close.sum() < LEAST_BEATS:
            return None
        half, first = _line(count[close], beats[close])
    count = np.rint((beats - first) / half)
    share = (np.abs(beats - first - count * half) < NEAR).mean()
    return Pulse(float(first), float(half)) if share >= EVEN else None


def _line(count: Times, beats: Times) -> Times:
    """Interval and first time of the lattice by least absolute deviations.

    A passage whose notes swell is late as a whole; by least squares it would tilt the lattice.
    Found by iterated weighting (Schlossmacher, 1973).
    """
    weights = np.ones(len(beats))
    for _ in range(ROUNDS):
        line = np.polyfit(count, beats, 1, w=np.sqrt(weights))
        weights = 1 / np.maximum(np.abs(beats - np.polyval(line, count)), TINY)
    return np.asarray(line)


def find_pulse(observed: Observations) -> Pulse | None:
    """The even pulse of music whose single beats are too weak to follow, if there is one.

    A Fourier sum over the whole song adds up what each beat only hints at.
    """
    size = 1 << (16 * len(observed.beat) - 1).bit_length()
    spectrum = np.abs(np.fft.rfft(observed.beat - observed.beat.mean(), size))
    hertz = np.arange(len(spectrum)) * RATE / size
    spectrum[(hertz < SLOWEST) | (hertz > FASTEST)] = 0
    pulse = float(hertz[spectrum.argmax()])
    beats, onsets = _sums(observed.beat, pulse), _sums(observed.strength, pulse)
    if _agreement(beats) < IN_STEP or _agreement(onsets) < ALSO_IN_STEP:
        return None
    return Pulse(float(-np.angle(beats.sum()) / (2 * np.pi * pulse)), 1 / pulse)


def _sums(curve: Floats, hertz: float) -> NDArray[np.complex128]:
    """Fourier coefficients of each window at one frequency."""
    phase = np.exp(-2j * np.pi * hertz * np.arange(len(curve)) / RATE)
    return np.add.reduceat((curve - curve.mean()) * phase, np.arange(0, len(curve), WINDOW))


def _agreement(sums: NDArray[np.complex128]) -> float:
    return float(np.abs(sums.sum()) / max(np.abs(sums).sum(), 1e-9))
