"""Water and what floats in it: the sea under a low sun, and ink billowing in a tank."""

from __future__ import annotations

import math

import torch

from visualizer.painters.scenes.canvas import (
    Canvas,
    chance,
    falloff,
    fbm,
    layers,
    sample,
    smoothstep,
    star_tile,
)
from visualizer.painters.scenes.inks import Inks
from visualizer.score import Cue


def ocean(canvas: Canvas, cue: Cue, seed: int, inks: Inks) -> torch.Tensor:
    """A swell rolling in from the horizon, with the glitter of a low sun or moon on it."""
    side, level, height, hue = chance(seed, (-0.5, 0.5), (-0.12, 0.2), (0.2, 0.45), (-0.15, 0.15))
    horizon = level + 0.5 * math.tanh(0.6 * cue.pose.y)
    sun_x = (side - math.tanh(0.5 * cue.pose.x)) * canvas.aspect * 0.8
    sun_y = horizon - height * (1.0 - 0.75 * cue.morph) + 0.02 * math.sin(cue.pose.clock * 0.1)
    row = min(max(round((horizon + 1.0) * 0.5 * canvas.height), 1), canvas.height - 1)
    sky, sky_lean = _sky(canvas, cue, seed, row, (sun_x, sun_y), horizon)
    sea, sea_lean = _sea(canvas, cue, seed, row, (sun_x, sun_y), horizon)
    tone = torch.cat([sky, sea])
    haze = torch.exp((canvas.y - horizon).abs() * -22.0)
    beside = falloff(canvas.x - sun_x, 1.1)
    tone += haze * (0.10 + (0.22 + 0.25 * cue.glow) * beside)
    return inks.paint(tone, torch.cat([sky_lean, sea_lean]) + hue)


def _sky(
    canvas: Canvas, cue: Cue, seed: int, row: int, sun: tuple[float, float], horizon: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Tone and lean above the horizon: disc, halo, streaks of cloud, stars high up."""
    y = canvas.y[:row]
    up = (horizon - y).clamp_min(0.0)
    distance = torch.hypot(canvas.x - sun[0], y - sun[1])
    size = 0.11 + 0.035 * cue.pulse
    disc = smoothstep(size + canvas.pixel, size - canvas.pixel, distance)
    halo = falloff(distance, 0.34 + 0.25 * cue.glow + 0.22 * cue.pulse)
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
    stars = _stars(canvas, cue, seed)[:row] * smoothstep(0.1, 0.9, up) * (1.0 - bank)
    tone = gradient * (1.0 - 0.55 * bank) + lit + halo * (0.25 + 0.4 * cue.glow)
    tone += disc * (1.0 - 0.7 * bank) * (0.75 + 0.35 * cue.pulse) + stars
    return tone, 0.28 * bank - 0.25 * halo + 0.15 * up


def _sea(
    canvas: Canvas, cue: Cue, seed: int, row: int, sun: tuple[float, float], horizon: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Tone and lean below the horizon: the mirrored sky broken by waves, and the glitter path."""
    y = canvas.y[row:]
    down = (y - horizon).clamp_min(0.5 * canvas.pixel)
    clock, rough = cue.pose.clock, 0.35 + 1.1 * cue.warp
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
    sheen = 0.07 + 0.34 * torch.exp(mirrored.clamp_min(0.0) * -2.1)
    width = 0.05 + 0.32 * down + 0.1 * cue.glow
    path = falloff(canvas.x - sun[0] + rough * 0.13 * tilt, 1.0 * width)
    facing = (0.5 + 0.32 * slope + 0.12 * roll).clamp_(0.0, 1.6) ** 3
    gain = 0.9 + 0.6 * cue.glow + 0.8 * cue.pulse
    tone = sheen * (0.75 + 0.22 * slope * rough) + path * facing * gain + 0.05 * roll * near
    return tone, 0.10 * slope - 0.25 * path + 0.1 * down


def _stars(canvas: Canvas, cue: Cue, seed: int) -> torch.Tensor:
    x, y = canvas.world(cue.pose, 1.0 / 1.8)
    tile = star_tile(seed, canvas.device, max(64, round(canvas.height * 0.9)), 420)
    return sample(tile, x + cue.pose.clock * 0.001, y)[0] * (0.2 + 0.9 * cue.detail)


def ink(canvas: Canvas, cue: Cue, seed: int, inks: Inks) -> torch.Tensor:
    """Clouds of pigment unfurling in water: glowing in the dark at morph 0, on paper at 1."""
    hue, lean_x, lean_y = chance(seed, (-0.4, 0.4), (-0.5, 0.5), (-0.3, 0.3))
    coarse = canvas.coarse
    distance = torch.hypot(coarse.x - lean_x, coarse.y - lean_y)
    swell = 1.0 - 0.14 * cue.pulse * falloff(distance, 0.9)
    body, shade, lean = coarse.blank(), coarse.blank(), coarse.blank(hue)
    for layer in layers(cue.pose.travel, 2, 3.0):
        cloud, tint = _plume(coarse, cue, seed, layer.scale, layer.generation, swell)
        edge = smoothstep(0.02, 0.62, cloud)
        light = _relief(cloud)
        shade.lerp_(light, layer.weight * edge.mean())
        shade += layer.weight * edge * (light - shade)
        body = body + layer.weight * edge * (1.0 - body)
        lean = lean + layer.weight * 0.6 * (tint - lean)
    return inks.paint(body * shade, lean)


def _plume(
    canvas: Canvas, cue: Cue, seed: int, scale: float, generation: int, swell: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    return swell, swell


def _relief(cloud: torch.Tensor) -> torch.Tensor:
    return cloud
