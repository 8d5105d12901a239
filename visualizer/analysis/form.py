"""The form of a song: where it turns, and which stretches return.

The song is described bar by bar (or in steps of two seconds where there is no grid), every bar is
compared with every other (Foote, 2000), and the song turns where the past ends to resemble the
future, or where its energy steps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, uniform_filter1d

from visualizer.analysis.grid import Grid
from visualizer.analysis.spectra import RATE, Spectra
from visualizer.analysis.timbre import describe_steps, step_levels, turns

Matrix = NDArray[np.float64]

LONG = 2.8  # Seconds: longer bars are described half by half.
PLAIN_STEP = 2.0  # Seconds per step where no bars are known.
SHORTEST = 5.0  # Seconds: no section is shorter.
LONGEST = 64  # Bars; only the song's first stretch may be longer.
SPANS = (2, 4, 8)  # Bars of past and future that are compared.
ALIKE = 0.45  # Distance of two stretches below which they share a letter.
LEAST_NOVELTY, SPREAD = 0.25, 0.8  # What counts as a turn: at least, and times the usual.
SHARPEN = 0.5  # Weight of being a peak over being high.
ODDNESS = 0.1  # Cost per halving by which a stretch misses eight bars.
RANGE_DB = 24.0  # What lies so far below the fullest bar counts as empty.


@dataclass(frozen=True)
class Stretch:
    """A part of a song between two turns.

    Attributes:
        start: Seconds.
        end: Seconds.
        label: Letter; stretches that sound alike share it.
        energy: Loudness within the song, 0 to 1.
        bass: Bass level within the song, 0 to 1.
        lead: Bass level of its last two bars, 0 to 1.
        rise: Change of tension (treble, loudness, density of onsets) from its start to its end.
    """

    start: float
    end: float
    label: str
    energy: float
    bass: float
    lead: float
    rise: float


@dataclass(frozen=True)
class Form:
    """The stretches of a song in order, and how new the music is at each frame, shape (n,)."""

    stretches: tuple[Stretch, ...]
    novelty: NDArray[np.float32]


def find_form(spectra: Spectra, grid: Grid, duration: float) -> Form:
    """Divides a song of `duration` seconds into stretches."""
    steps = _steps(grid, duration)
    bars, levels = describe_steps(spectra, steps), step_levels(spectra, steps)
    novelty = np.mean([turns(bars, span) for span in SPANS], axis=0) + 2 * _release(levels)
    cuts = _pick(novelty, steps)
    parts = np.split(np.arange(len(bars)), cuts)
    letters = _letters([bars[part].mean(axis=0) for part in parts])
    stretches = tuple(
        _measure(part, letter, steps, levels) for part, letter in zip(parts, letters, strict=True)
    )
    curve = np.interp(np.arange(len(spectra.loudness)) / RATE, steps[:-1], novelty)
    return Form(stretches, curve.astype(np.float32))


def _measure(bars: NDArray[np.int64], letter: str, steps: Matrix, levels: Matrix) -> Stretch:
    loudness, bass, treble, density = levels[bars].T
    tension = gaussian_filter1d((loudness + treble + density) / 3, 1.0)
    return Stretch(
        start=float(steps[bars[0]]),
        end=float(steps[bars[-1] + 1]),
        label=letter,
        energy=float(loudness.mean()),
        bass=float(bass.mean()),
        lead=float(bass[-2:].mean()),
        rise=float(tension[-1] - tension[0]),
    )


def _steps(grid: Grid, duration: float) -> Matrix:
    """Starts of the bars from 0 on, and the end of the song."""
    if len(grid.downbeats) < 4:
        return np.linspace(0.0, duration, max(2, round(duration / PLAIN_STEP) + 1))
    bars, bar = grid.downbeats, float(np.median(np.diff(grid.downbeats)))
    if bar > LONG:
        halves = np.arange(2 * len(bars) - 1) / 2
        bars, bar = np.interp(halves, np.arange(len(bars)), bars), bar / 2
    before = np.arange(bars[0] - bar, 0.3 * bar, -bar)[::-1]
    after = np.arange(bars[-1] + bar, duration - 0.3 * bar, bar)
    inner = np.concatenate([before, bars, after])
    inner = inner[(inner > 0.3 * bar) & (inner < duration - 0.3 * bar)]
    return np.concatenate([[0.0], inner, [duration]])


def _release(levels: Matrix) -> Matrix:
    """Where a riser lets go: treble that rose over the last bars falls, shape (bars,)."""
    treble = np.pad(levels[:, 2], (3, 0), mode="edge")
    rose = np.maximum(0.0, treble[2:-1] - treble[:-3])
    fell = np.maximum(0.0, treble[2:-1] - treble[3:])
    return np.asarray(np.sqrt(rose * fell))


def _pick(novelty: Matrix, steps: Matrix) -> NDArray[np.int64]:
    """Bars at which a new stretch begins: the best division, by dynamic programming.

    A turn is worth its novelty above the song's own usual; stretches of eight or four bars are
    likelier than those of seven.
    """
    count = len(novelty)
    around = uniform_filter1d(novelty, 3, mode="nearest")
    peaked = np.maximum(0.0, novelty + SHARPEN * (novelty - around))
    usual = max(LEAST_NOVELTY, SPREAD * float(np.percentile(novelty, 75)))
    worth = peaked / usual - 1.0
    value, previous = np.zeros(count), np.zeros(count, np.int64)
    for bar in range(1, count):
        value[bar] = -np.inf
        for start in (0, *range(max(1, bar - LONGEST), bar)):
            if steps[bar] - steps[start] >= SHORTEST:
                odd = 0.0 if start == 0 else _oddness(bar - start)
                total = value[start] + worth[bar] - odd
                if total > value[bar]:
                    value[bar], previous[bar] = total, start
    value[steps[-1] - steps[:-1] < SHORTEST] = -np.inf
    cuts, bar = [], int(np.argmax(value))
    while bar > 0:
        cuts.append(bar)
        bar = int(previous[bar])
    return np.array(cuts[::-1], np.int64)


def _oddness(bars: int) -> float:
    """Penalty of a stretch of so many bars."""
    return ODDNESS * (0 if bars % 8 == 0 else 1 if bars % 4 == 0 else 2 if bars % 2 == 0 else 3)


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
