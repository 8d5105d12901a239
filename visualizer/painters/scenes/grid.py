"""A neon floor below a banded sun."""

from __future__ import annotations

import math

import torch

from visualizer.painters.scenes.canvas import Canvas, chance, falloff
from visualizer.painters.scenes.inks import Inks
from visualizer.painters.scenes.strokes import rules
from visualizer.painters.scenes.tiles import fbm, sample, star_tile
from visualizer.score import Cue


def grid(canvas: Canvas, cue: Cue, seed: int, inks: Inks) -> torch.Tensor:
    """A ruled floor that runs towards a banded sun between dark hills."""
    sun_x, hue = chance(seed, (-0.25, 0.25), (-0.15, 0.15))
    sun_x = (sun_x - 0.3 * math.tanh(cue.pose.x)) * canvas.aspect
    horizon = 0.14 + 0.4 * math.tanh(cue.pose.y)
    first = min(canvas.height - 1, max(1, math.ceil((horizon + 1.0) / canvas.pixel - 0.5)))
    tone, lean = canvas.blank(), canvas.blank()
    tone[:first], lean[:first] = _evening(canvas, cue, seed, sun_x, horizon, first)
    tone[first:], lean[first:] = _floor(canvas, cue, seed, sun_x, horizon, first)
    _hills(canvas, cue, seed, sun_x, horizon, tone, lean)
    band = torch.exp((canvas.y - horizon).abs() / -(0.012 + 0.03 * cue.glow))
    tone += band * (0.25 + 0.35 * cue.glow + 0.3 * cue.pulse)
    return inks.paint(tone, lean + hue)


def _evening(
    canvas: Canvas, cue: Cue, seed: int, sun_x: float, horizon: float, last: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Sky and sun, down to the picture's row `last`."""
    size = 0.50 + 0.05 * cue.pulse
    sun_y = horizon - 0.34 + 0.30 * cue.morph
    x, y = canvas.x - sun_x, canvas.y[:last] - sun_y
    distance = torch.sqrt(x * x + y * y)
    place = y / size
    disc = ((size - distance) / canvas.pixel + 0.5).clamp_(0.0, 1.0)
    gap = 0.10 + 0.30 * (place + 0.2).clamp(0.0, 1.2)
    stripe = torch.remainder(4.6 * place - 0.12 * cue.pose.clock, 1.0) - 0.5
    edge = 4.6 * canvas.pixel / size
    bands = ((stripe.abs() - 0.5 * gap) / edge + 0.5).clamp_(0.0, 1.0)
    bands = torch.where(place > -0.25, bands, torch.ones_like(bands))
    high = torch.exp((canvas.y[:last] - horizon) / 0.42)
    halo = falloff((distance - size).clamp_min_(0.0), 0.24 + 0.22 * cue.glow + 0.1 * cue.pulse)
    tone = 0.07 + 0.30 * high + halo * (0.16 + 0.26 * cue.glow + 0.2 * cue.pulse)
    stars = star_tile(seed, canvas.device, max(64, round(canvas.height * 0.9)), 500)
    drift = 0.15 * cue.pose.x + 0.002 * cue.pose.clock
    sky = sample(stars, canvas.x * 0.55 + drift, canvas.y[:last] * 0.55)[0]
    tone += sky * (1.0 - high).clamp_min_(0.0) * (0.3 + 1.2 * cue.detail)
    body = 0.96 - 0.24 * place + 0.15 * cue.glow
    tone = torch.lerp(tone, body, disc * bands)
    return tone, (0.30 * high - 0.25) * (1.0 - disc * bands)


def _floor(
    canvas: Canvas, cue: Cue, seed: int, sun_x: float, horizon: float, first: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """The ruled plain from the picture's row `first` on."""
    below = (canvas.y[first:] - horizon).clamp_min(0.5 * canvas.pixel)
    far = 0.42 / below
    ahead = 1.7 * far
    forward = 1.1 * cue.pose.clock + 4.0 * cue.pose.travel
    curve = 3.0 * cue.warp**2 * torch.sin(0.16 * (ahead + 0.6 * forward)) * ahead * 0.35
    across = 2.6 * far * (canvas.x + 2.0 * canvas.aspect * cue.pose.x) + curve
    across = across - 2.6 * far * 0.35 * sun_x
    step_x, step_z = 2.6 * far * canvas.pixel, ahead / below * canvas.pixel
    half = 0.022 + 0.014 * cue.pulse
    depth = ahead + forward
    lines = 1.0 - (1.0 - rules(across, 1.0, half, step_x)) * (1.0 - rules(depth, 1.0, half, step_z))
    wide = 0.06 + 0.10 * cue.glow
    haze = 1.0 - (1.0 - rules(across, 1.0, wide, step_x)) * (1.0 - rules(depth, 1.0, wide, step_z))
    fine = rules(across, 0.25, 0.010, step_x) + rules(depth, 0.25, 0.010, step_z)
    near = 0.45 + 0.75 * torch.exp(-0.35 * far)
    power = (0.62 + 0.30 * cue.glow + 0.45 * cue.pulse) * (1.0 - 0.55 * cue.morph)
    tone = near * (lines * power + haze * (0.10 + 0.30 * cue.glow) + fine * 0.16 * cue.detail)
    wet = sample(fbm(seed, canvas.device, 1.5), 0.05 * across, 0.35 * ahead + 0.05 * depth)[0]
    spread = 0.34 + 0.35 * below
    beam = torch.exp(-(((canvas.x - sun_x) / spread) ** 2)) * torch.exp(-1.3 * below)
    mirror = beam * (0.55 + 0.28 * wet).clamp_min_(0.0) * (0.35 + 0.5 * cue.morph + 0.2 * cue.glow)
    haze_far = torch.exp(-6.0 * below)
    tone = tone * (1.0 - 0.8 * haze_far) + mirror + 0.30 * haze_far + 0.03
    return tone, 0.30 * mirror - 0.12 + 0.22 * haze_far - 0.10 * below


def _hills(
    canvas: Canvas,
    cue: Cue,
    seed: int,
    sun_x: float,
    horizon: float,
    tone: torch.Tensor,
    lean: torch.Tensor,
) -> None:
    """Dark hills with a lit crest that leave a gap for the sun."""
    for k, (size, pace) in enumerate(((0.26, 0.25), (0.36, 0.4))):
        side = ((canvas.x - 0.6 * sun_x).abs() / canvas.aspect - 0.22 - 0.16 * k).clamp(0.0, 1.0)
        u = 0.10 * (canvas.x + 2.0 * canvas.aspect * pace * cue.pose.x) + 0.37 * k
        row = u.new_full((1, 1), 0.21 + 0.31 * k)
        rough = sample(fbm(seed + k, canvas.device, 1.35), u[None], row)[0, 0]
        top = horizon - size * side.sqrt() * (0.75 + 0.36 * rough).clamp_min(0.05)
        start = max(0, int((float(top.min()) + 1.0) / canvas.pixel) - 1)
        last = min(canvas.height, int((horizon + 1.0) / canvas.pixel) + 1)
        if start >= last:
            continue
        below = canvas.y[start:last] - top
        cover = (below / canvas.pixel + 0.5).clamp_(0.0, 1.0) * (side > 0.0)
        crest = torch.exp(-((below / (0.004 + 0.8 * canvas.pixel)) ** 2))
        veil = torch.exp(below.clamp(min=0.0) / -0.09)
        body = 0.045 + (0.08 + 0.16 * cue.glow) * veil
        body = body + crest * (0.5 + 0.4 * cue.glow + 0.3 * cue.pulse)
        tone[start:last].lerp_(body, cover)
        lean[start:last].lerp_(0.10 * veil - 0.1, cover)
