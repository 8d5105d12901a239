"""Where does a frame of diffusion spend its time, and does a long shot hold?

Weights are random, of a real architecture: an honest test of speed, none of beauty.

    python tests/benchmarks/diffusion.py --model small --size 1280x720 --frames 20
    python tests/benchmarks/diffusion.py --model sd-turbo --device cuda
    python tests/benchmarks/diffusion.py --model tiny --drift 600 --song song.mp3
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from diffusers import AutoencoderTiny, UNet2DConditionModel
from torch.nn.functional import interpolate

import tiny
from visualizer import camera
from visualizer.analysis import analyze_cached
from visualizer.controls import CONTROLS
from visualizer.painters import oklab
from visualizer.painters.diffusion import DiffusionPainter
from visualizer.painters.diffusion.anchor import Anchor, Pull, tint
from visualizer.painters.diffusion.key import painting_size
from visualizer.painters.diffusion.loading import load_model
from visualizer.painters.diffusion.noise import TravellingNoise
from visualizer.painters.diffusion.watchdog import CURVES
from visualizer.preset import load_preset
from visualizer.score import FilmOptions, Look, Score, Shot, compose
from visualizer.track import load_track

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
        num_encoder_blocks=(0, 1, 1, 2),
        num_decoder_blocks=(3, 2, 1, 0),
    )


def make_score(frames: int, size: str, strength: float = 0.5) -> Score:
    """One shot with a moving camera and everything else at rest."""
    settings = {"zoom": 0.3, "rotate": 4.0, "strength": strength}
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
    move = camera.step(cue, score.fps, size.aspect)
    generator = torch.Generator().manual_seed(0)
    picture = torch.rand(3, size.height, size.width, generator=generator).to(model.device)
    latents = model.encode(picture[None])
    noise = TravellingNoise(latents.shape[1], latents.shape[2], latents.shape[3], 0)
    palette = tint((LOOK,), (1.0,), model.device)
    anchor = Anchor.of(oklab.from_srgb(picture), latents, palette, Pull())
    strength = torch.tensor([0.5])
    condition, steps = model.embed("neon rain", ""), model.caps.steps
    film_size = (score.height, score.width)
    full = torch.rand(3, *film_size, generator=generator).to(model.device)

    def travel() -> torch.Tensor:
        noise.advance(move, 0.2)
        return noise.field.to(latents)

    return {
        "warp": lambda: camera.warp(picture, move, "bicubic").clamp(0, 1),
        "encode": lambda: model.encode(picture[None]),
        "noise": travel,
        "denoise": lambda: model.denoise(latents, latents, strength, condition, steps),
        "decode": lambda: model.decode(latents),
        "colour": lambda: oklab.to_srgb(anchor.hold(oklab.from_srgb(picture), palette)),
        "enlarge": lambda: interpolate(picture[None], film_size, mode="bicubic"),
        "copy": lambda: (full * 255.0).byte().permute(1, 2, 0).cpu(),
    }


def seconds(work: Callable[[], Any], device: torch.device, repeats: int) -> float:
    """The median of several runs, the device waited for."""
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - begin)
    return float(np.median(times))


@torch.no_grad()
def print_speed(painter: DiffusionPainter, score: Score) -> None:
    """The table of stages, then the loop as a whole beside what its denoiser alone would reach."""
    model, frames = painter.model, score.frames
    for work in stages(painter, score).values():
        work()
    parts = {n: seconds(w, model.device, 7) for n, w in stages(painter, score).items()}
    whole = sum(parts.values())
    for name, value in parts.items():
        print(f"  {name:8} {value * 1e3:9.2f} ms  {value / whole:6.1%}")
    painting = painter.paint(score, score.shots[0])
    next(painting)
    loop = seconds(lambda: [f.cpu() for f in painting], model.device, 1) / (frames - 1)
    bound = 1.0 / parts["denoise"]
    print(
        f"  loop     {loop * 1e3:9.2f} ms  {1 / loop:.2f} fps; denoiser alone {bound:.2f} fps"
        f" ({1 / loop / bound:.0%} of it)"
    )


def print_drift(painter: DiffusionPainter, frames: int) -> None:
    """How far a long shot in silence strays from its first frame, as ratios: 1 is no drift."""
    print(f"\ndrift over {frames} frames of silence, smallest .. largest ratio to the first frame")
    for strength in (0.3, 0.5, 0.7):
        print_spans(f"strength {strength}", painter, make_score(frames, "192x128", strength))


def print_song(painter: DiffusionPainter, song: Path, seconds: float) -> None:
    """The same on music, as composed with several presets."""
    analysis = analyze_cached(load_track(song))
    print(f"\ndrift over {seconds:g} s of {song.name}, in its own shots")
    for name in ("night-drive", "forge", "tidal"):
        options = FilmOptions(192, 128, 24, duration=min(seconds, analysis.duration))
        print_spans(name, painter, compose(analysis, load_preset(name), options))


def print_spans(title: str, painter: DiffusionPainter, score: Score) -> None:
    """What the watchdog saw while a score was painted."""
    painter.curves.clear()
    for shot in score.shots:
        for _ in painter.paint(score, shot):
            pass
    columns = []
    for name in CURVES:
        seen = np.array([row[name] for row in painter.curves.values()])
        columns.append(f"{name} {seen.min():.2f} .. {seen.max():.2f}")
    print(f"  {title}: " + "; ".join(columns))


def main() -> None:
    """Reads the arguments and prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", choices=("tiny", "small", "sd-turbo"), default="small")
    parser.add_argument("--size", default="1280x720")
    parser.add_argument("--frames", type=int, default=12)
    parser.add_argument("--device")
    parser.add_argument("--precision")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--drift", type=int, default=0, metavar="FRAMES")
    parser.add_argument("--song", type=Path, help="also measure drift on this song")
    parser.add_argument("--seconds", type=float, default=60.0, help="of the song")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = tiny.build("turbo", Path(folder), *parts_of(options.model))
        model = load_model(path, options.device, precision=options.precision)
    if options.threads:
        torch.set_num_threads(options.threads)
    painter, score = DiffusionPainter(model), make_score(options.frames, options.size)
    size = painting_size(model.caps, score.width, score.height)
    print(
        f"{options.model} on {model.device}, {torch.get_num_threads()} threads, painted at"
        f" {size.width}x{size.height} for {options.size}: {model.caps.name}"
    )
    print_speed(painter, score)
    if options.drift:
        print_drift(painter, options.drift)
    if options.song:
        print_song(painter, options.song, options.seconds)


if __name__ == "__main__":
    main()
