"""The third lesson: the whole way from noise to picture in one or two steps.

Consistency tuning: what the student sees in a noisy picture must be what its own running mean
sees after the teacher has taken a little of the noise away. The teacher is the finished denoiser,
guided by the caption, so that the student needs no guidance of its own (latent consistency models,
arXiv 2310.04378; easy consistency tuning, arXiv 2406.14548).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from visualizer.pulse.denoiser import Batch, Batches, Schedule
from visualizer.pulse.run import Lesson

STRIDE = 40  # Steps of the noise schedule between what the student and its mean see.
HUBER = 0.03  # Differences below this count squared, above it plainly.


def distil_lesson(
    modules: dict[str, Any],
    teacher: dict[str, Any],
    batches: Batches,
    schedule: Schedule,
    folder: Path,
    *,
    guidance: float,
    steps: int,
    peak: float,
) -> Lesson:
    """Teaches the denoiser to name the clean picture from any level of noise.

    Args:
        modules: "unet" and "text_encoder", beginning as the teacher's.
        teacher: The same two, which no longer learn.
        batches: What is seen.
        schedule: Of the noise.
        folder: Where the lesson is kept.
        guidance: How literally the teacher takes captions; 1 is as it was taught.
        steps: How long it lasts.
        peak: Highest learning rate.
    """
    empty = batches.read([""])

    def loss(step: int) -> tuple[torch.Tensor, dict[str, float]]:
        seen = batches.at(step)
        later = seen.times.clamp(min=STRIDE)
        earlier = later - STRIDE
        noised = schedule.noised(seen.latents, seen.noise, later)
        with torch.no_grad():
            velocity = _guided(teacher, noised, later, seen, empty, guidance)
            clean = schedule.clean(noised, velocity, later)
            noise = schedule.noise(noised, velocity, later)
            nearer = schedule.noised(clean, noise, earlier)
            with lesson.averaged():
                goal = _seen(modules, schedule, nearer, earlier, seen.tokens)
            goal = torch.where((earlier == 0).view(-1, 1, 1, 1), clean, goal)
        found = _seen(modules, schedule, noised, later, seen.tokens)
        apart = ((found - goal).square() + HUBER**2).sqrt() - HUBER
        return apart.mean(), {}

    lesson = Lesson("distil", folder, modules, loss, steps, peak)
    return lesson


def _seen(
    modules: dict[str, Any],
    schedule: Schedule,
    noised: torch.Tensor,
    times: torch.Tensor,
    tokens: torch.Tensor,
) -> torch.Tensor:
    """The clean latents that a denoiser sees in noisy ones."""
    return schedule.clean(noised, _velocity(modules, noised, times, tokens), times)


def _guided(
    teacher: dict[str, Any],
    noised: torch.Tensor,
    times: torch.Tensor,
    seen: Batch,
    empty: torch.Tensor,
    guidance: float,
) -> torch.Tensor:
    """The teacher's velocity, led away from what it would paint without a caption."""
    tokens = torch.cat([empty.expand(len(noised), -1), seen.tokens])
    both = _velocity(teacher, noised.repeat(2, 1, 1, 1), times.repeat(2), tokens)
    without, with_caption = both.chunk(2)
    return without + guidance * (with_caption - without)


def _velocity(
    modules: dict[str, Any], noised: torch.Tensor, times: torch.Tensor, tokens: torch.Tensor
) -> torch.Tensor:
    with torch.autocast(noised.device.type, dtype=torch.bfloat16):
        read = modules["text_encoder"](tokens).last_hidden_state
        found: torch.Tensor = modules["unet"](noised, times, read).sample
    return found.float()
