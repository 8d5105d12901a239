"""Harmony, bass, arpeggios and melodies of the song grammar."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.random import Generator

from visualizer.analysis.training.calm import KINDS, Rhythm, calm_rhythms, calm_voices
from visualizer.analysis.training.drums import Hits, Style, choose_division, make_pattern
from visualizer.analysis.training.sounds import Voice, make_voice

if TYPE_CHECKING:
    from visualizer.analysis.training.songs import Mix

SCALES = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 2, 3, 5, 7, 9, 10))


@dataclass(frozen=True)
class Band:
    """Who plays, and what they repeat.

    Attributes:
        patterns: Bars of drums, for one section or another.
        voices: By layer.
        gains: By layer.
        scale: Semitones.
        tonic: MIDI pitch of the tonic, in the octave of the bass.
        degrees: Scale degree of each bar of the progression.
        split: Chords change twice per bar.
        rhythms: Bars of rhythm per layer.
        figure: Chord tones of the arpeggio in turn.
        tune: Scale degrees of the melody in turn.
        accents: Range of loudness off the downbeat.
        weak: Loudness of notes between beats against those on them.
        push: Chance that chords come half a beat early.
    """

    patterns: tuple[Hits, Hits]
    voices: dict[str, Voice]
    gains: dict[str, float]
    scale: tuple[int, ...]
    tonic: int
    degrees: tuple[int, ...]
    split: bool
    rhythms: dict[str, tuple[Rhythm, ...]]
    figure: tuple[int, ...]
    tune: tuple[int, ...]
    accents: tuple[float, float]
    weak: float
    push: float


def make_band(rng: Generator, style: Style, meter: int, tempo: float) -> Band:
    """Chooses instruments, harmony and rhythms for one song."""
    heavy = style.name == "metal"
    calm = style.name in KINDS
    kinds = {
        "bass": "bass",
        "chords": "guitar" if heavy else str(rng.choice(["pad", "pluck", "organ", "guitar"])),
        "arpeggio": str(rng.choice(["pluck", "lead", "pluck"])),
        "melody": str(rng.choice(["lead", "pad", "pluck", "organ"])),
        "strings": str(rng.choice(["pad", "organ", "guitar"])),
    }
    return Band(
        patterns=(
            make_pattern(rng, style.name, meter, tempo),
            make_pattern(rng, style.name, meter, tempo),
        ),
        voices=calm_voices(rng, style.name)
        if calm
        else {layer: make_voice(rng, kind) for layer, kind in kinds.items()},
        gains={layer: 10 ** (rng.uniform(-16, -6) / 20) for layer in kinds},
        scale=SCALES[int(rng.integers(len(SCALES)))],
        tonic=int(rng.integers(28, 40)),
        degrees=_progression(rng),
        split=bool(rng.uniform() < 0.2),
        rhythms=calm_rhythms(rng, style.name, meter, tempo)
        if calm
        else _rhythms(rng, style, meter, tempo),
        figure=tuple(int(i) for i in rng.integers(0, 6, int(rng.choice([3, 4, 4, 6, 8])))),
        tune=tuple(np.cumsum(rng.integers(-2, 3, 16)).tolist()),
        accents=(0.65, 0.95) if rng.uniform() < 0.6 else (0.95, 1.0),
        weak=rng.uniform(0.4, 0.9) if rng.uniform() < 0.6 else 1.0,
        push=0.5 if rng.uniform() < 0.12 else 0.0,
    )


def _rhythms(
    rng: Generator, style: Style, meter: int, tempo: float
) -> dict[str, tuple[Rhythm, ...]]:
    """Two bars of rhythm per layer."""
    arpeggio = _even(meter, choose_division(rng, tempo, (1, 2, 3, 4)))
    return {
        "bass": _repeat(rng, _bass_rhythm(rng, style, meter, tempo), meter),
        "chords": _repeat(rng, _chord_rhythm(rng, style, meter, tempo), meter),
        "strings": _repeat(rng, _chord_rhythm(rng, style, meter, tempo), meter),
        "arpeggio": _repeat(rng, arpeggio, meter, 0.1),
        "melody": (_tune_rhythm(rng, meter, tempo), _tune_rhythm(rng, meter, tempo)),
    }


def _progression(rng: Generator) -> tuple[int, ...]:
    chords = rng.choice([0, 3, 4, 5, 1, 2, 6], 4, p=[0.25, 0.2, 0.2, 0.15, 0.08, 0.07, 0.05])
    chords[0] = 0 if rng.uniform() < 0.7 else chords[0]
    slow = int(rng.choice([1, 1, 2]))
    return tuple(int(c) for c in np.repeat(chords, slow))


def _even(meter: int, per_beat: int) -> Rhythm:
    return [(i / per_beat, 0.9 / per_beat) for i in range(meter * per_beat)]


def _repeat(
    rng: Generator, rhythm: Rhythm, meter: int, change: float = 0.15
) -> tuple[Rhythm, Rhythm]:
    """The second bar repeats the first with a few notes left out."""
    return rhythm, [note for note in rhythm if note[0] == 0 or rng.uniform() > change]


def _bass_rhythm(rng: Generator, style: Style, meter: int, tempo: float) -> Rhythm:
    kind = rng.uniform()
    if style.machine and kind < 0.3:
        return [(b + 0.5, 0.4) for b in range(meter)]
    if style.name == "skank" and kind < 0.4:
        return [(float(b), 0.7) for b in range(0, meter, int(rng.integers(1, 3)))]
    if kind < 0.5:
        return _even(meter, choose_division(rng, tempo))
    if kind < 0.62:
        return [(0.0, meter - 0.2)]
    places = [i / 2 for i in range(2 * meter)]
    fill = min(1.0, 120 / tempo)
    chosen = [0.0, *[b for b in places[1:] if rng.uniform() < (0.5 if b % 1 == 0 else 0.35 * fill)]]
    return [(b, rng.uniform(0.3, 0.5)) for b in chosen]


def _chord_rhythm(rng: Generator, style: Style, meter: int, tempo: float) -> Rhythm:
    kind = rng.uniform()
    if style.name == "metal" and kind < 0.6:
        return _even(meter, choose_division(rng, tempo))
    if style.name == "waltz" and kind < 0.4:
        return [(float(b), 0.4) for b in range(1, meter)]
    if style.name == "skank" and kind < 0.8:
        return [(b + 0.5, 0.3) for b in range(meter)]
    if kind < 0.45:
        return [(0.0, meter - 0.1)]
    if kind < 0.55:
        return [(0.0, meter / 2 - 0.1), (meter / 2, meter / 2 - 0.1)]
    if kind < 0.7:
        return _even(meter, choose_division(rng, tempo, (1, 2)))
    if kind < 0.8:
        return [(b + 0.5, 0.35) for b in range(meter)]
    chosen = [i / 2 for i in range(2 * meter) if rng.uniform() < (0.55 if i == 0 else 0.35)]
    return [(b, 0.45) for b in chosen or [0.0]]


def _tune_rhythm(rng: Generator, meter: int, tempo: float) -> Rhythm:
    """Long and short notes; strong places are taken more often, and slow beats divided more."""
    fill = rng.uniform(0.4, 1.3) * (100 / tempo) ** 0.7
    odds = {0.0: 0.75, 1.0: 0.55, 0.5: 0.4 * fill, 0.25: 0.12 * fill**2}
    notes: Rhythm = []
    for i in range(4 * meter):
        beat = i / 4
        place = 0.0 if i == 0 else 1.0 if i % 4 == 0 else 0.5 if i % 2 == 0 else 0.25
        if rng.uniform() < odds[place]:
            notes.append((beat, 0.0))
    notes = notes or [(0.0, 0.0)]
    ends = [*[b for b, _ in notes[1:]], float(meter)]
    return [(b, max(0.2, 0.95 * (end - b))) for (b, _), end in zip(notes, ends, strict=True)]


def play_bar(mix: Mix, band: Band, bar: int, start: float, meter: int, active: set[str]) -> None:
    """Plays one bar of every active tonal layer."""
    rng = mix.rng
    for layer in ("bass", "chords", "strings", "arpeggio", "melody"):
        if layer not in active:
            continue
        bars = band.rhythms[layer]
        for index, (beat, length) in enumerate(bars[bar % len(bars)]):
            half = band.split and beat >= meter / 2
            degree = band.degrees[(bar + 2 * half) % len(band.degrees)]
            accent = 1.0 if beat == 0 else rng.uniform(*band.accents)
            accent *= band.weak if beat % 1 else 1.0
            pushed = beat == 0 and layer in ("chords", "strings") and rng.uniform() < band.push
            early = 0.5 if pushed else 0.0
            for pitch in _pitches(rng, band, layer, degree, index, bar):
                _sing(mix, band, layer, pitch, start + beat - early, length, accent)


def _pitches(
    rng: Generator, band: Band, layer: str, degree: int, index: int, bar: int
) -> list[int]:
    if layer == "bass":
        return [_pitch(band, degree + (4 if rng.uniform() < 0.08 and index else 0), 0)]
    if layer in ("chords", "strings"):
        octave = 2 if layer == "chords" else 3
        return [_pitch(band, degree + step, octave) for step in (0, 2, 4)]
    if layer == "arpeggio":
        tone = band.figure[index % len(band.figure)]
        return [_pitch(band, degree + (0, 2, 4, 7, 9, 11)[tone], 3)]
    return [_pitch(band, band.tune[(index + 5 * bar) % len(band.tune)] % 9, 3)]


def _pitch(band: Band, degree: int, octave: int) -> int:
    octaves, step = divmod(degree, len(band.scale))
    return min(100, band.tonic + band.scale[step] + 12 * (octaves + octave))


def _sing(
    mix: Mix, band: Band, layer: str, pitch: int, beat: float, length: float, accent: float
) -> None:
    if beat < -0.01:
        return
    begin, end = mix.when(beat), mix.when(beat + length)
    sound = band.voices[layer].note(pitch, min(4.0, max(0.05, end - begin)))
    gain = band.gains[layer] * accent
    mix.add(mix.tones, sound, begin + abs(mix.rng.normal(0, mix.human)), gain)
