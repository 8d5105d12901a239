"""The analysis put right by a person: tempo, first beat, bar lines, taps, labels, MIDI.

Each function takes an analysis and gives another one; nothing is heard anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from visualizer.analysis.labels import GivenBeats, GivenSection
from visualizer.analysis.midi import Midi
from visualizer.analysis.model import Analysis
from visualizer.analysis.regrid import (
    NONE,
    Octave,
    bar_votes,
    change_octave,
    count_bars,
    replace_grid,
    start_at,
    steady,
)
from visualizer.analysis.sections import cover
from visualizer.analysis.taps import follow_taps
from visualizer.errors import VisualizerError

Times = NDArray[np.float64]

BEYOND = 0.1  # Seconds by which a beat may lie after the end, in another encoding of the song.
CLOSEST = 0.1  # Seconds between two beats: 600 bpm.


@dataclass(frozen=True)
class Correction:
    """What a person says about a song; whatever is None or empty stays as it was heard.

    Attributes:
        bpm: A steady tempo, or "half" or "double" of the one that was heard.
        taps: Seconds at which somebody tapped along.
        beats: Beats of a label file.
        midi: The song's MIDI file. At most one of `bpm`, `taps`, `beats` and `midi` is given.
        offset: Second of the first beat.
        downbeat: Second of a first beat of a bar.
        meter: Beats per bar.
        sections: Of a label file.
    """

    bpm: float | Octave | None = None
    taps: Times | None = None
    beats: GivenBeats | None = None
    midi: Midi | None = None
    offset: float | None = None
    downbeat: float | None = None
    meter: int | None = None
    sections: Sequence[GivenSection] = ()


def correct(analysis: Analysis, given: Correction) -> Analysis:
    """Applies all that is given.

    Raises:
        VisualizerError: A time lies after the end of the song, or there is no beat to count.
    """
    for flag, time in (("--offset", given.offset), ("--downbeat", given.downbeat)):
        if time is not None and time > analysis.duration:
            raise VisualizerError(
                f"{flag} {time:g}: the song ends at {analysis.duration:.1f} s; give a time in it"
            )
    fixed = _with_grid(analysis, given)
    if given.downbeat is not None or given.meter not in (None, fixed.meter):
        fixed = count_bars(fixed, given.meter or fixed.meter, given.downbeat)
    if given.sections:
        fixed = replace(fixed, sections=cover(given.sections, fixed))
    return fixed


def _with_grid(analysis: Analysis, given: Correction) -> Analysis:
    """The beats, from whatever is given of them."""
    counted = replace(analysis, meter=given.meter or analysis.meter)
    if isinstance(given.bpm, float | int):
        return steady(counted, given.bpm, given.offset, given.downbeat)
    if given.midi is not None:
        return use_midi(analysis, given.midi, given.offset)
    if given.taps is not None:
        beats = follow_taps(given.taps, analysis.duration)
        analysis = use_beats(counted, GivenBeats(beats, NONE))
    elif given.beats is not None:
        analysis = use_beats(counted, given.beats)
    elif given.bpm is not None:
        analysis = change_octave(analysis, given.bpm)
    return analysis if given.offset is None else start_at(analysis, given.offset)


def use_beats(analysis: Analysis, given: GivenBeats) -> Analysis:
    """Takes beats as they are; where they have no downbeats, bars are counted as heard.

    Raises:
        VisualizerError: They end after the song, or are too close together to be beats.
    """
    apart = float(np.median(np.diff(given.beats)))
    if apart < CLOSEST:
        raise VisualizerError(
            f"--beats: they are {1000 * apart:.0f} ms apart; beats are {1000 * CLOSEST:.0f} ms"
            " apart or more, in seconds"
        )
    if given.beats[-1] > analysis.duration + BEYOND:
        raise VisualizerError(
            f"--beats: they go on to {given.beats[-1]:.6g} s and the song ends at"
            f" {analysis.duration:.1f} s; give the beats of this song"
        )
    beats, downbeats = (t[t <= analysis.duration] for t in (given.beats, given.downbeats))
    if len(downbeats):
        return replace_grid(analysis, beats, downbeats, _meter(given, analysis.meter))
    whole = replace_grid(analysis, beats, NONE, analysis.meter)
    return count_bars(whole, analysis.meter, votes=bar_votes(analysis))


def _meter(given: GivenBeats, otherwise: int) -> int:
    """The usual number of beats between two downbeats."""
    steps = np.diff(np.searchsorted(given.beats, given.downbeats))
    return int(np.bincount(steps).argmax()) if len(steps) else otherwise


def use_midi(analysis: Analysis, midi: Midi, first: float | None = None) -> Analysis:
    """Takes beats, bars, notes and drums from MIDI.

    Args:
        analysis: Of the song.
        midi: Starts with the song.
        first: Second of the song at which the first beat of the MIDI file sounds; 0 when omitted.
    """
    shift = first or 0.0
    moved = {
        name: times[(times >= 0) & (times <= analysis.duration)]
        for name, times in ((name, times + shift) for name, times in midi.events.items())
    }
    if len(moved["beat"]) < 2:
        raise VisualizerError(
            "--midi: fewer than two of its beats lie in the song; give this song's MIDI file"
        )
    grid = replace_grid(analysis, moved["beat"], moved["downbeat"], midi.meter)
    return replace(grid, events={**grid.events, **moved})
