"""The third and fourth lessons: noise and a caption to latents, by predicting the velocity."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F

from visualizer.pulse.batches import Batches
from visualizer.pulse.run import Lesson

HUBER = 0.03  # Differences below this count squared, above it plainly.


@dataclass(frozen=True)
class Schedule:
    """How much signal and noise there is at every time.

    Attributes:
        alpha: Signal, float32, shape (times,).
        sigma: Noise, float32, shape (times,).
    """

    alpha: torch.Tensor
    sigma: torch.Tensor

    @classmethod
    def of(cls, scheduler: Any, device: torch.device) -> Schedule:
        """Reads a scheduler of diffusers."""
        kept = scheduler.alphas_cumprod.to(device, torch.float32)
        return cls(kept.sqrt(), (1.0 - kept).sqrt())

    def at(self, times: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Signal and noise, each of shape (batch, 1, 1, 1)."""
        return self.alpha[times].view(-1, 1, 1, 1), self.sigma[times].view(-1, 1, 1, 1)

    def noised(self, clean: torch.Tensor, noise: torch.Tensor, times: torch.Tensor) -> torch.Tensor:
        """Adds noise."""
        alpha, sigma = self.at(times)
        return alpha * clean + sigma * noise

    def clean(
        self, noised: torch.Tensor, velocity: torch.Tensor, times: torch.Tensor
    ) -> torch.Tensor:
        """The clean latents that a velocity points to."""
        alpha, sigma = self.at(times)
        return alpha * noised - sigma * velocity

    def noise(self, noised: torch.Tensor, clean: torch.Tensor, times: torch.Tensor) -> torch.Tensor:
        """The noise that lies over clean latents in noised ones."""
        alpha, sigma = self.at(times)
        return (noised - alpha * clean) / sigma


def seen_behind(
    modules: dict[str, Any],
    schedule: Schedule,
    noised: torch.Tensor,
    times: torch.Tensor,
    tokens: torch.Tensor,
) -> torch.Tensor:
    """The clean latents that a denoiser sees in noisy ones."""
    with torch.autocast(noised.device.type, dtype=torch.bfloat16):
        read = modules["text_encoder"](tokens).last_hidden_state
        velocity: torch.Tensor = modules["unet"](noised, times, read).sample
    return schedule.clean(noised, velocity.float(), times)


def huber(found: torch.Tensor, goal: torch.Tensor) -> torch.Tensor:
    """How far clean latents are apart, cell by cell (pseudo-Huber, as in arXiv 2310.14189)."""
    return ((found - goal).square() + HUBER**2).sqrt() - HUBER


def denoiser_lesson(
    modules: dict[str, Any],
    batches: Batches,
    schedule: Schedule,
    folder: Path,
    *,
    name: str,
    steps: int,
    peak: float,
) -> Lesson:
    """Teaches a UNet and the reader of its prompts.

    Args:
        modules: "unet" and "text_encoder".
        batches: What is seen.
        schedule: Of the noise.
        folder: Where the lesson is kept.
        name: Of the lesson: one for each size of picture.
        steps: How long it lasts.
        peak: Highest learning rate.
    """

    def loss(step: int) -> tuple[torch.Tensor, dict[str, float]]:
        seen = batches.at(step)
        noised = schedule.noised(seen.latents, seen.noise, seen.times)
        alpha, sigma = schedule.at(seen.times)
        with torch.autocast(noised.device.type, dtype=torch.bfloat16):
            read = modules["text_encoder"](seen.tokens).last_hidden_state
            found = modules["unet"](noised, seen.times, read).sample.float()
        error = F.mse_loss(found, alpha * seen.noise - sigma * seen.latents)
        return error, {}

    return Lesson(name, folder, modules, loss, steps, peak)
