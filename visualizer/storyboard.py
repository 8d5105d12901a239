"""A film on one page: one frame per section or bar, painted without painting the film."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from visualizer.effects import Finish
from visualizer.errors import VisualizerError
from visualizer.painters import Painter
from visualizer.render import Frame, render
from visualizer.score import Score, Shot
from visualizer.score.types import poses

if TYPE_CHECKING:
    from visualizer.analysis import Analysis

RUN_UP = 12  # Frames painted before the one that is kept, until the trails have filled.
COLUMNS = 4
CAPTION = 26  # Pixels under each frame.


def write_storyboard(
    score: Score,
    analysis: Analysis,
    painter: Painter,
    out: Path,
    every: Literal["section", "bar"] = "section",
) -> int:
    """Writes a contact sheet as PNG or JPEG and returns the number of frames on it.

    Raises:
        VisualizerError: The file cannot be written.
    """
    finish = Finish(score, painter.device)
    picked = pick_frames(score, analysis, every)
    cells = [
        _captioned(_paint(score, frame, painter, finish), _caption(score, frame))
        for frame in picked
    ]
    kind = ".jpg" if out.suffix.lower() in (".jpg", ".jpeg") else ".png"
    encoded = cv2.imencode(kind, _sheet(cells)[:, :, ::-1])[1]
    try:
        out.write_bytes(encoded.tobytes())
    except OSError as error:
        raise VisualizerError(
            f"{out}: cannot be written ({error.strerror}); choose another with -o"
        ) from None
    return len(cells)


def pick_frames(score: Score, analysis: Analysis, every: Literal["section", "bar"]) -> list[int]:
    """Frames worth seeing: past the middle of each section, or the first beat of each bar."""
    if every == "bar":
        times = [float(t) for t in analysis.events["downbeat"]]
    else:
        times = [_hit_near(0.5 * (s.start + s.end), s.end, analysis) for s in analysis.sections]
    frames = [round((time - score.start) * score.fps) for time in times]
    return [frame for frame in frames if 0 <= frame < score.frames] or [score.frames // 2]


def _hit_near(time: float, end: float, analysis: Analysis) -> float:
    """The first downbeat after a time, where a picture shows what the music does to it."""
    after = [float(t) for t in analysis.events["downbeat"] if time <= t < end]
    return after[0] if after else time


def _paint(score: Score, frame: int, painter: Painter, finish: Finish) -> Frame:
    shot = next(shot for shot in reversed(score.shots) if shot.first <= frame)
    return list(render(score, single_frame(score, shot, frame), painter, finish))[-1]


def single_frame(score: Score, shot: Shot, frame: int) -> Shot:
    """The shot that shows one frame of `shot`, after a short run-up."""
    row = frame - shot.first + shot.lead
    lead = min(RUN_UP, row)
    rows = slice(row - lead, row + 1)
    return replace(
        shot,
        first=frame,
        lead=lead,
        weights=shot.weights[rows],
        fade=shot.fade[rows],
        controls=shot.controls[rows],
        origin=poses(shot, score.fps)[rows.start],
    )


def _caption(score: Score, frame: int) -> str:
    shot = next(shot for shot in reversed(score.shots) if shot.first <= frame)
    seconds = score.start + frame / score.fps
    return f"{int(seconds // 60)}:{seconds % 60:04.1f}  {shot.section}"


def _captioned(frame: Frame, text: str) -> NDArray[np.uint8]:
    strip = np.full((CAPTION, frame.shape[1], 3), 18, np.uint8)
    cv2.putText(
        strip,
        text,
        (8, CAPTION - 8),
        cv2.FONT_HERSHEY_SIMPLEX,
        0.5,
        (210, 210, 210),
        1,
        cv2.LINE_AA,
    )
    return np.vstack([frame, strip])


def _sheet(cells: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    columns = min(COLUMNS, math.ceil(math.sqrt(len(cells))))
    blank = np.full_like(cells[0], 18)
    padded = cells + [blank] * (-len(cells) % columns)
    rows: Iterator[NDArray[np.uint8]] = (
        np.hstack(padded[i : i + columns]) for i in range(0, len(padded), columns)
    )
    return np.vstack(list(rows))
