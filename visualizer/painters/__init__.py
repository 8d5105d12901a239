"""Painters turn a shot into frames; the only place where a model enters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from visualizer.errors import VisualizerError
from visualizer.memory import keep_freed_memory

if TYPE_CHECKING:
    import torch

    from visualizer.score import Score, Shot

PAINTERS = ("scenes", "diffusion")
PULSE = "pulse"  # The model that this project teaches itself; see `visualizer.pulse`.


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


Curves = dict[int, dict[str, float]]
"""What a painter saw: for each film frame, values by name."""


@runtime_checkable
class Watchful(Protocol):
    """A painter that watches what it paints."""

    @property
    def curves(self) -> Curves:
        """What it saw in the frames that it has painted; in every frame the same names."""
        ...


@runtime_checkable
class Outspoken(Protocol):
    """A painter that has something to say before it begins."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know, a line each."""
        ...


@runtime_checkable
class Paced(Protocol):
    """A painter that can be too slow to paint every frame of a film."""

    def pace(self, width: int, height: int) -> float:
        """Frames per second that it paints of a film of this size, measured now."""
        ...


@dataclass(frozen=True)
class ModelOptions:
    """How the diffusion painter is to use its model, where the user does not leave it to it.

    Attributes:
        vae: Folder or hub id of a faster autoencoder, such as "madebyollin/taesd".
        loras: Files, folders or hub ids of LoRAs, each with ":weight" if wanted.
        steps: Denoiser calls per frame; the model's own number when None.
        guidance: How literally prompts are taken; the model's own scale when None.
        key: "scenes": each shot begins with that painter's picture, painted over; None: with a
            picture from the prompt alone.
        depth: What finds the depth of the user's pictures, for parallax: "guess", "off", or the
            folder or hub id of a depth model, which then finds it in every first picture.
        accept_licence: Whether models may be loaded whose licence limits commercial use.
    """

    vae: str | None = None
    loras: tuple[str, ...] = ()
    steps: int | None = None
    guidance: float | None = None
    key: str | None = None
    depth: str = "guess"
    accept_licence: bool = False


def load_painter(
    name: str,
    model: str | None = None,
    device: str | None = None,
    options: ModelOptions | None = None,
) -> Painter:
    """Loads a painter by its name.

    Args:
        name: One of `PAINTERS`.
        model: For diffusion: a local folder, a hub id, or "pulse" (the default).
        device: Such as "cpu", "cuda" or "mps"; the best at hand when omitted.
        options: For diffusion: how to use the model.

    Raises:
        VisualizerError: No such device, or the model is missing or cannot be loaded.
    """
    if name == "diffusion":
        from visualizer.painters.diffusion import DiffusionPainter

        return DiffusionPainter.load(model or PULSE, device, options=options)
    if model is not None:
        raise VisualizerError(f"--model {model}: only --painter diffusion uses a model")
    if options is not None and options != ModelOptions():
        changed = next(k for k, v in vars(options).items() if v != getattr(ModelOptions(), k))
        flag = changed.removesuffix("s") if changed == "loras" else changed.replace("_", "-")
        raise VisualizerError(f"--{flag}: only --painter diffusion uses it")
    import cv2
    import torch

    from visualizer.painters.device import choose_device
    from visualizer.painters.scenes import ScenesPainter

    keep_freed_memory()
    # Two threads on two busy cores took 5 to 90 times the CPU time of one, and their sums differ
    # in the last bit; the work is divided into painting, finishing and encoding instead.
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    return ScenesPainter(choose_device(device, best=("cuda",)))
