"""Water and what floats in it: the sea under a low sun, and ink billowing in a tank."""

from __future__ import annotations

import math

import torch

from visualizer.painters.scenes.canvas import (
    Canvas,
    Layer,
    chance,
    ease,
    falloff,
    layers,
    smoothstep,
)
from visualizer.painters.scenes.inks import Inks
from visualizer.painters.scenes.starfield import still_stars
from visualizer.painters.scenes.tiles import fbm, flow, sample
from visualizer.score import Cue

STIRS = 4  # Steps of the eddies that fold the ink.


def ocean(canvas: Canvas, cue: Cue, seed: int, inks: Inks) -> torch.Tensor:
    """A swell rolling in from the horizon, with the glitter of a low sun or moon on it."""
    side, level, height, hue = chance(seed, (-0.5, 0.5), (-0.12, 0.2), (0.2, 0.45), (-0.15, 0.15))
    horizon = level + 0.5 * math.tanh(0.6 * cue.pose.y)
    sun_x = 0.75 * canvas.aspect * math.tanh(side - 0.5 * cue.pose.x)
    sun_y = horizon - height * (1.0 - 0.75 * cue.morph) + 0.02 * math.sin(cue.pose.clock * 0.1)
    row = min(max(round((horizon + 1.0) * 0.5 * canvas.height), 1), canvas.height - 1)
    sky, sky_lean = _sky(canvas, cue, seed, row, (sun_x, sun_y), horizon)
    sea, sea_lean = _sea(canvas, cue, seed, row, (sun_x, sun_y), horizon)
    tone = torch.cat([sky, sea])
    flash = 0.22 + 0.25 * cue.glow + 0.35 * cue.pulse
    haze = torch.exp((canvas.y - horizon).abs() * -22.0)
    beside = falloff(canvas.x - sun_x, 1.1)
    tone += haze * (0.10 + flash * beside)
    return inks.paint(tone, torch.cat([sky_lean, sea_lean]) + hue)


def _sky(
    canvas: Canvas, cue: Cue, seed: int, row: int, sun: tuple[float, float], horizon: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Tone and lean above the horizon: disc, halo, streaks of cloud, stars high up."""
    y = canvas.y[:row]
    up = (horizon - y).clamp_min(0.0)
    distance = torch.hypot(canvas.x - sun[0], y - sun[1])
    size = 0.105 + 0.05 * cue.pulse
    disc = smoothstep(size + canvas.pixel, size - canvas.pixel, distance)
    halo = falloff(distance, 0.34 + 0.25 * cue.glow + 0.3 * cue.pulse)
    gradient = 0.10 + 0.34 * torch.exp(up * -2.6)
    lift = 0.5 / (up + 0.28)
    drift = cue.pose.clock * 0.006 + cue.pose.x * 0.4
    tiles = fbm(seed, canvas.device, 1.7, 2)
    bend = 0.03 + 0.10 * cue.warp
    u, v = canvas.x * lift * 0.16 + drift, lift * 0.75 - cue.pose.travel * 0.1
    soft = sample(tiles, u * 0.5, v * 0.5)
    cloud = sample(tiles, u + bend * soft[0], v + bend * soft[1])
    bank = smoothstep(0.0, 1.9, cloud[0] + 0.5 * soft[1] + 0.25 * cloud[1] * cue.detail)
    lit = bank * (0.10 + 0.75 * halo + 0.28 * torch.exp(up * -3.0))
    stars = still_stars(canvas, cue.pose, seed, 1600)[:row] * (0.2 + 0.9 * cue.detail)
    stars = stars * smoothstep(0.1, 0.9, up) * (1.0 - bank)
    tone = gradient * (1.0 - 0.55 * bank) + lit + halo * (0.25 + 0.4 * cue.glow)
    tone += disc * (1.0 - 0.7 * bank) * (0.75 + 0.35 * cue.pulse) + stars
    return tone, 0.28 * bank - 0.25 * halo + 0.15 * up


def _sea(
    canvas: Canvas, cue: Cue, seed: int, row: int, sun: tuple[float, float], horizon: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Tone and lean below the horizon: the mirrored sky broken by waves, and the glitter path."""
    y = canvas.y[row:]
    down = (y - horizon).clamp_min(0.5 * canvas.pixel)
    clock, rough = cue.pose.clock, 0.25 + 1.6 * cue.warp
    far = 0.42 / (down + 0.035)
    roll = torch.sin(far * 2.3 - clock * 0.9 + 0.8 * torch.sin(canvas.x * far * 0.35 + clock * 0.3))
    far = far * (1.0 + (0.02 + 0.05 * cue.warp + 0.05 * cue.pulse) * roll)
    across, ahead = canvas.x * far * 0.5 + 0.5 * cue.pose.x, far + cue.pose.travel
    tiles = fbm(seed + 1, canvas.device, 1.35, 2)
    swell = sample(tiles, across * 0.22 + clock * 0.010, ahead * 0.34 + clock * 0.035)
    ripple = sample(tiles, across * 0.7 - clock * 0.022, ahead * 1.0 + clock * 0.075)
    near = smoothstep(0.0, 0.35, down)
    slope = swell[0] + (0.35 + 0.5 * cue.detail) * near * ripple[0]
    tilt = swell[1] + (0.25 + 0.5 * cue.detail) * near * ripple[1]
    mirrored = down + rough * 0.10 * slope * (0.3 + down)
    sheen = 0.08 + 0.38 * torch.exp(mirrored.clamp_min(0.0) * -2.1)
    width = 0.05 + 0.32 * down + 0.1 * cue.glow
    path = falloff(canvas.x - sun[0] + rough * 0.13 * tilt, 1.0 * width)
    facing = (0.5 + 0.32 * slope + 0.12 * roll).clamp_(0.0, 1.6) ** 3
    gain = 0.9 + 0.6 * cue.glow + 0.8 * cue.pulse
    tone = sheen * (0.8 + 0.3 * slope * rough) + path * facing * gain + 0.05 * roll * near
    return tone, 0.10 * slope - 0.25 * path + 0.1 * down


def ink(canvas: Canvas, cue: Cue, seed: int, inks: Inks) -> torch.Tensor:
    """Clouds of pigment unfurling in water: glowing in the dark at morph 0, dark on paper at 1."""
    hue, heart_x, heart_y, fall = chance(
        seed, (-0.3, 0.3), (-0.35, 0.35), (-0.25, 0.25), (-0.6, 0.6)
    )
    body, lit, lean = canvas.blank(), canvas.blank(), canvas.blank(hue)
    distance = torch.hypot(
        canvas.x - heart_x * canvas.aspect + fall * canvas.y, 0.75 * (canvas.y - heart_y)
    )
    heart = torch.exp(distance**2 * -(1.7 - 0.7 * cue.pulse))
    for layer in layers(cue.pose.travel, 2, 3.0):
        if layer.weight < 0.02:
            continue
        cloud, sheet = _pigment(canvas, cue, seed, layer)
        thin = 1.0 + 1.6 * (1.0 - layer.weight) ** 2
        front = smoothstep(-0.25, 0.55, 0.95 * cloud + 2.4 * heart - thin)
        front *= ease(0.0, 0.3, layer.weight)
        light = _relief(cloud, canvas) * (0.55 + 0.3 * cue.detail)
        folds = torch.sin(sheet * 9.0 + 3.0 * cloud).abs_()
        crest = 0.44 + 0.20 * cloud + 1.5 * light
        lit.lerp_(crest - (0.02 + 0.20 * cue.detail) * folds * folds, front)
        lean.lerp_(hue + 0.4 * sheet + 0.3 * cloud, 0.8 * front)
        body += front * (1.0 - body)
    rim = body * (1.0 - body) * 4.0
    tone = body * lit * (0.75 + 0.45 * heart) + rim * (0.06 + 0.32 * cue.glow)
    tone += heart * (0.04 + (0.16 * cue.glow + 0.34 * cue.pulse) * (0.4 + 0.6 * body))
    paper = smoothstep(-0.2, 0.2, cue.morph * (1.8 + 1.3 * canvas.aspect) - 0.3 - distance)
    water = 0.06 - 0.03 * canvas.y + still_stars(canvas, cue.pose, seed, 1000) * 0.3 * cue.detail
    tone = torch.lerp(water * (1.0 - body) + tone, 1.25 - 1.2 * tone, paper)
    return inks.paint(tone, lean)


def _pigment(
    canvas: Canvas, cue: Cue, seed: int, layer: Layer
) -> tuple[torch.Tensor, torch.Tensor]:
    """Two noises carried along by eddies: the cloud, and the sheets folded inside it."""
    coarse, t = canvas.coarse, cue.pose.clock * 0.008
    shift = 0.37 * layer.generation
    u, v = coarse.world(cue.pose, 0.30 * layer.scale)
    eddies = flow(seed, canvas.device, 3.1)
    reach = (0.014 + 0.048 * cue.warp) * (1.0 + 0.3 * cue.pulse)
    for k in range(STIRS):
        turn = t * (-1) ** k + 0.13 * k
        push = sample(eddies, u + shift + turn, v - shift)
        u, v = u + reach * push[0], v + reach * push[1] + 0.1 * t
    tiles = fbm(seed + 2, canvas.device, 2.4, 2)
    cloud = sample(tiles, canvas.enlarge(u) + shift, canvas.enlarge(v))
    return cloud[0], cloud[1]


def _relief(height: torch.Tensor, canvas: Canvas) -> torch.Tensor:
    """Light from above left on a height field."""
    step = max(1, canvas.height // 240)
    slope = torch.zeros_like(height)
    torch.sub(height[step:, step:], height[:-step, :-step], out=slope[step:, step:])
    return slope.mul_(1.6 / (step * canvas.pixel * 120.0)).clamp_(-0.5, 0.5)
