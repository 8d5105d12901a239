"""Listening to the song of a command, with what its flags put right."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from visualizer.analysis import Analysis, analyze_cached
from visualizer.analysis.correct import correct
from visualizer.analysis.stems import use_stems
from visualizer.cli.console import console, note, song_progress
from visualizer.cli.hearing import read_given
from visualizer.stopwatch import stage
from visualizer.track import Track, load_track

UNSURE = 0.65  # Confidence of the grid below which a person should listen to it.


@dataclass(frozen=True)
class Heard:
    """A song that has been read and analyzed."""

    track: Track
    analysis: Analysis


def hear(song: Path, options: argparse.Namespace) -> Heard:
    """Reads and analyzes a song, puts right what the flags put right, and says what came of it."""
    with stage("decoding"):
        track = load_track(song)
    for warning in track.warnings:
        note(warning)
    given = read_given(options, track)
    tracks = {**_separated(track, options.separate), **given.stems}
    stems = {name: _listen(stem) for name, stem in tracks.items()}
    analysis = correct(use_stems(_listen(track), stems), given.correction)
    tempo = f"{analysis.tempo_bpm:.1f} BPM in {analysis.meter}" if analysis.tempo_bpm else "no beat"
    form = " ".join(section.label for section in analysis.sections)
    console.print(f"{song.name}: {track.duration:.1f} s, {tempo}, sections {form}", highlight=False)
    if analysis.tempo_bpm and analysis.confidence < UNSURE:
        note(
            f"the beat is trusted {analysis.confidence:.0%} only: listen with"
            " `visualizer analyze --click`, and put it right with --bpm, --tap or --beats"
        )
    return Heard(track, analysis)


def _separated(track: Track, model: str | None) -> dict[str, Track]:
    """The stems that a model makes of a song."""
    if model is None:
        return {}
    from visualizer.analysis.separation import separate
    from visualizer.analysis.separator import load_separator

    separator = load_separator(model)
    with song_progress(track.duration, "separating") as on_progress:
        files = separate(track, separator, on_progress=on_progress)
    note(f"the stems are kept in {next(iter(files.values())).parent}")
    return {name: load_track(path) for name, path in files.items()}


def _listen(track: Track) -> Analysis:
    with song_progress(track.duration) as on_progress:
        return analyze_cached(track, on_progress=on_progress)
