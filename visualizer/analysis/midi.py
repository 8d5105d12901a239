"""Beats, bars, notes and drums from a standard MIDI file.

Times follow the file's tempo map. Drums are those of General MIDI on channel 10.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visualizer.errors import VisualizerError

Times = NDArray[np.float64]

DRUM_CHANNEL = 9  # Counted from 0.
DRUMS = {"kick": (35, 36), "snare": (37, 38, 39, 40), "hat": (42, 44, 46)}
PLAIN_TEMPO, PLAIN_METER = 500_000, (4, 4)  # Microseconds per quarter; both where none is written.
SHORTEST_BEAT = 0.1  # Seconds: 600 bpm.
LONGEST = 3 * 3600.0  # Seconds of beats that are made.


@dataclass(frozen=True)
class Midi:
    """What a MIDI file says about a song that begins with it.

    Attributes:
        events: Seconds, increasing, of "beat", "downbeat" and "onset", and of "kick", "snare" and
            "hat" where it has drums.
        meter: Beats per bar; the one that holds longest.
    """

    events: Mapping[str, Times]
    meter: int


@dataclass(frozen=True)
class _Bars:
    """A stretch of one time signature, in ticks and in beats per bar."""

    start: float
    end: float
    beat: float
    meter: int


@dataclass(frozen=True)
class _Clock:
    """Ticks at which the tempo changes, the second of each, and seconds per tick from there on."""

    ticks: Times
    seconds: Times
    rates: Times

    def at(self, ticks: Times) -> Times:
        """Seconds of `ticks`."""
        here = np.searchsorted(self.ticks, ticks, side="right") - 1
        return np.asarray(self.seconds[here] + (ticks - self.ticks[here]) * self.rates[here])


def read_midi(path: Path) -> Midi:
    """Reads a MIDI file of type 0 or 1.

    Raises:
        VisualizerError: It cannot be read, holds no notes, or its tempo is beyond all music.
    """
    file = _open(path)
    messages = list(_absolute(file))
    notes = [(t, m) for t, m in messages if m.type == "note_on" and m.velocity > 0]
    if not notes:
        raise VisualizerError(f"{path}: holds no notes; export the MIDI of the song again")
    clock = _clock(messages, file.ticks_per_beat)
    bars = list(_bars(messages, clock, file.ticks_per_beat))
    if min(b.beat for b in bars) * clock.rates.min() < SHORTEST_BEAT:
        raise VisualizerError(f"{path}: its tempo is beyond 600 bpm; export it again")
    events = {"onset": _times(clock, [t for t, _ in notes])}
    drums = [(t, m.note) for t, m in notes if m.channel == DRUM_CHANNEL]
    for name, keys in DRUMS.items() if drums else ():
        events[name] = _times(clock, [t for t, note in drums if note in keys])
    beats = [np.arange(b.start, b.end, b.beat) for b in bars]
    downbeats = [each[:: b.meter] for each, b in zip(beats, bars, strict=True)]
    longest = max(bars, key=lambda b: min(b.end, notes[-1][0]) - b.start)
    events |= {
        "beat": clock.at(np.concatenate(beats)),
        "downbeat": clock.at(np.concatenate(downbeats)),
    }
    return Midi(events, longest.meter)


def _open(path: Path) -> Any:
    import mido
    from mido.midifiles.meta import KeySignatureError

    try:
        file = mido.MidiFile(path)
    except OSError as error:
        reason = error.strerror or "it is no MIDI file"
        raise VisualizerError(f"{path}: cannot be read ({reason}); give a .mid file") from None
    except (EOFError, IndexError, KeyError, KeySignatureError, TypeError, ValueError):
        raise VisualizerError(f"{path}: is no sound MIDI file; export it again") from None
    if file.type == 2 or not 0 < file.ticks_per_beat < 0x8000:
        raise VisualizerError(
            f"{path}: its tracks share no beat; export it as MIDI type 1, in ticks per quarter"
        )
    return file


def _absolute(file: Any) -> Iterator[tuple[int, Any]]:
    """All messages in order, each with its tick."""
    import mido

    tick = 0
    for message in mido.merge_tracks(file.tracks):
        tick += message.time
        yield tick, message


def _clock(messages: list[tuple[int, Any]], quarter: int) -> _Clock:
    changes = {0: PLAIN_TEMPO}
    changes |= {tick: message.tempo for tick, message in messages if message.type == "set_tempo"}
    ticks = np.array(list(changes), np.float64)
    rates = np.array(list(changes.values())) / 1e6 / quarter
    passed = np.cumsum(np.diff(ticks) * rates[:-1])
    return _Clock(ticks, np.concatenate([[0.0], passed]), rates)


def _bars(messages: list[tuple[int, Any]], clock: _Clock, quarter: int) -> Iterator[_Bars]:
    """Stretches of one time signature; the last goes on to `LONGEST`."""
    signs = {0: PLAIN_METER}
    signs |= {t: (m.numerator, m.denominator) for t, m in messages if m.type == "time_signature"}
    starts = list(signs)
    end = clock.ticks[-1] + max(0.0, LONGEST - clock.seconds[-1]) / max(clock.rates[-1], 1e-9)
    for start, stop in zip(starts, [*starts[1:], end], strict=True):
        count, unit = signs[start]
        beat = 4 * quarter / unit
        # In 6/8, 9/8 and 12/8 three eighths are one beat.
        grouped = unit >= 8 and count > 3 and count % 3 == 0
        beat, meter = (3 * beat, count // 3) if grouped else (beat, max(1, count))
        yield _Bars(start, min(stop, start + LONGEST / SHORTEST_BEAT * beat), beat, meter)


def _times(clock: _Clock, ticks: list[int]) -> Times:
    return np.unique(clock.at(np.array(ticks, np.float64)))
