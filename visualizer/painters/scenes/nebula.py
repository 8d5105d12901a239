"""Deep space: gas clouds lit from within."""

from __future__ import annotations

import torch

from visualizer.painters.scenes.canvas import (
    Canvas,
    Layer,
    chance,
    falloff,
    layers,
    smoothstep,
)
from visualizer.painters.scenes.inks import Inks
from visualizer.painters.scenes.starfield import passing_stars
from visualizer.painters.scenes.tiles import fbm, sample
from visualizer.score import Cue

PLANES = 3


def nebula(canvas: Canvas, cue: Cue, seed: int, inks: Inks) -> torch.Tensor:
    """Folded gas in planes that the camera flies through, round a young star cluster."""
    heart_x, heart_y, hue = chance(seed, (-0.45, 0.45), (-0.3, 0.3), (-0.35, 0.35))
    coarse = canvas.coarse
    distance = torch.hypot(coarse.x - heart_x * canvas.aspect, coarse.y - heart_y)
    swell = 1.0 - 0.16 * cue.pulse * falloff(distance, 0.8)
    heart = falloff(distance, 0.75 + 0.2 * cue.glow + 0.35 * cue.pulse)
    light, lean = coarse.blank(), coarse.blank(hue)
    for layer in layers(cue.pose.travel, PLANES):
        gas, dust, tint = _gas(coarse, cue, seed, layer, swell)
        light.mul_(1.0 - dust * layer.weight).add_(gas, alpha=layer.weight)
        lean.lerp_(tint, 0.5 * layer.weight)
    light = light * (0.68 + (1.0 + 0.6 * cue.glow) * heart)
    light += heart**2 * (0.10 + 0.4 * cue.glow + 0.45 * cue.pulse)
    grain = _texture(canvas, cue, seed)
    tone = canvas.enlarge(light)
    tone = tone * (1.0 + grain * (0.08 + 0.3 * cue.detail))
    tone = 1.12 * (1.0 - torch.exp(tone * -(1.25 + 0.35 * cue.glow)))
    veil = (1.0 - tone).clamp_(0.0, 1.0)
    stars = passing_stars(canvas, cue.pose, seed, 700)[0]
    cluster = 1.0 + 2.5 * canvas.enlarge(heart)
    tone += stars * veil * cluster * (0.3 + 1.0 * cue.detail)
    return inks.paint(tone, canvas.enlarge(lean))


def _gas(
    canvas: Canvas, cue: Cue, seed: int, layer: Layer, swell: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Light, dust and hue of one plane, each a coarse field."""
    x, y = canvas.world(cue.pose, 0.22 * layer.scale)
    x, y = x * swell, y * swell
    shift = 0.37 * layer.generation
    t = cue.pose.clock * 0.012
    bend = sample(fbm(seed, canvas.device, 1.9, 2), x * 0.8 + shift + t, y * 0.8 - shift)
    reach = 0.02 + 0.16 * cue.warp
    x, y = x + reach * bend[0], y + reach * bend[1]
    cloud = sample(fbm(seed + 1, canvas.device, 1.9, 2), x - t + shift, y + shift)
    ridge = (1.0 - 0.8 * cloud[0].abs()).clamp_min_(0.0) ** 2
    billow = smoothstep(-1.2, 2.4, cloud[0])
    mass = smoothstep(-1.3, 1.4, cloud[1] + 0.35 * bend[0])
    body = torch.lerp(ridge, 1.5 * billow, 0.25 + 0.7 * cue.morph)
    return mass * body, 0.75 * smoothstep(0.2, 1.8, bend[1]), 0.55 * cloud[1] - 0.35 * bend[0]


def _texture(canvas: Canvas, cue: Cue, seed: int) -> torch.Tensor:
    """Fine filaments at full resolution, moving with the planes."""
    grain = canvas.blank()
    tile = fbm(seed + 2, canvas.device, 1.6)
    for layer in layers(cue.pose.travel, 2):
        x, y = canvas.world(cue.pose, 0.55 * layer.scale)
        shift = 0.41 * layer.generation
        fine = sample(tile, x + shift, y - shift + cue.pose.clock * 0.01)[0]
        grain.add_(fine, alpha=layer.weight)
    return grain
