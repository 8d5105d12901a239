"""`visualizer benchmark`: what this machine does with a song, measured in one run."""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from rich.table import Table

from visualizer.analysis import Analysis, analyze
from visualizer.cli.console import console
from visualizer.effects import Finish
from visualizer.film import X264_PRESET, make_film
from visualizer.lexicon import SCENES
from visualizer.painters import PAINTERS, load_painter
from visualizer.preset import DEFAULT, load_preset
from visualizer.render import Frame, render
from visualizer.score import FilmOptions, Score, compose
from visualizer.track import Track, load_track
from visualizer.video import SegmentWriter

T = TypeVar("T")

WHO = {"scenes": "scenes", "diffusion": "Pulse"}  # Painters as `render` takes them by itself.


@dataclass(frozen=True)
class Setting:
    """What is measured: a song, a film of it, and how long each measurement lasts."""

    track: Track
    analysis: Analysis
    width: int
    height: int
    fps: int
    seconds: float

    def score(self, *overrides: str) -> Score:
        """A short film from the middle of the song."""
        start = max(0.0, 0.5 * (self.track.duration - self.seconds))
        return compose(
            self.analysis,
            load_preset(DEFAULT, overrides),
            FilmOptions(self.width, self.height, self.fps, start, self.seconds),
        )


def benchmark(options: argparse.Namespace) -> None:
    """Prints seconds for analysis and frames per second of painters, encoder and whole render."""
    from visualizer.cli.make import DEMO_TRACK

    track = load_track(options.song or DEMO_TRACK)
    analysis, listening = _timed(lambda: analyze(track))
    setting = Setting(
        track, analysis, options.size[0], options.size[1], options.fps, options.seconds
    )
    table = Table(
        title=f"{track.path.name}: {track.duration:.0f} s; film {setting.width}x"
        f"{setting.height} at {setting.fps}",
        title_justify="left",
    )
    for column in ("what", "frames/s", "x real time", "note"):
        table.add_column(column, justify="left" if column in ("what", "note") else "right")
    table.add_row("analysis", "", f"{track.duration / listening:.1f}", f"{listening:.2f} s")
    rates = {scene: _painting(setting, scene) for scene in SCENES}
    for scene, rate in sorted(rates.items(), key=lambda item: item[1]):
        table.add_row(f"painting {scene}", *_rate(rate, setting), "painter and effects, no encoder")
    table.add_row("encoding", *_rate(_encoding(setting), setting), f"x264 {X264_PRESET}, crf 18")
    for name in PAINTERS:
        rate, waited = _whole(setting, name)
        note = f"{waited:.1%} waiting for the encoder"
        table.add_row(f"whole render by {WHO[name]}", *_rate(rate, setting), note)
    console.print(table)


def _rate(rate: float, setting: Setting) -> tuple[str, str]:
    return f"{rate:.1f}", f"{rate / setting.fps:.2f}"


def _painting(setting: Setting, scene: str) -> float:
    score = setting.score(f"scene={scene}")
    frames, seconds = _timed(lambda: sum(1 for _ in _frames(score)))
    return frames / seconds


def _frames(score: Score) -> Iterator[Frame]:
    painter = load_painter("scenes")
    finish = Finish(score, painter.device)
    for shot in score.shots:
        yield from render(score, shot, painter, finish)


def _encoding(setting: Setting) -> float:
    """The encoder alone, on frames that lie ready."""
    score = setting.score()
    short = replace(score, shots=score.shots[:1])
    ready = [frame for frame, _ in zip(_frames(short), range(24), strict=False)]
    count = max(48, int(setting.seconds * setting.fps))

    def encode() -> None:
        with (
            tempfile.TemporaryDirectory() as folder,
            SegmentWriter(
                Path(folder) / "a.mp4",
                setting.width,
                setting.height,
                setting.fps,
                preset=X264_PRESET,
            ) as writer,
        ):
            for k in range(count):
                writer.write(ready[k % len(ready)])

    return count / _timed(encode)[1]


def _whole(setting: Setting, name: str) -> tuple[float, float]:
    score, painter = setting.score("paint.mode=restyle"), load_painter(name)
    with tempfile.TemporaryDirectory() as folder:
        making = make_film(score, painter, setting.track, Path(folder) / "film.mp4")
    return making.frames / making.seconds, making.waited / making.seconds


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    began = time.perf_counter()
    result = work()
    return result, time.perf_counter() - began
