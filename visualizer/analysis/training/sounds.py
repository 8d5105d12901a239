"""A small synthesiser: drums from sweeps and noise, notes from wavetables.

Conventions: float32 mono at RATE, peak about 1. `rng` decides the timbre.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt

RATE = 44100
TABLE = 2048

Sound = NDArray[np.float32]


def _time(seconds: float) -> Sound:
    return (np.arange(int(seconds * RATE)) / RATE).astype(np.float32)


def _noise(rng: Generator, seconds: float, low: float, high: float) -> Sound:
    """Noise between two frequencies in Hz."""
    band = butter(2, [low, min(high, 20000.0)], "bandpass", fs=RATE, output="sos")
    sound = sosfilt(band, rng.standard_normal(int(seconds * RATE)))
    return _peak(sound)


def _peak(sound: NDArray[np.floating]) -> Sound:
    return np.asarray(sound / max(float(np.abs(sound).max(initial=0)), 1e-9), np.float32)


def _fall(seconds: float, half: float) -> Sound:
    return np.asarray(np.exp2(-_time(seconds) / half), np.float32)


def make_kick(rng: Generator) -> Sound:
    """A sweep down to the fundamental, with more or less of a click."""
    t = _time(0.5)
    end, depth, speed = rng.uniform(40, 110), rng.uniform(0, 250), rng.uniform(0.005, 0.05)
    phase = 2 * np.pi * (end * t + depth * speed * (1 - np.exp(-t / speed)))
    body = np.sin(phase) * _fall(0.5, rng.uniform(0.015, 0.14))
    beater = _noise(rng, 0.5, rng.uniform(300, 2000), rng.uniform(3000, 10000))
    click = beater * _fall(0.5, rng.uniform(0.002, 0.012)) * rng.uniform(0, 1.2)
    return _peak(np.tanh((body + click) * rng.uniform(1, 3)))


def make_snare(rng: Generator) -> Sound:
    """Two drum modes under rattling noise; a clap where the modes are weak."""
    t = _time(0.45)
    base = rng.uniform(150, 300)
    modes = np.sin(2 * np.pi * base * t) + 0.6 * np.sin(2 * np.pi * base * 1.6 * t)
    tone = modes * _fall(0.45, rng.uniform(0.015, 0.06)) * rng.uniform(0.0, 1.0)
    rattle = _noise(rng, 0.45, rng.uniform(300, 1800), rng.uniform(5000, 14000))
    return _peak(tone + rattle * _fall(0.45, rng.uniform(0.012, 0.09)))


def make_hat(rng: Generator, half: float) -> Sound:
    """Bright noise; a closed hat falls by half in 10 to 30 ms, a cymbal in 150 and more."""
    seconds = min(2.0, half * 9)
    noise = _noise(rng, seconds, rng.uniform(4000, 8000), 18000)
    t = _time(seconds)
    ring = sum(np.sign(np.sin(2 * np.pi * f * t)) for f in rng.uniform(3000, 9000, 4))
    return _peak((noise + 0.15 * rng.uniform() * ring) * _fall(seconds, half))


def make_tom(rng: Generator) -> Sound:
    """A tuned drum with a short bend."""
    t = _time(0.4)
    end = rng.uniform(80, 260)
    body = np.sin(2 * np.pi * (end * t + 1.5 * (1 - np.exp(-t / 0.03))))
    return _peak(body * _fall(0.4, rng.uniform(0.04, 0.12)))


def make_kit(rng: Generator) -> dict[str, Sound]:
    """One-shots by name; every kit is another."""
    return {
        "kick": make_kick(rng),
        "snare": make_snare(rng),
        "hat": make_hat(rng, rng.uniform(0.008, 0.03)),
        "open": make_hat(rng, rng.uniform(0.06, 0.15)),
        "ride": make_hat(rng, rng.uniform(0.12, 0.3)),
        "crash": make_hat(rng, rng.uniform(0.2, 0.5)),
        "tom": make_tom(rng),
        "shaker": _noise(rng, 0.12, 5000, 15000) * np.hanning(int(0.12 * RATE)).astype(np.float32),
        "perc": make_tom(rng)[: RATE // 8] + 0.3 * make_snare(rng)[: RATE // 8],
    }


@dataclass
class Voice:
    """An instrument: two single cycles, bright and dull, and an envelope.

    Attributes:
        bright: Amplitude of each harmonic at the start of a note.
        dull: The same once the note has settled.
        attack: Seconds.
        half: Seconds in which a held note falls by half; None holds.
        settle: Seconds in which bright becomes dull by half.
        drive: Distortion, 0 is clean.
        vibrato: Depth in semitones.
        unison: Detuned copies.
    """

    bright: Sound
    dull: Sound
    attack: float
    half: float | None
    settle: float
    drive: float
    vibrato: float
    unison: int
    _notes: dict[tuple[int, int], Sound] = field(default_factory=dict)

    def note(self, pitch: int, seconds: float) -> Sound:
        """One note at a MIDI pitch, its release included."""
        key = (pitch, round(seconds * 50))
        if key not in self._notes:
            self._notes[key] = self._render(pitch, max(0.04, key[1] / 50))
        return self._notes[key]

    def _render(self, pitch: int, seconds: float) -> Sound:
        release = 0.06 if self.half is None else 0.12
        t = _time(seconds + release)
        frequency = 440 * 2 ** ((pitch - 69) / 12)
        count = max(1, int(16000 / frequency))
        tables = [_cycle(h[:count]) for h in (self.bright, self.dull)]
        bend = (
            np.exp2(self.vibrato / 12 * np.sin(34.6 * t) * np.minimum(1, t / 0.4))
            if self.vibrato > 0.02
            else np.ones_like(t)
        )
        mix = np.exp2(-t / self.settle)
        sound = np.zeros_like(t)
        for copy in range(self.unison):
            detune = 2 ** ((0.12 * (copy - (self.unison - 1) / 2) / max(1, self.unison - 1)) / 12)
            phase = np.cumsum(frequency * detune / RATE * bend, dtype=np.float64) + copy * 0.37
            index = (phase % 1 * TABLE).astype(np.int32)
            sound += mix * tables[0][index] + (1 - mix) * tables[1][index]
        if self.drive:
            sound = np.tanh(self.drive * sound)
        fall = 1.0 if self.half is None else np.exp2(-t / self.half)
        rise = np.minimum(1, t / self.attack)
        envelope = fall * rise * np.clip((t[-1] - t) / release, 0, 1)
        return np.asarray(_peak(sound) * envelope, np.float32)


def _cycle(harmonics: Sound) -> Sound:
    spectrum = np.zeros(TABLE // 2 + 1, complex)
    spectrum[1 : len(harmonics) + 1] = harmonics * 1j
    return _peak(np.fft.irfft(spectrum))


def _slope(steep: float, odd: bool = False) -> Sound:
    k = np.arange(1, 65, dtype=np.float32)
    return np.asarray(k**-steep * (k % 2 if odd else 1), np.float32)


def make_voice(rng: Generator, kind: str) -> Voice:
    """A voice of one kind: pluck, pad, lead, bass, guitar or organ."""
    u: Callable[[float, float], float] = rng.uniform
    odd = bool(rng.uniform() < 0.3)
    if kind == "pluck":
        return Voice(
            _slope(u(0.8, 2), odd),
            _slope(u(2, 3.5), odd),
            u(0.001, 0.008),
            u(0.1, 0.9),
            u(0.05, 0.4),
            0,
            0,
            1 + int(u(0, 2)),
        )
    if kind == "pad":
        return Voice(
            _slope(u(1, 2.5)),
            _slope(u(1, 2.5)),
            u(0.04, 0.35),
            None,
            0.5,
            0,
            u(0, 0.1),
            1 + int(u(0, 3)),
        )
    if kind == "lead":
        return Voice(
            _slope(u(0.7, 1.5), odd),
            _slope(u(0.9, 2), odd),
            u(0.004, 0.06),
            None,
            u(0.1, 1),
            0,
            u(0, 0.35),
            1 + int(u(0, 3)),
        )
    if kind == "bass":
        return Voice(
            _slope(u(0.8, 2.5), odd),
            _slope(u(1.5, 4), odd),
            u(0.002, 0.02),
            None if u(0, 1) < 0.5 else u(0.2, 1.0),
            u(0.05, 0.5),
            u(0, 1) * u(0, 2),
            0,
            1,
        )
    if kind == "guitar":
        return Voice(_slope(0.8), _slope(1.2), u(0.001, 0.006), u(0.5, 3), 0.4, u(2, 12), 0.02, 2)
    return Voice(_slope(u(1.2, 2)), _slope(u(1.2, 2)), u(0.004, 0.02), None, 1, u(0, 1), 0.05, 1)
