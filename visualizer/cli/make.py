"""The commands that paint: render, demo, storyboard."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from visualizer.cli.console import console, film_progress, note
from visualizer.cli.listen import Heard, hear
from visualizer.cli.painting import choose_painter, load_chosen
from visualizer.cli.values import SIZES
from visualizer.errors import VisualizerError
from visualizer.film import check_output, make_film
from visualizer.painters import PULSE, Paced, Painter, Watchful
from visualizer.preset import DEFAULT, Preset, load_preset
from visualizer.report import read_report
from visualizer.report.watch import summarize, write_curves
from visualizer.score import FilmOptions, Score, compose, load_score, save_score, score_text
from visualizer.score.looks import unknown_words
from visualizer.storyboard import write_storyboard
from visualizer.track import Track

DEMO_TRACK = Path(__file__).resolve().parents[1] / "demo" / "demo.ogg"
DEMO_PRESET = "night-drive"
DEMO_FPS = DRAFT_FPS = 24
USEFUL_PACE = 1.0  # Frames per second; a song of four minutes then takes two hours.


def render(options: argparse.Namespace) -> None:
    """`visualizer render`: song in, film out."""
    out = options.output or default_output(options.song)
    check_output(out, options.overwrite)
    preset = _preset(options)
    saved = load_score(options.score) if options.score else None
    painter = load_chosen(options, saved.images if saved else ())
    preset = preset if saved else _in_mode(preset, painter, options)
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
    options.fps = options.fps or DEMO_FPS
    out = options.output or Path("visualizer-demo.mp4")
    check_output(out, options.overwrite)
    preset, painter = _preset(options), load_chosen(options)
    heard = hear(DEMO_TRACK, options)
    score = write_score(heard, _in_mode(preset, painter, options), options)
    _keep(score, out, options.overwrite)
    _make(score, heard.track, painter, out, options.quality)


def storyboard(options: argparse.Namespace) -> None:
    """`visualizer storyboard`: one frame per section or bar."""
    out = options.output or options.song.with_name(f"{options.song.stem}.storyboard.png")
    options.size = options.size or SIZES["draft"]
    preset, painter = _preset(options), load_chosen(options)
    heard = hear(options.song, options)
    score = write_score(heard, _in_mode(preset, painter, options), options)
    frames = write_storyboard(score, heard.analysis, painter, out, every=options.every)
    console.print(f"{out}: {frames} frames, one per {options.every}")


def write_score(heard: Heard, preset: Preset, options: argparse.Namespace) -> Score:
    """Composes the film that the flags ask for."""
    fps = options.fps or (DRAFT_FPS if options.draft else 30)
    tags = heard.track.tags
    return compose(
        heard.analysis,
        preset,
        FilmOptions(
            *_size(options),
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


def _size(options: argparse.Namespace) -> tuple[int, int]:
    """The film's; of a draft the short side becomes 360, and the shape stays."""
    width, height = options.size or SIZES["hd"]
    if not options.draft:
        return width, height
    scale = min(1.0, 360 / min(width, height))
    return round(width * scale / 2) * 2, round(height * scale / 2) * 2


def _preset(options: argparse.Namespace) -> Preset:
    overrides = list(options.overrides)
    if options.prompt:
        overrides.append(f"prompts.always={json.dumps(options.prompt)}")
    choose_painter(options)
    preset = load_preset(options.preset or DEFAULT, overrides)
    unknown = unknown_words(preset)
    if unknown and options.model in (None, PULSE):
        note(f"words without effect on {options.model or 'scenes'}: {', '.join(unknown)}")
    return preset


def _in_mode(preset: Preset, painter: Painter, options: argparse.Namespace) -> Preset:
    """A preset that leaves the mode open, in the mode that suits Pulse on this machine."""
    if options.model not in (None, PULSE) or "mode" in preset.paint.model_fields_set:
        return preset
    mode = "restyle"  # It knows colours and light better than layouts, which scenes knows.
    pace = painter.pace(*_size(options)) if isinstance(painter, Paced) else USEFUL_PACE
    if pace < USEFUL_PACE:
        mode = "keyframes"
        note(
            f"this machine paints {pace:.2f} frames per second: one on each {preset.paint.every},"
            " with the camera moving between; --set paint.mode=restyle paints them all"
        )
    return preset.model_copy(update={"paint": preset.paint.model_copy(update={"mode": mode})})


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
