"""Pictures that do not depend on each other, painted several at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

import torch

from visualizer.painters.diffusion.model import Condition, FrameModel
from visualizer.score import Cue


@dataclass(frozen=True)
class Request:
    """One picture to be painted.

    Attributes:
        cue: What it is painted for.
        latents: What it is painted over: shape (1, channels, height, width).
        noise: Same shape.
        strength: In (0, 1].
        condition: Of batch 1.
    """

    cue: Cue
    latents: torch.Tensor
    noise: torch.Tensor
    strength: float
    condition: Condition


@dataclass(frozen=True)
class Painted:
    """A request and its picture, float32, shape (3, height, width), in [0, 1]."""

    request: Request
    picture: torch.Tensor


def paint(model: FrameModel, requests: Iterable[Request], steps: int) -> Iterator[Painted]:
    """Paints requests in order, as many at a time as keep the device busy."""
    waiting = iter(requests)
    size = 8 if model.device.type == "cuda" else 2
    while group := list(islice(waiting, size)):
        latents = model.denoise(
            torch.cat([r.latents for r in group]),
            torch.cat([r.noise for r in group]),
            torch.tensor([r.strength for r in group]),
            _together([r.condition for r in group]),
            steps,
        )
        pictures = model.decode(latents)
        yield from map(Painted, group, pictures)


def _together(conditions: list[Condition]) -> Condition:
    pooled = [c.pooled for c in conditions if c.pooled is not None]
    return Condition(
        torch.cat([c.tokens for c in conditions], dim=1),
        torch.cat(pooled, dim=1) if pooled else None,
    )
