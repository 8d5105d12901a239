"""The fifth lesson: the whole way from noise to picture in one or two steps.

Consistency tuning: what the student sees in a noisy picture must be what its own running mean
sees after the teacher has taken a little of the noise away. The teacher is the finished denoiser,
guided by the caption, so that the student needs no guidance of its own (latent consistency models,
arXiv 2310.04378; easy consistency tuning, arXiv 2406.14548). Soon a critic, who looks through the
teacher's eyes, asks for the sharpness that an average of guesses lacks (latent adversarial
distillation, arXiv 2403.12015).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from visualizer.pulse.batches import Batches
from visualizer.pulse.critic import LISTENS, SPEAKS, felt, judged, unmoved
from visualizer.pulse.denoiser import Schedule, huber, seen_behind
from visualizer.pulse.run import Lesson

STRIDE = 80  # Steps of the noise schedule between what the student and its mean see.
PUSH = 2.0  # How hard a critic that is sure may push, beside that error.
GUESSED = 300  # Steps of the noise schedule from which on there is something for a critic to see.
GLANCES = (10, 500)  # Steps of the noise schedule at which the critic looks.
SWIFT = 4.0  # How many times as fast as the denoiser the critic learns, to be sure of something.


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
    critic = Critic(teacher["unet"]).to(teacher["unet"].device)

    def loss(step: int) -> tuple[torch.Tensor, dict[str, float]]:
        seen = batches.at(step)
        later = seen.times.clamp(min=STRIDE)
        earlier = later - STRIDE
        noised = schedule.noised(seen.latents, seen.noise, later)
        with torch.no_grad():
            tokens = torch.cat([empty.expand(len(noised), -1), seen.tokens])
            twice = noised.repeat(2, 1, 1, 1), later.repeat(2)
            without, told = seen_behind(teacher, schedule, *twice, tokens).chunk(2)
            clean = led(told, without, guidance)
            nearer = schedule.noised(clean, schedule.noise(noised, clean, later), earlier)
            with lesson.averaged():
                goal = seen_behind(modules, schedule, nearer, earlier, seen.tokens)
            goal = torch.where((earlier == 0).view(-1, 1, 1, 1), clean, goal)
        found = seen_behind(modules, schedule, noised, later, seen.tokens)
        error = huber(found, goal).mean()
        learned = pushed = torch.zeros((), device=found.device)
        if step >= LISTENS * steps:
            guessed = later >= later.max().clamp(max=GUESSED)
            look = _Glance(teacher, schedule, seen.tokens[guessed], step)
            with torch.no_grad():
                true = look(seen.latents[guessed])
            false = look(found[guessed])
            learned = judged(critic(true), critic([f.detach() for f in false]))
            if step >= SPEAKS * steps:
                pushed = PUSH * felt(critic(true).detach(), unmoved(critic, false), found, error)
        return error + learned + pushed, {"apart": error.item(), "critic": learned.item()}

    learners = {**modules, "critic": critic}
    lesson = Lesson("distil", folder, learners, loss, steps, peak, swift={"critic": SWIFT})
    return lesson


class Critic(nn.Module):
    """Says at every place of every stage of a denoiser whether a drawing is seen there."""

    def __init__(self, unet: Any) -> None:
        super().__init__()
        widths = unet.config.block_out_channels
        self.heads = nn.ModuleList(
            nn.Sequential(
                nn.GroupNorm(8, width), nn.Conv2d(width, 64, 1), nn.SiLU(), nn.Conv2d(64, 1, 3)
            )
            for width in widths
        )

    def forward(self, seen: Sequence[torch.Tensor]) -> torch.Tensor:
        """Answers of shape (batch, places), from what each stage saw."""
        return torch.cat([h(s).flatten(1) for h, s in zip(self.heads, seen, strict=True)], dim=1)


class _Glance:
    """What the teacher's descending half sees of latents, with a little noise over them."""

    def __init__(
        self, teacher: dict[str, Any], schedule: Schedule, tokens: torch.Tensor, step: int
    ) -> None:
        self._unet, self._schedule = teacher["unet"], schedule
        self._step = step
        times = torch.randint(*GLANCES, (len(tokens),), generator=self._generator())
        self._times = times.to(tokens.device)
        with torch.no_grad():
            self._read = teacher["text_encoder"](tokens).last_hidden_state

    def __call__(self, latents: torch.Tensor) -> list[torch.Tensor]:
        """One tensor of shape (batch, channels, rows, columns) for each stage."""
        unet, read = self._unet, self._read
        noise = torch.randn(latents.shape, generator=self._generator()).to(latents.device)
        noised = self._schedule.noised(latents, noise, self._times)
        seen = []
        with torch.autocast(latents.device.type, dtype=torch.bfloat16):
            time = unet.time_embedding(unet.time_proj(self._times))
            time = time + unet.add_embedding(read)
            stage = unet.conv_in(noised)
            for block in unet.down_blocks:
                words = (
                    {"encoder_hidden_states": read} if hasattr(block, "has_cross_attention") else {}
                )
                stage, _ = block(stage, time, **words)
                seen.append(stage)
        # The backward of GroupNorm crashes on channels-last input that needs no gradient.
        return [stage.float().contiguous() for stage in seen]

    def _generator(self) -> torch.Generator:
        return torch.Generator().manual_seed(self._step)


def led(told: torch.Tensor, without: torch.Tensor, guidance: float) -> torch.Tensor:
    """What a caption makes of a picture, made more of.

    Only what is at right angles to the picture leads; along it lies mere contrast, and colours grow
    too strong (adaptive projected guidance, arXiv 2410.02416).

    Args:
        told: Clean latents that a denoiser sees with the caption.
        without: What it sees without.
        guidance: How much is made of it; 1 is nothing.
    """
    along = F.normalize(told.flatten(1), dim=1).view_as(told)
    lead = told - without
    lead = lead - (lead * along).sum((1, 2, 3), keepdim=True) * along
    return told + (guidance - 1.0) * lead
