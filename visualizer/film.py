"""From score to finished file: shot by shot, each kept until the film is whole."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from visualizer.effects import Finish
from visualizer.errors import VisualizerError
from visualizer.memory import return_freed_memory
from visualizer.painters import Painter
from visualizer.render import render
from visualizer.score import Score, score_digest
from visualizer.track import Track
from visualizer.video import SegmentWriter, join

OnFrame = Callable[[int, int], None]

X264_PRESET = "veryfast"  # "medium" costs three times the painter's own time for a tenth less size.


@dataclass(frozen=True)
class Making:
    """What making a film cost.

    Attributes:
        frames: Frames painted now; those kept from an earlier run are not counted.
        kept: Frames taken over from an earlier run.
        seconds: Wall-clock time of painting and encoding.
        waited: Seconds of it that the painter waited for the encoder.
    """

    frames: int
    kept: int
    seconds: float
    waited: float


def parts_folder(out: Path) -> Path:
    """Where the painted shots of an unfinished film lie."""
    return out.with_name(f".{out.name}.parts")


def make_film(
    score: Score,
    painter: Painter,
    track: Track,
    out: Path,
    *,
    crf: int = 18,
    on_frame: OnFrame = lambda done, total: None,
) -> Making:
    """Paints every shot that is not there yet, joins them and muxes the song's own sound.

    An interrupted film goes on where it stopped: the same call finds the shots it has painted.

    Args:
        score: The film as data.
        painter: What paints it.
        track: The song; `score.start` is where it begins to sound.
        out: The finished file.
        crf: x264's constant rate factor.
        on_frame: Called with frames done and frames in all.

    Raises:
        VisualizerError: The folder cannot be written, or the encoder fails.
    """
    finish = Finish(score, painter.device)
    parts = _prepare(parts_folder(out))
    began = time.perf_counter()
    segments, painted, kept, waited = [], 0, 0, 0.0
    for shot in score.shots:
        return_freed_memory()
        done = painted + kept
        segment = parts / f"{score_digest(score, shot, f'{painter.identity} crf {crf}')}.mp4"
        segments.append(segment)
        if segment.exists():
            kept += len(shot)
            on_frame(done + len(shot), score.frames)
            continue
        with _clean_after_failure(parts), _encoder(segment, score, crf) as writer:
            for frame in render(score, shot, painter, finish):
                writer.write(frame)
                on_frame(done + writer.frames, score.frames)
        painted, waited = painted + len(shot), waited + writer.waited
    making = Making(painted, kept, time.perf_counter() - began, waited)
    return_freed_memory()
    join(
        segments,
        track,
        out,
        fps=score.fps,
        frames=score.frames,
        start=score.start,
        duration=score.frames / score.fps,
        title=track.tags.get("title", ""),
        artist=track.tags.get("artist", ""),
    )
    shutil.rmtree(parts)
    return making


def _encoder(segment: Path, score: Score, crf: int) -> SegmentWriter:
    size = (score.width, score.height)
    return SegmentWriter(segment, *size, score.fps, crf=crf, preset=X264_PRESET)


@contextmanager
def _clean_after_failure(parts: Path) -> Iterator[None]:
    """Ctrl-C may fall between any two steps, also while the encoder is being started."""
    try:
        yield
    except BaseException:
        for unfinished in parts.glob(".*"):
            unfinished.unlink(missing_ok=True)
        raise


def check_output(out: Path, overwrite: bool) -> None:
    """Refuses an output that cannot be written, before any work is done.

    Raises:
        VisualizerError: The file exists, the folder does not, or it cannot be written to.
    """
    if out.suffix.lower() != ".mp4":
        raise VisualizerError(f"{out}: films are written as .mp4; choose such a name")
    if out.is_dir():
        raise VisualizerError(f"{out}: is a folder; give the name of the film in it")
    if out.exists() and not overwrite:
        raise VisualizerError(
            f"{out}: exists already; choose another name with -o or add --overwrite"
        )
    if not out.parent.is_dir():
        raise VisualizerError(
            f"{out.parent}: no such folder; make it first or choose another with -o"
        )
    _remove_empty(_prepare(parts_folder(out)))


def _prepare(parts: Path) -> Path:
    try:
        parts.mkdir(exist_ok=True)
        probe = parts / ".probe"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise VisualizerError(
            f"{parts.parent}: cannot be written to ({error.strerror}); choose another with -o"
        ) from None
    return parts


def _remove_empty(parts: Path) -> None:
    if not any(parts.iterdir()):
        parts.rmdir()
