"""Fits the weights by which grids and bars are judged, on songs that the network was not taught.

python -m visualizer.analysis.training.judging --songs 320 --without-drums 300
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from visualizer.analysis.bars import find_bars, witness
from visualizer.analysis.grid import LEAST_BEATS, evidence, follow
from visualizer.analysis.judge import PLAIN, WEIGHTS, Cues, cues, judge, rivals
from visualizer.analysis.observations import Observations, observe
from visualizer.analysis.spectra import measure_sound
from visualizer.analysis.training.drums import STYLES, Style
from visualizer.analysis.training.songs import WITHOUT_DRUMS, Song, compose_song

Times = NDArray[np.float64]

FIRST = 900_000  # The network is taught songs of earlier seeds.
NEAR = 0.05  # Seconds.
RIGHT = 0.85  # F measure of a right grid.
GOOD = 0.8  # F measure of one that may be trusted.
RIDGE = 0.1  # Keeps the weights small.


@dataclass(frozen=True)
class Case:
    """Rival grids of one song.

    Attributes:
        heard: Cues of each.
        right: Index of the one that the song was played by.
    """

    heard: list[Cues]
    right: int


def find_case(observed: Observations, beats: Times) -> Case | None:
    """The rivals of one song, if it has any and one of them is right."""
    followed = follow(observed)
    if len(followed) < LEAST_BEATS:
        return None
    grids = rivals(followed, observed)
    scores = [_f_measure(beats, grid) for grid in grids]
    if len(grids) < 2 or max(scores) < RIGHT:
        return None
    heard = [cues(grid, find_bars(grid, observed), observed) for grid in grids]
    return Case(heard, int(np.argmax(scores)))


def _f_measure(beats: Times, grid: Times) -> float:
    hits = (np.abs(beats[:, None] - grid).min(axis=1) < NEAR).sum()
    return float(2 * hits / (len(beats) + len(grid)))


def fit_cues(cases: Sequence[Case], names: Sequence[str]) -> Cues:
    """Weights of a conditional logit: of its rivals the right grid is to score highest."""
    tables = [np.array([[each[name] for name in names] for each in case.heard]) for case in cases]
    scale = np.concatenate(tables).std(axis=0) + 1e-9
    scaled = [table / scale for table in tables]

    def cost(weights: Times) -> tuple[float, Times]:
        total, slope = RIDGE / 2 * float(weights @ weights), RIDGE * weights
        for table, case in zip(scaled, cases, strict=True):
            score = table @ weights
            chance = np.exp(score - score.max())
            chance /= chance.sum()
            total -= float(np.log(chance[case.right] + 1e-300))
            slope = slope - table[case.right] + chance @ table
        return total, slope

    fitted = minimize(cost, np.zeros(len(names)), jac=True).x / scale
    return dict(zip(names, np.round(fitted, 2).tolist(), strict=True))


def fit_trust(observed: Sequence[Observations], songs: Sequence[Song]) -> Times:
    """Logistic weights of what speaks for a grid: a constant first, then those of `evidence`."""
    table, sign = [], []
    for song, heard in zip(songs, observed, strict=True):
        followed = follow(heard)
        if len(followed) >= LEAST_BEATS:
            verdict = judge(followed, heard)
            table.append([1.0, *evidence(followed, verdict, heard)])
            sign.append(1.0 if _f_measure(song.beats, verdict.beats) > GOOD else -1.0)
    return _logistic(np.array(table), np.array(sign))


def fit_bars(observed: Sequence[Observations], songs: Sequence[Song]) -> Times:
    """Logistic weights of the witnesses of downbeats, but for the network: it knows these songs."""
    tables = [witness(song.beats, heard) for song, heard in zip(songs, observed, strict=True)]
    table = np.concatenate(tables)
    table[:, 0] = 1.0
    sign = np.concatenate([2.0 * np.isin(song.beats, song.downbeats) - 1 for song in songs])
    # The first weight says how rare downbeats are, which the metre knows better.
    return _logistic(table, sign)[1:]


def _logistic(table: Times, sign: Times) -> Times:
    """Weights of the columns by logistic regression; `sign` is 1 or -1 for each row."""

    def cost(weights: Times) -> float:
        return float(np.logaddexp(0, -sign * (table @ weights)).sum())

    return np.asarray(np.round(minimize(cost, np.zeros(table.shape[1])).x, 2))


def hear(seed: int, styles: Sequence[Style] = STYLES) -> tuple[Song, Observations]:
    """One song and what is heard of it; the samples are let go."""
    song = compose_song(seed, styles)
    heard = observe(measure_sound(song.samples[:, None]))
    return replace(song, samples=song.samples[:0]), heard


def main() -> None:
    """Prints the weights."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--songs", type=int, default=320)
    parser.add_argument("--without-drums", type=int, default=300, help="songs to add to those")
    arguments = parser.parse_args()
    last = FIRST + arguments.songs
    heard = [hear(seed) for seed in range(FIRST, last)]
    heard += [hear(last + more, WITHOUT_DRUMS) for more in range(arguments.without_drums)]
    heard = [(song, what) for song, what in heard if len(song.beats) >= LEAST_BEATS]
    songs, observed = zip(*heard, strict=True)
    found = [find_case(*pair) for pair in zip(observed, (s.beats for s in songs), strict=True)]
    cases = [case for case in found if case]
    sys.stdout.write(f"{len(cases)} songs with rivals\n")
    for name, weights in (("WEIGHTS", WEIGHTS), ("PLAIN", PLAIN)):
        weights.update(fit_cues(cases, list(weights)))  # What follows is judged by them.
        sys.stdout.write(f"{name}: {weights}\n")
    sys.stdout.write(f"bars: {fit_bars(observed, songs).tolist()}\n")
    sys.stdout.write(f"TRUST: {fit_trust(observed, songs).tolist()}\n")


if __name__ == "__main__":
    main()
