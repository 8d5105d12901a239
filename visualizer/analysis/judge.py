"""Which of several grids the music means: twice as fast, half as fast, or between the beats.

Every grid that the same pulse allows is heard by the same cues: how the network, the onsets and the
drums fall on its beats and between them, how the sound repeats from beat to beat, where harmony and
bass move, and how usual its tempo is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visualizer.analysis.bars import Bars, find_bars
from visualizer.analysis.lattice import LEAST_BEATS, find_pulse, fit_pulse, sounding
from visualizer.analysis.observations import Observations
from visualizer.analysis.spectra import RATE
from visualizer.analysis.tonality import chord_changes

Times = NDArray[np.float64]
Floats = NDArray[np.float32]
Cues = dict[str, float]

TEMPI = (46.0, 230.0)  # bpm: no grid is slower or faster.
USUAL_BPM = 115.0
HALVES = (1, 2, 3, 4, 6)  # Half beats of the pointer that may make a beat of the music.
PULSES = (1, 2, 3, 4)  # Notes of an even pulse that may.
COVERED = 0.75  # Share of the song that followed beats must span to have a pulse of their own.
SURE = 0.98  # No probability counts as surer than this, nor as surer of the opposite.
# By `visualizer.analysis.training.judging`: all cues, and those that owe nothing to the network.
WEIGHTS: Cues = {
    "bars": 9.71,
    "beat on": 0.55,
    "beat half": -1.34,
    "beat quarter": -1.76,
    "beat third": -2.06,
    "uneven": -0.61,
    "onset on": 10.56,
    "onset half": 5.97,
    "onset quarter": 4.89,
    "onset third": 5.46,
    "backbeat": 0.71,
    "half time": 0.35,
    "fast": -1.35,
    "unusual": -0.61,
    "repeat 1": -1.94,
    "repeat 2": -0.54,
    "repeat 3": 3.4,
    "repeat 4": 1.78,
}
PLAIN: Cues = {
    "onset on": 13.2,
    "onset half": 1.99,
    "onset quarter": -5.14,
    "onset third": -7.11,
    "harmony": 2.3,
    "fast": 1.13,
    "unusual": -1.99,
    "repeat 1": -1.9,
    "repeat 2": -1.98,
    "repeat 3": 2.16,
    "repeat 4": 2.44,
}


@dataclass(frozen=True)
class Verdict:
    """The grid that was chosen.

    Attributes:
        beats: Seconds.
        bars: Of these beats.
        chance: How clearly it was better than the other grids, 0 to 1.
        agreement: How clearly it is so for the cues that owe nothing to the network, 0 to 1.
    """

    beats: Times
    bars: Bars
    chance: float
    agreement: float


def judge(beats: Times, observed: Observations) -> Verdict:
    """Hears all rivals of these beats and chooses one."""
    grids = rivals(beats, observed)
    bars = [find_bars(grid, observed) for grid in grids]
    if len(grids) == 1:
        return Verdict(grids[0], bars[0], 0.5, 0.5)  # Compared with nothing.
    heard = [cues(*pair, observed) for pair in zip(grids, bars, strict=True)]
    chances, plain = _chances(heard, WEIGHTS), _chances(heard, PLAIN)
    best = int(chances.argmax())
    return Verdict(grids[best], bars[best], float(chances[best]), float(plain[best]))


def _chances(heard: list[Cues], weights: Cues) -> Times:
    """Probability of each grid, shape (grids,)."""
    score = np.array([sum(weights[name] * found[name] for name in weights) for found in heard])
    chance = np.exp(score - score.max())
    return np.asarray(chance / chance.sum())


def rivals(beats: Times, observed: Observations) -> list[Times]:
    """All grids that the pulse of these beats allows, at tempi that music has."""
    start, end = sounding(observed)
    covers = beats[-1] - beats[0] > COVERED * (end - start)
    pulse, steps = (fit_pulse(beats), HALVES) if covers else (find_pulse(observed), PULSES)
    if pulse is None:
        grids = _bent(beats)
    else:
        start = max(0.0, start - 0.05)
        grids = [
            pulse.every(step, place, start, end + 0.05) for step in steps for place in range(step)
        ]
    usual = [
        grid
        for grid in grids
        if len(grid) >= LEAST_BEATS and TEMPI[0] < 60 / np.median(np.diff(grid)) < TEMPI[1]
    ]
    return usual or [beats]


def _bent(beats: Times) -> list[Times]:
    """Grids at once, twice and half the tempo of beats that follow no even pulse."""
    double = np.interp(np.arange(0, len(beats) - 0.75, 0.5), np.arange(len(beats)), beats)
    return [double[place::step] for step in HALVES for place in range(step)]


def cues(beats: Times, bars: Bars, observed: Observations) -> Cues:
    """What speaks for and against a grid, by name."""
    gaps = np.diff(beats)
    middles = beats[:-1] + 0.5 * gaps
    quarters = np.concatenate([beats[:-1] + part * gaps for part in (0.25, 0.75)])
    thirds = np.concatenate([beats[:-1] + part * gaps for part in (1 / 3, 2 / 3)])
    found: Cues = {"bars": bars.score / len(beats)}
    for place, times in (
        ("on", beats),
        ("half", middles),
        ("quarter", quarters),
        ("third", thirds),
    ):
        found[f"beat {place}"] = float(log_odds(near(observed.beat, times)).mean())
        found[f"onset {place}"] = float(near(observed.strength, times).mean())
    heard = log_odds(near(observed.beat, beats))
    found["uneven"] = abs(float(heard[::2].mean() - heard[1::2].mean()))
    drums = near(log_odds(observed.kick) - log_odds(observed.snare), beats)
    one, two, three, four = (float(drums[place::4].mean()) for place in range(4))
    found["backbeat"] = abs(one + three - two - four) / 2
    found["half time"] = max(abs(one - three), abs(two - four))
    on, off = (float(chord_changes(observed.harmony, t, 1).mean()) for t in (beats, middles))
    found["harmony"] = (on - off) / (on + off + 0.02)
    octaves = float(np.log2(60 / np.median(gaps) / USUAL_BPM))
    return found | {"fast": octaves, "unusual": octaves**2} | _repeats(beats, observed.attacks)


def _repeats(beats: Times, attacks: Floats) -> Cues:
    """How much the sound of a beat is like that of the first to fourth beat after it."""
    sound = near(attacks, beats)
    sound = sound - sound.mean(axis=0)
    sound /= np.maximum(np.linalg.norm(sound, axis=1, keepdims=True), 1e-6)
    return {
        f"repeat {lag}": float((sound[lag:] * sound[:-lag]).sum(axis=1).mean())
        for lag in (1, 2, 3, 4)
    }


def log_odds(chance: NDArray[np.floating]) -> Times:
    """Logarithm of the odds of each probability; none counts as more than SURE."""
    held = np.clip(chance, 1 - SURE, SURE)
    return np.asarray(np.log(held / (1 - held)), np.float64)


def near(curve: NDArray[np.floating], times: Times) -> Floats:
    """Highest value within 30 ms of each time."""
    frames = np.rint(times * RATE).astype(int)[:, None] + np.arange(-3, 4)
    return np.asarray(curve[np.clip(frames, 0, len(curve) - 1)].max(axis=1), np.float32)
