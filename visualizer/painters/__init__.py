"""Painters turn a shot into frames; the only place where a model enters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

from visualizer.errors import VisualizerError

if TYPE_CHECKING:
    import torch

    from visualizer.score import Score, Shot

PAINTERS = ("scenes", "diffusion")


class Painter(Protocol):
    """Paints one shot at a time.

    Shots do not depend on each other: a painter keeps no state from one shot to the next, so that
    shots can be painted in any order, resumed and cached.
    """

    @property
    def identity(self) -> str:
        """Names everything but the score that decides the pixels: painter, version, weights."""
        ...

    @property
    def device(self) -> torch.device:
        """Where the frames lie."""
        ...

    def paint(self, score: Score, shot: Shot) -> Iterator[torch.Tensor]:
        """Yields one frame for each cue of the shot, its lead included.

        Yields:
            float32, shape (3, height, width), sRGB-encoded, in [0, 1], on the painter's device.
        """
        ...


def load_painter(name: str, model: str | None = None, device: str | None = None) -> Painter:
    """Loads a painter by its name.

    Args:
        name: One of `PAINTERS`.
        model: For diffusion: a local folder or a hub id.
        device: Such as "cpu", "cuda" or "mps"; the best at hand when omitted.

    Raises:
        VisualizerError: No such device, or the model is missing or cannot be loaded.
    """
    if name == "diffusion":
        if model is None:
            raise VisualizerError(
                "--painter diffusion: needs --model with a local folder or a hub id,"
                " such as stabilityai/sd-turbo"
            )
        from visualizer.painters.diffusion import DiffusionPainter

        return DiffusionPainter.load(model, device)
    if model is not None:
        raise VisualizerError(f"--model {model}: only --painter diffusion uses a model")
    import cv2
    import torch

    from visualizer.painters.scenes import ScenesPainter

    # Two threads on two busy cores took 5 to 90 times the CPU time of one, and their sums differ
    # in the last bit; the work is divided into painting, finishing and encoding instead.
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    return ScenesPainter(_device(device))


def _device(name: str | None) -> torch.device:
    import torch

    if name is None:
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError):
        raise VisualizerError(
            f"--device {name}: not available here; leave it out or choose cpu"
        ) from None
    return device
