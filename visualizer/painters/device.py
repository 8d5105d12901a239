"""Where painters compute."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from visualizer.errors import VisualizerError


def choose_device(name: str | None, best: Sequence[str] = ("cuda", "mps")) -> torch.device:
    """The device asked for, or the best there is.

    Args:
        name: Such as "cpu", "cuda:1" or "mps", or None.
        best: What is taken where it is there, in this order, when nothing is asked for; else it
            is the CPU.

    Raises:
        VisualizerError: There is no such device.
    """
    if name is None:
        name = next((kind for kind in best if _is_there(kind)), "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError):
        raise VisualizerError(
            f"--device {name}: not on this machine; use cuda, mps or cpu, or leave it out"
        ) from None
    return device


def _is_there(kind: str) -> bool:
    return bool({"cuda": torch.cuda, "mps": torch.backends.mps}[kind].is_available())
