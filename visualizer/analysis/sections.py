"""Sections moved to bar lines, or replaced by those a person wrote."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from visualizer.analysis.labels import GivenSection
from visualizer.analysis.model import Analysis, Section
from visualizer.errors import VisualizerError


def snap(sections: tuple[Section, ...], downbeats: NDArray[np.float64]) -> tuple[Section, ...]:
    """Moves each turn to the nearest downbeat, if one lies within half a bar of it.

    A turn that would meet the one before or after it stays where it is.
    """
    if len(downbeats) < 2:
        return sections
    half = 0.5 * float(np.median(np.diff(downbeats))) + 0.005
    moved = list(sections)
    for i in range(1, len(moved)):
        # In hundredths: a turn half-way through a bar goes to its start, whatever the noise.
        near = float(downbeats[np.round(np.abs(downbeats - moved[i].start), 2).argmin()])
        between = moved[i - 1].start < near < moved[i].end
        if abs(near - moved[i].start) <= half and between:
            moved[i - 1] = replace(moved[i - 1], end=near)
            moved[i] = replace(moved[i], start=near)
    return tuple(moved)


def cover(given: Sequence[GivenSection], analysis: Analysis) -> tuple[Section, ...]:
    """Sections from 0 to the end of the song: each lasts until the next one begins.

    What is not written is taken over: the role from the heard section that it overlaps most, the
    letter from the role, so that every chorus has the same one.

    Raises:
        VisualizerError: A section begins after the song, or two begin at once.
    """
    starts = [0.0, *(section.start for section in given[1:])]
    ends = [*starts[1:], analysis.duration]
    if starts[-1] >= analysis.duration:
        raise VisualizerError(
            f"--sections: one begins at {starts[-1]:.6g} s and the song ends at"
            f" {analysis.duration:.2f} s; give the sections of this song"
        )
    for start, end in zip(starts, ends, strict=True):
        if start >= end:
            raise VisualizerError(
                f"--sections: two of them begin at {start:.2f} s; leave one of them out"
            )
    roles = [
        section.role or _heard(analysis, start, end).role
        for section, start, end in zip(given, starts, ends, strict=True)
    ]
    letters = _letters([section.label for section in given], list(map(str, roles)))
    return tuple(
        Section(start, end, letter, role)
        for start, end, letter, role in zip(starts, ends, letters, roles, strict=True)
    )


def _heard(analysis: Analysis, start: float, end: float) -> Section:
    return max(analysis.sections, key=lambda s: min(s.end, end) - max(s.start, start))


def _letters(written: list[str], roles: list[str]) -> Iterator[str]:
    """The written letters; where one is missing, the role's own."""
    free = (letter for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" if letter not in written)
    by_role: dict[str, str] = {}
    for letter, role in zip(written, roles, strict=True):
        if not letter and role not in by_role:
            by_role[role] = next(free, "Z")
        yield letter or by_role[role]
