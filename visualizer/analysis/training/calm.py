"""Rhythms of music without drums: ballads, ambient music, chamber music.

Nothing marks the beat there but how notes are grouped. Note values come in cells that fill one beat
or several; figures repeat from bar to bar, phrases breathe at their end, and long notes ring.
"""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from visualizer.analysis.training.sounds import Voice, make_voice

Rhythm = list[tuple[float, float]]  # (beat, length in beats)
Cell = tuple[float, ...]  # Note values in beats, one after another.

# How often each cell is taken, by rough counts in songbooks: even and long-short cells are common,
# short-long ones and syncopations are not.
CELLS: dict[Cell, float] = {
    (1.0,): 8,
    (0.5, 0.5): 7,
    (0.75, 0.25): 1.5,
    (0.25, 0.25, 0.5): 0.7,
    (0.5, 0.25, 0.25): 1.2,
    (0.25, 0.25, 0.25, 0.25): 0.7,
    (1 / 3, 1 / 3, 1 / 3): 0.5,
    (2.0,): 6,
    (1.5, 0.5): 4,
    (0.5, 1.0, 0.5): 1.2,
    (0.5, 1.5): 0.8,
    (0.75, 0.75, 0.5): 1.0,
    (3.0,): 2.5,
    (1.5, 1.5): 1.5,
    (2.0, 1.0): 2.5,
    (4.0,): 3,
    (3.0, 1.0): 1.5,
    (1.5, 1.5, 1.0): 1.2,
    (1.5, 2.5): 1.2,
}
USUAL_NOTE = 0.55  # Seconds of the most usual note.
SPREAD = 1.1  # Octaves by which notes differ from it.
KINDS = {
    "ballad": {"bass": ("pluck", "bass"), "chords": ("pluck", "pad"), "melody": ("pluck", "lead")},
    "ambient": {"bass": ("pad", "bass"), "chords": ("pad", "organ"), "melody": ("pluck", "pad")},
    "chamber": {"bass": ("pad", "pluck"), "chords": ("pad", "pluck"), "melody": ("lead", "pad")},
}


def calm_voices(rng: Generator, name: str) -> dict[str, Voice]:
    """Instruments by layer; plucked strings ring on."""
    kinds = {layer: str(rng.choice(names)) for layer, names in KINDS[name].items()}
    kinds |= {"arpeggio": "pluck", "strings": "pad"}
    voices = {layer: make_voice(rng, kind) for layer, kind in kinds.items()}
    for layer, voice in voices.items():
        if kinds[layer] == "pluck":
            voice.half = rng.uniform(0.2, 1.8)
    return voices


def calm_rhythms(
    rng: Generator, name: str, meter: int, tempo: float
) -> dict[str, tuple[Rhythm, ...]]:
    """Rhythms by layer, one for each bar of a phrase."""
    busy = rng.uniform(-1.2, 0.8) - (0.7 if name == "ambient" else 0.0)
    return {
        "bass": _phrase(rng, _ground(rng, meter, tempo), meter, tempo, busy - 1.0),
        "chords": _phrase(rng, _ground(rng, meter, tempo), meter, tempo, busy - 1.0),
        "strings": _phrase(rng, _ground(rng, meter, tempo), meter, tempo, busy - 1.5),
        "arpeggio": (_broken(rng, meter, tempo),) * 2,
        "melody": _phrase(rng, _motif(rng, meter, tempo, busy), meter, tempo, busy),
    }


def _motif(rng: Generator, meter: int, tempo: float, busy: float) -> Rhythm:
    """A bar of cells; some notes are rests, and some songs let all notes ring."""
    notes, beat, rest = [], 0.0, rng.uniform(0.0, 0.3)
    while beat < meter - 0.01:
        for value in _cell(rng, meter - beat, tempo, busy):
            if rng.uniform() > rest:
                notes.append((beat, 0.95 * value))
            beat += value
    return notes or [(0.0, meter - 0.1)]


def _cell(rng: Generator, room: float, tempo: float, busy: float) -> Cell:
    """A cell that fits, rather of notes that are usual at this tempo."""
    cells = [cell for cell in CELLS if sum(cell) <= room + 0.01]
    seconds = np.array([np.mean(cell) for cell in cells]) * 60 / tempo
    octaves = np.log2(seconds / USUAL_NOTE) + busy
    odds = np.array([CELLS[cell] for cell in cells]) * np.exp(-0.5 * (octaves / SPREAD) ** 2)
    return cells[int(rng.choice(len(cells), p=odds / odds.sum()))]


def _ground(rng: Generator, meter: int, tempo: float) -> Rhythm:
    """What a left hand repeats: long notes, strong beats, chords after the bass, or a riff."""
    kind = rng.uniform()
    if kind < 0.3:
        return [(0.0, meter - 0.05)]
    if kind < 0.45:
        half = 2.0 if meter == 4 else meter / 2
        return [(0.0, half - 0.05), (half, meter - half - 0.05)]
    if kind < 0.55:
        return [(float(beat), 0.9) for beat in range(meter)]
    if kind < 0.63:
        return [(float(beat), 0.6) for beat in range(1, meter)]
    return _motif(rng, meter, tempo, rng.uniform(-1.5, 0.3))


def _broken(rng: Generator, meter: int, tempo: float) -> Rhythm:
    """A broken chord in even notes that may ring to the end of the bar."""
    per = np.array([1, 2, 3, 4])
    odds = np.exp(-0.5 * (np.log2(per * tempo / 60 / 3.0) / 0.8) ** 2) * [1, 1, 0.5, 1]
    count = int(meter * rng.choice(per, p=odds / odds.sum()))
    rings, gaps = rng.uniform() < 0.6, rng.uniform(0, 0.3)
    starts = [i * meter / count for i in range(count) if i == 0 or rng.uniform() > gaps]
    return [(b, meter - b if rings else 0.9 * meter / count) for b in starts]


def _phrase(
    rng: Generator, bar: Rhythm, meter: int, tempo: float, busy: float
) -> tuple[Rhythm, ...]:
    """Two or four bars of which most repeat the first, and the last may breathe."""
    other = _motif(rng, meter, tempo, busy) if rng.uniform() < 0.4 else bar
    last = [note for note in bar if note[0] < rng.uniform(0.2, 1) * meter] or bar
    last = [*last[:-1], (last[-1][0], meter - last[-1][0])]
    form = [(bar, bar), (bar, other), (bar, bar, other, last), (bar, other, bar, last)]
    return form[int(rng.integers(len(form)))]
