"""Beats and bars from observations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visualizer.analysis.decoder import INTERVALS, METERS, Path, decode
from visualizer.analysis.observations import Observations
from visualizer.analysis.spectra import RATE

Times = NDArray[np.float64]

LEAST_BEATS = 4


@dataclass(frozen=True)
class Grid:
    """The beat grid.

    Attributes:
        beats: Seconds, increasing.
        downbeats: Seconds, a subset of `beats`.
        meter: Beats per bar.
        tempo_bpm: Median tempo; 0 without beats.
        confidence: 0 to 1.
    """

    beats: Times
    downbeats: Times
    meter: int
    tempo_bpm: float
    confidence: float


NO_GRID = Grid(np.zeros(0), np.zeros(0), 4, 0.0, 0.0)


def find_grid(observed: Observations) -> Grid:
    """Finds the beat grid that explains the observations best."""
    if len(observed.beat) < 2 * INTERVALS[0] or observed.strength.max(initial=0.0) <= 0:
        return NO_GRID
    path = max((decode(observed.beat, observed.downbeat, meter, _tempo_prior())
                for meter in METERS), key=lambda found: found.score)
    times = _refine(path, observed.strength)
    if len(times) < LEAST_BEATS:
        return NO_GRID
    return Grid(times, times[path.positions == 0], path.meter,
                float(60 / np.median(np.diff(times))), _confidence(path, observed))


def _tempo_prior() -> NDArray[np.float64]:
    """People tap near 120 bpm: log normal over an octave, per beat (Parncutt, 1994)."""
    octaves = np.log2(60 * RATE / INTERVALS / 120.0)
    return -0.5 * (octaves / 0.9) ** 2


def _refine(path: Path, strength: NDArray[np.float32]) -> Times:
    """Moves each beat to the strongest onset within 40 ms of where the pointer put it."""
    reach = np.arange(-3, 6)
    near = np.clip(path.frames[:, None] + reach, 0, len(strength) - 1)
    weight = strength[near] + 1e-3 * (1 - np.abs(reach - 1) / 6)
    best = near[np.arange(len(near)), np.argmax(weight, axis=1)]
    return np.maximum.accumulate(best / RATE)


def _confidence(path: Path, observed: Observations) -> float:
    """How far the observations at the beats stand above those between them."""
    total = observed.beat + observed.downbeat
    near = np.clip(path.frames[:, None] + np.arange(-2, 5), 0, len(total) - 1)
    return float(np.clip(np.median(total[near].max(axis=1)), 0, 1))
