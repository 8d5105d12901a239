"""How painted frames change from one to the next: as the drawings do, and not of themselves.

A model that paints each frame as if there were no other boils: what has moved by half a pixel gets
other strokes. So a drawing and the one a moment later are painted under the same noise, and what
differs between the two must be what differs between the drawings.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from visualizer.pulse.batches import Batch
from visualizer.pulse.denoiser import Schedule, seen_behind
from visualizer.pulse.windows import Window

MOST = 0.6  # Of the noise schedule: with more, hardly anything is left of a film to be steady on.


def boiling(
    modules: dict[str, Any], schedule: Schedule, seen: Batch, rng: np.random.Generator
) -> torch.Tensor:
    """Mean difference between how painted pixels change and how they should, in [0, 1].

    Args:
        modules: "unet", "text_encoder" and "vae".
        schedule: Of the noise.
        seen: Drawings, of a book that knows the moment after.
        rng: Chooses the part of them that is looked at.
    """
    times = (MOST * seen.times).long()
    window = Window.anywhere(seen.latents, rng)
    painted, drawn = [], []
    for frame in (seen, seen.later()):
        noised = schedule.noised(frame.latents, frame.noise, times)
        found = seen_behind(modules, schedule, noised, times, frame.tokens)
        painted.append(window.show(modules["vae"], found))
        drawn.append(window.drawn(frame))
    return ((painted[1] - painted[0]) - (drawn[1] - drawn[0])).abs().mean()
