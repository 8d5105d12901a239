"""Other beat grids for a song: at another tempo, from another place, in other bars.

Each function takes an analysis and gives another one. Where beats or bars are replaced, sections
move to the nearest bar line, so that they still turn where the bars do.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from visualizer.analysis.model import Analysis
from visualizer.analysis.sections import snap
from visualizer.errors import VisualizerError

Times = NDArray[np.float64]
Octave = Literal["half", "double"]

NONE: Times = np.zeros(0)
PHASES = 400  # Places of the first beat that are tried within one beat.
BLUR = 0.02  # Seconds by which hits may miss the beat.
# How much each kind of event says about where the beats of a steady tempo lie.
WITNESSES = {"kick": 2.0, "snare": 2.0, "beat": 1.0, "onset": 1.0}
NEWLY_TURNED = 4  # A section begins with a bar more surely than a bar begins where one was heard.
HARMONY = 2.0  # Weight of changes of harmony beside those votes.


def replace_grid(analysis: Analysis, beats: Times, downbeats: Times, meter: int) -> Analysis:
    """Takes beats and downbeats as they are, and trusts them.

    Raises:
        VisualizerError: There are fewer than two beats.
    """
    if len(beats) < 2:
        raise VisualizerError(
            "fewer than two beats are left in the song; give others, or an earlier --offset"
        )
    return replace(
        analysis,
        tempo_bpm=float(60 / np.median(np.diff(beats))),
        meter=meter,
        confidence=1.0,
        events={**analysis.events, "beat": beats, "downbeat": downbeats},
        sections=snap(analysis.sections, downbeats),
    )


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
    grid = replace_grid(analysis, beats, NONE, analysis.meter)
    grid = replace(grid, tempo_bpm=float(bpm))
    if offset is not None:
        return count_bars(grid, grid.meter, downbeat=offset)
    return count_bars(grid, grid.meter, downbeat, votes=bar_votes(analysis))


def change_octave(analysis: Analysis, octave: Octave) -> Analysis:
    """Halves or doubles the heard tempo and keeps following it.

    Raises:
        VisualizerError: No beats were heard.
    """
    beats = _beats(analysis, f"--bpm {octave}")
    votes = bar_votes(analysis)
    if octave == "double":
        steps = np.arange(0, len(beats) - 0.75, 0.5)
        beats = np.asarray(np.interp(steps, np.arange(len(beats)), beats), np.float64)
    else:
        # Of every two beats the one stays that more bars begin on.
        beats = beats[_likeliest_place(analysis, beats, votes, 2) :: 2]
    grid = replace_grid(analysis, beats, NONE, analysis.meter)
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
    return replace_grid(analysis, inside[0], inside[1], analysis.meter)


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
        place = _likeliest_place(
            analysis, beats, bar_votes(analysis) if votes is None else votes, meter
        )
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


def bar_votes(analysis: Analysis) -> Times:
    """Where bars were heard to begin; the start of a section counts several times."""
    starts = [section.start for section in analysis.sections[1:]]
    return np.concatenate([analysis.events["downbeat"], np.repeat(starts, NEWLY_TURNED)])


def _likeliest_place(analysis: Analysis, beats: Times, votes: Times, meter: int) -> int:
    """Which of the first beats begins a bar, counted from 0: by votes, and by changes of harmony.

    Chords change on the first beat of a bar more often than on any other.
    """
    nearest = np.abs(beats[:, None] - votes).argmin(axis=0)
    near = np.abs(beats[nearest] - votes) < 0.25 * np.median(np.diff(beats))
    voted = np.bincount(nearest[near] % meter, minlength=meter).astype(np.float64)
    change = _harmonic_change(analysis, beats)
    changed = np.array([change[place::meter].sum() for place in range(meter)])
    shares = [each / max(each.sum(), 1e-9) for each in (voted, changed)]
    return int((shares[0] + HARMONY * shares[1]).argmax())


def _harmonic_change(analysis: Analysis, beats: Times) -> Times:
    """How much the chroma of each beat differs from the last one's, shape (m,), in [0, 1]."""
    edges = np.rint(np.append(beats, analysis.duration) * analysis.rate).astype(int)
    edges = np.clip(edges, 0, len(analysis.chroma))
    sums = np.cumsum(np.pad(analysis.chroma, ((1, 0), (0, 0))), axis=0, dtype=np.float64)
    chords = np.diff(sums[edges], axis=0)
    chords /= np.maximum(np.linalg.norm(chords, axis=1, keepdims=True), 1e-9)
    likeness = (chords[1:] * chords[:-1]).sum(axis=1)
    # Silence resembles nothing, and is no change of harmony.
    sounds = chords.any(axis=1)
    return np.append(0.0, np.where(sounds[1:] & sounds[:-1], 1 - likeness, 0.0))


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
