"""How well a model paints what it is asked for, and how sharply; on drawings no lesson has shown.

python tests/benchmarks/pulse.py MODEL --folder pulse-run [--size 512] [--steps 2]

A small probe network, taught here on drawings, says which family and which palette it sees in a
picture. Its answers on fresh drawings, printed first, are the most that a model can reach. Drift,
speed and the denoiser-only bound are printed by diffusion.py beside this file; sheets.py writes
pictures to look at.
"""

from __future__ import annotations

import argparse
import math
from collections import Counter
from collections.abc import Sequence
from itertools import combinations, pairwise
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from visualizer.lexicon import plain_prompt
from visualizer.painters.diffusion.loading import load_model
from visualizer.painters.diffusion.model import FrameModel
from visualizer.palette import palettes
from visualizer.pulse.drawings import FAMILIES, HELD_OUT, draw, imagine
from visualizer.pulse.texture import COLORS, FINE, detail, textures
from visualizer.pulse.traits import palette_look

SEEN = 128  # Pixels along the edge of what the probe looks at.
COLORWAYS = 24  # Palettes that differ most from each other.
LESSONS, BATCHES = 5_000, 900  # Drawings and steps that the probe learns from.


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--folder", type=Path, default=Path("pulse-run"), help="keeps the probe")
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--samples", type=int, default=96)
    wanted = parser.parse_args()
    torch.set_num_threads(1)
    model = load_model(str(wanted.model), "cpu", precision="float32")
    names = different_palettes(COLORWAYS)
    probe = load_probe(wanted.folder, names)
    print(f"{'measure':<34} {'figure':>8} {'aim':>12}")
    autoencoder(model)
    fidelity(model, probe, names, wanted.size, wanted.steps, wanted.samples)
    sharpness(model, names, wanted.size, wanted.steps)
    variety(model, names, wanted.size, wanted.steps)
    scribbles(model)


def row(name: str, figure: float, aim: str = "") -> None:
    """One line of the table."""
    print(f"{name:<34} {figure:>8.3f} {aim:>12}", flush=True)


# --- what is asked for ---------------------------------------------------------------------------


def different_palettes(count: int) -> list[str]:
    """Named palettes, each as far as can be from those before it."""
    names = list(palettes())
    looks = torch.stack([palette_look(palettes()[name]) for name in names])
    apart = torch.cdist(looks, looks)
    chosen = [0]
    while len(chosen) < count:
        chosen.append(int(apart[chosen].amin(0).argmax()))
    return [names[k] for k in chosen]


def paint(
    model: FrameModel, prompts: Sequence[str], seed: int, size: int, steps: int
) -> torch.Tensor:
    """Pictures from prompts alone, float32, shape (prompts, 3, size, size)."""
    painted = []
    for k, prompt in enumerate(prompts):
        cells = size // model.caps.downscale
        shape = (1, model.caps.channels, cells, cells)
        generator = np.random.default_rng([seed, k])
        noise = torch.from_numpy(generator.standard_normal(shape, np.float32))
        condition = model.embed(prompt, "")
        latents = model.denoise(torch.zeros_like(noise), noise, torch.ones(1), condition, steps)
        painted.append(model.decode(latents)[0].clamp(0.0, 1.0))
    return torch.stack(painted)


def prompt_of(family: str, palette: str) -> str:
    """As the program words it."""
    return plain_prompt(family, palettes()[palette])


# --- the probe -----------------------------------------------------------------------------------


class Probe(nn.Module):
    """Sees 128x128 pictures; answers with families and palettes."""

    def __init__(self, colorways: int) -> None:
        super().__init__()
        widths = (3, 24, 48, 96, 128)
        layers: list[nn.Module] = []
        for before, after in pairwise(widths):
            layers += [nn.Conv2d(before, after, 3, 2, 1), nn.BatchNorm2d(after), nn.ReLU()]
        self.body = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(2), nn.Flatten())
        self.family = nn.Linear(4 * widths[-1], len(FAMILIES))
        self.palette = nn.Linear(4 * widths[-1], colorways)

    def forward(self, pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        found = self.body(F.interpolate(pictures, (SEEN, SEEN), mode="area"))
        return self.family(found), self.palette(found)


def lessons(names: list[str], first: int, count: int) -> tuple[torch.Tensor, ...]:
    """Drawings with the numbers of their families and palettes."""
    rng = np.random.default_rng(first)
    families = np.repeat(rng.integers(len(FAMILIES), size=count // 8), 8)
    colors = rng.integers(len(names), size=count)
    pictures = torch.stack(
        [
            draw(imagine(first + k, FAMILIES[f], names[c]), SEEN, SEEN)
            for k, (f, c) in enumerate(zip(families, colors, strict=True))
        ]
    )
    return pictures, torch.from_numpy(families), torch.from_numpy(colors)


def load_probe(folder: Path, names: list[str]) -> Probe:
    """The probe, taught now if it was not yet; prints what it gets right on fresh drawings."""
    torch.manual_seed(0)
    probe, path = Probe(len(names)), folder / "probe.pt"
    if path.exists():
        probe.load_state_dict(torch.load(path, weights_only=True))
    else:
        teach(probe, *lessons(names, HELD_OUT + (1 << 30), LESSONS))
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save(probe.state_dict(), path)
    probe.eval()
    pictures, families, colors = lessons(names, HELD_OUT + (1 << 31), 320)
    right = answers(probe, pictures.float() / 255.0, families, colors)
    row("probe on drawings: family", right[0])
    row("probe on drawings: palette", right[1])
    return probe


def teach(probe: Probe, pictures: torch.Tensor, *labels: torch.Tensor) -> None:
    """Teaches the probe."""
    optimizer = torch.optim.AdamW(probe.parameters(), lr=2e-3, weight_decay=0.02)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, BATCHES)
    for _ in range(BATCHES):
        chosen = torch.randint(len(pictures), (32,))
        seen = pictures[chosen].float() / 255.0
        if torch.rand(()) < 0.5:
            seen = seen.flip(3)
        seen = seen + 0.03 * torch.randn_like(seen)
        found = probe(seen)
        loss = sum(F.cross_entropy(f, y[chosen]) for f, y in zip(found, labels, strict=True))
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        rate.step()


@torch.no_grad()
def answers(probe: Probe, pictures: torch.Tensor, *labels: torch.Tensor) -> list[float]:
    """Shares of right answers."""
    found = probe(pictures)
    return [float((f.argmax(1) == y).float().mean()) for f, y in zip(found, labels, strict=True)]


# --- what is measured ----------------------------------------------------------------------------


def autoencoder(model: FrameModel) -> None:
    """How well pictures survive the way to latents and back, in decibels."""
    drawn = [draw(imagine(HELD_OUT + 5 * k, f), 512, 512) for k, f in enumerate(FAMILIES)]
    for name, pictures, aim in (
        ("autoencoder on drawings, dB", drawn, ">= 30"),
        ("autoencoder on photographs, dB", photographs(), ">= 24"),
    ):
        row(name, float(np.mean([loss(model, picture) for picture in pictures])), aim)


def loss(model: FrameModel, picture: torch.Tensor) -> float:
    """Decibels."""
    seen = picture[None].float() / 255.0
    with torch.no_grad():
        shown = model.decode(model.encode(seen)).clamp(0.0, 1.0)
    return float(-10.0 * torch.log10((seen - shown).square().mean()))


def photographs() -> list[torch.Tensor]:
    """The two that come with scikit-learn, cut to 512x512."""
    from sklearn.datasets import load_sample_images

    found = [np.asarray(image) for image in load_sample_images().images]
    small = [cv2.resize(p, None, fx=1.25, fy=1.25, interpolation=cv2.INTER_AREA) for p in found]
    return [torch.from_numpy(p[:512, :512].copy()).permute(2, 0, 1) for p in small]


def fidelity(
    model: FrameModel, probe: Probe, names: list[str], size: int, steps: int, count: int
) -> None:
    """Whether the probe sees what was asked for."""
    rng = np.random.default_rng(7)
    families = np.arange(count) % len(FAMILIES)
    colors = rng.integers(len(names), size=count)
    prompts = [prompt_of(FAMILIES[f], names[c]) for f, c in zip(families, colors, strict=True)]
    painted = paint(model, prompts, 0, size, steps)
    right = answers(probe, painted, torch.from_numpy(families), torch.from_numpy(colors))
    row("family right", right[0], ">= 0.75")
    row("palette right", right[1], ">= 0.85")
    with torch.no_grad():
        seen = [int(k) for k in probe(painted)[1].argmax(1)]
    wrong = Counter((names[c], names[k]) for c, k in zip(colors, seen, strict=True) if c != k)
    for (asked, taken), times in wrong.most_common(5):
        print(f"  {asked} taken for {taken}: {times} of {(colors == names.index(asked)).sum()}")


def sharpness(model: FrameModel, names: list[str], size: int, steps: int) -> None:
    """Variance of the Laplacian beside that of drawings of the same words."""
    ratios = []
    for k, family in enumerate(FAMILIES):
        chosen = [names[(k + j) % len(names)] for j in range(3)]
        painted = paint(model, [prompt_of(family, c) for c in chosen], k, size, steps)
        drawn = [draw(imagine(HELD_OUT + 64 * k + j, family, c), size, size).float() / 255.0
                 for j, c in enumerate(chosen)]  # fmt: skip
        ratios.append(float(detail(painted) / detail(torch.stack(drawn))))
    row("sharpness beside drawings, median", float(np.median(ratios)), "0.7 to 1.3")


def variety(model: FrameModel, names: list[str], size: int, steps: int) -> None:
    """How far pictures of one prompt are apart, beside drawings of the same words."""
    ratios = []
    for k, family in enumerate(FAMILIES[::3]):
        name = names[k]
        prompt = [prompt_of(family, name)]
        painted = torch.cat([paint(model, prompt, seed, size, steps) for seed in range(4)])
        drawn = [draw(imagine(HELD_OUT + 64 * j, family, name), size, size) for j in range(4)]
        ratios.append(apart(painted) / apart(torch.stack(drawn).float() / 255.0))
    row("variety beside drawings, median", float(np.median(ratios)), "> 0.5")


def scribbles(model: FrameModel) -> None:
    """How many cells are far finer than in the drawings that are painted over, in percent."""
    finer = []
    for k in range(24):
        drawing = imagine(HELD_OUT + 777 + 97 * k)
        drawn = draw(drawing, 512, 512)[None].float() / 255.0
        latents, generator = model.encode(drawn), np.random.default_rng(k)
        noise = torch.from_numpy(generator.standard_normal(latents.shape, np.float32))
        condition = model.embed(plain_prompt(drawing.family, drawing.palette), "")
        with torch.no_grad():
            latents = model.denoise(latents, noise, torch.tensor([0.3]), condition, 1)
            painted = model.decode(latents).clamp(0.0, 1.0)
        finer.append((textures(painted) - textures(drawn))[0, COLORS:] / FINE)
    shares = (torch.stack(finer) > math.log(10.0)).float().mean((0, 2, 3))
    row("cells ten times too fine, grey, %", 100.0 * float(shares[0]))
    row("cells ten times too fine, hue, %", 100.0 * float(shares[1:3].max()))


def apart(pictures: torch.Tensor) -> float:
    """Mean distance between pictures, seen small."""
    small = F.interpolate(pictures, (32, 32), mode="area")
    pairs = combinations(range(len(small)), 2)
    return float(np.mean([float((small[a] - small[b]).square().mean().sqrt()) for a, b in pairs]))


if __name__ == "__main__":
    main()
