"""The seventh lesson: the colours that were asked for, in the two passes from nothing but noise.

The lesson on few passes follows a teacher whose colours are often those of a neighbouring palette,
and with nothing but noise to start from there is no drawing to correct it by, cell by cell. But
whatever a picture shows where, its colours must be those of drawings of the same words: the
values that its parts have, in whatever order, are compared with a drawing's (sliced Wasserstein
distance, arXiv 2006.07229), and a recognizer says whether they are what was asked for. Layouts
stay as the denoiser had learned them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from visualizer.pulse.batches import Batch, Batches
from visualizer.pulse.denoiser import Schedule, huber, seen_behind
from visualizer.pulse.recognizer import Recognizer, missed
from visualizer.pulse.run import Lesson

SECOND = (333, 499, 499, 666)  # Steps of the noise schedule at which a picture is repainted.
FIRST_PASS, SECOND_PASS = 0.375, 0.25  # Of a batch start from nothing but noise.
SMALL = 2  # Cells along the edge of the smallest part whose colour counts.
LAYOUT = 4  # Cells along the edge of what must stay where nothing of a drawing was left.
ASKED = 0.25  # Weight of showing what was asked for.
KEPT = 0.1  # Weight of the layout.
FINER = 0.3  # And within it of each cell.
SLICES = 24  # Directions in which the values of cells are compared in a step.


@dataclass(frozen=True)
class Start:
    """What is painted from.

    Attributes:
        noised: Latents under noise.
        times: How much, in steps of the noise schedule.
        trust: How much of each drawing is left, shape (batch, 1, 1, 1), in [0, 1].
    """

    noised: torch.Tensor
    times: torch.Tensor
    trust: torch.Tensor


def colors_lesson(
    modules: dict[str, Any],
    begun: dict[str, Any],
    recognizer: Recognizer,
    batches: Batches,
    schedule: Schedule,
    folder: Path,
    *,
    steps: int,
    peak: float,
) -> Lesson:
    """Teaches a denoiser and the reader of its prompts.

    Args:
        modules: "unet" and "text_encoder".
        begun: The same as they are at the beginning; they do not learn.
        recognizer: Has learned and does so no longer.
        batches: What is seen.
        schedule: Of the noise.
        folder: Where the lesson is kept.
        steps: How long it lasts.
        peak: Highest learning rate.
    """

    def loss(step: int) -> tuple[torch.Tensor, dict[str, float]]:
        rng, seen = np.random.default_rng([step, 7]), batches.at(step)
        start = painted_from(modules, schedule, seen, rng, FIRST_PASS, SECOND_PASS)
        found = seen_behind(modules, schedule, start.noised, start.times, seen.tokens)
        with torch.no_grad():
            goal = seen_behind(begun, schedule, start.noised, start.times, seen.tokens)
        told = seen.told.float().view(-1, 1, 1, 1)
        hues = miscolored(found, seen.latents, rng)
        moved = told * KEPT * rearranged(found, goal) + (1.0 - told) * displaced(found, goal)
        kept = start.trust * each(huber(found, seen.latents))
        free = 1.0 - start.trust
        wrong = missed(recognizer, found, seen)
        error = kept + free * (told * hues + moved)
        return error.mean() + ASKED * wrong.total, {
            "kept": kept.mean().item(),
            "colors": (free * told * hues).mean().item(),
            "moved": (free * moved).mean().item(),
            "look": wrong.look.item(),
        }

    return Lesson("colors", folder, modules, loss, steps, peak, warmup=50)


def painted_from(
    modules: dict[str, Any],
    schedule: Schedule,
    seen: Batch,
    rng: np.random.Generator,
    first: float,
    second: float,
) -> Start:
    """Drawings under noise, and for some of them what a film's passes start from.

    Args:
        modules: "unet" and "text_encoder".
        schedule: Of the noise.
        seen: The drawings.
        rng: Chooses among them.
        first: Share that starts from noise alone.
        second: Share that starts from what a first pass made of noise alone.
    """
    count = len(seen.latents)
    order = torch.from_numpy(rng.permutation(count))
    alone, more = order.tensor_split([round(first * count)])
    again = more[: round(second * count)]
    latents, noise, times = seen.latents.clone(), seen.noise.clone(), seen.times.clone()
    last = len(schedule.alpha) - 1
    times[alone] = last
    if len(again):
        most = torch.full_like(times[again], last)
        with torch.no_grad():
            latents[again] = seen_behind(modules, schedule, noise[again], most, seen.tokens[again])
        noise[again] = noise[again].roll(1, dims=1)  # As the program's second pass takes its noise.
        times[again] = torch.from_numpy(rng.choice(SECOND, len(again))).to(times)
    trust = schedule.at(times)[0].square()
    trust[again] = 0.0
    return Start(schedule.noised(latents, noise, times), times, trust)


def miscolored(found: torch.Tensor, drawn: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """How far the colours of each picture are from a drawing's, in the small and in the large.

    Never cell by cell: noise that is handed through has the values of fine texture, and came out as
    grain all over the picture.
    """
    small, large = (
        apart(F.avg_pool2d(found, cells), F.avg_pool2d(drawn, cells), rng)
        for cells in (SMALL, LAYOUT)
    )
    return small + large


def apart(found: torch.Tensor, drawn: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """How far the values of each picture's cells are from another's, wherever they lie.

    Args:
        found: Latents.
        drawn: Others of the same shape.
        rng: Chooses the directions in which they are compared.

    Returns:
        Shape (batch, 1, 1, 1).
    """
    ways = torch.from_numpy(rng.standard_normal((SLICES, found.shape[1]), dtype=np.float32))
    ways = F.normalize(ways, dim=1).to(found.device)
    one, other = (
        torch.einsum("sc,bchw->bshw", ways, latents).flatten(2).sort(dim=2).values[..., None]
        for latents in (found, drawn)
    )
    return each(huber(one, other))


def displaced(found: torch.Tensor, goal: torch.Tensor) -> torch.Tensor:
    """How far each picture's layout has moved, shape (batch, 1, 1, 1)."""
    return each(huber(F.avg_pool2d(found, LAYOUT), F.avg_pool2d(goal, LAYOUT)))


def rearranged(found: torch.Tensor, goal: torch.Tensor) -> torch.Tensor:
    """The same for layouts that may take on other colours, and a little for each cell."""
    found, goal = _colorless(found), _colorless(goal)
    return displaced(found, goal) + FINER * each(huber(found, goal))


def each(errors: torch.Tensor) -> torch.Tensor:
    """The mean of each picture of a batch, shape (batch, 1, 1, 1)."""
    return errors.mean((1, 2, 3), keepdim=True)


def _colorless(latents: torch.Tensor) -> torch.Tensor:
    """With each channel of each picture at mean 0 and standard deviation 1."""
    deviation, mean = torch.std_mean(latents, (2, 3), keepdim=True)
    return (latents - mean) / (deviation + 1e-3)
