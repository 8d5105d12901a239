"""The commands that paint: render, demo, storyboard."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from visualizer.cli.console import console, film_progress, note
from visualizer.cli.listen import Heard, hear
from visualizer.cli.painting import chosen_painter
from visualizer.cli.values import SIZES
from visualizer.errors import VisualizerError
from visualizer.film import check_output, make_film
from visualizer.painters import PULSE, Painter, Watchful
from visualizer.preset import DEFAULT, Preset, load_preset
from visualizer.report import read_report
from visualizer.report.watch import summarize, write_curves
from visualizer.score import FilmOptions, Score, compose, load_score, save_score, score_text
from visualizer.score.looks import unknown_words
from visualizer.storyboard import write_storyboard
from visualizer.track import Track

DEMO_TRACK = Path(__file__).resolve().parents[1] / "demo" / "demo.ogg"
DEMO_PRESET = "night-drive"
DRAFT_FPS = 24


def render(options: argparse.Namespace) -> None:
    """`visualizer render`: song in, film out."""
    out = options.output or default_output(options.song)
    check_output(out, options.overwrite)
    preset = _preset(options)
    saved = load_score(options.score) if options.score else None
    painter = chosen_painter(options, saved.images if saved else ())
    heard = hear(options.song, options)
    score, track = saved or write_score(heard, preset, options), heard.track
    del heard  # The score says everything; an analysis grows with the song.
    _check_length(score, track, options.score)
    if options.score is None or options.score.resolve() != _score_path(out).resolve():
        _keep(score, out, options.overwrite)
    _make(score, track, painter, out, options.quality)


def demo(options: argparse.Namespace) -> None:
    """`visualizer demo`: the bundled track."""
    options.preset = options.preset or DEMO_PRESET
    out = options.output or Path("visualizer-demo.mp4")
    check_output(out, options.overwrite)
    preset, painter = _preset(options), chosen_painter(options)
    heard = hear(DEMO_TRACK, options)
    score = write_score(heard, preset, options)
    _keep(score, out, options.overwrite)
    _make(score, heard.track, painter, out, options.quality)


def storyboard(options: argparse.Namespace) -> None:
    """`visualizer storyboard`: one frame per section or bar."""
    out = options.output or options.song.with_name(f"{options.song.stem}.storyboard.png")
    preset, painter = _preset(options), chosen_painter(options)
    options.size = options.size or SIZES["draft"]
    heard = hear(options.song, options)
    score = write_score(heard, preset, options)
    frames = write_storyboard(score, heard.analysis, painter, out, every=options.every)
    console.print(f"{out}: {frames} frames, one per {options.every}")


def write_score(heard: Heard, preset: Preset, options: argparse.Namespace) -> Score:
    """Composes the film that the flags ask for."""
    width, height = options.size or SIZES["hd"]
    fps = options.fps or (DRAFT_FPS if options.draft else 30)
    if options.draft:
        width, height = _third(width, height)
    tags = heard.track.tags
    return compose(
        heard.analysis,
        preset,
        FilmOptions(
            width,
            height,
            fps,
            options.start,
            options.duration,
            options.seed,
            tags.get("title", ""),
            tags.get("artist", ""),
            tuple(str(path.absolute()) for path in options.image),
        ),
    )


def default_output(song: Path) -> Path:
    """The film beside the song; another name where the song is itself an .mp4."""
    name = f"{song.stem}-visualizer.mp4" if song.suffix.lower() == ".mp4" else f"{song.stem}.mp4"
    return song.with_name(name)


def _third(width: int, height: int) -> tuple[int, int]:
    """A draft's size: the short side becomes 360, the shape stays."""
    scale = min(1.0, 360 / min(width, height))
    return round(width * scale / 2) * 2, round(height * scale / 2) * 2


def _preset(options: argparse.Namespace) -> Preset:
    overrides = list(options.overrides)
    if options.prompt:
        overrides.append(f"prompts.always={json.dumps(options.prompt)}")
    preset = load_preset(options.preset or DEFAULT, overrides)
    if options.model == PULSE and "mode" not in preset.paint.model_fields_set:
        # It knows colours and light better than layouts, which the scenes painter knows.
        paint = preset.paint.model_copy(update={"mode": "restyle"})
        preset = preset.model_copy(update={"paint": paint})
    unknown = unknown_words(preset)
    if unknown and options.painter == "scenes":
        note(f"words without effect on scenes: {', '.join(unknown)}")
    return preset


def _check_length(score: Score, track: Track, source: Path | None) -> None:
    end = score.start + score.frames / score.fps
    if end > track.duration + 1.0:
        raise VisualizerError(
            f"{source}: ends at {end:.1f} s, but {track.path.name} at {track.duration:.1f} s;"
            " give the song it was composed for"
        )


def _score_path(out: Path) -> Path:
    return out.with_suffix(".score.json")


def _keep(score: Score, out: Path, overwrite: bool) -> None:
    """Saves the score beside the film, but not over one that may have been edited by hand."""
    path = _score_path(out)
    if path.exists() and not overwrite and path.read_bytes() != score_text(score).encode():
        raise VisualizerError(
            f"{path}: holds another film, perhaps edited; paint it with --score, or add --overwrite"
        )
    save_score(score, path)


def _make(score: Score, track: Track, painter: Painter, out: Path, crf: int) -> None:
    with film_progress(score.frames) as on_frame:
        making = make_film(score, painter, track, out, crf=crf, on_frame=on_frame)
    report = read_report(out)
    summary = report.summary()
    if isinstance(painter, Watchful) and painter.curves:
        write_curves(painter.curves, out.with_suffix(".drift.csv"))
        summary += "\n" + summarize(painter.curves)
    out.with_suffix(".report.txt").write_text(summary + "\n", encoding="utf-8")
    rate = making.frames / making.seconds if making.frames else 0.0
    waited = making.waited / max(making.seconds, 1e-9)
    console.print(
        f"{out}: {score.frames} frames, {rate:.1f} per second painted,"
        f" {waited:.0%} of the time spent waiting for the encoder",
        highlight=False,
    )
    console.print(summary, highlight=False)
