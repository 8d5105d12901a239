"""Beats and bars from observations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visualizer.analysis.bars import find_bars
from visualizer.analysis.decoder import INTERVALS, Frames, decode
from visualizer.analysis.observations import Observations
from visualizer.analysis.spectra import RATE, Spectra

Times = NDArray[np.float64]

METERS = (4, 3)
LEAST_BEATS = 4
NEAR = (-2, 7)  # Frames around the pointer's beat in which its sound may lie.
UNDOUBTED_BPM = 110.0  # Slower beats are never halved.
SURE_AT_150, SURER_PER_OCTAVE = 0.7, 0.25  # Least median probability of fast beats.
MARKED = 0.1  # Probability above which a beat has a sound of its own.


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


def find_grid(spectra: Spectra, observed: Observations) -> Grid:
    """Finds the beats that explain the observations best, and lays bars over them."""
    if len(observed.beat) < 2 * INTERVALS[0] or not observed.strength.any():
        return NO_GRID
    beats = _refine(decode(observed.beat), observed)
    if len(beats) < LEAST_BEATS:
        return NO_GRID
    levels = [beats[::2], beats[1::2]] if _is_doubled(beats, observed) else [beats]
    fits = [
        (level, find_bars(level, spectra, observed, meter)) for level in levels for meter in METERS
    ]
    beats, bars = max(fits, key=lambda fit: fit[1].score)
    tempo = float(60 / np.median(np.diff(beats)))
    confidence = _confidence(beats, observed)
    return Grid(beats, beats[bars.positions == 0], bars.meter, tempo, confidence)


def _refine(frames: Frames, observed: Observations) -> Times:
    """Moves each beat to the peak of its probability; beats that nothing marks lie between others.

    The parabola through the peak places beats between frames.
    """
    chance = np.pad(observed.beat, 1)
    near = np.clip(frames[:, None] + np.arange(*NEAR), 0, len(chance) - 3) + 1
    peak = near[np.arange(len(near)), chance[near].argmax(axis=1)]
    before, here, after = chance[peak - 1], chance[peak], chance[peak + 1]
    bend = np.maximum(2 * here - before - after, 1e-6)
    times = (peak - 1 + np.clip(0.5 * (after - before) / bend, -0.5, 0.5)) / RATE
    marked = np.flatnonzero(here > MARKED)
    if len(marked) > 1:
        beats = np.arange(marked[0], marked[-1] + 1)
        times[beats] = np.interp(beats, marked, times[marked])
    return np.maximum(0.0, np.maximum.accumulate(times.astype(np.float64)))


def _is_doubled(beats: Times, observed: Observations) -> bool:
    """Whether these are rather half beats: the faster they are, the surer they must be.

    Where the network cannot tell a beat from its half it calls both likely, and the pointer, which
    prefers to explain all it is shown, takes both.
    """
    tempo = 60 / np.median(np.diff(beats))
    needed = SURE_AT_150 + SURER_PER_OCTAVE * np.log2(tempo / 150)
    return bool(
        len(beats) > 2 * LEAST_BEATS
        and tempo > UNDOUBTED_BPM
        and np.median(_near(observed.beat, beats)) < needed
    )


def _near(curve: NDArray[np.float32], times: Times) -> NDArray[np.float32]:
    """Highest value within 30 ms of each time."""
    frames = np.rint(times * RATE).astype(int)[:, None] + np.arange(-3, 4)
    return np.asarray(curve[np.clip(frames, 0, len(curve) - 1)].max(axis=1))


def _confidence(times: Times, observed: Observations) -> float:
    """Agreement of two ears: how sure the network is of the beats, and how many are onsets."""
    sure = float(np.median(_near(observed.beat, times)))
    loud = np.percentile(observed.strength, 80)
    heard = float((_near(observed.strength, times) > loud).mean())
    return float(np.clip(np.sqrt(sure * heard), 0.0, 1.0))
