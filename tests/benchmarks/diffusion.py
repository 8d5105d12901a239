"""Where does a frame of diffusion spend its time, and does a long shot hold?

Weights are random, of a real architecture: an honest test of speed, none of beauty.

    python tests/benchmarks/diffusion.py --model small --size 1280x720 --frames 24
    python tests/benchmarks/diffusion.py --model sd-turbo --size 512x512 --device cuda --frames 300
    python tests/benchmarks/diffusion.py --model tiny --frames 0 --drift 3000
    python tests/benchmarks/diffusion.py --model tiny --frames 0 --drift 3000 --song song.mp3
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from diffusers import AutoencoderTiny, UNet2DConditionModel

import tiny
from visualizer import camera
from visualizer.analysis import analyze_cached
from visualizer.controls import CONTROLS
from visualizer.effects import Finish
from visualizer.film import X264_PRESET
from visualizer.painters import PULSE, oklab
from visualizer.painters.diffusion import DiffusionPainter
from visualizer.painters.diffusion.anchor import Anchor, Pull, tint
from visualizer.painters.diffusion.brush import Brush
from visualizer.painters.diffusion.key import painting_size
from visualizer.painters.diffusion.noise import TravellingNoise
from visualizer.painters.diffusion.relief import Move, Relief
from visualizer.painters.diffusion.watchdog import CURVES, Watchdog
from visualizer.preset import load_preset
from visualizer.pulse.parts import FULL
from visualizer.render import render, to_uint8
from visualizer.score import FilmOptions, Look, Score, Shot, compose
from visualizer.track import load_track
from visualizer.video import SegmentWriter

LOOK = Look("neon rain", "", "tunnel", ("#101020", "#f0a0ff"))


def parts_of(model: str) -> tuple[UNet2DConditionModel | None, AutoencoderTiny | None]:
    """A denoiser and an autoencoder of the real architecture, with random weights."""
    if model == "tiny":
        return None, None
    if model == "sd-turbo":
        unet = UNet2DConditionModel(
            sample_size=64,
            cross_attention_dim=1024,
            attention_head_dim=(5, 10, 20, 20),
            use_linear_projection=True,
        )
        return unet.to(torch.bfloat16), AutoencoderTiny()
    unet = UNet2DConditionModel(
        sample_size=64,
        block_out_channels=(64, 128, 192),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D", "UpBlock2D"),
        mid_block_type=None,
        cross_attention_dim=128,
        attention_head_dim=4,
        norm_num_groups=16,
    )
    return unet, AutoencoderTiny(
        encoder_block_out_channels=(32,) * 4,
        decoder_block_out_channels=(32,) * 4,
        num_encoder_blocks=FULL.encoder_blocks,
        num_decoder_blocks=FULL.decoder_blocks,
    )


MOVING = {"zoom": 0.3, "rotate": 4.0, "strength": 0.5}


def make_score(frames: int, size: str, settings: Mapping[str, float] = MOVING) -> Score:
    """One shot with a moving camera and everything else at rest."""
    row = np.array([settings.get(c.name, c.neutral) for c in CONTROLS], np.float32)
    ones = np.ones(frames, np.float32)
    shot = Shot(0, 0, 7, "verse A", (LOOK,), ones[:, None], np.tile(row, (frames, 1)), ones)
    width, height = map(int, size.split("x"))
    return Score(24, width, height, 0.0, (shot,))


def stages(painter: DiffusionPainter, score: Score) -> dict[str, Callable[[], Any]]:
    """Each part of the loop by itself, on a frame of the right size."""
    model = painter.model
    size = painting_size(model.caps, score.width, score.height)
    cue = list(score.cues(score.shots[0]))[1]
    matrix = camera.step(cue, score.fps, size.aspect)
    move = Move(matrix, matrix, matrix)
    generator = torch.Generator().manual_seed(0)
    picture = torch.rand(3, size.height, size.width, generator=generator).to(model.device)
    latents = model.encode(picture[None])
    brush = Brush(model, size, 0)
    palette = tint((LOOK,), (1.0,), model.device)
    lab = oklab.from_srgb(picture)
    anchor = Anchor.of(lab, latents, palette, Pull())
    watchdog = Watchdog(anchor, picture)
    strength = torch.tensor([0.5])
    condition, steps = model.embed("neon rain", ""), model.caps.steps
    full = torch.rand(3, score.height, score.width, generator=generator).to(model.device)
    finish = Finish(score, model.device)

    def travel() -> torch.Tensor:
        brush.advance(move, 0.2)
        return brush.noise

    return {
        "warp": lambda: Relief().warp(picture, move),
        "noise": travel,
        "encode": lambda: model.encode(picture[None]),
        "denoise": lambda: model.denoise(latents, latents, strength, condition, steps),
        "decode": lambda: model.decode(latents),
        "colour": lambda: oklab.to_srgb(anchor.hold(oklab.from_srgb(picture), palette)),
        "watchdog": lambda: watchdog.see(cue, lab, picture, picture),
        "enlarge": lambda: camera.enlarge(picture, score.height, score.width).clamp_(0.0, 1.0),
        "effects": lambda: finish(full, cue),
        "copy": lambda: to_uint8(full),
    }


MODEL = ("encode", "denoise", "decode")
BESIDE = ("enlarge", "effects", "copy", "video")  # In threads of their own, beside the painter.


def timed(work: Callable[[], Any], device: torch.device) -> float:
    """Seconds of one run, the device waited for.

    Of the processor's time where one thread does it all: what other programs take is not counted.
    """
    alone = device.type == "cpu" and torch.get_num_threads() == 1
    clock = time.thread_time if alone else time.perf_counter
    begin = clock()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return clock() - begin


def typical(times: Sequence[float]) -> float:
    """The lower fifth: what it takes while nothing else on the machine takes a core away."""
    return float(np.percentile(times, 20))


def encoding(score: Score) -> float:
    """Seconds that the video encoder takes for a frame."""
    noise = np.random.default_rng(0).integers(0, 256, (score.height // 8, score.width // 8, 3))
    still = np.ascontiguousarray(np.kron(noise, np.ones((8, 8, 1))).astype(np.uint8))
    count = 48
    with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter()
        size = (score.width, score.height)
        path = Path(folder) / "a.mp4"
        with SegmentWriter(path, *size, score.fps, preset=X264_PRESET) as writer:
            for k in range(count):
                writer.write(np.roll(still, 4 * k, axis=1))
        return (time.perf_counter() - begin) / count


@torch.inference_mode()
def print_speed(painter: DiffusionPainter, score: Score) -> None:
    """The table of stages, then the loop as a whole beside what the model alone would reach."""
    model, frames = painter.model, score.frames
    works = stages(painter, score)
    parts = {}
    for name, work in works.items():
        for _ in range(3):  # The first runs choose kernels and record graphs.
            work()
        parts[name] = typical([timed(work, model.device) for _ in range(15)])
    parts["video"] = encoding(score)
    painter_alone = sum(value for name, value in parts.items() if name not in BESIDE)
    for name, value in parts.items():
        where = "beside" if name in BESIDE else f"{value / painter_alone:6.1%}"
        print(f"  {name:9}{value * 1e3:9.2f} ms  {where}")
    painting = painter.paint(score, score.shots[0])
    for _ in range(4):
        next(painting)
    # Not the last, which lies ready: one frame is always painted ahead.
    loop = typical([timed(lambda: next(painting), model.device) for _ in range(frames - 5)])
    film, waited = whole_film(painter, score)
    denoiser, all_of_it = parts["denoise"], sum(parts[name] for name in MODEL)
    for name, seconds in (("painter", loop), ("film", film)):  # The film by the clock on the wall.
        print(
            f"  {name:9}{seconds * 1e3:9.2f} ms  {1 / seconds:.2f} fps:"
            f" {denoiser / seconds:.2f} of the denoiser alone ({1 / denoiser:.2f} fps),"
            f" {all_of_it / seconds:.2f} of the model alone ({1 / all_of_it:.2f} fps)"
        )
    print(f"  waiting for the video encoder: {waited:.1%}")


def whole_film(painter: DiffusionPainter, score: Score) -> tuple[float, float]:
    """Seconds a frame with effects, copy and encoder, and the share spent waiting for the last."""
    finish, size = Finish(score, painter.device), (score.width, score.height)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.mp4"
        with SegmentWriter(path, *size, score.fps, preset=X264_PRESET) as writer:
            moments = [time.perf_counter()]
            for frame in render(score, score.shots[0], painter, finish):
                writer.write(frame)
                moments.append(time.perf_counter())
        return typical(np.diff(moments)[4:-1]), writer.waited / (moments[-1] - moments[0])


def print_noise(frames: int) -> None:
    """Whether the noise stays white while it travels, beside new noise of the same size."""
    rows, columns = 96, 170
    print(f"\nnoise of {columns} x {rows} cells, {frames} frames; lag-1 is the mean of two ways")
    moves = {"zoom in": {"zoom": 0.3}, "zoom out": {"zoom": -0.3}, "pan": {"pan": 0.08},
             "turn": {"rotate": 6.0, "zoom": 0.1}, "still": {}}  # fmt: skip
    for name, settings in moves.items():
        score = make_score(2, "170x96", settings)
        cue = list(score.cues(score.shots[0]))[1]
        forward = partial(camera.forward, matrix=camera.step(cue, 24, columns / rows))
        noise = TravellingNoise(4, rows, columns, seed=7)
        seen = []
        for _ in range(frames):
            noise.advance(forward, 0.1)
            seen.append(whiteness(noise._grains.reshape(4, rows, columns)))
        print_whiteness(name, seen)
    generator = torch.Generator().manual_seed(0)
    fresh = [torch.randn(4, rows, columns, generator=generator) for _ in range(frames)]
    print_whiteness("new noise", [whiteness(field) for field in fresh])


def whiteness(field: torch.Tensor) -> tuple[float, float]:
    """Deviation, and correlation of neighbours."""
    across = (field[:, :, 1:] * field[:, :, :-1]).mean()
    down = (field[:, 1:] * field[:, :-1]).mean()
    return float(field.std()), float(across + down) / 2.0


def print_whiteness(name: str, seen: list[tuple[float, float]]) -> None:
    """The spans of deviation and correlation."""
    deviation, lag = np.array(seen).T
    held = abs(deviation - 1.0).max() <= 0.02 and abs(lag).max() < 0.02
    print(
        f"  {name:10} deviation {deviation.min():.3f} .. {deviation.max():.3f}; lag-1"
        f" {lag.min():+.4f} .. {lag.max():+.4f}, mean {lag.mean():+.5f}  {'ok' if held else 'OUT'}"
    )


# How far a frame may be from its shot's anchor, as a ratio.
LIMITS = {"mean": (0.85, 1.15), "contrast": (0.85, 1.15), "chroma": (0.85, 1.15),
          "sharpness": (0.7, 1.3)}  # fmt: skip


def print_drift(painter: DiffusionPainter, frames: int) -> None:
    """How far a long shot in silence strays from its first frame, as ratios: 1 is no drift."""
    print(f"\ndrift over {frames} frames of silence, smallest .. largest ratio to the first frame")
    for strength in (0.3, 0.5, 0.7):
        score = make_score(frames, "192x128", {**MOVING, "strength": strength})
        print_spans(f"strength {strength}", painter, score)


def print_song(painter: DiffusionPainter, song: Path, frames: int, presets: Sequence[str]) -> None:
    """The same on music: in shots as composed, and the whole excerpt as a single shot."""
    analysis = analyze_cached(load_track(song))
    seconds = min(frames / 24, analysis.duration)
    print(f"\ndrift over {seconds:.0f} s of {song.name}, each shot against its own first frame")
    for name in presets:
        options = FilmOptions(192, 128, 24, duration=seconds)
        score = compose(analysis, load_preset(name), options)
        print_spans(f"{name}, {len(score.shots)} shots", painter, score)
        print_spans(f"{name}, one shot of {frames}", painter, in_one(score, frames))


def in_one(score: Score, frames: int) -> Score:
    """The film without its cuts, again from the beginning where it is too short.

    One shot, that changes prompts and palettes as the film does.
    """
    looks = tuple(dict.fromkeys(look for shot in score.shots for look in shot.looks))
    weights = np.zeros((score.frames, len(looks)), np.float32)
    for shot in score.shots:
        for column, look in enumerate(shot.looks):
            rows = slice(shot.first, shot.first + len(shot))
            weights[rows, looks.index(look)] += shot.weights[shot.lead :, column]
    controls = np.concatenate([shot.controls[shot.lead :] for shot in score.shots])
    fade = np.concatenate([shot.fade[shot.lead :] for shot in score.shots])
    again = np.arange(frames) % score.frames
    first = replace(
        score.shots[0],
        looks=looks,
        weights=weights[again],
        controls=controls[again],
        fade=fade[again],
    )
    return replace(score, shots=(first,))


def print_spans(title: str, painter: DiffusionPainter, score: Score) -> None:
    """What the watchdog saw while a score was painted."""
    painter.curves.clear()
    for shot in score.shots:
        for _ in painter.paint(score, shot):
            pass
    columns, out = [], []
    for name in CURVES:
        seen = np.array([row[name] for row in painter.curves.values()])
        columns.append(f"{name} {seen.min():.2f} .. {seen.max():.2f}")
        low, high = LIMITS.get(name, (0.0, np.inf))
        if seen.min() < low or seen.max() > high:
            out.append(name)
    verdict = f"OUT: {', '.join(out)}" if out else "ok"
    print(f"  {title}: {'; '.join(columns)}  {verdict}", flush=True)


def main() -> None:
    """Reads the arguments and prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", choices=("tiny", "small", "sd-turbo", "pulse"), default="small")
    parser.add_argument("--size", default="1280x720")
    parser.add_argument("--frames", type=int, default=24)
    parser.add_argument("--device")
    parser.add_argument("--precision")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--drift", type=int, default=0, metavar="FRAMES", help="of a long shot")
    parser.add_argument("--song", type=Path, help="measure drift on music instead of silence")
    parser.add_argument("--presets", nargs="+", default=["night-drive", "ink-theatre", "tidal"])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = options.model
        if path != PULSE:
            path = tiny.build("turbo", Path(folder), *parts_of(options.model))
        painter = DiffusionPainter.load(path, options.device, precision=options.precision)
    if options.threads:
        torch.set_num_threads(options.threads)
        cv2.setNumThreads(options.threads)
    model, score = painter.model, make_score(max(8, options.frames), options.size)
    size = painting_size(model.caps, score.width, score.height)
    print(
        f"{options.model} on {model.device}, {torch.get_num_threads()} threads, painted at"
        f" {size.width}x{size.height} for {options.size}: {model.caps.name}"
    )
    if options.frames:
        print_speed(painter, score)
    if options.song:
        print_song(painter, options.song, options.drift or 600, options.presets)
    elif options.drift:
        print_noise(options.drift)
        print_drift(painter, options.drift)


if __name__ == "__main__":
    main()
