"""A landscape of sound."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F

from visualizer.painters.scenes.canvas import Canvas, chance, falloff
from visualizer.painters.scenes.inks import Inks
from visualizer.painters.scenes.tiles import fbm, sample
from visualizer.score import Cue

LINES = 46


def waves(canvas: Canvas, cue: Cue, seed: int, inks: Inks) -> torch.Tensor:
    """Stacked luminous lines that flow towards the viewer, the nearer hiding the farther."""
    hue, lean_x = chance(seed, (-0.2, 0.2), (-0.3, 0.3))
    height, depth = _profiles(canvas, cue, seed)
    base = -0.50 + 1.85 * depth**1.35 + 0.4 * math.tanh(cue.pose.y)
    curve = base - height * (0.22 + 0.62 * depth)
    edge = torch.flip(torch.cummin(torch.flip(curve, [0]), 0).values, [0])
    front = _front(canvas, edge)
    below = canvas.y - _read(edge, front, -9.0)
    fine = (0.0042 + 0.0072 * depth) * (0.7 + 0.5 * cue.pulse)
    thick = fine.clamp_min(0.7 * canvas.pixel)  # Wider than meant is dimmer than meant.
    steep = torch.gradient(edge, spacing=canvas.pixel, dim=1)[0].clamp(-3.0, 3.0)
    steps = below * _read(1.0 / (thick * torch.sqrt(1.0 + steep**2)), front, 1.0)
    power = (0.25 + 0.75 * depth) * (0.30 + 1.15 * height.clamp(0.0, 1.0))
    power = _read(power * (1.0 + 0.5 * cue.pulse) * (fine / thick) ** 0.4, front, 0.0)
    line = steps * torch.exp(1.0 - steps)  # Dark at the very edge: that is its anti-aliasing.
    veil = torch.exp(below * (-1.0 / (0.05 + 0.09 * cue.glow)))
    tone = power * (1.25 * line + veil * (0.10 + 0.42 * cue.glow))
    shared = (below[1:] / canvas.pixel).clamp_(0.0, 1.0)  # The edge's pixel shows both lines.
    tone[1:] = torch.lerp(tone[:-1], tone[1:], shared)
    tone += _backlight(canvas, cue, lean_x)
    lean = _read(0.55 * height - 0.35 * depth, front, -0.1)
    return inks.paint(tone, lean.add_(hue + lean_x * canvas.x))


def _profiles(canvas: Canvas, cue: Cue, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Height of every line, shape (LINES, width), and its nearness in [0, 1], shape (LINES, 1)."""
    flow = 0.9 * cue.pose.clock + 10.0 * cue.pose.travel
    passed = int(flow // 1.0)
    k = torch.arange(LINES, device=canvas.device)[:, None] + (flow - passed)
    depth = k / LINES
    row = k - flow  # Constant while a line travels: every line keeps its shape.
    x = (canvas.x + 2.0 * canvas.aspect * cue.pose.x) / (0.55 + 0.6 * depth)
    tile = fbm(seed, canvas.device, 1.9, 2)
    t = 0.013 * cue.pose.clock
    u, v = 0.16 * x + 0.5, 0.021 * row + 0.3
    bend = sample(tile, 0.6 * u + t, v - t)[1]
    hills = sample(tile, u + 0.12 * cue.warp * bend, v + t)[0]
    fine = sample(tile, 4.3 * u, 2.0 * v + 3.0 * t)[1]
    ridged = (1.0 - 1.1 * hills.abs()).clamp_min_(0.0) ** 2
    swell = 0.45 + 0.45 * torch.sin(2.6 * x + 0.35 * row + 1.5 * bend + 0.6 * cue.pose.clock)
    form = torch.lerp(0.25 * hills.clamp_min(0.0) + ridged, swell, cue.morph)
    form = form + (0.02 + 0.10 * cue.detail) * fine * (0.3 + form)
    centred = torch.exp(-((canvas.x / (0.52 * canvas.aspect)) ** 2))
    reach = torch.lerp(centred, torch.ones_like(centred), 0.12 + 0.55 * cue.morph)
    return form * reach * (0.58 + 0.36 * cue.pulse), depth


def _front(canvas: Canvas, edge: torch.Tensor) -> torch.Tensor:
    """Index of the nearest line whose body covers each pixel, 0 above them all, 1 the farthest.

    The edges of the bodies rise with the index, so their number above a pixel is the index.
    """
    rows = ((edge + 1.0) / canvas.pixel - 0.5).ceil().clamp_(0, canvas.height).long()
    count = torch.zeros(canvas.height + 1, canvas.width, dtype=torch.int32, device=edge.device)
    count.scatter_add_(0, rows, torch.ones_like(rows, dtype=torch.int32))
    return count[:-1].cumsum(0)


def _read(lines: torch.Tensor, front: torch.Tensor, above: float) -> torch.Tensor:
    """Each pixel's value of its own line; `above` where there is none."""
    lines = lines.expand(LINES, front.shape[1])
    return torch.gather(F.pad(lines, (0, 0, 1, 0), value=above), 0, front)


def _backlight(canvas: Canvas, cue: Cue, lean_x: float) -> torch.Tensor:
    """A far glow behind the lines."""
    coarse = canvas.coarse
    distance = torch.hypot(0.55 * (coarse.x - lean_x), coarse.y + 0.45)
    return canvas.enlarge(falloff(distance, 0.5) * (0.10 + 0.22 * cue.glow + 0.20 * cue.pulse))
