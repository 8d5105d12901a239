"""A skyline over water."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from visualizer.painters.scenes.canvas import Canvas, chance, falloff, smoothstep
from visualizer.painters.scenes.inks import Inks
from visualizer.painters.scenes.skyline import TALL, WIDE, skyline
from visualizer.painters.scenes.strokes import discs
from visualizer.painters.scenes.tiles import fbm, sample
from visualizer.score import Cue


@dataclass(frozen=True)
class _Quay:
    """Where the city ends and its reflection begins.

    Attributes:
        y: In canvas units.
        row: The first row of water.
    """

    y: float
    row: int


def city(canvas: Canvas, cue: Cue, seed: int, inks: Inks) -> torch.Tensor:
    """Towers with lit windows against a glowing sky, mirrored in dark water."""
    hue, moon_x = chance(seed, (-0.15, 0.15), (-0.7, 0.7))
    y = 0.46 + 0.3 * math.tanh(cue.pose.y)
    quay = _Quay(y, min(canvas.height - 1, max(1, round((y + 1.0) / canvas.pixel))))
    tone, lean = _night_sky(canvas, cue, seed, moon_x * canvas.aspect, quay)
    for order in range(3):
        _towers(canvas, cue, seed, order, quay, tone, lean)
    _water(canvas, cue, seed, quay, tone, lean)
    _lamps(canvas, cue, seed, tone)
    return inks.paint(tone, lean + hue)


def _night_sky(
    canvas: Canvas, cue: Cue, seed: int, moon_x: float, quay: _Quay
) -> tuple[torch.Tensor, torch.Tensor]:
    coarse = canvas.coarse
    t = 0.006 * cue.pose.clock
    tile = fbm(seed + 9, canvas.device, 1.9)
    x, y = 0.13 * (coarse.x + cue.pose.x), 0.3 * coarse.y
    bend = sample(tile, x + t, y)[0]
    reach = 0.02 + 0.08 * cue.warp
    cloud = sample(tile, x - t + reach * bend, y + 0.4 + reach * bend)[0]
    rise = torch.exp((coarse.y - quay.y) / 0.75)
    glow = 0.06 + rise * (0.46 + 0.28 * cue.glow + 0.22 * cue.pulse)
    billow = smoothstep(-0.6, 2.0, cloud)
    tone = canvas.enlarge(glow * (0.65 + 0.8 * billow))
    lean = canvas.enlarge(0.35 * rise - 0.30 + 0.10 * bend)
    distance = torch.hypot(canvas.x - moon_x + 0.2 * cue.pose.x, canvas.y - quay.y + 1.08)
    disc = ((0.085 - distance) / canvas.pixel + 0.5).clamp_(0.0, 1.0)
    tone += disc * 0.8 + falloff(distance, 0.16 + 0.12 * cue.glow) * 0.22
    return tone, lean


def _towers(
    canvas: Canvas,
    cue: Cue,
    seed: int,
    order: int,
    quay: _Quay,
    tone: torch.Tensor,
    lean: torch.Tensor,
) -> None:
    """One row of buildings, the far ones hazy; the windows climb with the pulse."""
    near, size = (order + 1) / 3.0, (0.62, 0.85, 1.15)[order]
    rows = max(160, round(0.5 * canvas.height))
    tile = skyline(seed + order, canvas.device, rows, 0.5 + 0.25 * order)
    glide = 0.02 * cue.pose.clock + 0.25 * cue.pose.travel + cue.pose.x * canvas.aspect
    u = (canvas.x * (1.35 - 0.35 * near) + glide * (0.3 + 0.7 * near)) / WIDE + 0.31 * order
    first = max(0, int((quay.y - size * TALL + 1.0) / canvas.pixel))
    high = (quay.y - canvas.y[first : quay.row]) / (size * TALL)
    art = sample(tile, u, (1.0 - high).clamp_min(0.001))
    cover, windows, phase, own = art[0], art[1], art[2], art[3]
    busy = 0.34 + 0.35 * cue.detail + 0.26 * cue.pulse * (1.6 - 2.0 * high).clamp(0.0, 1.0)
    flicker = 0.04 * torch.sin(phase * 40.0 + (0.3 + phase) * cue.pose.clock)
    lit = ((busy + flicker - phase) * 12.0).clamp_(0.0, 1.0) * windows
    lit = lit * (0.45 + 0.75 * own) * (0.55 + 0.5 * near)
    fog = 0.45 * (1.0 - near) + cue.morph * torch.exp(-2.2 * high) * (1.1 - 0.4 * near)
    street = torch.exp(-6.0 * high) * (0.26 + 0.14 * cue.glow + 0.12 * cue.pulse)
    wall = 0.03 + 0.12 * (1.0 - near) + street
    body = wall + 0.03 * own + lit * (1.0 + 0.35 * cue.glow + 0.35 * cue.pulse)
    body = torch.lerp(body, tone[first : quay.row] * 0.9, fog.clamp(0.0, 0.92))
    tone[first : quay.row].lerp_(body, cover)
    lean[first : quay.row].lerp_(0.9 * (own - 0.5) * (0.4 + lit) - 0.1, cover)
    tone[first : quay.row] += _halo(canvas, lit * cover) * (0.25 + 1.1 * cue.glow)


def _halo(canvas: Canvas, lights: torch.Tensor) -> torch.Tensor:
    """Light that spreads from the windows into the haze."""
    reach = max(1, canvas.height // 90)
    small = F.avg_pool2d(lights[None, None], reach, ceil_mode=True)
    small = F.avg_pool2d(small, 5, stride=1, padding=2, count_include_pad=False)
    return F.interpolate(small, size=lights.shape, mode="bilinear")[0, 0]


def _water(
    canvas: Canvas, cue: Cue, seed: int, quay: _Quay, tone: torch.Tensor, lean: torch.Tensor
) -> None:
    """The picture above the quay, upside down and broken by ripples."""
    below = canvas.y[quay.row :] - quay.y
    far = 0.25 / (below + 0.06)
    t = cue.pose.clock
    tile = fbm(seed + 6, canvas.device, 1.5, 2)
    u, v = 0.10 * canvas.x * far + 0.2 * cue.pose.x, 0.75 * far
    wave = sample(tile, u + 0.013 * t, v + 0.03 * t)
    swell = (0.25 + below) * (0.012 + 0.06 * cue.warp + 0.02 * cue.pulse)
    x = (canvas.x + wave[0] * swell * 0.5) / canvas.aspect
    y = quay.y - 1.25 * below + wave[1] * swell * 1.8
    above = torch.stack([tone[: quay.row], lean[: quay.row]])[None]
    mirror = above.new_zeros(2, *x.shape)
    for stretch in (-0.10, 0.0, 0.10):  # A rough surface draws every light out into a streak.
        row = (y + stretch * (0.15 + below) + 1.0) * (2.0 / (quay.y + 1.0)) - 1.0
        grid = torch.stack([x, row], dim=-1)[None]
        mirror += F.grid_sample(above, grid, padding_mode="border", align_corners=False)[0]
    fade = 0.32 * torch.exp(-0.9 * below) * (0.88 + 0.12 * wave[0])
    tone[quay.row :] = mirror[0] * fade + 0.02
    lean[quay.row :] = mirror[1] / 3.0 - 0.08
    tone[quay.row - 1 : quay.row + 1] *= 0.35


def _lamps(canvas: Canvas, cue: Cue, seed: int, tone: torch.Tensor) -> None:
    """Lights out of focus, close to the lens."""
    x, y, size, power, phase = torch.rand(5, 14, generator=torch.Generator().manual_seed(seed))
    x = ((x + 0.03 * cue.pose.clock * (0.4 + size) + 0.8 * cue.pose.x) % 1.0) * 2.6 - 1.3
    y = 0.50 + 0.5 * y + 0.02 * torch.sin(0.5 * cue.pose.clock + 6.28 * phase)
    beat = 0.10 + 0.16 * cue.glow + 0.22 * cue.pulse
    light = beat * (0.25 + power) * (0.75 + 0.25 * torch.sin(cue.pose.clock + 6.28 * phase))
    discs(tone, canvas, x * canvas.aspect, y, 0.035 + 0.08 * size * (0.8 + 0.3 * cue.pulse), light)
