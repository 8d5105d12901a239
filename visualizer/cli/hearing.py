"""The flags that put right what is heard, and their files."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from visualizer.cli import values
from visualizer.errors import VisualizerError

if TYPE_CHECKING:
    from visualizer.analysis.correct import Correction
    from visualizer.track import Track


@dataclass(frozen=True)
class Given:
    """What the user knows better than the program: corrections, and stems by name."""

    correction: Correction
    stems: Mapping[str, Track]


def add_hearing_flags(parser: argparse.ArgumentParser) -> None:
    """Adds the group "hearing" to a command that listens to a song."""
    hearing = parser.add_argument_group("hearing", "put right what is heard; see `analyze --click`")
    grid = hearing.add_mutually_exclusive_group()
    grid.add_argument(
        "--bpm",
        type=values.tempo,
        metavar="BPM",
        help="a steady tempo, or `half` or `double` of the one heard",
    )
    for flag, text in (
        ("--tap", "times at which you tapped along, one per line"),
        ("--beats", "beats of a label file: .txt (Audacity), .jams, .json"),
        ("--midi", "the song's MIDI file: beats, bars, notes and drums"),
    ):
        grid.add_argument(flag, type=Path, metavar="FILE", help=text)
    hearing.add_argument(
        "--offset",
        type=values.time,
        metavar="TIME",
        help="the first beat; with --bpm it begins a bar",
    )
    hearing.add_argument("--downbeat", type=values.time, metavar="TIME", help="a bar begins here")
    hearing.add_argument("--meter", type=values.meter, metavar="N", help="beats per bar")
    hearing.add_argument(
        "--sections", type=Path, metavar="FILE", help="sections of a label file, such as 'A verse'"
    )
    hearing.add_argument(
        "--stem",
        action="append",
        default=[],
        type=values.stem,
        metavar="NAME=FILE",
        dest="stems",
        help="hear drums, bass, vocals, other, kick, snare or hat in a file of their own"
        " (repeatable)",
    )
    hearing.add_argument(
        "--separate",
        metavar="MODEL",
        help="hear drums, bass, vocals and other in stems that Demucs makes of the song: htdemucs,"
        " a hub id or a folder (needs visualizer[stems]; takes minutes, once)",
    )


def read_given(options: argparse.Namespace, track: Track) -> Given:
    """Reads the files of the flags, before listening costs any time.

    Raises:
        VisualizerError: A file cannot be used.
    """
    from visualizer.analysis.correct import Correction
    from visualizer.analysis.labels import read_beats, read_sections, read_times
    from visualizer.analysis.midi import read_midi

    correction = Correction(
        bpm=options.bpm,
        taps=read_times(options.tap) if options.tap else None,
        beats=read_beats(options.beats) if options.beats else None,
        midi=read_midi(options.midi) if options.midi else None,
        offset=options.offset,
        downbeat=options.downbeat,
        meter=options.meter,
        sections=read_sections(options.sections) if options.sections else (),
    )
    return Given(correction, _load_stems(options, track))


def _load_stems(options: argparse.Namespace, track: Track) -> dict[str, Track]:
    from visualizer.analysis.stems import STEMS, check_length
    from visualizer.track import load_track

    stems: dict[str, Track] = {}
    for name, path in options.stems:
        if name not in STEMS:
            raise VisualizerError(f"--stem {name}: no such stem; choose from {', '.join(STEMS)}")
        if name in stems:
            raise VisualizerError(f"--stem {name}: is given twice; give each stem once")
        stems[name] = load_track(path)
        check_length(name, stems[name].duration, track.duration)
    return stems
