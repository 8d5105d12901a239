"""Drum patterns of the song grammar."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.random import Generator

from visualizer.analysis.training.sounds import Sound

if TYPE_CHECKING:
    from visualizer.analysis.training.songs import Mix

Kit = dict[str, Sound]
Hits = dict[str, list[tuple[float, float]]]  # Name to (beat, gain) within a bar.

LOUDNESS = {
    "kick": 1.0,
    "snare": 0.8,
    "hat": 0.45,
    "open": 0.4,
    "ride": 0.35,
    "crash": 0.5,
    "tom": 0.7,
    "shaker": 0.3,
    "perc": 0.5,
}
FULL = {"drums": 0.9, "bass": 0.85, "chords": 0.75, "strings": 0.3, "arpeggio": 0.3, "melody": 0.5}
CALM = {"drums": 0.0, "bass": 0.45, "chords": 0.75, "strings": 0.3, "arpeggio": 0.6, "melody": 0.6}


@dataclass(frozen=True)
class Style:
    """What songs of a style have in common.

    Attributes:
        name: Of the drum pattern.
        share: Of all songs.
        tempo: Range in bpm.
        meters: Beats per bar, the usual one first.
        swing: Share of songs that swing.
        density: Chance of each layer in a section.
        machine: Electronic: rolls, risers, bass off the beat.
    """

    name: str
    share: float
    tempo: tuple[float, float]
    meters: tuple[int, ...] = (4,)
    swing: float = 0.1
    density: Mapping[str, float] = field(default_factory=FULL.copy)
    machine: bool = False


STYLES = (
    Style("rock", 0.14, (68, 180), (4, 3), 0.12, FULL),
    Style("slow", 0.10, (48, 92), (4, 3), 0.1, FULL),
    Style("metal", 0.07, (95, 215), (4, 3), 0.0, FULL),
    Style("four", 0.11, (98, 205), (4,), 0.05, FULL, True),
    Style("machine", 0.06, (85, 170), (4,), 0.15, FULL, True),
    Style("broken", 0.05, (155, 185), (4,), 0.0, FULL, True),
    Style("half", 0.04, (125, 160), (4,), 0.05, FULL, True),
    Style("skank", 0.04, (60, 140), (4,), 0.15, FULL),
    Style("waltz", 0.06, (72, 200), (3,), 0.08, FULL),
    Style("shuffle", 0.04, (52, 150), (4,), 1.0, FULL),
    Style("sparse", 0.05, (52, 170), (4, 3), 0.1, {**FULL, "arpeggio": 0.5}),
    Style("odd", 0.04, (90, 180), (5, 7, 6), 0.0, FULL),
    Style("none", 0.06, (50, 150), (4, 3), 0.05, CALM),
    Style("ballad", 0.05, (50, 110), (4, 3), 0.05, CALM),
    Style("ambient", 0.05, (55, 130), (4, 3), 0.05, CALM),
    Style("chamber", 0.04, (55, 150), (4, 3), 0.0, CALM),
)


def choose_division(rng: Generator, tempo: float, choices: tuple[int, ...] = (1, 2, 4)) -> int:
    """Notes per beat: players divide slow beats more than fast ones, for 2 to 6 notes a second."""
    octaves = np.log2(np.array(choices) * tempo / 60 / 3.6)
    weights = np.exp(-0.5 * (octaves / 0.9) ** 2)
    return int(rng.choice(choices, p=weights / weights.sum()))


def make_pattern(rng: Generator, name: str, meter: int, tempo: float) -> Hits:
    """One bar of drums; every song has its own."""
    pattern: Hits = {
        "kick": _kicks(rng, name, meter, tempo),
        "snare": _snares(rng, name, meter, tempo),
    }
    pattern |= _cymbals(rng, name, meter, tempo)
    if rng.uniform() < 0.25:
        steps = np.flatnonzero(rng.uniform(size=4 * meter) < 0.3) / 4
        pattern["perc"] = [(float(b), rng.uniform(0.15, 0.5)) for b in steps]
    return pattern


def _some(
    rng: Generator, beats: list[float], chance: float, gain: float = 0.9
) -> list[tuple[float, float]]:
    return [(b, gain * rng.uniform(0.8, 1.0)) for b in beats if rng.uniform() < chance]


def _steps(meter: int, per_beat: int) -> list[float]:
    return [i / per_beat for i in range(meter * per_beat)]


def _kicks(rng: Generator, name: str, meter: int, tempo: float) -> list[tuple[float, float]]:
    every = _steps(meter, 1)
    eighths = [b for b in _steps(meter, 2) if b % 1]
    sixteenths = [b for b in _steps(meter, 4) if b * 2 % 1]
    if name == "four":
        return _some(rng, every, 1.0)
    if name == "broken":
        return [(0.0, 0.95), (2.5, 0.9), *_some(rng, [1.5, 3.5, 2.0, 0.5], 0.15)]
    if name == "half":
        return [(0.0, 0.95), *_some(rng, [*eighths, *sixteenths], 0.1)]
    if name == "metal" and rng.uniform() < 0.6:
        return _some(
            rng,
            _steps(meter, choose_division(rng, tempo / 2, (2, 4))),
            rng.choice([0.6, 0.95]),
            0.8,
        )
    if name == "waltz":
        return [(0.0, 0.95), *_some(rng, [*every[1:], *eighths], 0.12)]
    if name == "skank":
        drop = [[2.0], [0.0, 2.0], every][int(rng.integers(3))]
        return [*_some(rng, drop, 0.97), *_some(rng, eighths, 0.05)]
    if name == "machine":
        return [(0.0, 0.95), *_some(rng, [0.75, 1.5, 2.5, 2.75, 3.0, 2.0, 3.5], 0.35)]
    busy = rng.uniform(0.05, 0.5) * min(1.0, 110 / tempo)
    if rng.uniform() < 0.1:
        return _some(rng, every, 0.97)
    return (
        _some(rng, [0.0], 0.97)
        + _some(rng, every[2::2], 0.65)
        + _some(rng, eighths, busy)
        + _some(rng, every[1::2], 0.12)
        + _some(rng, sixteenths, busy * 0.25)
    )


def _snares(rng: Generator, name: str, meter: int, tempo: float) -> list[tuple[float, float]]:
    if (
        name == "half"
        or (name in ("slow", "machine") and rng.uniform() < 0.12)
        or (name == "rock" and tempo > 145 and rng.uniform() < 0.06)
    ):
        main = [float(meter // 2)]
    elif name == "skank":
        main = [2.0] if rng.uniform() < 0.5 else [1.0, 3.0]
    elif name == "four":
        kind = rng.uniform()
        main = [1.0, 3.0] if kind < 0.7 else []
    elif meter == 3:
        main = [[1.0, 2.0], [2.0], [1.0]][int(rng.integers(3))]
    elif meter == 4:
        main = [1.0, 3.0]
        if name in ("rock", "metal", "sparse") and rng.uniform() < 0.15:
            main = _steps(meter, 1) if rng.uniform() < 0.5 else [b + 0.5 for b in range(meter)]
    else:
        main = [b for b in _steps(meter, 1) if b % 2 == 1]
    ghosts = [b for b in _steps(meter, 4) if b % 1]
    ghost = rng.uniform(0.0, 0.15)
    return _some(rng, main, 0.97) + _some(rng, ghosts, ghost, rng.uniform(0.15, 0.6))


def _cymbals(rng: Generator, name: str, meter: int, tempo: float) -> Hits:
    """Hats, ride or shaker: quarters, eighths, sixteenths, triplets or only off the beat."""
    off = 0.4 if name in ("skank", "four") else 0.1
    odds = np.array([0.8, off, 0.04, 0.07])
    kind = str(rng.choice(["even", "off", "triplet", "random"], p=odds / odds.sum()))
    if name == "shuffle":
        kind = str(rng.choice(["even", "triplet"]))
    even = 2 if name == "slow" and rng.uniform() < 0.5 else choose_division(rng, tempo)
    per = {"even": even, "off": 2, "triplet": 3, "random": 4}[kind]
    steps = _steps(meter, per)
    if kind == "off":
        steps = [b for b in steps if b % 1]
    accent = rng.uniform(0.3, 1.0) if rng.uniform() < 0.6 else 1.0
    gain = rng.uniform(0.2, 0.7)
    chance = 0.5 if kind == "random" else 0.98
    hits = [(b, gain * (1.0 if b % 1 == 0 else accent)) for b in steps if rng.uniform() < chance]
    voice = str(rng.choice(["hat", "hat", "hat", "ride", "shaker", "open"]))
    if kind == "off":
        voice = str(rng.choice(["open", "hat"]))
    other = [(b, gain) for b in _steps(meter, 2) if b % 1 and rng.uniform() < 0.15]
    return {voice: hits, **({"open": other} if voice == "hat" and rng.uniform() < 0.3 else {})}


def drum_bar(mix: Mix, kit: Kit, start: float, meter: int, pattern: Hits) -> None:
    """Plays one bar with small variations."""
    for name, hits in pattern.items():
        for beat, gain in hits:
            if mix.rng.uniform() < 0.96:
                gain *= mix.rng.uniform(0.85, 1.0)
                mix.hit(name, kit[name], start + beat, gain)


def fill_bar(mix: Mix, kit: Kit, start: float, meter: int, pattern: Hits) -> None:
    """Plays one bar that ends in a fill."""
    turn = meter - float(mix.rng.choice([0.5, 1, 2]))
    for name, hits in pattern.items():
        for beat, gain in hits:
            if beat < turn:
                mix.hit(name, kit[name], start + beat, gain)
    per = int(mix.rng.choice([2, 3, 4]))
    for beat in np.arange(turn, meter, 1 / per):
        if mix.rng.uniform() < 0.85:
            name = str(mix.rng.choice(["tom", "snare", "tom", "kick"]))
            mix.hit(name, kit[name], start + float(beat), mix.rng.uniform(0.4, 0.9))


def roll_bar(mix: Mix, kit: Kit, start: float, beats: int) -> None:
    """A count-in or a roll that leads somewhere."""
    per = int(mix.rng.choice([1, 1, 2, 4]))
    name = str(mix.rng.choice(["snare", "hat", "tom", "kick"]))
    for beat in np.arange(0, beats, 1 / per):
        mix.hit(name, kit[name], start + float(beat), 0.3 + 0.5 * beat / beats)
