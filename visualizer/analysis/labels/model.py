"""What labels say, whatever the file they stand in."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visualizer.analysis.model import ROLES, Analysis, Role
from visualizer.errors import VisualizerError

Times = NDArray[np.float64]

# What others call the roles that are known here.
ALSO: dict[str, Role] = {
    "breakdown": "break",
    "bridge": "break",
    "buildup": "build",
    "end": "outro",
    "hook": "chorus",
    "instrumental": "verse",
    "interlude": "break",
    "pre-chorus": "build",
    "prechorus": "build",
    "refrain": "chorus",
    "solo": "verse",
}
DOWNBEATS = ("bar", "downbeat")  # Words that mean position 1.


@dataclass(frozen=True)
class Mark:
    """One label: a point where `end` is `start`, else a region; seconds."""

    start: float
    end: float
    text: str


@dataclass(frozen=True)
class Labels:
    """All labels of one file, in order of time."""

    beats: tuple[Mark, ...]
    sections: tuple[Mark, ...]


@dataclass(frozen=True)
class GivenBeats:
    """Beats that a person vouches for.

    Attributes:
        beats: Seconds, increasing.
        downbeats: Seconds, a subset of `beats`; empty where the file does not tell.
    """

    beats: Times
    downbeats: Times


@dataclass(frozen=True)
class GivenSection:
    """A section that a person vouches for; it lasts until the next one begins.

    Attributes:
        start: Seconds.
        label: Letter, or "" where none was written.
        role: Or None where none was written.
    """

    start: float
    label: str
    role: Role | None


def labels_of(analysis: Analysis) -> Labels:
    """The beat grid and the sections of an analysis as labels."""
    sections = tuple(Mark(s.start, s.end, f"{s.label} {s.role}") for s in analysis.sections)
    beats, downbeats = analysis.events["beat"], analysis.events["downbeat"]
    return Labels(beat_marks(beats, downbeats, analysis.meter), sections)


def beat_marks(beats: Times, downbeats: Times, meter: int) -> tuple[Mark, ...]:
    """Beats as points whose text is their position in the bar; no text without downbeats."""
    times = [float(time) for time in beats]
    if not len(downbeats):
        return tuple(Mark(time, time, "") for time in times)
    first = np.flatnonzero(np.isin(beats, downbeats))
    since = np.searchsorted(first, np.arange(len(beats)), side="right") - 1
    place = np.arange(len(beats)) - first[np.maximum(since, 0)]
    place[since < 0] %= meter  # A pickup counts towards its bar.
    return tuple(Mark(t, t, str(p + 1)) for t, p in zip(times, place.tolist(), strict=True))


def given_beats(marks: tuple[Mark, ...]) -> GivenBeats:
    """Reads the positions that stand on beats."""
    strong = [mark.start for mark in marks if _position(mark.text) == 1]
    return GivenBeats(np.unique([mark.start for mark in marks]), np.unique(strong))


def _position(text: str) -> int | None:
    """Position in the bar from "3", or "12.3" (bar 12, beat 3); None where the text is another."""
    if text.strip().lower() in DOWNBEATS:
        return 1
    found = re.fullmatch(r"(?:\d+\.)?(\d{1,2})(?:\.0+)?", text.strip())
    return int(found[1]) if found else None


def given_section(mark: Mark, place: str) -> GivenSection:
    """Reads a letter, a role, or both, such as "chorus", "A", "B chorus" or "Verse 2 A".

    Raises:
        VisualizerError: The text is none of these; `place` says where it stands.
    """
    words = [word for word in re.split(r"[\s,:;_]+", mark.text) if word.strip("0123456789")]
    letters = [word for word in words if re.fullmatch("[A-Za-z][0-9']*", word)]
    roles = [_role(word.rstrip("0123456789"), place) for word in words if word not in letters]
    if len(letters) > 1 or len(roles) > 1 or not words:
        raise VisualizerError(
            f"{place}: {mark.text!r} names no section; write a letter, a role, or both: 'B chorus'"
        )
    return GivenSection(
        mark.start,
        letters[0][0].upper() if letters else "",
        roles[0] if roles else None,
    )


def _role(word: str, place: str) -> Role:
    name = word.lower()
    if name in ROLES:
        return name
    if name in ALSO:
        return ALSO[name]
    near = difflib.get_close_matches(name, [*ROLES, *ALSO], 1)
    hint = f"; did you mean {near[0]}?" if near else f"; choose from {', '.join(ROLES)}"
    raise VisualizerError(f"{place}: {word!r} is no role of a section{hint}")
