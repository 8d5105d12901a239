"""Concentric rings."""

from __future__ import annotations

import math

import numpy as np
import torch

from visualizer.painters.scenes.canvas import Canvas, chance, falloff, smoothstep, spin
from visualizer.painters.scenes.inks import Inks
from visualizer.painters.scenes.strokes import rules
from visualizer.painters.scenes.tiles import fbm, sample
from visualizer.score import Cue

RINGS = 64  # Rings in the table; they repeat after that.


def rings(canvas: Canvas, cue: Cue, seed: int, inks: Inks) -> torch.Tensor:
    """Broken rings round an eclipse, crossed by the ripples of a second source."""
    hue, side, sweep = chance(seed, (-0.2, 0.2), (0.0, 6.28), (0.0, 6.28))
    disc, dense = chance(seed + 1, (0.16, 0.33), (5.5, 9.5))
    x = canvas.x + 0.4 * canvas.aspect * math.tanh(cue.pose.x)
    y = canvas.y - 0.4 * math.tanh(cue.pose.y)
    x, y = spin(x, y, cue.pose.angle)
    y = y * (1.0 + 1.3 * cue.morph)
    radius = torch.sqrt(x * x + y * y)
    angle = torch.atan2(y, x)
    ripple = _ripples(canvas, cue, side)
    size = disc + 0.05 * cue.pulse
    grown = torch.log((radius / size).clamp_min(0.05)) + 0.06 * cue.warp**2 * ripple
    count = dense * (grown - cue.pose.travel) - 0.35 * cue.pose.clock
    arcs = _arcs(canvas, cue, seed, count, angle)
    width = dense * canvas.pixel / radius.clamp_min(0.1)  # One pixel, in rings.
    line = rules(count, 1.0, 0.05 + 0.03 * cue.pulse, width)
    groove = rules(count, 0.2, 0.012, width) * 0.75 * cue.detail
    beam = torch.remainder(angle - 0.5 * cue.pose.clock - sweep, 2.0 * math.pi)
    behind = 2.0 * math.pi - beam
    beam = torch.exp(-1.1 * behind) * smoothstep(0.0, 0.7, behind)
    outside = ((radius - size) * (1.0 / canvas.pixel) + 0.5).clamp_(0.0, 1.0)
    fade = falloff(radius - size, 0.95)
    tone = line * arcs[0] * (0.75 + 0.85 * fade) + groove * (0.25 + fade) * (0.5 + 0.5 * ripple)
    tone = tone + (0.16 * beam + 0.05) * (0.3 + fade) + 0.10 * fade * ripple
    corona = _corona(canvas, cue, seed, radius - size, angle)
    tone = (tone + corona) * outside + 0.02
    return inks.paint(tone, arcs[1] + hue + 0.3 * (fade - 0.5))


def _ripples(canvas: Canvas, cue: Cue, side: float) -> torch.Tensor:
    """Two sources of waves, in [-1, 1]: where they meet they reinforce or cancel."""
    coarse = canvas.coarse
    t = 1.2 * cue.pose.clock
    total = coarse.blank()
    for turn, sign in ((0.0, 1.0), (math.pi, -1.0)):
        x = coarse.x - 0.75 * coarse.aspect * math.cos(side + turn)
        y = coarse.y - 0.75 * math.sin(side + turn)
        distance = torch.sqrt(x * x + y * y)
        total += torch.sin(13.0 * distance - sign * t) * falloff(distance, 1.6)
    return canvas.enlarge(0.5 * total)


def _arcs(
    canvas: Canvas, cue: Cue, seed: int, count: torch.Tensor, angle: torch.Tensor
) -> torch.Tensor:
    """Brightness and lean of the rings along their round, each turning at its own pace."""
    rng = np.random.default_rng(seed)
    parts = rng.integers(1, 5, RINGS)[:, None]
    phase, pace = rng.uniform(0, 2 * np.pi, (RINGS, 1)), rng.uniform(-0.5, 0.5, (RINGS, 1))
    power = rng.beta(0.7, 0.7, (RINGS, 1))
    round_ = np.linspace(0, 2 * np.pi, 257)[None]
    wave = 0.5 + 0.5 * np.cos(parts * round_ + phase + pace * parts * cue.pose.clock)
    power = power ** (1.9 - 1.5 * cue.detail)  # The faint ones are the detail.
    bright = power * (0.12 + 1.1 / (1.0 + np.exp(-14.0 * (wave - 0.55))))
    lean = np.broadcast_to(rng.uniform(-0.4, 0.4, (RINGS, 1)), wave.shape)
    table = np.stack([bright, lean])
    table = np.concatenate([table, table[:, :1]], axis=1).astype(np.float32)
    tiles = torch.from_numpy(table).to(canvas.device)
    return sample(tiles, angle * (0.5 / math.pi), count * (1.0 / RINGS))


def _corona(
    canvas: Canvas, cue: Cue, seed: int, height: torch.Tensor, angle: torch.Tensor
) -> torch.Tensor:
    """Light that streams from behind the disc."""
    near = height.clamp_min(0.0)
    tile = fbm(seed, canvas.device, 1.6)
    stream = sample(tile, angle * (0.5 / math.pi), 0.08 * near - 0.01 * cue.pose.clock)[0]
    reach = 0.05 + 0.07 * cue.glow + 0.06 * cue.pulse
    rays = falloff(near * (1.0 / (1.0 + 0.28 * stream)).clamp(0.3, 3.0), 2.2 * reach)
    return falloff(near, 0.4 * reach) * 1.1 + rays * (0.35 + 0.5 * cue.glow + 0.35 * cue.pulse)
