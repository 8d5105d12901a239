"""Round scenes that fly inwards: the lit tunnel and the stained-glass kaleidoscope."""

from __future__ import annotations

import math

import torch

from visualizer.painters.scenes.canvas import (
    Canvas,
    chance,
    falloff,
    fbm,
    fold,
    sample,
    smoothstep,
)
from visualizer.painters.scenes.cells import cell_tile
from visualizer.painters.scenes.inks import Inks
from visualizer.score import Cue

TURN = 2.0 * math.pi


def tunnel(canvas: Canvas, cue: Cue, seed: int, inks: Inks) -> torch.Tensor:
    """Ribs and panels of light along a wet wall, with a glow at the far end."""
    squareness, ribs, sway = chance(seed, (0.0, 0.8), (2.2, 3.4), (0.0, TURN))
    clock = cue.pose.clock
    bend = 0.10 + 0.35 * cue.warp
    x = canvas.x - bend * math.sin(clock * 0.23 + sway) * torch.exp(-1.4 * canvas.radius)
    y = canvas.y - bend * 0.6 * math.cos(clock * 0.19 + sway) * torch.exp(-1.4 * canvas.radius)
    distance = _norm(x, y, 2.0 + 4.0 * max(0.0, squareness - 0.3 + cue.morph) ** 2)
    far = torch.log(distance.clamp_min(canvas.pixel))
    along = far - cue.pose.travel
    around = torch.atan2(y, x) * (1.0 / TURN) + cue.pose.angle / 360.0
    around = around + 0.12 * cue.warp * torch.sin(along * 0.9 + sway)
    blur = canvas.pixel / distance
    walls, lean = _walls(canvas, cue, seed, along, around)
    lamps, panel_lean = _lamps(cue, seed, along * ribs, around, blur * ribs)
    reach = 0.09 + 0.06 * cue.glow + 0.10 * cue.pulse
    end = falloff(distance, reach)
    fog = torch.exp(distance * -(2.6 - 0.8 * cue.glow))
    depth = smoothstep(0.02, 0.35, distance)
    tone = (walls * (0.25 + 0.75 * fog) + lamps * (0.55 + 0.45 * fog)) * depth
    tone += end * (1.0 + 0.3 * cue.glow + 0.4 * cue.pulse) + fog * (0.06 + 0.16 * cue.glow)
    return inks.paint(tone, lean + panel_lean)


def _norm(x: torch.Tensor, y: torch.Tensor, power: float) -> torch.Tensor:
    """Distance from the axis of a pipe whose section is a circle at 2 and squarer above."""
    if power == 2.0:
        return torch.hypot(x, y)
    return (x.abs().clamp_min(1e-4) ** power + y.abs().clamp_min(1e-4) ** power) ** (1.0 / power)


def _walls(
    canvas: Canvas, cue: Cue, seed: int, along: torch.Tensor, around: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Brightness and hue of the bare wall: stains, and streaks of wet light."""
    stain = sample(fbm(seed, canvas.device, 1.5, 2), around * 2.0, along * 0.32)
    streak = sample(fbm(seed + 1, canvas.device, 1.2), around * 3.0, along * 0.04)[0]
    wet = smoothstep(0.3, 2.2, streak) * (0.25 + 0.5 * cue.detail)
    rough = 0.30 + 0.13 * stain[0] * (0.3 + 1.4 * cue.detail)
    return rough.clamp_min_(0.0) + wet, 0.3 * torch.sin(along * 0.7) + 0.08 * stain[1]


def _lamps(
    cue: Cue, seed: int, along: torch.Tensor, around: torch.Tensor, blur: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Light and hue of the ribs, of seams along the wall and of panels between them."""
    sectors = 6 + 2 * (seed % 4)
    ring, slot = torch.floor(along), torch.floor(around * sectors)
    numbers = _numbers(seed, along.device)
    cell = (ring * 13.0 + torch.remainder(slot, sectors) * 57.0).to(torch.int32) & 1023
    own = numbers[cell.flatten()].view_as(along)
    rib = fold(along, 1.0)
    seam = fold(around * sectors, 1.0)
    line = smoothstep(0.05, 0.02, rib - blur) + 0.5 * cue.detail * smoothstep(0.05, 0.015, seam)
    halo = (0.14 + 0.5 * cue.glow + 0.6 * cue.pulse) * falloff(rib, 0.16 + 0.1 * cue.pulse)
    inside = smoothstep(0.08, 0.3, torch.minimum(rib, seam))
    breath = 0.5 + 0.5 * torch.sin(own * 40.0 + cue.pose.clock * 1.3)
    lit = smoothstep(0.62, 0.7, own) * inside * (0.35 + 0.4 * breath + 0.6 * cue.pulse)
    return line * (0.5 + 0.5 * cue.pulse) + halo + lit, 0.7 * (own - 0.5) * inside


def _numbers(seed: int, device: torch.device) -> torch.Tensor:
    return torch.tensor(chance(seed + 7, *[(0.0, 1.0)] * 1024), device=device)


def kaleidoscope(canvas: Canvas, cue: Cue, seed: int, inks: Inks) -> torch.Tensor:
    """A rose window: mirrored panes of jewelled glass that grow out of the centre for ever."""
    arms = 6 + 2 * (seed % 4)
    start, breath = chance(seed, (0.0, 1.0), (0.0, TURN))
    clock = cue.pose.clock
    turn = TURN * (clock * 0.006 + start) + math.radians(cue.pose.angle)
    wedge = fold(canvas.angle + turn, TURN / arms)
    far = canvas.log_radius
    wedge = wedge + 0.25 * cue.warp * torch.sin(2.2 * far + clock * 0.21 + breath) * wedge
    flat = 0.55 * cue.morph
    out = torch.lerp(far, 1.7 * canvas.radius - 0.6, flat) - cue.pose.travel
    out = out + 0.2 * cue.warp * torch.sin(wedge * arms + clock * 0.17)
    out = out - 0.12 * cue.pulse * torch.exp(-2.0 * (canvas.radius - 0.45) ** 2)
    side = wedge * (1.0 + flat * (canvas.radius - 1.0)) + 0.03 * math.sin(clock * 0.11)
    light, lean = _glass(canvas, cue, seed, out, side)
    core = falloff(canvas.radius, 0.10 + 0.05 * cue.glow + 0.12 * cue.pulse)
    window = torch.exp(-0.75 * canvas.radius) * (1.05 + 0.5 * cue.pulse)
    tone = light * window * smoothstep(0.0, 0.16, canvas.radius)
    tone += core * (0.9 + 0.5 * cue.glow) + window * 0.25 * cue.glow * light
    return inks.paint(tone, lean)


def _glass(
    canvas: Canvas, cue: Cue, seed: int, out: torch.Tensor, side: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Light and hue through large panes with small facets in them."""
    clock = cue.pose.clock
    pane = sample(cell_tile(seed, canvas.device, 90), out * 0.33, side * 0.33)
    facet = sample(cell_tile(seed + 1, canvas.device, 420), out * 0.33, side * 0.33)
    cloud = sample(fbm(seed, canvas.device, 1.5), out * 0.45, side * 0.45)[0]
    lead = smoothstep(0.015, 0.075, pane[0])
    rim = falloff(pane[0] - 0.09, 0.05)
    tilt = torch.sin(facet[2] * TURN + clock * 0.6) * torch.sin(facet[3] * TURN - clock * 0.37)
    cut = smoothstep(0.0, 0.06, facet[0])
    sparkle = (0.25 + 0.75 * cut) * (0.75 + 0.55 * tilt)
    glass = torch.lerp(torch.ones_like(cut), sparkle, 0.25 + 0.7 * cue.detail)
    body = 0.30 + 0.75 * pane[2] + 0.12 * cloud
    light = lead * (body * glass + (0.15 + 0.5 * cue.glow) * rim)
    return light, 1.5 * (pane[3] - 0.5) + 0.35 * (facet[2] - 0.5)
