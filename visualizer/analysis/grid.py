"""Beats and bars from observations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from visualizer.analysis.decoder import INTERVALS, Frames, decode
from visualizer.analysis.judge import Verdict, judge, log_odds, near
from visualizer.analysis.lattice import fit_pulse
from visualizer.analysis.observations import Observations
from visualizer.analysis.spectra import RATE

Times = NDArray[np.float64]

LEAST_BEATS = 4
NEAR = (-2, 7)  # Frames around the pointer's beat in which its sound may lie.
# By `visualizer.analysis.training.judging`: a constant, and the weights of `evidence`.
TRUST = np.array([-0.41, 1.23, 0.22, 0.28, 0.99])
STRETCH = 8  # Beats.
MARKED = 0.1  # Probability above which a beat has a sound of its own.


@dataclass(frozen=True)
class Grid:
    """The beat grid.

    Attributes:
        beats: Seconds, increasing.
        downbeats: Seconds, a subset of `beats`.
        meter: Beats per bar.
        tempo_bpm: Median tempo of the beats that are heard; 0 without beats.
        confidence: How probably these are the beats, 0 to 1.
    """

    beats: Times
    downbeats: Times
    meter: int
    tempo_bpm: float
    confidence: float


NO_GRID = Grid(np.zeros(0), np.zeros(0), 4, 0.0, 0.0)


def find_grid(observed: Observations) -> Grid:
    """Finds the beats and bars that explain the observations best."""
    followed = follow(observed)
    if len(followed) < LEAST_BEATS:
        return NO_GRID
    verdict = judge(followed, observed)
    beats, bars = verdict.beats, verdict.bars
    return Grid(
        beats,
        beats[bars.positions == 0],
        bars.meter,
        _tempo(beats, observed),
        _confidence(evidence(followed, verdict, observed)),
    )


def follow(observed: Observations) -> Times:
    """Beats as the pointer follows them, whatever the music means by them; empty in silence."""
    if len(observed.beat) < 2 * INTERVALS[0] or not observed.strength.any():
        return NO_GRID.beats
    return _refine(decode(observed.beat), observed)


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


def _tempo(beats: Times, observed: Observations) -> float:
    """Median tempo in bpm between beats with sounds of their own.

    Those that are laid through a pause may have a tempo that nobody plays.
    """
    gaps = np.diff(beats)
    marked = near(observed.beat, beats) > MARKED
    played = gaps[marked[1:] & marked[:-1]]
    return float(60 / np.median(played if len(played) >= LEAST_BEATS else gaps))


def evidence(followed: Times, verdict: Verdict, observed: Observations) -> Times:
    """Log odds that speak for a grid, shape (4,).

    How clearly it was better than its rivals to all cues, the same to those that owe nothing to the
    network, how sure the network is of its beats, and, where no even pulse carries over it, how
    sure it is of the least sure stretch.
    """
    sure = near(observed.beat, verdict.beats).astype(np.float64)
    least = 0.5 if fit_pulse(followed) else uniform_filter1d(sure, STRETCH, mode="nearest").min()
    return log_odds(np.array([verdict.chance, verdict.agreement, sure.mean(), least]))


def _confidence(evidence: Times) -> float:
    """Probability that the grid is right."""
    return float(1 / (1 + np.exp(-TRUST[0] - evidence @ TRUST[1:])))
