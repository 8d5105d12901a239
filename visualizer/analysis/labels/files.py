"""Label files on disk."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np

from visualizer.analysis.labels.audacity import read_audacity, write_audacity
from visualizer.analysis.labels.jams import read_jams, write_jams
from visualizer.analysis.labels.model import (
    GivenBeats,
    GivenSection,
    Labels,
    Mark,
    Times,
    beat_marks,
    given_beats,
    given_section,
    labels_of,
)
from visualizer.analysis.model import Analysis
from visualizer.errors import VisualizerError

FORMATS = (".txt", ".json", ".jams")
LARGEST = 32 * 2**20  # Bytes; a label file of ten hours has a tenth of it.


def write_labels(analysis: Analysis, path: Path, title: str = "", artist: str = "") -> None:
    """Writes beats and sections as labels; the suffix decides the format.

    Args:
        analysis: Of the song.
        path: Ends in .txt (an Audacity label track), .json or .jams; replaced where it exists.
        title: Of the song, for JAMS.
        artist: Of the song, for JAMS.

    Raises:
        VisualizerError: The suffix is another one or the folder cannot be written.
    """
    check_format(path)
    labels, suffix = labels_of(analysis), path.suffix.lower()
    if suffix == ".txt":
        text = write_audacity(labels)
    elif suffix == ".jams":
        text = write_jams(labels, analysis.duration, title, artist)
    else:
        text = _write_json(analysis)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise VisualizerError(
            f"{path}: cannot be written ({error.strerror}); choose another folder"
        ) from error
    finally:
        part.unlink(missing_ok=True)


def check_format(path: Path) -> None:
    """Refuses a file name whose format is not known.

    Raises:
        VisualizerError: The suffix is none of `FORMATS`.
    """
    if path.suffix.lower() not in FORMATS:
        raise VisualizerError(
            f"{path}: labels are written as {', '.join(FORMATS)}; change the ending"
        )


def read_beats(path: Path) -> GivenBeats:
    """Reads beats from a label file, or from an analysis that `save_analysis` wrote.

    Raises:
        VisualizerError: The file cannot be read or has fewer than two beats.
    """
    given = given_beats(_read(path).beats)
    if len(given.beats) < 2:
        raise VisualizerError(
            f"{path}: has {len(given.beats)} beats; give at least two,"
            " as point labels with their position in the bar as text"
        )
    return given


def read_sections(path: Path) -> tuple[GivenSection, ...]:
    """Reads sections from a label file, or from an analysis that `save_analysis` wrote.

    Raises:
        VisualizerError: The file cannot be read, has no sections, or names one in no known way.
    """
    marks = sorted(_read(path).sections, key=lambda mark: mark.start)
    if not marks:
        raise VisualizerError(
            f"{path}: has no sections; give region labels with texts such as 'A verse'"
        )
    return tuple(given_section(mark, f"{path}, at {mark.start:.2f} s") for mark in marks)


def read_times(path: Path) -> Times:
    """Reads times from a text file, one per line, in seconds; increasing.

    Raises:
        VisualizerError: The file cannot be read or a line has no time.
    """
    return np.unique([mark.start for mark in read_audacity(_text(path), path).beats])


def _read(path: Path) -> Labels:
    text = _text(path)
    if not text.lstrip().startswith("{"):
        return _checked(read_audacity(text, path), path)
    try:
        document = json.loads(text)
        labels = read_jams(document) if "annotations" in document else _read_json(document)
    except (AttributeError, KeyError, OverflowError, RecursionError, TypeError, ValueError):
        raise VisualizerError(
            f"{path}: has no labels in it; give a label track (.txt), JAMS, or a JSON file"
            " that `visualizer analyze` wrote"
        ) from None
    return _checked(labels, path)


def _checked(labels: Labels, path: Path) -> Labels:
    for mark in (*labels.beats, *labels.sections):
        if not (math.isfinite(mark.start) and mark.start >= 0):
            raise VisualizerError(f"{path}: {mark.start} s is no time in a song; mend that label")
    return labels


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST:
            raise VisualizerError(f"{path}: is too large to be a label file; give another")
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise VisualizerError(
            f"{path}: cannot be read ({error.strerror}); give a label file"
        ) from None
    except UnicodeDecodeError:
        raise VisualizerError(f"{path}: is no text; give a label file") from None


def _write_json(analysis: Analysis) -> str:
    """The part of a saved analysis that a person may correct, in the same shape."""
    document = {
        "duration": analysis.duration,
        "tempo_bpm": analysis.tempo_bpm,
        "meter": analysis.meter,
        "sections": [vars(section) for section in analysis.sections],
        "events": {name: analysis.events[name].tolist() for name in ("beat", "downbeat")},
    }
    return json.dumps(document, indent=1) + "\n"


def _read_json(document: Any) -> Labels:
    events = document.get("events", {})
    beats = np.array(events.get("beat", ()), np.float64)
    downbeats = np.array(events.get("downbeat", ()), np.float64)
    known = downbeats[np.isin(downbeats, beats)]
    sections = tuple(
        Mark(float(s["start"]), float(s["end"]), f"{s.get('label', '')} {s.get('role', '')}")
        for s in document.get("sections", ())
    )
    return Labels(
        beat_marks(np.unique(beats), known, max(1, int(document.get("meter", 4)))), sections
    )
