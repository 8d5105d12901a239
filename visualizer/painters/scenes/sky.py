"""Night skies: the turning galaxy and the northern lights."""

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
    spin,
    star_tile,
)
from visualizer.painters.scenes.inks import Inks
from visualizer.score import Cue

TURN = 2.0 * math.pi


def galaxy(canvas: Canvas, cue: Cue, seed: int, inks: Inks) -> torch.Tensor:
    """A spiral of stars, gas and dust round a burning core, seen aslant."""
    slant, lean_angle, wind, hue = chance(
        seed, (0.45, 0.85), (-40.0, 40.0), (2.2, 3.4), (-0.2, 0.2)
    )
    arms = 2 + seed % 2
    x, y = spin(canvas.x, canvas.y, lean_angle + cue.pose.angle)
    y = y / (slant + (0.95 - slant) * cue.morph)
    distance = torch.sqrt(x * x + y * y)
    far = torch.log(distance.clamp_min(canvas.pixel)) - cue.pose.travel
    direction = torch.atan2(y, x) - cue.pose.clock * 0.05
    twist = direction + wind * far
    dust, knots, gas = _clouds(canvas, cue, seed, twist, direction, far)
    ragged = (0.25 + 0.9 * cue.warp) * gas
    arm = 0.5 + 0.5 * torch.cos(arms * twist + ragged)
    lane = 0.5 + 0.5 * torch.cos(arms * twist + ragged + 1.1)
    disc = torch.exp(distance * -(1.75 - 0.35 * cue.pulse))
    light = disc * (0.14 + 0.95 * arm * arm) * (0.85 + 0.25 * gas)
    light *= 1.0 - (0.35 + 0.35 * cue.detail) * lane**3 * smoothstep(-0.6, 1.0, dust)
    light += disc * arm * knots * (0.3 + 0.7 * cue.glow + 0.5 * cue.pulse)
    reach = 0.13 + 0.07 * cue.glow + 0.10 * cue.pulse
    core = falloff(distance, reach) + 0.35 * falloff(distance, 3.2 * reach)
    tone = light * 1.15 + core * (0.95 + 0.3 * cue.pulse)
    tone += _field(canvas, cue, seed, distance) * (1.0 - 0.6 * tone).clamp_(0.0, 1.0)
    return inks.paint(tone, hue + 0.5 * knots - 0.35 * arm * (1.0 - core) + 0.2)


def _clouds(
    canvas: Canvas,
    cue: Cue,
    seed: int,
    twist: torch.Tensor,
    direction: torch.Tensor,
    far: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Dust, bright knots and gas: noise drawn out along the arms, whole turns round the centre."""
    along, out = twist * (2.0 / TURN), far * 0.55
    broad = sample(fbm(seed, canvas.device, 1.5, 2), along, out)
    fine = sample(fbm(seed + 1, canvas.device, 1.2, 2), along * 2.0, far * 1.6)
    fine *= 0.25 + 0.75 * cue.detail
    knots = smoothstep(0.9, 2.6, fine[1] + 0.7 * broad[1])
    return fine[0] + 0.6 * broad[1], knots, broad[0] + 0.5 * fine[0]


def _field(
    canvas: Canvas, cue: Cue, seed: int, distance: torch.Tensor
) -> torch.Tensor:
    """Foreground stars in planes, and a dusting of faint ones that thickens with the disc."""
    size = max(64, round(canvas.height * 0.9))
    near = star_tile(seed, canvas.device, size, 300)
    light = canvas.blank()
    for layer in layers(cue.pose.travel, 2, 2.5):
        x, y = canvas.world(cue.pose, layer.scale / 1.8)
        shift = 0.31 * layer.generation
        light.add_(sample(near, x + shift, y - shift)[0], alpha=layer.weight)
    return light * (0.35 + 0.9 * cue.detail)


def aurora(canvas: Canvas, cue: Cue, seed: int, inks: Inks) -> torch.Tensor:
    """Curtains of light over black hills and a still lake."""
    hue, shore = chance(seed, (-0.2, 0.2), (0.5, 0.66))
    row = min(max(round((shore + 1.0) * 0.5 * canvas.height), 1), canvas.height - 1)
    light, lean = _curtains(canvas, cue, seed)
    up = canvas.y + 1.0
    tone = 0.07 + 0.10 * smoothstep(0.4, 1.7, up) + light
    x, y = canvas.world(cue.pose, 1.0 / 1.8)
    tile = star_tile(seed, canvas.device, max(64, round(canvas.height * 0.9)), 800)
    stars = sample(tile, x, y + cue.pose.clock * 0.001)[0]
    tone += stars * (0.3 + 0.9 * cue.detail) * (1.0 - light).clamp_(0.0, 1.0)
    hills = _hills(canvas, cue, seed, shore)
    tone = torch.lerp(tone, hills[1], hills[0])
    tone, lean = _lake(canvas, cue, seed, row, tone, lean)
    return inks.paint(tone, lean + hue)


def _curtains(canvas: Canvas, cue: Cue, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Light and hue of the sky's curtains: rays along folded ribbons, sharp below, fading up."""
    coarse, clock = canvas.coarse, cue.pose.clock
    tiles = fbm(seed, canvas.device, 1.5, 2)
    light, lean = canvas.blank(), canvas.blank()
    lens = 1.0 / (1.0 + 0.28 * (1.0 - canvas.y))
    for k in range(4):
        start, height, size, speed = chance(
            seed * 8 + k, (0.0, 1.0), (-0.25, 0.35), (0.35, 0.8), (0.5, 1.4)
        )
        x = (canvas.x * lens * (1.0 + 0.15 * k) + 2.0 * canvas.aspect * cue.pose.x * 0.6)
        fold = sample(tiles, x * 0.09 + start, canvas.blank(start + clock * 0.008 * speed))
        foot = height - 0.1 * k + 0.2 * fold[0] * (0.4 + cue.warp)
        rays = sample(tiles, x * 0.55 + 0.25 * fold[1], canvas.blank(clock * 0.013 * speed + start))
        above = foot - canvas.y
        veil = torch.exp(above.clamp_min(0.0) * (-1.0 / size)) * smoothstep(-0.07, 0.02, above)
        streak = smoothstep(-1.0, 2.2, rays[0]) * smoothstep(-1.2, 1.0, fold[1])
        light += veil * streak * (0.55 + 0.35 * cue.glow + 0.55 * cue.pulse)
        lean += veil * streak * (above * 0.8 - 0.2)
    return light, lean
    

def _hills(canvas, cue, seed, shore):
    return canvas.blank(), canvas.blank()


def _lake(canvas, cue, seed, row, tone, lean):
    return tone, lean
