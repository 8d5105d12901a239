"""A cave of crystal."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from visualizer.painters.scenes.canvas import Canvas, chance, falloff, smoothstep, spin
from visualizer.painters.scenes.inks import Inks
from visualizer.painters.scenes.tiles import cell_tile, fbm, sample
from visualizer.score import Cue

LARGE, SMALL = 46, 170  # Cells in the two tiles of facets.


def crystal(canvas: Canvas, cue: Cue, seed: int, inks: Inks) -> torch.Tensor:
    """Facets round a light: each bends it its own way, and flashes when it faces the lamp.

    The facets lie in log-polar coordinates, so that moving in never ends. Their shading is smooth
    within each of them and is painted on half the rows; the seams that part them are drawn in full.
    """
    hue, lamp = chance(seed, (-0.25, 0.25), (0.0, 6.28))
    half = Canvas(max(2, canvas.height // 2), max(2, canvas.width // 2), canvas.device)
    body, lean, rim = _facets(half, cue, seed, lamp)
    cave = _cave(canvas, cue)
    groove, hairline = _seams(canvas, cue, seed, cave)
    frost = sample(fbm(seed + 2, canvas.device, 1.5), 1.5 * cave.u, 1.5 * cave.v)[0]
    frost = frost.mul_(0.03 + 0.08 * cue.detail).add_(1.0)
    rim = canvas.enlarge(rim)
    tone = torch.lerp(canvas.enlarge(body).mul_(frost), 0.45 * rim, groove)
    tone = torch.maximum(tone, rim.mul_(hairline))
    return inks.paint(tone, canvas.enlarge(lean).mul_(1.0 - groove).add_(hue))


@dataclass(frozen=True)
class _Cave:
    """Where each pixel looks in the cave.

    Attributes:
        x: Canvas coordinates that turn with the camera, a field.
        y: The same, down.
        radius: Distance from the light.
        u: Round the light, in tiles of cells.
        v: Outwards, in tiles of cells.
    """

    x: torch.Tensor
    y: torch.Tensor
    radius: torch.Tensor
    u: torch.Tensor
    v: torch.Tensor


def _cave(canvas: Canvas, cue: Cue) -> _Cave:
    x = canvas.x + 0.4 * canvas.aspect * math.tanh(cue.pose.x)
    y = canvas.y - 0.4 * math.tanh(cue.pose.y)
    x, y = spin(x, y, cue.pose.angle + 1.5 * cue.pose.clock)
    radius = torch.sqrt(x * x + y * y).clamp_min_(0.5 * canvas.pixel)
    depth = torch.log(radius) / math.pi
    bend = 0.12 * cue.warp * torch.sin(6.283 * (depth + 0.05 * cue.pose.clock))
    round_ = torch.atan2(y, x).div_(math.pi).add_(bend)
    return _Cave(x, y, radius, round_, depth - cue.pose.travel / math.pi)


def _facets(
    canvas: Canvas, cue: Cue, seed: int, lamp: float
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Tone and lean of the facets, and the tone of the seams between them."""
    cave = _cave(canvas, cue)
    facet, tilt = sample(cell_tile(seed, canvas.device, LARGE)[2:], cave.u, cave.v)
    chip = sample(cell_tile(seed + 1, canvas.device, SMALL)[2:3], cave.u, cave.v)[0]
    broken = 0.30 + 0.45 * cue.morph
    facet, tilt = torch.lerp(facet, chip, broken), torch.lerp(tilt, chip, 0.6 * broken)
    inner = _refracted(cue, cave.x, cave.y, facet, tilt)
    facing = 0.5 + 0.5 * torch.cos(6.283 * facet - lamp - 0.35 * cue.pose.clock + 3.0 * tilt)
    gleam = facing**14 * smoothstep(0.25, 0.6, chip)
    tone = 0.03 + 0.10 * facing + inner * (0.30 + 0.95 * facing)
    tone = tone + gleam * (0.12 + 0.55 * cue.glow + 0.4 * cue.pulse) * (0.3 + inner)
    around = falloff(cave.radius, 0.80 + 0.30 * cue.pulse)
    rim = 0.14 + (0.95 + 0.4 * cue.glow) * around
    heart = falloff(cave.radius, 0.10 + 0.05 * cue.glow + 0.07 * cue.pulse)
    light = heart * (1.15 + 0.3 * cue.pulse)
    lean = 0.75 * (facet - 0.5) + 0.25 * (inner - 0.5)
    return tone * (1.0 - 0.6 * heart) + light, lean, rim * (1.0 - 0.6 * heart) + light


def _seams(canvas: Canvas, cue: Cue, seed: int, cave: _Cave) -> tuple[torch.Tensor, torch.Tensor]:
    """The grooves between the facets and the hairlines of light in them, each in [0, 1].

    A groove is opaque and no thinner than the steps between facets are rough, so it hides them.
    """
    pixel = canvas.pixel / math.pi / cave.radius
    groove, hairline = canvas.blank(), canvas.blank()
    fine = 0.10 + 0.90 * cue.detail
    for number, count, power in ((seed, LARGE, 1.0), (seed + 1, SMALL, fine)):
        distance = sample(cell_tile(number, canvas.device, count)[:1], cave.u, cave.v)[0]
        near = distance.div_(pixel * (1.7 * count**0.5) + (0.026 if count == LARGE else 0.030))
        near.square_()
        torch.maximum(groove, torch.exp(-near * near), out=groove)
        torch.maximum(hairline, torch.exp(near.mul_(-3.0)).mul_(power), out=hairline)
    return groove, hairline


def _refracted(
    cue: Cue, x: torch.Tensor, y: torch.Tensor, facet: torch.Tensor, tilt: torch.Tensor
) -> torch.Tensor:
    """The inner light as each facet sees it, displaced by its slant."""
    slant = 0.35 + 0.75 * cue.warp
    x = x * (1.0 + 0.3 * tilt) + slant * (facet - 0.5)
    y = y * (1.3 - 0.3 * facet) + slant * (tilt - 0.5)
    distance = torch.sqrt(x * x + y * y)
    caustic = 0.5 + 0.5 * torch.cos(7.0 * distance + 9.0 * tilt - 0.5 * cue.pose.clock)
    reach = 0.80 + 0.30 * cue.glow + 0.30 * cue.pulse
    return falloff(distance, reach) * (0.45 + 0.75 * caustic)
