"""Audacity label tracks, and the plain lists of times that other programs write.

A line is `start <tab> end <tab> text`; points have their start as end. Also read are one time per
line, and `time <tab> position` as beat trackers write it.
Source: https://support.audacityteam.org/audio-editing/label-track, "Label files".
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from visualizer.analysis.labels.model import Labels, Mark
from visualizer.errors import VisualizerError

POINT = 0.1  # Seconds: a shorter region is a point that was dragged by accident.


@dataclass(frozen=True)
class Line:
    """A label and the number of its line."""

    number: int
    mark: Mark


def write_audacity(labels: Labels) -> str:
    """One label per line, in order of time."""
    marks = sorted([*labels.sections, *labels.beats], key=lambda mark: (mark.start, -mark.end))
    return "".join(f"{mark.start:.6f}\t{mark.end:.6f}\t{mark.text}\n" for mark in marks)


def read_audacity(text: str, path: Path) -> Labels:
    """Points become beats, regions become sections.

    Raises:
        VisualizerError: A line is no label.
    """
    marks = sorted((line.mark for line in _lines(text, path)), key=lambda mark: mark.start)
    regions = tuple(mark for mark in marks if mark.end - mark.start >= POINT)
    return Labels(tuple(mark for mark in marks if mark.end - mark.start < POINT), regions)


def _lines(text: str, path: Path) -> Iterator[Line]:
    for number, line in enumerate(text.splitlines(), 1):
        # Backslashes begin the frequency range of a spectral label.
        if line.strip() and not line.lstrip().startswith(("#", "\\")):
            yield Line(number, _mark(line, f"{path}, line {number}"))


def _mark(line: str, place: str) -> Mark:
    start, *rest = line.split("\t", 2) if "\t" in line else line.replace(",", " ").split(None, 2)
    # One whole number after the time is a position in the bar: Audacity writes six decimals.
    if not rest or _seconds(rest[0]) is None or (len(rest) == 1 and rest[0].strip().isdecimal()):
        rest = [start, " ".join(rest)]
    begin, end = _seconds(start), _seconds(rest[0])
    if begin is None or end is None or end < begin:
        raise VisualizerError(
            f"{place}: {line.strip()[:40]!r} is no label;"
            " write 'start<tab>end<tab>text', in seconds"
        )
    return Mark(begin, end, rest[1].strip() if len(rest) > 1 else "")


def _seconds(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None
