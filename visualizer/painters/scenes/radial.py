"""Round scenes that fly inwards: the lit tunnel and the stained-glass kaleidoscope."""

from __future__ import annotations

import math

import torch

from visualizer.painters.scenes.canvas import (
    Canvas,
    chance,
    falloff,
    fold,
    smoothstep,
)
from visualizer.painters.scenes.inks import Inks
from visualizer.painters.scenes.tiles import cell_tile, fbm, numbers, sample
from visualizer.score import Cue

TURN = 2.0 * math.pi


def tunnel(canvas: Canvas, cue: Cue, seed: int, inks: Inks) -> torch.Tensor:
    """Ribs and panels of light along a wet wall, with a glow at the far end."""
    squareness, ribs, sway = chance(seed, (-0.3, 0.4), (2.2, 3.4), (0.0, TURN))
    clock = cue.pose.clock
    bend = 0.08 + 0.20 * cue.warp
    lag = torch.exp(-1.2 * canvas.radius)
    sway_x = bend * math.sin(clock * 0.23 + sway) - 0.28 * math.tanh(cue.pose.x)
    sway_y = 0.6 * bend * math.cos(clock * 0.19 + sway) + 0.28 * math.tanh(cue.pose.y)
    x = canvas.x - sway_x * lag
    y = canvas.y - sway_y * lag
    distance = _distance(x, y, min(1.0, max(0.0, squareness) + cue.morph))
    far = torch.log(distance.clamp_min(canvas.pixel))
    along = far - cue.pose.travel
    around = torch.atan2(y, x) * (1.0 / TURN) - cue.pose.angle / 360.0
    around = around + 0.12 * cue.warp * torch.sin(along * 0.9 + sway)
    walls, lean = _walls(canvas, cue, seed, along, around)
    panels, panel_lean = _panels(cue, seed, along * ribs, around)
    lamps = panels + _ribs(cue, along * ribs, ribs * canvas.pixel / distance)
    reach = 0.09 + 0.06 * cue.glow + 0.10 * cue.pulse
    end = falloff(distance, reach)
    fog = torch.exp(distance * -(2.6 - 0.8 * cue.glow))
    depth = smoothstep(0.02, 0.35, distance)
    near = torch.exp((distance - 0.9).clamp_min(0.0) * -0.9)
    tone = (walls * (0.28 + 0.8 * fog) + lamps * (0.6 + 0.5 * fog)) * depth * near
    tone += end * (1.0 + 0.3 * cue.glow + 0.4 * cue.pulse) + fog * (0.06 + 0.16 * cue.glow)
    return inks.paint(tone, lean + panel_lean)


def _distance(x: torch.Tensor, y: torch.Tensor, squareness: float) -> torch.Tensor:
    """Distance from the axis of a pipe: its section is a circle at 0, nearly a square at 1."""
    x, y = x * x, y * y
    circle = torch.sqrt(x + y)
    if squareness == 0.0:
        return circle
    square = ((x * x) ** 2 + (y * y) ** 2).sqrt_().sqrt_().sqrt_()
    return torch.lerp(circle, square, squareness)


def _walls(
    canvas: Canvas, cue: Cue, seed: int, along: torch.Tensor, around: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Brightness and hue of the bare wall: stains, and streaks of wet light."""
    stain = sample(fbm(seed, canvas.device, 1.5, 2), around * 2.0, along * 0.32)
    streak = sample(fbm(seed + 1, canvas.device, 1.2), around * 3.0, along * 0.04)[0]
    wet = smoothstep(0.3, 2.2, streak) * (0.25 + 0.5 * cue.detail)
    rough = 0.30 + 0.13 * stain[0] * (0.3 + 1.4 * cue.detail)
    return rough.clamp_min_(0.0) + wet, 0.3 * torch.sin(along * 0.7) + 0.08 * stain[1]


def _ribs(cue: Cue, along: torch.Tensor, blur: torch.Tensor) -> torch.Tensor:
    """Light of the hoops: sharp lines, each fourth a bright one, in a halo that swells."""
    rib = fold(along, 1.0)
    accent = 0.55 + 0.45 * torch.cos(torch.round(along) * (TURN / 4.0))
    line = smoothstep(0.034, 0.016, rib - 0.7 * blur) * (1.1 + 0.4 * cue.pulse)
    halo = falloff(rib, 0.13 + 0.1 * cue.pulse) * (0.10 + 0.45 * cue.glow + 0.5 * cue.pulse)
    return (line + halo) * accent


def _panels(
    cue: Cue, seed: int, along: torch.Tensor, around: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Light and hue of the panels between the hoops: some lit, some dark, edged with wire."""
    sectors = 6 + 2 * (seed % 4)
    rib, seam = fold(along, 1.0), fold(around * sectors, 1.0)
    slot = torch.remainder(torch.floor(around * sectors), sectors)
    cell = (torch.floor(along) * 13.0 + slot * 57.0).to(torch.int32) & 1023
    own = numbers(seed, along.device)[cell.flatten()].view_as(along)
    inside = smoothstep(0.09, 0.13, torch.minimum(rib, seam))
    slats = 1.0 - 0.35 * cue.detail * smoothstep(0.1, 0.3, fold(along, 1.0 / 9.0) * 9.0)
    breath = 0.3 + 0.25 * torch.sin(own * 60.0 + cue.pose.clock * 1.3) + 0.25
    lit = smoothstep(0.55, 0.75, own) * slats * (breath + 0.5 * cue.pulse)
    dark = 0.075 * smoothstep(0.55, 0.3, own)
    wire = cue.detail * smoothstep(0.03, 0.01, seam) * (0.1 + 0.25 * smoothstep(0.5, 0.0, rib))
    return (lit - dark) * inside + wire, 0.9 * (own - 0.5) * inside


def kaleidoscope(canvas: Canvas, cue: Cue, seed: int, inks: Inks) -> torch.Tensor:
    """A rose window: mirrored panes of jewelled glass that grow out of the centre for ever."""
    arms = 6 + 2 * (seed % 4)
    start, breath = chance(seed, (0.0, 1.0), (0.0, TURN))
    clock = cue.pose.clock
    turn = TURN * (clock * 0.006 + start) + math.radians(cue.pose.angle)
    wedge = fold(canvas.angle - turn, TURN / arms)
    far = canvas.log_radius
    wedge = wedge + 0.25 * cue.warp * torch.sin(2.2 * far + clock * 0.21 + breath) * wedge
    flat = 0.55 * cue.morph
    out = torch.lerp(far, 1.7 * canvas.radius - 0.6, flat) - cue.pose.travel
    out = out + 0.2 * cue.warp * torch.sin(wedge * arms + clock * 0.17)
    out = out - 0.12 * cue.pulse * torch.exp(-2.0 * (canvas.radius - 0.45) ** 2)
    side = wedge * (1.0 + flat * (canvas.radius - 1.0)) + 0.012 * clock
    side, out = side + 0.6 * cue.pose.x, out - 0.4 * cue.pose.y
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
