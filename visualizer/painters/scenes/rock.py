"""Things found underground: a cave of crystal, and lava."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from visualizer.painters.scenes.canvas import Canvas, chance, falloff, smoothstep, spin
from visualizer.painters.scenes.inks import Inks
from visualizer.painters.scenes.strokes import splat
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
    x, y = canvas.x - cue.pose.x * canvas.aspect, canvas.y + cue.pose.y
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
    facet, tilt = sample(cell_tile(seed, canvas.device, LARGE), cave.u, cave.v)[2:]
    chip = sample(cell_tile(seed + 1, canvas.device, SMALL), cave.u, cave.v)[2]
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


HORIZON = -0.30


def lava(canvas: Canvas, cue: Cue, seed: int, inks: Inks) -> torch.Tensor:
    """A plain of broken rock above molten stone, under a volcano and its smoke."""
    hue, peak = chance(seed, (-0.12, 0.12), (-0.5, 0.5))
    peak = peak * canvas.aspect - 0.3 * cue.pose.x
    tone, lean = _smoke(canvas, cue, seed, peak)
    _volcano(canvas, cue, seed, peak, tone)
    first = min(canvas.height - 1, math.ceil((HORIZON + 1.0) / canvas.pixel - 0.5))
    tone[first:], lean[first:] = _plain(canvas, cue, seed, peak, first)
    tone += _embers(canvas, cue, seed)
    return inks.paint(tone, lean + hue)


def _plain(
    canvas: Canvas, cue: Cue, seed: int, peak: float, first: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """The ground in perspective, from the picture's row `first` on: tone and lean."""
    below = (canvas.y[first:] - HORIZON).clamp_min(0.5 * canvas.pixel)
    far = 0.34 / below
    u = 0.5 + 0.24 * far * (canvas.x + 2.0 * canvas.aspect * cue.pose.x)
    v = -0.24 * far * 1.25 - 0.30 * cue.pose.travel
    step = 0.30 * far * far / 0.34 * canvas.pixel
    t = 0.02 * cue.pose.clock
    heat = sample(fbm(seed, canvas.device, 1.7, 2), 0.45 * u + 0.2 * t, 0.45 * v - t)
    reach = 0.008 + 0.05 * cue.warp
    u, v = u + reach * heat[0], v + reach * heat[1]
    plates = sample(cell_tile(seed, canvas.device, 60), u, v)
    rubble = sample(cell_tile(seed + 1, canvas.device, 240), u + 0.02 * heat[1], v)
    rough = sample(fbm(seed + 2, canvas.device, 1.25), 2.3 * u, 2.3 * v)[0]
    warmth = 0.55 + 0.30 * heat[0] + 0.55 * cue.pulse + 0.25 * cue.morph
    warmth = warmth.clamp_(0.08, 1.7)
    wide = _crack(plates[0], 60, step, (0.030 + 0.085 * cue.morph) * warmth)
    fine = _crack(rubble[0], 240, step, 0.035 * warmth) * (0.12 + 0.75 * cue.detail)
    glow = torch.exp(plates[0] * (-1.0 / (0.10 + 0.12 * cue.glow))) * warmth
    shade = 0.09 + 0.08 * plates[2] + 0.055 * rough * (0.4 + 0.8 * cue.detail)
    shine = falloff(torch.hypot(0.7 * (canvas.x - peak), below), 0.55)
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
    return torch.exp(-((distance / wide) ** 2)) * (half / wide)


def _smoke(canvas: Canvas, cue: Cue, seed: int, peak: float) -> tuple[torch.Tensor, torch.Tensor]:
    """The sky: smoke that the crater lights from below."""
    coarse = canvas.coarse
    t = 0.02 * cue.pose.clock
    tile = fbm(seed + 7, canvas.device, 1.9, 2)
    x, y = 0.17 * (coarse.x - 0.6 * coarse.y - peak), 0.24 * coarse.y
    bend = sample(tile, x - 0.4 * t, y + t)
    reach = 0.03 + 0.09 * cue.warp
    smoke = sample(tile, x + reach * bend[0] - 0.3 * t, y + reach * bend[1] + 1.5 * t)[0]
    rise = (HORIZON - coarse.y).clamp_min(0.0)
    source = torch.hypot(coarse.x - peak - 0.5 * rise, 0.8 * (coarse.y - HORIZON + 0.36))
    fire = falloff(source, 0.38 + 0.15 * cue.glow + 0.22 * cue.pulse)
    billow = smoothstep(-1.1, 1.8, smoke)
    tone = 0.04 + 0.16 * torch.exp(-2.5 * rise) + billow * (0.09 + 0.80 * fire)
    tone = tone + fire * (0.10 + 0.22 * cue.glow + 0.25 * cue.pulse)
    return canvas.enlarge(tone), canvas.enlarge(0.25 * fire - 0.25 + 0.08 * bend[1])


def _volcano(canvas: Canvas, cue: Cue, seed: int, peak: float, tone: torch.Tensor) -> None:
    """A dark cone with a burning mouth and streams down its side, drawn over the sky."""
    tile = fbm(seed + 4, canvas.device, 1.5)
    along = canvas.x - peak
    noise = sample(tile, 0.21 * canvas.x[None], canvas.x.new_full((1, 1), 0.3))[0, 0]
    slope = 0.50 * torch.exp(-along.abs() / 0.34).clamp(max=0.72) + 0.05 * noise
    top = HORIZON + 0.02 - slope
    first, last = int((float(top.min()) + 1.0) / canvas.pixel), int((HORIZON + 1.0) / canvas.pixel)
    first, last = max(0, first - 2), min(canvas.height, last + 2)
    below = canvas.y[first:last] - top
    cover = (below / canvas.pixel + 0.5).clamp_(0.0, 1.0)
    down = (canvas.y[first:last] - (HORIZON - 0.34)).clamp_min(0.02)
    wander = sample(tile, 0.35 * canvas.y[first:last] + 0.1 * along, 0.15 + 0.1 * along)[0]
    stream = along - 0.10 * wander * down * 4.0
    river = torch.exp(-((stream / (0.006 + 0.02 * down)) ** 2)) * torch.exp(-2.2 * down)
    rim = torch.exp(below.clamp(min=0.0) / -0.012) * torch.exp(-(along.abs()) / 0.12)
    burn = 0.55 + 0.5 * cue.glow + 0.5 * cue.pulse
    rock = 0.035 + 0.10 * torch.exp((canvas.y[first:last] - HORIZON) / 0.12)
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
    points = [a.flatten() for a in torch.broadcast_tensors(x, y + trail * (0.4 + pace), light)]
    return splat(canvas, points[0], points[1], points[2] * 0.35)
