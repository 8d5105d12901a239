"""A plain of lava under a volcano."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from visualizer.painters.scenes.canvas import Canvas, chance, falloff, smoothstep
from visualizer.painters.scenes.inks import Inks
from visualizer.painters.scenes.strokes import splat
from visualizer.painters.scenes.tiles import cell_tile, fbm, sample
from visualizer.score import Cue


@dataclass(frozen=True)
class _Land:
    """Where things stand in the picture, in canvas units.

    Attributes:
        horizon: Height of the horizon.
        peak: Where the volcano is, across.
    """

    horizon: float
    peak: float


def lava(canvas: Canvas, cue: Cue, seed: int, inks: Inks) -> torch.Tensor:
    """A plain of broken rock above molten stone, under a volcano and its smoke."""
    hue, peak = chance(seed, (-0.12, 0.12), (-0.5, 0.5))
    land = _Land(
        horizon=-0.30 + 0.4 * math.tanh(cue.pose.y),
        peak=(peak - 0.3 * math.tanh(cue.pose.x)) * canvas.aspect,
    )
    tone, lean = _smoke(canvas, cue, seed, land)
    _volcano(canvas, cue, seed, land, tone)
    first = max(0, min(canvas.height - 1, math.ceil((land.horizon + 1.0) / canvas.pixel - 0.5)))
    tone[first:], lean[first:] = _plain(canvas, cue, seed, land, first)
    tone += _embers(canvas, cue, seed)
    return inks.paint(tone, lean + hue)


def _plain(
    canvas: Canvas, cue: Cue, seed: int, land: _Land, first: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """The ground in perspective, from the picture's row `first` on: tone and lean."""
    below = (canvas.y[first:] - land.horizon).clamp_min(0.5 * canvas.pixel)
    far = 0.34 / below
    u = 0.5 + 0.24 * far * (canvas.x + 2.0 * canvas.aspect * cue.pose.x)
    v = -0.24 * far * 1.25 - 0.30 * cue.pose.travel
    step = 0.30 * far * far / 0.34 * canvas.pixel
    t = 0.02 * cue.pose.clock
    heat = sample(fbm(seed, canvas.device, 1.7, 2), 0.45 * u + 0.2 * t, 0.45 * v - t)
    reach = 0.008 + 0.05 * cue.warp
    u, v = u + reach * heat[0], v + reach * heat[1]
    plates = sample(cell_tile(seed, canvas.device, 60), u, v)
    rubble = sample(cell_tile(seed + 1, canvas.device, 240)[:1], u + 0.02 * heat[1], v)
    rough = sample(fbm(seed + 2, canvas.device, 1.25), 2.3 * u, 2.3 * v)[0]
    warmth = 0.55 + 0.30 * heat[0] + 0.55 * cue.pulse + 0.25 * cue.morph
    warmth = warmth.clamp_(0.08, 1.7)
    wide = _crack(plates[0], 60, step, (0.030 + 0.085 * cue.morph) * warmth)
    fine = _crack(rubble[0], 240, step, 0.035 * warmth) * (0.12 + 0.75 * cue.detail)
    glow = torch.exp(plates[0] * (-1.0 / (0.10 + 0.12 * cue.glow))) * warmth
    shade = 0.09 + 0.08 * plates[2] + 0.055 * rough * (0.4 + 0.8 * cue.detail)
    shine = falloff(torch.hypot(0.7 * (canvas.x - land.peak), below), 0.55)
    stone = shade.clamp_min_(0.0) * (0.55 + 1.8 * shine)
    melt = wide * (0.75 + 0.6 * warmth) + fine * warmth * 0.8
    tone = stone * (1.0 - wide) + melt + glow * glow * (0.10 + 0.42 * cue.glow)
    fog = torch.exp(-4.5 * below)
    tone = torch.lerp(tone, 0.30 + 0.35 * shine + 0.2 * cue.pulse * shine, fog)
    return tone, 0.22 * warmth - 0.30 + 0.15 * (plates[3] - 0.5) * (1.0 - wide)


def _crack(
    distance: torch.Tensor, count: int, step: torch.Tensor, half: torch.Tensor
) -> torch.Tensor:
    """Glow between plates; `distance` is in plate widths, `step` a pixel's in tiles."""
    wide = half + step * count**0.5
    near: torch.Tensor = distance / wide
    return torch.exp(-near * near).mul_(half / wide)


def _smoke(canvas: Canvas, cue: Cue, seed: int, land: _Land) -> tuple[torch.Tensor, torch.Tensor]:
    """The sky: smoke that the crater lights from below."""
    coarse = canvas.coarse
    t = 0.02 * cue.pose.clock
    tile = fbm(seed + 7, canvas.device, 1.9, 2)
    x, y = 0.17 * (coarse.x - 0.6 * coarse.y - land.peak), 0.24 * coarse.y
    bend = sample(tile, x - 0.4 * t, y + t)
    reach = 0.03 + 0.09 * cue.warp
    smoke = sample(tile, x + reach * bend[0] - 0.3 * t, y + reach * bend[1] + 1.5 * t)[0]
    rise = (land.horizon - coarse.y).clamp_min(0.0)
    source = torch.hypot(coarse.x - land.peak - 0.5 * rise, 0.8 * (coarse.y - land.horizon + 0.36))
    fire = falloff(source, 0.38 + 0.15 * cue.glow + 0.22 * cue.pulse)
    billow = smoothstep(-1.1, 1.8, smoke)
    tone = 0.04 + 0.16 * torch.exp(-2.5 * rise) + billow * (0.09 + 0.80 * fire)
    tone = tone + fire * (0.10 + 0.22 * cue.glow + 0.25 * cue.pulse)
    return canvas.enlarge(tone), canvas.enlarge(0.25 * fire - 0.25 + 0.08 * bend[1])


def _volcano(canvas: Canvas, cue: Cue, seed: int, land: _Land, tone: torch.Tensor) -> None:
    """A dark cone with a burning mouth and streams down its side, drawn over the sky."""
    tile = fbm(seed + 4, canvas.device, 1.5)
    along = canvas.x - land.peak
    noise = sample(tile, 0.21 * canvas.x[None], canvas.x.new_full((1, 1), 0.3))[0, 0]
    slope = 0.50 * torch.exp(-along.abs() / 0.34).clamp(max=0.72) + 0.05 * noise
    top = land.horizon + 0.02 - slope
    first = max(0, int((float(top.min()) + 1.0) / canvas.pixel) - 2)
    last = min(canvas.height, int((land.horizon + 1.0) / canvas.pixel) + 2)
    below = canvas.y[first:last] - top
    cover = (below / canvas.pixel + 0.5).clamp_(0.0, 1.0)
    down = (canvas.y[first:last] - (land.horizon - 0.34)).clamp_min(0.02)
    wander = sample(tile, 0.35 * canvas.y[first:last] + 0.1 * along, 0.15 + 0.1 * along)[0]
    stream = along - 0.10 * wander * down * 4.0
    river = torch.exp(-((stream / (0.006 + 0.02 * down)) ** 2)) * torch.exp(-2.2 * down)
    rim = torch.exp(below.clamp(min=0.0) / -0.012) * torch.exp(-(along.abs()) / 0.12)
    burn = 0.55 + 0.5 * cue.glow + 0.5 * cue.pulse
    rock = 0.035 + 0.10 * torch.exp((canvas.y[first:last] - land.horizon) / 0.12)
    tone[first:last].lerp_(rock + (1.3 * river + 0.9 * rim) * burn, cover)


def _embers(canvas: Canvas, cue: Cue, seed: int) -> torch.Tensor:
    """Sparks that rise and sway."""
    count = 40 + int(220 * cue.detail)
    born, place, sway, pace, power = torch.rand(
        5, 260, generator=torch.Generator().manual_seed(seed)
    )[:, :count].to(canvas.device)
    life = (born + (0.05 + 0.07 * pace) * cue.pose.clock) % 1.0
    drift = 0.25 * sway + 0.08 * torch.sin(9.0 * life + 6.28 * sway)
    x = (2.0 * place - 1.0) * canvas.aspect * 1.1 + drift * life
    y = 1.1 - 2.2 * life
    light = (0.3 + 1.6 * power**3) * torch.sin(math.pi * life) * (0.6 + cue.glow + cue.pulse)
    trail = torch.linspace(0.0, 0.016, 10, device=canvas.device)[:, None]
    y = y + trail * (0.4 + pace)
    return splat(canvas, x.expand_as(y), y, 0.35 * light.expand_as(y))
