"""A grammar of songs: every call composes and plays another one and knows its own truth.

Styles differ in what carries the beat: a backbeat, four on the floor, broken beats, half time,
waltzes, shuffles, double kicks, syncopated machines, arpeggios, chords alone, or a motif.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.signal import fftconvolve

from visualizer.analysis.training.drums import LOUDNESS, STYLES, Style, drum_bar, fill_bar, roll_bar
from visualizer.analysis.training.notes import Band, make_band, play_bar
from visualizer.analysis.training.sounds import RATE, Sound, make_kit

Times = NDArray[np.float64]

SECONDS = 36.0
BURIED = 0.2  # Share of songs whose drums lie deep in the mix.
FAINT = 0.17  # Ghost notes are played and not asked for.
SAME = {"open": "hat", "shaker": "hat"}  # Count as one instrument.
WITHOUT_DRUMS = tuple(style for style in STYLES if not style.density["drums"])
LAYERS = ("drums", "bass", "chords", "strings", "arpeggio", "melody")


@dataclass(frozen=True)
class Song:
    """A rendered song and its truth.

    Attributes:
        samples: float32 mono at 44100 Hz, peak 1 or less.
        beats: Seconds.
        downbeats: Seconds.
        drums: Seconds of kick, snare and hat.
    """

    samples: Sound
    beats: Times
    downbeats: Times
    drums: dict[str, Times]


@dataclass
class Mix:
    """Layers while they are being played."""

    grid: Times
    swing: float
    rng: Generator
    human: float
    drums: Sound = field(default_factory=lambda: np.zeros(int((SECONDS + 8) * RATE), np.float32))
    tones: Sound = field(default_factory=lambda: np.zeros(int((SECONDS + 8) * RATE), np.float32))
    hits: dict[str, list[float]] = field(default_factory=dict)

    def when(self, beat: float) -> float:
        """Seconds of a position in beats; the second half of each beat swings."""
        whole, part = divmod(beat, 1.0)
        bent = (
            part * 2 * self.swing
            if part < 0.5
            else self.swing + (part - 0.5) * 2 * (1 - self.swing)
        )
        return float(np.interp(whole + bent, np.arange(len(self.grid)), self.grid))

    def add(self, layer: Sound, sound: Sound, time: float, gain: float) -> None:
        """Adds a sound to a layer."""
        first = int(time * RATE)
        if 0 <= first < len(layer):
            last = min(len(layer), first + len(sound))
            layer[first:last] += gain * sound[: last - first]

    def hit(self, name: str, sound: Sound, beat: float, gain: float) -> None:
        """Plays a drum and remembers it; what lies before the song's first beat is left out."""
        if beat < -0.01:
            return
        time = self.when(beat) + self.rng.normal(0, self.human)
        self.add(self.drums, sound, time, gain * LOUDNESS[name])
        name = SAME.get(name, name)
        if gain > FAINT:
            self.hits.setdefault(name, []).append(time)


def compose_song(seed: int, styles: Sequence[Style] = STYLES) -> Song:
    """Composes and plays one song.

    Args:
        seed: The same seed gives the same song.
        styles: One of them is taken, each as often as its share says.
    """
    rng = np.random.default_rng(seed)
    shares = np.array([style.share for style in styles])
    style = styles[int(rng.choice(len(styles), p=shares / shares.sum()))]
    meter = int(rng.choice(style.meters, p=_shares(len(style.meters))))
    start = float(rng.choice([0.0, rng.uniform(0, 0.6), rng.uniform(0, 6)], p=[0.3, 0.5, 0.2]))
    slowest, fastest = np.log(style.tempo)
    tempo = float(np.exp(rng.triangular(slowest, (slowest + fastest) / 2, fastest)))
    grid = _beat_times(rng, tempo, start)
    swing = rng.uniform(0.56, 0.68) if rng.uniform() < style.swing else 0.5
    mix = Mix(grid, swing, rng, float(rng.choice([0.0, 0.003, 0.008, 0.014])))
    pickup = int(rng.integers(0, meter)) if rng.uniform() < 0.4 else 0
    band = make_band(rng, style, meter, tempo)
    _play(mix, style, band, meter, pickup)
    samples = _master(rng, mix, grid)
    end = SECONDS - rng.uniform(0.2, 4) * (rng.uniform() < 0.3)
    samples[int(end * RATE) :] = 0
    return _truth(samples[: int(SECONDS * RATE)], grid, pickup, meter, mix.hits, end)


def _shares(count: int) -> list[float]:
    """The first metre of a style is the usual one."""
    return [1.0] if count == 1 else [0.7] + [0.3 / (count - 1)] * (count - 1)


def _beat_times(rng: Generator, tempo: float, start: float) -> Times:
    """Beats from `start` past the end of the song: steady, drifting, bending or jumping."""
    count = int((SECONDS + 8) * tempo * 2 / 60)
    log = np.zeros(count)
    kind = rng.uniform()
    if kind < 0.15:
        log = np.cumsum(rng.normal(0, 0.008, count))
    elif kind < 0.25:
        log = np.linspace(0, rng.uniform(-0.5, 0.5), count)
    elif kind < 0.32:
        log[int(rng.uniform(0.15, 0.5) * count) :] = rng.uniform(-0.4, 0.4)
    elif kind < 0.38:
        middle = rng.uniform(0.1, 0.5) * count
        log = -rng.uniform(0.03, 0.15) * np.exp(-(((np.arange(count) - middle) / 6) ** 2))
    tempos = np.clip(tempo * np.exp(log), 48, 225)
    return start + np.concatenate([[0.0], np.cumsum(60 / tempos)])


def _play(mix: Mix, style: Style, band: Band, meter: int, pickup: int) -> None:
    """Plays bar after bar in sections of two to eight bars with changing layers."""
    rng, kit = mix.rng, make_kit(mix.rng)
    bar, left, active, pattern = 0, 0, set(LAYERS), band.patterns[0]
    first = pickup if rng.uniform() < 0.5 else pickup - meter
    if first == pickup and pickup:
        roll_bar(mix, kit, 0.0, pickup)
    while mix.when(first + bar * meter) < SECONDS and first + (bar + 1) * meter < len(mix.grid) - 8:
        start = first + bar * meter
        if left == 0:
            left, active = int(rng.choice([2, 4, 4, 8, 8])), _choose_layers(rng, style)
            pattern = band.patterns[int(rng.uniform() < 0.3)]
            if bar and "drums" in active and rng.uniform() < 0.6:
                mix.hit("crash", kit["crash"], start, rng.uniform(0.3, 0.9))
        left -= 1
        last = left == 0
        if "drums" in active:
            if last and rng.uniform() < 0.5:
                fill_bar(mix, kit, start, meter, pattern)
            else:
                drum_bar(mix, kit, start, meter, pattern)
        elif last and style.machine and rng.uniform() < 0.5:
            roll_bar(mix, kit, start, meter)
        play_bar(mix, band, bar, start, meter, active)
        bar += 1


def _choose_layers(rng: Generator, style: Style) -> set[str]:
    active = {layer for layer in LAYERS if rng.uniform() < style.density[layer]}
    return active or {"chords", "bass"}


def _master(rng: Generator, mix: Mix, grid: Times) -> Sound:
    """Balance, pumping, room, noise and loudness."""
    louder = rng.uniform(8, 18) if rng.uniform() < BURIED else rng.uniform(-10, 8)
    tones = mix.tones * 10 ** (louder / 20)
    if rng.uniform() < 0.25 and "kick" in mix.hits:
        tones = tones * _pump(mix, len(tones), rng.uniform(0.3, 0.95))
    sound = mix.drums + tones
    if rng.uniform() < 0.5:
        tail = rng.standard_normal(int(rng.uniform(0.3, 1.5) * RATE))
        tail *= np.exp(-np.arange(len(tail)) / RATE * rng.uniform(4, 12))
        wet = fftconvolve(sound, tail.astype(np.float32))[: len(sound)]
        share = rng.uniform(0.03, 0.3)
        sound = sound + wet * share * np.abs(sound).max() / max(np.abs(wet).max(), 1e-9)
    sound = sound / max(float(np.abs(sound).max()), 1e-9)
    sound = np.tanh(sound * rng.uniform(0.5, 4))
    noise = 10 ** (rng.uniform(-90, -35) / 20)
    heard = np.arange(len(sound)) >= (grid[0] - 0.02) * RATE
    return np.asarray(sound + noise * heard * rng.standard_normal(len(sound)), np.float32)


def _pump(mix: Mix, length: int, depth: float) -> Sound:
    """Gain that ducks at each kick."""
    gain = np.ones(length, np.float32)
    dip = 1 - depth * np.exp(-np.arange(int(0.35 * RATE)) / (0.12 * RATE)).astype(np.float32)
    for time in mix.hits["kick"]:
        first = int(time * RATE)
        if 0 <= first < length:
            last = min(length, first + len(dip))
            gain[first:last] = np.minimum(gain[first:last], dip[: last - first])
    return gain


def _truth(
    samples: Sound, grid: Times, pickup: int, meter: int, hits: dict[str, list[float]], end: float
) -> Song:
    inside = grid < end
    downbeats = grid[pickup::meter]
    drums = {
        name: np.array(sorted(t for t in hits.get(name, ()) if 0 <= t < end))
        for name in ("kick", "snare", "hat")
    }
    return Song(samples, grid[inside], downbeats[downbeats < end], drums)
