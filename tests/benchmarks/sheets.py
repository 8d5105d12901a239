"""What Pulse paints, to be looked at.

    python tests/benchmarks/sheets.py MODEL --folder sheets [--steps 2]

Writes families by palettes, one drawing over strengths, walks from prompt to prompt, and 24
consecutive frames of a film over the demo track.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from pulse import different_palettes, paint, prompt_of

from visualizer.analysis import analyze_cached
from visualizer.cli.make import DEMO_TRACK
from visualizer.effects import Finish
from visualizer.painters import ModelOptions
from visualizer.painters.diffusion import DiffusionPainter
from visualizer.painters.diffusion.families import PULSE_SAMPLING
from visualizer.painters.diffusion.loading import load_model
from visualizer.painters.diffusion.model import FrameModel, aligned, mix
from visualizer.painters.diffusion.painter import PULSE_TOUCH
from visualizer.preset import load_preset
from visualizer.pulse.drawings import FAMILIES, HELD_OUT, draw, imagine
from visualizer.pulse.run import show_grid
from visualizer.render import render
from visualizer.score import FilmOptions, compose
from visualizer.track import load_track

SIZE = 256
STRENGTHS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.85)
WALKS = (("ocean", "grid"), ("galaxy", "rings"), ("city", "mountains"), ("lava", "aurora"))
ALONG = 8  # Pictures of a walk.
FRAMES, ACROSS = 24, 6


def main() -> None:
    """Writes the sheets."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--folder", type=Path, default=Path("sheets"))
    parser.add_argument("--steps", type=int, default=2)
    wanted = parser.parse_args()
    as_films_do = ModelOptions(steps=PULSE_SAMPLING.steps)
    model = load_model(str(wanted.model), "cpu", precision="float32", options=as_films_do)
    names = different_palettes(ALONG)
    rows = {
        "families": [paint(model, asked(f, names), 1, SIZE, wanted.steps) for f in FAMILIES],
        "strengths": [over(model, f) for f in FAMILIES[:6]],
        "walks": [walked(model, *ends, names, wanted.steps) for ends in WALKS],
        "frames": list(filmed(model).split(ACROSS)),
    }
    for name, pictures in rows.items():
        show_grid(pictures, wanted.folder / f"{name}.png")


def asked(family: str, names: list[str]) -> list[str]:
    """Prompts for one family in several palettes."""
    return [prompt_of(family, name) for name in names]


def over(model: FrameModel, family: str) -> torch.Tensor:
    """A drawing, painted over with more and more strength."""
    drawing = imagine(HELD_OUT + 99, family, "synthwave")
    picture = draw(drawing, SIZE, SIZE)[None].float() / 255.0
    latents = model.encode(picture)
    noise = torch.randn(latents.shape, generator=torch.Generator().manual_seed(0))
    condition = model.embed(prompt_of(family, "synthwave"), "")
    painted = [
        model.decode(model.denoise(latents, noise, torch.tensor([s]), condition, 1))
        for s in STRENGTHS
    ]
    return torch.cat([picture, *painted]).clamp(0.0, 1.0)


def walked(model: FrameModel, one: str, other: str, names: list[str], steps: int) -> torch.Tensor:
    """From one prompt to another, in the same noise."""
    pair = zip((one, other), names[:2], strict=True)
    ends = aligned([model.embed(prompt_of(*asked_for), "") for asked_for in pair])
    cells = SIZE // model.caps.downscale
    shape = (1, model.caps.channels, cells, cells)
    noise = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    ways = [mix(ends, (1.0 - k / (ALONG - 1), k / (ALONG - 1))) for k in range(ALONG)]
    painted = [
        model.decode(model.denoise(torch.zeros_like(noise), noise, torch.ones(1), way, steps))
        for way in ways
    ]
    return torch.cat(painted).clamp(0.0, 1.0)


def filmed(model: FrameModel) -> torch.Tensor:
    """Consecutive frames of a film as `--model pulse` paints it."""
    painter = DiffusionPainter(model, touch=PULSE_TOUCH, plain=True)
    analysis = analyze_cached(load_track(DEMO_TRACK))
    # From the middle of it, where nothing fades.
    options = FilmOptions(384, 216, 24, start=analysis.duration / 2, duration=FRAMES / 8)
    preset = load_preset("night-drive", ["paint.mode=restyle"])
    score = compose(analysis, preset, options)
    frames = [
        torch.from_numpy(frame.copy())
        for shot in score.shots
        for frame in render(score, shot, painter, Finish(score, painter.device))
    ]
    return torch.stack(frames[FRAMES : 2 * FRAMES]).permute(0, 3, 1, 2).float() / 255.0


if __name__ == "__main__":
    main()
