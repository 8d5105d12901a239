"""How fast a model paints on this machine, measured before a film begins."""

from __future__ import annotations

import time

import torch

from visualizer.painters.diffusion.brush import Brush
from visualizer.painters.diffusion.key import Size
from visualizer.painters.diffusion.model import FrameModel

PICTURES = 4  # Of which the fastest counts: the first ones make kernels ready.
PATIENCE = 6.0  # Seconds after which a slow machine paints no further one.


@torch.no_grad()
def frames_per_second(model: FrameModel, size: Size) -> float:
    """What the model alone paints of one picture after another, each over another picture."""
    below = torch.full((3, size.height, size.width), 0.5, device=model.device)
    condition, brush = model.embed("", ""), Brush(model, size, seed=0)
    seconds: list[float] = []
    while len(seconds) < PICTURES and sum(seconds) < PATIENCE:
        begin = time.perf_counter()
        brush.repaint(below, 0.5, condition, model.caps.steps).cpu()
        seconds.append(time.perf_counter() - begin)
    return 1.0 / min(seconds)
