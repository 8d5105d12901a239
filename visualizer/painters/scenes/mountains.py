"""Mountain ranges in mist."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F

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
from visualizer.painters.scenes.tiles import fbm, sample
from visualizer.score import Cue

RANGES = 7


def mountains(canvas: Canvas, cue: Cue, seed: int, inks: Inks) -> torch.Tensor:
    """Ranges in layered mist below a sun or moon; moving in flies over them."""
    sun_x, sun_y, hue = chance(seed, (-0.55, 0.55), (-0.5, -0.22), (-0.12, 0.12))
    sun_x = sun_x * canvas.aspect - 0.6 * cue.pose.x
    lifted = 0.4 * math.tanh(cue.pose.y)
    sun_y += 0.75 * lifted - 0.25 * cue.morph
    horizon = 0.12 + lifted
    distance = torch.hypot(canvas.x - sun_x, canvas.y - sun_y)
    shine = falloff(distance, 0.55 + 0.35 * cue.glow + 0.25 * cue.pulse)
    tone, lean = _sky(canvas, cue, seed, horizon, shine)
    _sun(canvas, cue, tone, distance)
    air = 0.46 + 0.34 * shine  # What the mist is filled with.
    view = _View(tone, canvas.blank(), canvas.blank())
    for layer in layers(cue.pose.travel, RANGES, 6.0):
        _range(canvas, cue, seed, layer, horizon, air, view)
    _slopes(canvas, cue, seed, view)
    lean += hue + 0.25 * (shine - 0.3)
    return inks.paint(tone, lean)


@dataclass(frozen=True)
class _View:
    """What has been drawn so far; the fields are painted over in place.

    Attributes:
        tone: Light.
        rock: How much of the rock the mist lets through.
        place: Height on the rock, for its texture.
    """

    tone: torch.Tensor
    rock: torch.Tensor
    place: torch.Tensor


def _sky(
    canvas: Canvas, cue: Cue, seed: int, horizon: float, shine: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    coarse = canvas.coarse
    height = (horizon - coarse.y).clamp_min(0.0)
    fade = torch.exp(-2.2 * height)
    u = 0.11 * (coarse.x + 2.0 * coarse.aspect * 0.3 * cue.pose.x) / (0.45 + height)
    v = 0.16 / (0.35 + height)
    t = 0.004 * cue.pose.clock
    tile = fbm(seed + 3, canvas.device, 1.8, 2)
    bend = sample(tile, u * 0.7 + t, v * 0.7)
    reach = 0.10 * cue.warp
    cloud = sample(tile, u + t + reach * bend[0], v + reach * bend[1])
    veil = smoothstep(0.1, 2.2, cloud[0] + 0.3 * cue.detail)
    lit = canvas.enlarge(veil * (0.10 + 0.28 * fade))
    base = canvas.enlarge((0.10 + 0.34 * fade).expand(-1, coarse.width).contiguous())
    tone = base + lit * (0.35 + 1.4 * shine) + shine * (0.16 + 0.30 * cue.glow + 0.22 * cue.pulse)
    return tone, canvas.enlarge(0.24 * fade - 0.10 + 0.05 * cloud[1])


def _sun(canvas: Canvas, cue: Cue, tone: torch.Tensor, distance: torch.Tensor) -> None:
    """A disc that pulses, with a bright rim of air around it."""
    size = 0.15 + 0.05 * cue.morph + 0.045 * cue.pulse
    disc = ((size - distance) * (0.5 / canvas.pixel) + 0.5).clamp_(0.0, 1.0)
    tone += disc * (1.18 + 0.25 * cue.glow - tone)
    tone += (
        falloff((distance - size).clamp_min_(0.0), 0.05) * (1.0 - disc) * (0.12 + 0.5 * cue.glow)
    )


def _range(
    canvas: Canvas,
    cue: Cue,
    seed: int,
    layer: Layer,
    horizon: float,
    air: torch.Tensor,
    view: _View,
) -> None:
    """Draws one range over what lies behind it: a ridge, and mist that fills its valley."""
    depth = layer.depth
    top = horizon + 1.45 * depth**2.1 - _ridge(canvas, cue, seed, layer) * (0.08 + 0.46 * depth)
    first = max(0, int((float(top.min()) + 1.0) / canvas.pixel) - 1)
    if first >= canvas.height:
        return
    below = canvas.y[first:] - top
    cover = (below * (1.0 / canvas.pixel) + 0.5).clamp_(0.0, 1.0)
    cover *= ease(0.0, 0.12, depth)
    level = _level(canvas, top) - 0.02 - 0.06 * depth  # Mist lies flat; peaks stand out of it.
    fog = (canvas.y[first:] - level).clamp_min(0.0)
    mist = 1.0 - torch.exp(fog * (-1.0 / (0.08 + 0.26 * depth)))
    near = min(1.0, 1.5 * depth) ** 0.8
    body = torch.lerp(air[first:], air.new_tensor(0.01), near * 0.97)
    filled = air[first:] * (1.10 - 0.50 * depth)
    view.tone[first:].lerp_(torch.lerp(body, filled, mist), cover)
    view.rock[first:].lerp_((1.0 - mist) * (0.25 + 0.75 * near), cover)
    ground = canvas.y[first:] - 1.45 * depth**2.1 + 0.37 * layer.generation
    view.place[first:].lerp_(ground.expand_as(cover), (cover > 0.5).to(cover.dtype))


def _level(canvas: Canvas, top: torch.Tensor) -> torch.Tensor:
    """A ridge smoothed over a third of the picture's height, shape (width,)."""
    reach = max(1, canvas.height // 12)
    smooth = top[None, None]
    for _ in range(2):
        smooth = F.avg_pool1d(
            F.pad(smooth, (reach, reach), mode="replicate"), 2 * reach + 1, stride=1
        )
    return smooth[0, 0]


def _ridge(canvas: Canvas, cue: Cue, seed: int, layer: Layer) -> torch.Tensor:
    """Height of one range along the picture, shape (width,), mostly in [0, 1.5]."""
    near = 0.25 + 0.75 * layer.depth
    spread = 0.09 + 0.09 * (1.0 - layer.depth)
    u = spread * (canvas.x + 2.0 * canvas.aspect * cue.pose.x * near)
    v = u.new_tensor(0.173 * layer.generation)
    tile = fbm(seed, canvas.device, 1.5, 2)
    bend = sample(tile, u[None] * 0.5, v + 0.5)[0, 0]
    broad = sample(tile, (u + 0.05 * cue.warp * bend)[None], v)[:, 0]
    sharp = 1.0 - 0.9 * broad[0].abs()
    rolling = 0.5 + 0.28 * broad[1]
    rough = sample(tile, 6.1 * u[None], v)[0, 0]
    form = torch.lerp(sharp, rolling, 0.25 + 0.6 * cue.morph) + 0.35 * cue.warp * bend
    stature = 0.55 + 0.9 * (0.618034 * layer.generation % 1.0)
    roughness = (0.02 + 0.10 * cue.detail) * (0.35 + layer.depth) * (1.0 - 0.6 * cue.morph)
    return 0.25 + stature * form + roughness * rough


def _slopes(canvas: Canvas, cue: Cue, seed: int, view: _View) -> None:
    """Gullies and snow fields, seen where the mist is thin."""
    tile = fbm(seed + 5, canvas.device, 1.45)
    u = 0.50 * (canvas.x + 2.0 * canvas.aspect * cue.pose.x * 0.6)
    gully = sample(tile, u + 0.2 * view.place, 1.1 * view.place)[0]
    strength = 0.03 + 0.10 * cue.detail
    view.tone.add_(view.rock * gully * (0.35 + view.tone), alpha=strength)
