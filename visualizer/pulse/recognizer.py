"""The sixth lesson: to see in latents what was drawn, so that the last two can ask for it.

A critic says whether something was drawn or painted, not whether it is what was asked for; that
takes one who has learned to tell the family, the colours and the mood of a drawing (auxiliary
classifier, arXiv 1610.09585). It looks at latents of half the size and through noise, so that it
must go by what can be seen, not by traces that only it would find.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from visualizer.pulse.batches import Batch, Batches
from visualizer.pulse.run import Lesson
from visualizer.pulse.traits import ANSWERS, Traits, Unlike, unlike

WIDTHS, STRIDES = (64, 96, 128, 160), (1, 2, 2, 2)  # Of its stages.
VEIL = 0.2  # Standard deviation of the noise through which it looks at what was painted.
BLUR = 0.5  # Standard deviation of the noise that it looks through at most.


class Recognizer(nn.Module):
    """Answers, shape (batch, `ANSWERS`), to latents of any size."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        # Normalised by the batch, not by the picture, whose own light and colours matter.
        layers: list[nn.Module] = []
        for before, after, stride in zip((channels, *WIDTHS), WIDTHS, STRIDES, strict=False):
            layers += [nn.Conv2d(before, after, 3, stride, 1), nn.BatchNorm2d(after), nn.ReLU()]
        self.body = nn.Sequential(*layers)
        self.answer = nn.Linear(5 * WIDTHS[-1], ANSWERS)

    def forward(self, latents: torch.Tensor) -> torch.Tensor:
        """Looks at the whole and at its quarters."""
        found = self.body(F.avg_pool2d(latents, 2))
        quarters = F.adaptive_avg_pool2d(found, 2).flatten(1)
        answers: torch.Tensor = self.answer(torch.cat([found.amax((2, 3)), quarters], dim=1))
        return answers


def missed(recognizer: Recognizer, found: torch.Tensor, seen: Batch) -> Unlike:
    """How far what was painted is from what its caption asks for, where it asks for something.

    Args:
        recognizer: Has learned and does so no longer.
        found: Latents, as painted.
        seen: The batch they were painted for.
    """
    asked = Traits.of(seen.drawings).to(found.device).chosen(seen.told)
    veiled = found + VEIL * seen.noise.roll(3, dims=1)
    return unlike(recognizer(veiled[seen.told]), asked)


def recognizer_lesson(
    recognizer: Recognizer, batches: Batches, folder: Path, *, steps: int, peak: float
) -> Lesson:
    """Teaches a recognizer.

    Args:
        recognizer: What learns.
        batches: What is seen; their noise and captions are not used.
        folder: Where the lesson is kept.
        steps: How long it lasts.
        peak: Highest learning rate.
    """

    def loss(step: int) -> tuple[torch.Tensor, dict[str, float]]:
        seen = batches.at(step)
        amount = np.random.default_rng([step, 6]).uniform(0.0, BLUR, (len(seen.latents), 1, 1, 1))
        veil = torch.from_numpy(amount.astype(np.float32)).to(batches.device) * seen.noise
        asked = Traits.of(seen.drawings).to(batches.device)
        missed = unlike(recognizer(seen.latents + veil), asked)
        return missed.total, {"family": missed.family.item(), "look": missed.look.item()}

    return Lesson("recognizer", folder, {"recognizer": recognizer}, loss, steps, peak)
