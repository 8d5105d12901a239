"""The form of a song: where it turns, and which stretches return.

The song is described bar by bar (or in steps of two seconds where there is no grid), every bar is
compared with every other (Foote, 2000), and the song turns where the past ends to resemble the
future, or where its energy steps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

from visualizer.analysis.flux import heard_level
from visualizer.analysis.grid import Grid
from visualizer.analysis.spectra import RATE, Spectra

Matrix = NDArray[np.float64]

PLAIN_STEP = 2.0  # Seconds per step where no bars are known.
SHORTEST = 6.0  # Seconds: sections are not shorter, the song's ends excepted.
SPAN = 4  # Bars of past and future that are compared.
ALIKE = 0.35  # Distance of two stretches below which they share a letter.


@dataclass(frozen=True)
class Form:
    """Stretches of a song.

    Attributes:
        bounds: Seconds of the starts of the stretches and of the end of the last, shape (m + 1,).
        labels: A letter per stretch.
        energy: Level of each stretch within the song, 0 to 1.
        slope: Rise of the level over each stretch.
        novelty: How new the music is at each frame, shape (n,).
    """

    bounds: NDArray[np.float64]
    labels: tuple[str, ...]
    energy: NDArray[np.float64]
    slope: NDArray[np.float64]
    novelty: NDArray[np.float32]


def find_form(spectra: Spectra, grid: Grid, duration: float) -> Form:
    """Divides a song of `duration` seconds into stretches."""
    steps = _steps(grid, duration)
    bars = _describe(spectra, steps)
    level = _levels(spectra, steps)
    novelty = _novelty(bars) + 0.5 * _step_up(level)
    cuts = _pick(novelty, steps)
    bounds = np.concatenate([[0.0], steps[cuts], [duration]])
    stretches = np.split(np.arange(len(bars)), cuts)
    curve = np.interp(np.arange(len(spectra.loudness)) / RATE, steps[:-1], novelty)
    return Form(
        bounds,
        _letters([bars[s].mean(axis=0) for s in stretches]),
        np.array([level[s].mean() for s in stretches]),
        np.array([_slope(level[s]) for s in stretches]),
        curve.astype(np.float32),
    )


def _steps(grid: Grid, duration: float) -> Matrix:
    """Starts of the bars from 0 on, and the end of the song."""
    if len(grid.downbeats) < 4:
        return np.linspace(0.0, duration, max(2, round(duration / PLAIN_STEP) + 1))
    bar = float(np.median(np.diff(grid.downbeats)))
    before = np.arange(grid.downbeats[0] - bar, 0.3 * bar, -bar)[::-1]
    after = np.arange(grid.downbeats[-1] + bar, duration - 0.3 * bar, bar)
    inner = np.concatenate([before, grid.downbeats, after])
    return np.concatenate([[0.0], inner[inner > 0.3 * bar], [duration]])


def _describe(spectra: Spectra, steps: Matrix) -> Matrix:
    """Timbre, rhythm band levels and harmony of each bar, shape (bars, features)."""
    level = heard_level(spectra.mel)
    timbre = dct(_means(level, steps), norm="ortho", axis=1)[:, :16]
    chroma = _means(np.sqrt(spectra.chroma), steps)
    chroma /= np.maximum(np.linalg.norm(chroma, axis=1, keepdims=True), 1e-6)
    timbre -= timbre.mean(axis=0)
    scale = np.maximum(np.sqrt((timbre**2).sum(axis=1).mean()), 1e-6)
    return np.hstack([timbre / scale, 0.7 * (chroma - chroma.mean(axis=0))])


def _means(values: NDArray[np.float32], steps: Matrix) -> Matrix:
    """Mean over each step, shape (len(steps) - 1, columns)."""
    edges = np.clip(np.rint(steps * RATE).astype(int), 0, len(values))
    sums = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, 0, np.float64)])
    return np.asarray(np.diff(sums[edges], axis=0) / np.maximum(np.diff(edges), 1)[:, None])


def _levels(spectra: Spectra, steps: Matrix) -> Matrix:
    """Loudness of each bar within the song's own range, 0 to 1."""
    power = _means(spectra.loudness[:, None], steps)[:, 0]
    decibels = 10 * np.log10(np.maximum(power, 1e-8))
    top = decibels.max(initial=-80.0)
    return np.clip((decibels - top) / 24 + 1, 0, 1)


def _novelty(bars: Matrix) -> Matrix:
    """How much each bar's start separates unlike halves, shape (bars,), in about [0, 1]."""
    count = len(bars)
    distance = np.linalg.norm(bars[:, None] - bars[None], axis=2)
    novelty = np.zeros(count)
    for bar in range(1, count):
        past, future = slice(max(0, bar - SPAN), bar), slice(bar, min(count, bar + SPAN))
        across = distance[past, future].mean()
        within = 0.5 * (distance[past, past].mean() + distance[future, future].mean())
        novelty[bar] = max(0.0, across - within)
    return novelty


def _step_up(level: Matrix) -> Matrix:
    """Change of level between the bar before and the bar after, shape (bars,)."""
    return np.abs(np.diff(level, prepend=level[:1]))


def _pick(novelty: Matrix, steps: Matrix) -> NDArray[np.int64]:
    """Bars at which a new stretch begins."""
    if len(novelty) < 4:
        return np.zeros(0, np.int64)
    apart = max(1, int(SHORTEST / max(np.median(np.diff(steps)), 1e-3)))
    threshold = max(0.08, novelty.mean() + 0.5 * novelty.std())
    peaks, _ = find_peaks(novelty, height=threshold, distance=apart)
    inside = (steps[peaks] > SHORTEST / 2) & (steps[peaks] < steps[-1] - SHORTEST / 2)
    return np.asarray(peaks[inside])


def _letters(means: list[Matrix]) -> tuple[str, ...]:
    """Gives stretches with like means one letter, in order of appearance."""
    found: list[Matrix] = []
    letters = []
    for mean in means:
        away = [float(np.linalg.norm(mean - other)) for other in found]
        if away and min(away) < ALIKE:
            letters.append(int(np.argmin(away)))
        else:
            letters.append(len(found))
            found.append(mean)
    return tuple(chr(ord("A") + min(letter, 25)) for letter in letters)


def _slope(level: Matrix) -> float:
    """Rise of the level from the first to the last bar of a stretch, by a line fit."""
    if len(level) < 3:
        return 0.0
    smooth = gaussian_filter1d(level, 1.0)
    return float(np.polyfit(np.linspace(0, 1, len(smooth)), smooth, 1)[0])
