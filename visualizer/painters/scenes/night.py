"""Night by the road: a neon floor below a banded sun, and a skyline over water."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F

from visualizer.painters.scenes.canvas import Canvas, chance, falloff, smoothstep
from visualizer.painters.scenes.inks import Inks
from visualizer.painters.scenes.skyline import TALL, WIDE, skyline
from visualizer.painters.scenes.strokes import discs, rules
from visualizer.painters.scenes.tiles import fbm, sample, star_tile
from visualizer.score import Cue


def grid(canvas: Canvas, cue: Cue, seed: int, inks: Inks) -> torch.Tensor:
    """A ruled floor that runs towards a banded sun between dark hills."""
    sun_x, hue = chance(seed, (-0.25, 0.25), (-0.15, 0.15))
    sun_x = sun_x * canvas.aspect - 0.5 * cue.pose.x
    horizon = 0.14 - 0.8 * cue.pose.y / (1.0 + 2.0 * abs(cue.pose.y))
    first = min(canvas.height - 1, max(1, math.ceil((horizon + 1.0) / canvas.pixel - 0.5)))
    tone, lean = canvas.blank(), canvas.blank()
    tone[:first], lean[:first] = _evening(canvas, cue, seed, sun_x, horizon, first)
    tone[first:], lean[first:] = _floor(canvas, cue, seed, sun_x, horizon, first)
    _hills(canvas, cue, seed, sun_x, horizon, tone, lean)
    band = torch.exp((canvas.y - horizon).abs() / -(0.012 + 0.03 * cue.glow))
    tone += band * (0.25 + 0.35 * cue.glow + 0.3 * cue.pulse)
    return inks.paint(tone, lean + hue)


def _evening(
    canvas: Canvas, cue: Cue, seed: int, sun_x: float, horizon: float, last: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Sky and sun, down to the picture's row `last`."""
    size = 0.50 + 0.05 * cue.pulse
    sun_y = horizon - 0.34 + 0.30 * cue.morph
    x, y = canvas.x - sun_x, canvas.y[:last] - sun_y
    distance = torch.sqrt(x * x + y * y)
    place = y / size
    disc = ((size - distance) / canvas.pixel + 0.5).clamp_(0.0, 1.0)
    gap = 0.10 + 0.30 * (place + 0.2).clamp(0.0, 1.2)
    stripe = torch.remainder(4.6 * place - 0.12 * cue.pose.clock, 1.0) - 0.5
    edge = 4.6 * canvas.pixel / size
    bands = ((stripe.abs() - 0.5 * gap) / edge + 0.5).clamp_(0.0, 1.0)
    bands = torch.where(place > -0.25, bands, torch.ones_like(bands))
    high = torch.exp((canvas.y[:last] - horizon) / 0.42)
    halo = falloff((distance - size).clamp_min_(0.0), 0.24 + 0.22 * cue.glow + 0.1 * cue.pulse)
    tone = 0.07 + 0.30 * high + halo * (0.16 + 0.26 * cue.glow + 0.2 * cue.pulse)
    stars = star_tile(seed, canvas.device, max(64, round(canvas.height * 0.9)), 500)
    drift = 0.15 * cue.pose.x + 0.002 * cue.pose.clock
    sky = sample(stars, canvas.x * 0.55 + drift, canvas.y[:last] * 0.55)[0]
    tone += sky * (1.0 - high).clamp_min_(0.0) * (0.3 + 1.2 * cue.detail)
    body = 0.96 - 0.24 * place + 0.15 * cue.glow
    tone = torch.lerp(tone, body, disc * bands)
    return tone, (0.30 * high - 0.25) * (1.0 - disc * bands)


def _floor(
    canvas: Canvas, cue: Cue, seed: int, sun_x: float, horizon: float, first: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """The ruled plain from the picture's row `first` on."""
    below = (canvas.y[first:] - horizon).clamp_min(0.5 * canvas.pixel)
    far = 0.42 / below
    ahead = 1.7 * far
    forward = 1.1 * cue.pose.clock + 4.0 * cue.pose.travel
    curve = 3.0 * cue.warp**2 * torch.sin(0.16 * (ahead + 0.6 * forward)) * ahead * 0.35
    across = 2.6 * far * (canvas.x + 2.0 * canvas.aspect * cue.pose.x) + curve
    across = across - 2.6 * far * 0.35 * sun_x
    step_x, step_z = 2.6 * far * canvas.pixel, ahead / below * canvas.pixel
    half = 0.022 + 0.014 * cue.pulse
    depth = ahead + forward
    lines = 1.0 - (1.0 - rules(across, 1.0, half, step_x)) * (1.0 - rules(depth, 1.0, half, step_z))
    wide = 0.06 + 0.10 * cue.glow
    haze = 1.0 - (1.0 - rules(across, 1.0, wide, step_x)) * (1.0 - rules(depth, 1.0, wide, step_z))
    fine = rules(across, 0.25, 0.010, step_x) + rules(depth, 0.25, 0.010, step_z)
    near = 0.45 + 0.75 * torch.exp(-0.35 * far)
    power = (0.62 + 0.30 * cue.glow + 0.45 * cue.pulse) * (1.0 - 0.55 * cue.morph)
    tone = near * (lines * power + haze * (0.10 + 0.30 * cue.glow) + fine * 0.16 * cue.detail)
    wet = sample(fbm(seed, canvas.device, 1.5), 0.05 * across, 0.35 * ahead + 0.05 * depth)[0]
    spread = 0.34 + 0.35 * below
    beam = torch.exp(-(((canvas.x - sun_x) / spread) ** 2)) * torch.exp(-1.3 * below)
    mirror = beam * (0.55 + 0.28 * wet).clamp_min_(0.0) * (0.35 + 0.5 * cue.morph + 0.2 * cue.glow)
    haze_far = torch.exp(-6.0 * below)
    tone = tone * (1.0 - 0.8 * haze_far) + mirror + 0.30 * haze_far + 0.03
    return tone, 0.30 * mirror - 0.12 + 0.22 * haze_far - 0.10 * below


def _hills(
    canvas: Canvas,
    cue: Cue,
    seed: int,
    sun_x: float,
    horizon: float,
    tone: torch.Tensor,
    lean: torch.Tensor,
) -> None:
    """Dark hills with a lit crest that leave a gap for the sun."""
    for k, (size, pace) in enumerate(((0.26, 0.25), (0.36, 0.4))):
        side = ((canvas.x - 0.6 * sun_x).abs() / canvas.aspect - 0.22 - 0.16 * k).clamp(0.0, 1.0)
        u = 0.10 * (canvas.x + 2.0 * canvas.aspect * pace * cue.pose.x) + 0.37 * k
        row = u.new_full((1, 1), 0.21 + 0.31 * k)
        rough = sample(fbm(seed + k, canvas.device, 1.35), u[None], row)[0, 0]
        top = horizon - size * side.sqrt() * (0.75 + 0.36 * rough).clamp_min(0.05)
        start = max(0, int((float(top.min()) + 1.0) / canvas.pixel) - 1)
        last = min(canvas.height, int((horizon + 1.0) / canvas.pixel) + 1)
        if start >= last:
            continue
        below = canvas.y[start:last] - top
        cover = (below / canvas.pixel + 0.5).clamp_(0.0, 1.0) * (side > 0.0)
        crest = torch.exp(-((below / (0.004 + 0.8 * canvas.pixel)) ** 2))
        veil = torch.exp(below.clamp(min=0.0) / -0.09)
        body = 0.045 + (0.08 + 0.16 * cue.glow) * veil
        body = body + crest * (0.5 + 0.4 * cue.glow + 0.3 * cue.pulse)
        tone[start:last].lerp_(body, cover)
        lean[start:last].lerp_(0.10 * veil - 0.1, cover)


WATER = 0.46  # Where the quay is: the city stands above, its reflection lies below.


def city(canvas: Canvas, cue: Cue, seed: int, inks: Inks) -> torch.Tensor:
    """Towers with lit windows against a glowing sky, mirrored in dark water."""
    hue, moon_x = chance(seed, (-0.15, 0.15), (-0.7, 0.7))
    quay = min(canvas.height - 2, round((WATER + 1.0) / canvas.pixel))
    tone, lean = canvas.blank(), canvas.blank()
    _night_sky(canvas, cue, seed, moon_x * canvas.aspect, tone, lean)
    for k, size in enumerate((0.62, 0.85, 1.15)):
        _towers(canvas, cue, seed + k, k, size, quay, tone, lean)
    _water(canvas, cue, seed, quay, tone, lean)
    _lamps(canvas, cue, seed, tone)
    return inks.paint(tone, lean + hue)


def _night_sky(
    canvas: Canvas, cue: Cue, seed: int, moon_x: float, tone: torch.Tensor, lean: torch.Tensor
) -> None:
    coarse = canvas.coarse
    t = 0.006 * cue.pose.clock
    tile = fbm(seed + 9, canvas.device, 1.9)
    x, y = 0.13 * (coarse.x + cue.pose.x), 0.3 * coarse.y
    bend = sample(tile, x + t, y)[0]
    reach = 0.02 + 0.08 * cue.warp
    cloud = sample(tile, x - t + reach * bend, y + 0.4 + reach * bend)[0]
    rise = torch.exp((coarse.y - WATER) / 0.75)
    glow = 0.06 + rise * (0.46 + 0.28 * cue.glow + 0.22 * cue.pulse)
    billow = smoothstep(-0.6, 2.0, cloud)
    tone += canvas.enlarge(glow * (0.65 + 0.8 * billow))
    lean += canvas.enlarge(0.35 * rise - 0.30 + 0.10 * bend)
    distance = torch.hypot(canvas.x - moon_x + 0.2 * cue.pose.x, canvas.y + 0.62)
    disc = ((0.085 - distance) / canvas.pixel + 0.5).clamp_(0.0, 1.0)
    tone += disc * 0.8 + falloff(distance, 0.16 + 0.12 * cue.glow) * 0.22


def _towers(
    canvas: Canvas,
    cue: Cue,
    seed: int,
    order: int,
    size: float,
    quay: int,
    tone: torch.Tensor,
    lean: torch.Tensor,
) -> None:
    """One row of buildings, the far ones hazy; the windows climb with the pulse."""
    near = (order + 1) / 3.0
    tile = skyline(seed, canvas.device, max(64, round(0.5 * canvas.height)), 0.5 + 0.25 * order)
    glide = 0.02 * cue.pose.clock + 0.25 * cue.pose.travel + cue.pose.x * canvas.aspect
    u = (canvas.x * (1.35 - 0.35 * near) + glide * (0.3 + 0.7 * near)) / WIDE + 0.31 * order
    first = max(0, int((WATER - size * TALL + 1.0) / canvas.pixel))
    high = (WATER - canvas.y[first:quay]) / (size * TALL)
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
    body = torch.lerp(body, tone[first:quay] * 0.9, fog.clamp(0.0, 0.92))
    tone[first:quay].lerp_(body, cover)
    lean[first:quay].lerp_(0.9 * (own - 0.5) * (0.4 + lit) - 0.1, cover)
    small = F.avg_pool2d((lit * cover)[None, None], 8, ceil_mode=True)
    halo = F.avg_pool2d(small, 5, stride=1, padding=2, count_include_pad=False)
    halo = F.interpolate(halo, size=cover.shape, mode="bilinear")
    tone[first:quay] += halo[0, 0] * (0.25 + 1.1 * cue.glow)


def _water(
    canvas: Canvas, cue: Cue, seed: int, quay: int, tone: torch.Tensor, lean: torch.Tensor
) -> None:
    """The picture above the quay, upside down and broken by ripples."""
    below = canvas.y[quay:] - WATER
    far = 0.25 / (below + 0.06)
    t = cue.pose.clock
    tile = fbm(seed + 6, canvas.device, 1.5, 2)
    u, v = 0.10 * canvas.x * far + 0.2 * cue.pose.x, 0.75 * far
    wave = sample(tile, u + 0.013 * t, v + 0.03 * t)
    swell = (0.25 + below) * (0.012 + 0.06 * cue.warp + 0.02 * cue.pulse)
    x = (canvas.x + wave[0] * swell * 0.5) / canvas.aspect
    y = WATER - 1.25 * below + wave[1] * swell * 1.8
    above = torch.stack([tone[:quay], lean[:quay]])[None]
    mirror = above.new_zeros(2, *x.shape)
    for stretch in (-0.10, 0.0, 0.10):  # A rough surface draws every light out into a streak.
        row = (y + stretch * (0.15 + below) + 1.0) * (2.0 / (WATER + 1.0)) - 1.0
        grid = torch.stack([x, row], dim=-1)[None]
        mirror += F.grid_sample(above, grid, padding_mode="border", align_corners=False)[0]
    fade = 0.32 * torch.exp(-0.9 * below) * (0.88 + 0.12 * wave[0])
    tone[quay:] = mirror[0] * fade + 0.02
    lean[quay:] = mirror[1] / 3.0 - 0.08
    tone[quay - 1 : quay + 1] *= 0.35


def _lamps(canvas: Canvas, cue: Cue, seed: int, tone: torch.Tensor) -> None:
    """Lights out of focus, close to the lens."""
    x, y, size, power, phase = torch.rand(5, 14, generator=torch.Generator().manual_seed(seed))
    x = ((x + 0.03 * cue.pose.clock * (0.4 + size) + 0.8 * cue.pose.x) % 1.0) * 2.6 - 1.3
    y = 0.50 + 0.5 * y + 0.02 * torch.sin(0.5 * cue.pose.clock + 6.28 * phase)
    beat = 0.10 + 0.16 * cue.glow + 0.22 * cue.pulse
    light = beat * (0.25 + power) * (0.75 + 0.25 * torch.sin(cue.pose.clock + 6.28 * phase))
    discs(tone, canvas, x * canvas.aspect, y, 0.035 + 0.08 * size * (0.8 + 0.3 * cue.pulse), light)
