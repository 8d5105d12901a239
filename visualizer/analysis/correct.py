"""The analysis put right by a person: tempo, first beat, bar lines, taps, labels, MIDI.

Each function takes an analysis and gives another one; nothing is heard anew. Where beats are
replaced, sections move to the nearest bar line, so that they still turn where the bars do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from visualizer.analysis.labels import GivenBeats, GivenSection
from visualizer.analysis.midi import Midi
from visualizer.analysis.model import Analysis
from visualizer.analysis.sections import cover, snap
from visualizer.analysis.taps import follow_taps
from visualizer.errors import VisualizerError

Times = NDArray[np.float64]
Octave = Literal["half", "double"]

NONE: Times = np.zeros(0)
PHASES = 400  # Places of the first beat that are tried within one beat.
BLUR = 0.02  # Seconds by which hits may miss the beat.
# How much each kind of event says about where the beats of a steady tempo lie.
WITNESSES = {"kick": 2.0, "snare": 2.0, "beat": 1.0, "onset": 1.0}
NEWLY_TURNED = 4  # A section begins with a bar more surely than a bar begins where one was heard.


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
        VisualizerError: They end after the song.
    """
    if given.beats[-1] > analysis.duration + 0.05:
        raise VisualizerError(
            f"beats go on to {given.beats[-1]:.1f} s and the song ends at"
            f" {analysis.duration:.1f} s; give the beats of this song"
        )
    if len(given.downbeats):
        return _replace_grid(analysis, given.beats, given.downbeats, _meter(given, analysis.meter))
    whole = _replace_grid(analysis, given.beats, NONE, analysis.meter)
    return count_bars(whole, analysis.meter, votes=_bar_votes(analysis))


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
    grid = _replace_grid(analysis, moved["beat"], moved["downbeat"], midi.meter)
    return replace(grid, events={**grid.events, **moved})


def steady(
    analysis: Analysis, bpm: float, offset: float | None = None, downbeat: float | None = None
) -> Analysis:
    """Lays an even grid over the song.

    Args:
        analysis: Of the song.
        bpm: Tempo.
        offset: Second of the first beat; it begins a bar.
        downbeat: Second of a first beat of a bar, if there is no `offset`; without either the
            beats lie where most is heard.
    """
    period = 60.0 / bpm
    if offset is not None:
        first = offset
    else:
        anchor = _phase(analysis, period) if downbeat is None else downbeat
        first = anchor % period
    count = int(np.floor((analysis.duration - first) / period + 1e-9)) + 1
    if count < 2:
        raise VisualizerError(
            f"--bpm {bpm:g}: one beat of it is all that fits into the song; give a faster one"
        )
    beats = np.asarray(first + np.arange(count) * period, np.float64)
    grid = _replace_grid(analysis, beats, NONE, analysis.meter)
    grid = replace(grid, tempo_bpm=float(bpm))
    if offset is not None:
        return count_bars(grid, grid.meter, downbeat=offset)
    return count_bars(grid, grid.meter, downbeat, votes=_bar_votes(analysis))


def change_octave(analysis: Analysis, octave: Octave) -> Analysis:
    """Halves or doubles the heard tempo and keeps following it.

    Raises:
        VisualizerError: No beats were heard.
    """
    beats = _beats(analysis, f"--bpm {octave}")
    votes = _bar_votes(analysis)
    if octave == "double":
        steps = np.arange(0, len(beats) - 0.75, 0.5)
        beats = np.asarray(np.interp(steps, np.arange(len(beats)), beats), np.float64)
    else:
        # Of every two beats the one stays that more bars begin on.
        beats = beats[_likeliest_place(beats, votes, 2) :: 2]
    grid = _replace_grid(analysis, beats, NONE, analysis.meter)
    return count_bars(grid, analysis.meter, votes=votes)


def start_at(analysis: Analysis, first: float) -> Analysis:
    """Moves all beats together, by less than one, so that the first one lies at `first` seconds.

    Raises:
        VisualizerError: No beats were heard.
    """
    beats, downbeats = _beats(analysis, "--offset"), analysis.events["downbeat"]
    missing = max(0, round((beats[0] - first) / (beats[1] - beats[0])))
    before = beats[0] - np.arange(missing, 0, -1) * (beats[1] - beats[0])
    whole = np.concatenate([before, beats])
    shift = first - whole[np.abs(whole - first).argmin()]
    inside = [
        times[(times >= first - 1e-9) & (times <= analysis.duration)]
        for times in (whole + shift, downbeats + shift)
    ]
    return _replace_grid(analysis, inside[0], inside[1], analysis.meter)


def count_bars(
    analysis: Analysis, meter: int, downbeat: float | None = None, votes: Times | None = None
) -> Analysis:
    """Counts bars of `meter` beats over the beats that are there.

    Args:
        analysis: Of the song.
        meter: Beats per bar.
        downbeat: Seconds; the beat nearest to it begins a bar.
        votes: Seconds at which bars seem to begin, if there is no `downbeat`; where downbeats were
            heard when omitted.

    Raises:
        VisualizerError: There are no beats.
    """
    beats = _beats(analysis, "--downbeat" if downbeat is not None else "--meter")
    if downbeat is not None:
        place = int(np.abs(beats - downbeat).argmin()) % meter
    else:
        place = _likeliest_place(beats, _bar_votes(analysis) if votes is None else votes, meter)
    downbeats = beats[place::meter]
    return replace(
        analysis,
        meter=meter,
        events={**analysis.events, "downbeat": downbeats},
        sections=snap(analysis.sections, downbeats),
    )


def _beats(analysis: Analysis, flag: str) -> Times:
    beats = np.asarray(analysis.events["beat"], np.float64)
    if len(beats) < 2:
        raise VisualizerError(
            f"{flag}: no beat was heard to apply it to; give --bpm NUMBER, --tap or --beats too"
        )
    return beats


def _bar_votes(analysis: Analysis) -> Times:
    """Where bars were heard to begin; the start of a section counts several times."""
    starts = [section.start for section in analysis.sections[1:]]
    return np.concatenate([analysis.events["downbeat"], np.repeat(starts, NEWLY_TURNED)])


def _likeliest_place(beats: Times, votes: Times, meter: int) -> int:
    """Which beat of the first bar the votes fall on, counted from 0."""
    if not len(votes):
        return 0
    nearest = np.abs(beats[:, None] - votes).argmin(axis=0)
    near = np.abs(beats[nearest] - votes) < 0.25 * np.median(np.diff(beats))
    return int(np.bincount(nearest[near] % meter, minlength=meter).argmax())


def _phase(analysis: Analysis, period: float) -> float:
    """Second of a beat such that most of what was heard falls on beats `period` seconds apart."""
    score = np.zeros(PHASES)
    places = np.arange(PHASES) / PHASES * period
    for name, weight in WITNESSES.items():
        hits = np.bincount(
            np.rint(analysis.events[name] / period * PHASES).astype(int) % PHASES, minlength=PHASES
        )
        score += weight * hits
    away = np.minimum(places, period - places)
    blur = np.fft.rfft(np.exp(-0.5 * (away / BLUR) ** 2))
    smooth = np.fft.irfft(np.fft.rfft(score) * blur, PHASES)
    return float(places[int(smooth.argmax())])


def _replace_grid(analysis: Analysis, beats: Times, downbeats: Times, meter: int) -> Analysis:
    if len(beats) < 2:
        raise VisualizerError(
            "fewer than two beats are left in the song; give an earlier first one"
        )
    return replace(
        analysis,
        tempo_bpm=float(60 / np.median(np.diff(beats))),
        meter=meter,
        confidence=1.0,
        events={**analysis.events, "beat": beats, "downbeat": downbeats},
        sections=snap(analysis.sections, downbeats),
    )
