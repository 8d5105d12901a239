"""Flight through stars."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F

from visualizer.painters.scenes.canvas import Canvas, chance, falloff, smoothstep, spin
from visualizer.painters.scenes.inks import Inks
from visualizer.painters.scenes.strokes import discs, splat
from visualizer.painters.scenes.tiles import fbm, sample
from visualizer.score import Cue

FEWEST, MOST = 400, 2200
SHUTTER = 32  # Points along each streak.
NEAREST = 0.06


def stars(canvas: Canvas, cue: Cue, seed: int, inks: Inks) -> torch.Tensor:
    """Streaking stars, soft lights close by, and dust that glows round the way ahead."""
    hue, ahead_x, ahead_y = chance(seed, (-0.2, 0.2), (-0.25, 0.25), (-0.18, 0.18))
    centre = (ahead_x * canvas.aspect, ahead_y)
    tone, lean = _dust(canvas, cue, seed, centre)
    light, near = _streaks(canvas, cue, seed, centre)
    tone += light
    _bokeh(canvas, cue, seed, centre, tone)
    return inks.paint(tone, lean + hue + 0.25 * near)


def _dust(
    canvas: Canvas, cue: Cue, seed: int, centre: tuple[float, float]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Gas lit from far ahead, in log-polar coordinates so that it streams past for ever."""
    coarse = canvas.coarse
    x, y = spin(coarse.x, coarse.y, cue.pose.angle)
    x, y = x - centre[0], y - centre[1]
    radius = torch.sqrt(x * x + y * y)
    depth = torch.log(radius + 0.12)
    angle = torch.atan2(y, x) * (1.0 / math.pi)
    tile = fbm(seed + 1, canvas.device, 1.8, 2)
    inward = 0.22 * (depth - 1.3 * cue.pose.travel)
    swirl = angle + 0.22 * cue.warp * depth
    bend = sample(tile, 0.5 * swirl, inward * 0.7 + 0.01 * cue.pose.clock)
    cloud = sample(tile, swirl + 0.05 * bend[0], inward + 0.06 * bend[1] + 0.5)[0]
    gas = smoothstep(-0.7, 2.3, cloud + 0.4 * bend[1])
    heart = falloff(radius, 0.55 + 0.3 * cue.glow + 0.35 * cue.pulse)
    core = falloff(radius, 0.07 + 0.06 * cue.glow + 0.10 * cue.pulse)
    tone = 0.04 + gas * (0.10 + (0.55 + 0.4 * cue.glow) * heart)
    tone = tone + heart * (0.05 + 0.15 * cue.pulse)
    tone = tone + core * (0.35 + 0.5 * cue.glow + 0.5 * cue.pulse)
    return canvas.enlarge(tone), canvas.enlarge(0.35 * heart - 0.30 + 0.18 * bend[0])


def _streaks(
    canvas: Canvas, cue: Cue, seed: int, centre: tuple[float, float]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Stars as the shutter sees them: light, and how much of it is near."""
    count = FEWEST + int((MOST - FEWEST) * cue.detail)
    x, y, z, power = _places(canvas, cue, seed, count)
    power = 0.45 + 2.6 * power**4
    pace = 0.085 + 0.25 * cue.warp**2 + 0.10 * abs(cue.zoom) + 0.04 * cue.pulse
    back = torch.linspace(0.0, 1.0, SHUTTER, device=canvas.device)[:, None]
    deep = z + 0.30 * pace * back * (0.4 + z)
    shrink = 0.5 / deep
    px, py = spin(x * shrink + centre[0], y * shrink + centre[1], -cue.pose.angle)
    length = torch.hypot(px[0] - px[-1], py[0] - py[-1]) / canvas.pixel
    fade = smoothstep(1.0, 0.7, z) * smoothstep(NEAREST, 0.14, z)
    size = canvas.height / 360.0
    bright = power * fade * (0.34 / (0.12 + z)) * (1.0 + 0.8 * cue.pulse)
    light = bright * (1.5 * (1.0 - 0.9 * back)) * (length.clamp_min(1.5) / SHUTTER)
    sharp = _soften(splat(canvas, px, py, light), size)
    halo = _halo(canvas, px, py, light) * (0.12 + 0.9 * cue.glow)
    return sharp + halo, halo


def _places(
    canvas: Canvas, cue: Cue, seed: int, count: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Where the stars are relative to the camera, and how bright: x, y, depth, power."""
    numbers = torch.rand(4, MOST, generator=torch.Generator().manual_seed(seed))
    u, v, w, power = numbers[:, :count].to(canvas.device)
    z = NEAREST + (1.0 - NEAREST) * torch.remainder(w - 0.55 * cue.pose.travel, 1.0)
    ring = 0.30 + 0.25 * u
    x = torch.lerp(2.0 * u - 1.0, ring * torch.cos(6.2832 * v), cue.morph) * 2.0 * canvas.aspect
    y = torch.lerp(2.0 * v - 1.0, ring * torch.sin(6.2832 * v) * 1.4, cue.morph) * 2.0
    width, height = 4.0 * canvas.aspect, 4.0
    x = torch.remainder(x - canvas.aspect * cue.pose.x + width / 2, width) - width / 2
    y = torch.remainder(y + cue.pose.y + height / 2, height) - height / 2
    return x, y, z, power


def _soften(light: torch.Tensor, size: float) -> torch.Tensor:
    """Spreads points a little, so that they neither flicker nor vanish on a large picture."""
    reach = min(0.35, 0.15 * size)
    wide = light.clone()
    wide[:, 1:].add_(light[:, :-1], alpha=reach)
    wide[:, :-1].add_(light[:, 1:], alpha=reach)
    soft = wide.clone()
    soft[1:].add_(wide[:-1], alpha=reach)
    soft[:-1].add_(wide[1:], alpha=reach)
    return soft


def _halo(canvas: Canvas, x: torch.Tensor, y: torch.Tensor, light: torch.Tensor) -> torch.Tensor:
    """A wide soft glow round the bright ones."""
    coarse = canvas.coarse
    light = splat(coarse, x, y, (light - 0.12).clamp_min(0.0))
    for kernel in (5, 9):
        light = F.avg_pool2d(light[None, None], kernel, stride=1, padding=kernel // 2)[0, 0]
    return canvas.enlarge(light.mul_(2.5)).clamp_min_(0.0)


def _bokeh(
    canvas: Canvas, cue: Cue, seed: int, centre: tuple[float, float], tone: torch.Tensor
) -> None:
    """A few lights so close that the lens cannot hold them."""
    u, v, w, power = torch.rand(4, 26, generator=torch.Generator().manual_seed(seed + 1))
    life = torch.remainder(w + 0.8 * cue.pose.travel, 1.0)
    grow = torch.exp(2.2 * (life - 0.75))
    x, y = (2.0 * u - 1.0) * canvas.aspect * grow, (2.0 * v - 1.0) * grow
    x, y = spin(x + centre[0], y + centre[1], -cue.pose.angle)
    size = (0.02 + 0.09 * power) * grow * (1.0 + 0.25 * cue.pulse)
    light = torch.sin(math.pi * life) ** 2 * (0.08 + 0.16 * cue.glow + 0.12 * cue.pulse)
    discs(tone, canvas, x, y, size, light * (0.4 + power))
