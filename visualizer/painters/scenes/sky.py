"""Night skies: the turning galaxy and the northern lights."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F

from visualizer.painters.scenes.canvas import (
    Canvas,
    chance,
    falloff,
    smoothstep,
    spin,
)
from visualizer.painters.scenes.inks import Inks
from visualizer.painters.scenes.starfield import passing_stars, still_stars
from visualizer.painters.scenes.tiles import fbm, sample
from visualizer.score import Cue

TURN = 2.0 * math.pi
CURTAINS = 4


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
    disc = torch.exp(distance * -(1.35 - 0.3 * cue.pulse))
    light = disc * (0.14 + 0.95 * arm * arm) * (0.85 + 0.25 * gas)
    light *= 1.0 - (0.35 + 0.35 * cue.detail) * lane**3 * smoothstep(-0.6, 1.0, dust)
    light += disc * arm * knots * (0.3 + 0.7 * cue.glow + 0.5 * cue.pulse)
    reach = 0.13 + 0.07 * cue.glow + 0.10 * cue.pulse
    core = falloff(distance, reach) + (0.25 + 0.3 * cue.glow) * falloff(distance, 3.2 * reach)
    tone = light * 1.15 + core * (0.95 + 0.3 * cue.pulse)
    stars, crowd = passing_stars(canvas, cue.pose, seed, 300, 9000)
    tone *= 1.0 + (crowd - 0.12) * (0.4 + 1.6 * cue.detail)
    stars = stars * (0.35 + 0.9 * cue.detail)
    tone += stars * (1.0 - 0.6 * tone).clamp_(0.0, 1.0)
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


def aurora(canvas: Canvas, cue: Cue, seed: int, inks: Inks) -> torch.Tensor:
    """Curtains of light over black hills and a still lake."""
    hue, shore = chance(seed, (-0.1, 0.1), (0.36, 0.52))
    shore += 0.25 * math.tanh(cue.pose.y)
    row = min(max(round((shore + 1.0) * 0.5 * canvas.height), canvas.height // 2), canvas.height)
    light, lean = _curtains(canvas, cue, seed)
    light, lean = light[:row], lean[:row]
    y = canvas.y[:row]
    stars = still_stars(canvas, cue.pose, seed, 3000)[:row]
    air = torch.exp((y - shore) * 2.2)
    tone = 0.06 + air * (0.20 + 0.1 * cue.glow) + light
    tone += stars * (0.3 + 0.9 * cue.detail) * (1.0 - light).clamp_(0.0, 1.0)
    for k in range(2):
        height, dark = _ridge(canvas, cue, seed, k), 0.10 - 0.07 * k
        mist = (1 - k) * 0.16 * torch.exp((y - shore) * 9.0)
        rock = smoothstep(-canvas.pixel, canvas.pixel, y - shore + height)
        tone = torch.lerp(tone, dark + mist.expand_as(tone), rock)
    tone = torch.cat([tone, _mirror(canvas, cue, seed, tone, row)])
    return inks.paint(tone, torch.cat([lean, lean.flip(0)[: canvas.height - row]]) + hue)


def _curtains(canvas: Canvas, cue: Cue, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Light and hue of the sky: rays along folded ribbons, sharp below, fading upwards."""
    clock = cue.pose.clock + 3.0 * cue.pose.travel
    light, lean = canvas.blank(), canvas.blank()
    tall = 1.0 + 0.45 * cue.pulse + 0.5 * cue.morph
    for k in range(CURTAINS):
        start, level, size, speed = chance(
            seed * 8 + k, (0.0, 1.0), (-0.4, 0.15), (0.25, 0.5), (0.6, 1.4)
        )
        x = canvas.x[None] * (1.0 + 0.12 * k) + canvas.aspect * cue.pose.x
        at = torch.full_like(x, start + clock * 0.006 * speed)
        bend = sample(fbm(seed, canvas.device, 2.4, 2), x * 0.16 + start, at)
        x = x + (0.08 + 0.3 * cue.warp) * bend[1]
        rays = sample(fbm(seed + 1, canvas.device, 1.6, 2), x * 0.34 + start, at * 2.0)
        fold_light = (1.0 - rays[0].abs()).clamp_min(0.0) ** 2
        streak = fold_light * (0.6 + cue.detail * (0.2 + 0.6 * rays[1])).clamp_min(0.05)
        streak = streak * (0.25 + smoothstep(-1.2, 0.9, bend[1])) * (0.85 - 0.1 * k)
        above = level + 0.12 * k + (0.16 + 0.28 * cue.warp) * bend[0] - canvas.y
        length = tall * size * (1.0 + 0.35 * rays[1].clamp(-1.0, 1.5))
        veil = torch.exp(above.clamp_min(0.0) / -length) * smoothstep(-0.07, 0.04, above)
        veil += 0.7 * veil**4  # The lower border is where the sky burns.
        veil *= streak * (0.95 + 0.6 * cue.glow + 0.7 * cue.pulse)
        light += veil
        lean.addcmul_(veil, 0.9 * above - 0.25)
    return _lensed(canvas, light, lean)


def _lensed(
    canvas: Canvas, light: torch.Tensor, lean: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Draws the rays together towards the zenith."""
    wide = 0.72 + 0.14 * (1.0 - canvas.y)
    u = (canvas.x * (1.0 / canvas.aspect) / (wide + 0.28)).expand(canvas.height, -1)
    grid = torch.stack([u, canvas.y.expand_as(u)], dim=-1)
    both = F.grid_sample(
        torch.stack([light, lean])[None],
        grid[None],
        padding_mode="reflection",
        align_corners=False,
    )[0]
    return both[0], both[1]


def _ridge(canvas: Canvas, cue: Cue, seed: int, k: int) -> torch.Tensor:
    """Height of a range above the shore, shape (1, width): 0 is far, 1 near and wooded."""
    near = 0.08 + 0.10 * k
    x = canvas.x[None] * math.exp(-0.3 * math.tanh(cue.pose.travel)) + 3.0 * cue.pose.x
    line = torch.full_like(x, 0.2 + 0.3 * k)
    shape = sample(fbm(seed + 3, canvas.device, 1.8), near * x + 0.3 * k, line)
    trees = sample(fbm(seed + 4, canvas.device, 0.9), 2.0 * near * x, line)[0]
    height = (0.20 - 0.13 * k) + (0.10 - 0.05 * k) * shape[0] + 0.012 * k * trees.abs()
    return height.clamp_min(0.012)


def _mirror(canvas: Canvas, cue: Cue, seed: int, tone: torch.Tensor, row: int) -> torch.Tensor:
    """The lake: the picture above the shore, upside down, darker, and shaken by ripples."""
    rows = canvas.height - row
    if rows == 0:
        return tone[:0]
    down = (torch.arange(rows, device=tone.device) + 0.5)[:, None] * canvas.pixel
    far = 0.25 / (down + 0.04)
    x = canvas.x * far * 0.4 + cue.pose.x
    ripple = sample(
        fbm(seed + 5, canvas.device, 1.4), x, far + cue.pose.clock * 0.02 + cue.pose.travel
    )[0]
    shake = (0.006 + 0.05 * down) * ripple
    v = 1.0 - (down + shake).clamp_min(0.0) * (2.0 / (row * canvas.pixel))
    u = canvas.x / canvas.aspect + 0.4 * shake
    grid = torch.stack([u, v], dim=-1)[None]
    seen = F.grid_sample(tone[None, None], grid, padding_mode="reflection", align_corners=False)
    return seen[0, 0] * (0.85 - 0.3 * down) + (0.02 + 0.02 * cue.detail) * ripple
