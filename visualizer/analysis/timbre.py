"""What a stretch of music sounds like: timbre, harmony and levels, step by step.

Conventions: steps are given by their starts in seconds and the end of the last, shape (m + 1,).
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct

from visualizer.analysis.flux import heard_level, rises
from visualizer.analysis.levels import BASS_HZ, TREBLE_HZ
from visualizer.analysis.spectra import RATE, Spectra, mel_centres

Matrix = NDArray[np.float64]

RANGE_DB = 24.0  # What lies so far below the fullest step counts as empty.
LEVEL_WEIGHT = 1.2  # Of levels against timbre.


def describe_steps(spectra: Spectra, steps: Matrix) -> Matrix:
    """Timbre, harmony and levels of each step: like vectors sound alike, shape (m, features)."""
    return np.hstack([_describe(spectra, steps), LEVEL_WEIGHT * step_levels(spectra, steps)])


def _describe(spectra: Spectra, steps: Matrix) -> Matrix:
    """Timbre, rhythm band levels and harmony of each bar, shape (bars, features)."""
    level = heard_level(spectra.mel)
    timbre = dct(step_means(level, steps), norm="ortho", axis=1)[:, :16]
    chroma = step_means(np.sqrt(spectra.chroma), steps)
    chroma /= np.maximum(np.linalg.norm(chroma, axis=1, keepdims=True), 1e-6)
    timbre -= timbre.mean(axis=0)
    scale = np.maximum(np.sqrt((timbre**2).sum(axis=1).mean()), 1e-6)
    return np.hstack([timbre / scale, 0.7 * (chroma - chroma.mean(axis=0))])


def step_levels(spectra: Spectra, steps: Matrix) -> Matrix:
    """Loudness, bass, treble and density of onsets of each bar, 0 to 1, shape (bars, 4)."""
    centres = mel_centres(spectra.mel.shape[1])
    power = np.stack(
        [
            spectra.loudness,
            spectra.mel[:, centres < BASS_HZ].sum(axis=1),
            spectra.mel[:, centres > TREBLE_HZ].sum(axis=1),
        ],
        axis=1,
    )
    decibels = 10 * np.log10(np.maximum(step_means(power, steps), 1e-9))
    rise = rises(heard_level(spectra.sharp)).mean(axis=1, keepdims=True)
    density = step_means(rise, steps)
    density /= max(float(density.max(initial=0.0)), 1e-9)
    return np.hstack([np.clip((decibels - decibels.max(axis=0)) / RANGE_DB + 1, 0, 1), density])


def step_means(values: NDArray[np.float32], steps: Matrix) -> Matrix:
    """Mean over each step, shape (len(steps) - 1, columns)."""
    edges = np.clip(np.rint(steps * RATE).astype(int), 0, len(values))
    means = np.zeros((len(edges) - 1, values.shape[1]))
    for step, (first, last) in enumerate(pairwise(edges.tolist())):
        if last > first:
            means[step] = values[first:last].mean(axis=0, dtype=np.float64)
    return means


def turns(described: Matrix, span: int) -> Matrix:
    """How unlike the `span` steps before and after each step's start are, shape (m,).

    The kernel of Foote (2000): distance across the turn, less the distance within either side.
    """
    turn = np.zeros(len(described))
    for step in range(1, len(described)):
        near = described[max(0, step - span) : step + span]
        distance = np.linalg.norm(near[:, None] - near[None], axis=2)
        past = min(span, step)
        within = distance[:past, :past].mean() + distance[past:, past:].mean()
        turn[step] = max(0.0, distance[:past, past:].mean() - 0.5 * within)
    return turn
