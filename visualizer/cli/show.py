"""The commands that only look: analyze, presets, check."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from visualizer.errors import VisualizerError

if TYPE_CHECKING:
    from rich.table import Table

    from visualizer.analysis import Analysis
    from visualizer.cli.listen import Heard
    from visualizer.track import Track


def analyze(options: argparse.Namespace) -> None:
    """`visualizer analyze`: a table on screen, the analysis and its picture beside the song."""
    from visualizer.cli.console import aside
    from visualizer.stopwatch import measuring

    with measuring() as stopwatch:
        stopwatch.add("imports", time.process_time())  # All the process has done so far.
        _analyze(options)
    aside(f"took {stopwatch.summary()}")


def _analyze(options: argparse.Namespace) -> None:
    from visualizer.stopwatch import stage

    with stage("imports"):
        from visualizer.analysis import save_analysis
        from visualizer.cli.console import console
        from visualizer.cli.listen import hear

    folder = options.output_folder or options.song.parent
    if options.song.exists() and not folder.is_dir():
        raise VisualizerError(f"{folder}: no such folder; make it first or choose another with -o")
    if options.export:
        _check_export(options.export)
    heard = hear(options.song, options)
    console.print(_sections_table(heard.analysis))
    beside = folder / options.song.stem
    paths = [beside.with_name(f"{beside.name}.analysis.json")]
    with stage("files"):
        save_analysis(heard.analysis, paths[0])
    with stage("picture"):
        paths.append(_draw(heard, beside))
    with stage("files"):
        paths += _write_sound_and_labels(heard, beside, options)
    for path in paths:
        console.print(f"{path}", highlight=False)


def _draw(heard: Heard, beside: Path) -> Path:
    from visualizer.analysis.picture import draw_analysis

    path = beside.with_name(f"{beside.name}.analysis.png")
    draw_analysis(heard.analysis, path, _name(heard.track))
    return path


def _write_sound_and_labels(heard: Heard, beside: Path, options: argparse.Namespace) -> list[Path]:
    from visualizer.analysis.clicks import write_clicks
    from visualizer.analysis.labels import write_labels

    paths = []
    if options.click:
        paths.append(beside.with_name(f"{beside.name}.click.wav"))
        write_clicks(heard.track, heard.analysis, paths[-1])
    if options.export:
        paths.append(options.export)
        tags = heard.track.tags
        write_labels(heard.analysis, options.export, tags.get("title", ""), tags.get("artist", ""))
    return paths


def _check_export(path: Path) -> None:
    """Labels may have been corrected by hand: they are never written over."""
    from visualizer.analysis.labels import check_format

    check_format(path)
    if path.exists():
        raise VisualizerError(f"{path}: exists already; give --export another name")
    if not path.parent.is_dir():
        raise VisualizerError(f"{path.parent}: no such folder; make it first")


def _key(analysis: Analysis) -> str:
    return f"{analysis.key} ({analysis.key_confidence:.0%})" if analysis.key else "no key"


def _sections_table(analysis: Analysis) -> Table:
    from rich.table import Table

    counts = ", ".join(
        f"{len(times)} {name.replace('_', ' ')}s" for name, times in analysis.events.items()
    )
    table = Table(
        title=f"{analysis.tempo_bpm:.1f} BPM, {analysis.meter} beats to the bar,"
        f" {_key(analysis)}, grid trusted {analysis.confidence:.0%}",
        caption=counts,
        title_justify="left",
        caption_justify="left",
    )
    for column in ("from", "to", "bars", "role", "letter"):
        table.add_column(column, justify="right" if column in ("from", "to", "bars") else "left")
    for section in analysis.sections:
        bars = sum(
            section.start - 0.05 <= t < section.end - 0.05 for t in analysis.events["downbeat"]
        )
        table.add_row(
            _clock(section.start), _clock(section.end), str(bars), section.role, section.label
        )
    return table


def _name(track: Track) -> str:
    tags = [track.tags.get(tag, "") for tag in ("artist", "title")]
    return " – ".join(tag for tag in tags if tag) or track.path.stem


def _clock(seconds: float) -> str:
    return f"{int(seconds // 60)}:{seconds % 60:05.2f}"


def presets(options: argparse.Namespace) -> None:
    """`visualizer presets`: list, show, copy, reference, schema."""
    from visualizer import preset

    action = options.action or "list"
    if action == "list":
        names = preset.preset_names()
        for name in names:
            print(f"{name:<{max(map(len, names))}}  {preset.describe(name)}")
    elif action == "show":
        sys.stdout.write(preset.find_preset(options.name).read_text(encoding="utf-8"))
    elif action == "copy":
        _copy(preset.find_preset(options.name), options)
    else:
        from visualizer.preset.reference import json_schema, reference

        sys.stdout.write(reference() if action == "reference" else json_schema())


def _copy(source: Path, options: argparse.Namespace) -> None:
    to = options.to or Path(f"{source.stem}.yaml")
    if to.is_dir():
        to /= f"{source.stem}.yaml"
    if to.exists() and not options.overwrite:
        raise VisualizerError(f"{to}: exists already; choose another name or add --overwrite")
    try:
        to.write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
    except OSError as error:
        raise VisualizerError(
            f"{to}: cannot be written ({error.strerror}); choose another place"
        ) from None
    print(f"{to}: yours to change; render with --preset {to}")


def check(options: argparse.Namespace) -> None:
    """`visualizer check`: what a finished film really shows."""
    from visualizer.report import read_report

    if not options.film.is_file():
        raise VisualizerError(f"{options.film}: no such file")
    print(read_report(options.film).summary())
