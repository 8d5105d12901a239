"""A flower of ornament."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from visualizer.painters.scenes.canvas import Canvas, chance, falloff, fold
from visualizer.painters.scenes.inks import Inks
from visualizer.score import Cue

INNERMOST, OUTERMOST = math.log(0.03), math.log(2.6)
STEP = 0.40  # Rings of petals follow each other at this distance in log radius.


def mandala(canvas: Canvas, cue: Cue, seed: int, inks: Inks) -> torch.Tensor:
    """A lotus of endless rings of petals that opens towards the viewer.

    Everything is drawn once on half a petal of the sky, in log-polar coordinates, where shapes
    keep their proportions at any size; the picture is that strip, folded and bent into a circle.
    """
    hue, glint = chance(seed, (-0.2, 0.2), (0.0, 6.3))
    fold_count = int(np.random.default_rng(seed).choice([6, 8, 9, 10, 12]))
    strip = _strip(canvas, cue, seed, math.pi / fold_count)
    x = canvas.x + 0.4 * canvas.aspect * math.tanh(cue.pose.x)
    y = canvas.y - 0.4 * math.tanh(cue.pose.y)
    radius = torch.sqrt(x * x + y * y).clamp_min_(0.5 * canvas.pixel)
    depth = torch.log(radius) - 0.16 * cue.pulse * torch.exp(-0.8 * radius)
    turn = math.radians(cue.pose.angle - 2.5 * cue.pose.clock)
    twist = 0.22 * cue.warp * torch.sin(1.6 * depth - 0.35 * cue.pose.clock)
    angle = fold(torch.atan2(y, x) - turn + twist, 2.0 * math.pi / fold_count)
    u = angle * (2.0 * fold_count / math.pi) - 1.0
    v = (depth - INNERMOST) * (2.0 / (OUTERMOST - INNERMOST)) - 1.0
    grid = torch.stack([u, v], dim=-1)[None]
    art = F.grid_sample(strip[None], grid, padding_mode="border", align_corners=True)[0]
    light = _lamp(canvas, cue, glint)
    tone = art[0] * light + falloff(radius, 0.07 + 0.05 * cue.pulse) * (0.5 + cue.glow)
    return inks.paint(tone, art[1] + hue + 0.25 * (light - 0.8))


def _lamp(canvas: Canvas, cue: Cue, glint: float) -> torch.Tensor:
    """Light from the heart of the flower, and a sheen that wanders round it."""
    coarse = canvas.coarse
    heart = falloff(coarse.radius, 0.75 + 0.45 * cue.pulse)
    sheen = torch.cos(coarse.angle - 0.23 * cue.pose.clock - glint)
    light = 0.42 + (0.75 + 0.5 * cue.glow + 0.35 * cue.pulse) * heart
    return canvas.enlarge(light * (1.0 + 0.16 * sheen * coarse.radius.clamp(max=1.0)))


@dataclass(frozen=True)
class _Petals:
    """The shape of one ring of petals, in log radius and radians.

    Attributes:
        base: Where they begin.
        length: From there to the tip.
        half: Half the angle of one petal.
        shift: Angle of the first one.
        bend: Power of the outline: below 1 a thorn, above 2 a spoon.
        lean: Hue.
    """

    base: float
    length: float
    half: float
    shift: float
    bend: float
    lean: float


def _petals(cue: Cue, seed: int, ring: int, half: float) -> _Petals:
    """Decides how a ring looks; it looks the same wherever it has got to."""
    rng = np.random.default_rng([seed, ring % 65536])
    many = int(rng.choice([1, 1, 2, 2, 3]))
    reach, roundness, lean = rng.uniform((1.25, 0.9, -0.35), (2.1, 2.6, 0.35))
    bend = roundness * (1.0 - 0.55 * cue.morph) + 0.25 * math.sin(0.5 * cue.pose.clock + ring)
    return _Petals(
        base=ring * STEP + cue.pose.travel,
        length=STEP * reach * (0.92 + 0.10 * cue.pulse),
        half=half / many,
        shift=half / many * (ring % 2),
        bend=max(bend, 0.45),
        lean=lean,
    )


def _strip(canvas: Canvas, cue: Cue, seed: int, half: float) -> torch.Tensor:
    """Tone and lean of half a sector, shape (2, rows, columns): rows run outwards."""
    rows = max(360, int(1.25 * canvas.height))
    columns = max(48, int(half * rows / (OUTERMOST - INNERMOST)))
    depth = torch.linspace(INNERMOST, OUTERMOST, rows, device=canvas.device)[:, None]
    angle = torch.linspace(0.0, half, columns, device=canvas.device)
    strip = torch.zeros(2, rows, columns, device=canvas.device)
    strip[0] += 0.04
    first = math.floor((INNERMOST - cue.pose.travel) / STEP) - 2
    last = math.ceil((OUTERMOST - cue.pose.travel) / STEP)
    for ring in range(last, first, -1):
        petals = _petals(cue, seed, ring, half)
        low, high = _row(petals.base - 0.1, rows), _row(petals.base + 2.4 * STEP, rows)
        if high > low:
            _lay(canvas, cue, petals, depth[low:high], angle, strip[:, low:high])
    return strip


def _row(depth: float, rows: int) -> int:
    return min(rows, max(0, int((depth - INNERMOST) / (OUTERMOST - INNERMOST) * rows)))


def _lay(
    canvas: Canvas,
    cue: Cue,
    petals: _Petals,
    depth: torch.Tensor,
    angle: torch.Tensor,
    strip: torch.Tensor,
) -> None:
    """Lays one ring of petals, and its shadow, over the rings outside it.

    Args:
        canvas: For the size of a pixel.
        cue: The controls.
        petals: Their shape.
        depth: Log radius, shape (rows, 1).
        angle: Shape (columns,).
        strip: Tone and lean, changed in place.
    """
    out = depth - petals.base
    across = fold(angle - petals.shift, 2.0 * petals.half)
    side = across / petals.half
    edge = petals.length * (1.0 - side.clamp_min(1e-3) ** petals.bend)
    steep = petals.length / petals.half * petals.bend * side.clamp_min(0.02) ** (petals.bend - 1.0)
    inside = (edge - out) / torch.sqrt(1.0 + steep.clamp(max=6.0) ** 2)
    thin = (1.3 * canvas.pixel * torch.exp(-depth).clamp(max=12.0)).clamp_min(0.006)
    cover = (inside / thin + 0.5).clamp_(0.0, 1.0)
    shadow = torch.exp(inside.clamp(max=0.0) / 0.07) * (1.0 - cover)
    along = (out / petals.length).clamp(0.0, 1.0)
    body = 0.06 + 0.34 * torch.exp(-inside.clamp_min(0.0) / 0.06) + 0.30 * along
    body = body * (0.75 + 0.25 * torch.cos(1.5 * side))
    body = body + _engraving(cue, petals, across, out, inside, thin)
    halo = torch.exp(inside.abs() / -(0.02 + 0.05 * cue.glow))
    strip[0].mul_(1.0 - 0.75 * shadow).lerp_(body, cover)
    strip[0].add_(halo, alpha=0.06 + 0.22 * cue.glow)
    strip[1].lerp_(petals.lean - 0.25 * out / petals.length + 0.2 * side, cover)


def _engraving(
    cue: Cue,
    petals: _Petals,
    across: torch.Tensor,
    out: torch.Tensor,
    inside: torch.Tensor,
    thin: torch.Tensor,
) -> torch.Tensor:
    """Fine lines on a petal: its outline, inner contours, a vein, ribs, and a bead at the tip."""
    outline = _line(inside - 1.2 * thin, thin)
    contour = _line(fold(inside - 0.02, 0.045), thin) * torch.exp(-inside / 0.05)
    vein = _line(across, thin) * (out / petals.length).clamp(0.0, 1.0)
    ribs = _line(fold(out - 0.9 * across, 0.055), thin) * (inside > 0.10)
    bead = torch.hypot(out - 0.72 * petals.length, across) - 0.022
    fine = (0.15 + 1.7 * cue.detail) * (0.34 * contour + 0.34 * vein + 0.16 * ribs)
    return 0.75 * outline + fine + 0.5 * _line(bead, thin) + 0.4 * (bead < 0.0)


def _line(distance: torch.Tensor, thin: torch.Tensor) -> torch.Tensor:
    near = distance / thin
    return torch.exp(-near * near)
