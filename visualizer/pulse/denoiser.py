"""The fourth and fifth lessons: noise and a caption to latents, by predicting the velocity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from visualizer.pulse.captions import caption
from visualizer.pulse.drawings import imagine
from visualizer.pulse.parts import read_tokens
from visualizer.pulse.run import Lesson


@dataclass(frozen=True)
class Book:
    """Latents of one shape and the drawings they were made from.

    Attributes:
        latents: float16, shape (n, channels, rows, columns).
        numbers: The drawings, for their captions.
    """

    latents: NDArray[np.float16]
    numbers: NDArray[np.int64]

    @property
    def cells(self) -> int:
        """Of one drawing."""
        return int(np.prod(self.latents.shape[-2:]))


@dataclass(frozen=True)
class Batch:
    """What is seen in one step.

    Attributes:
        latents: float32, shape (batch, channels, rows, columns).
        noise: The same shape.
        times: Steps of the noise schedule, int64, shape (batch,).
        tokens: Of the captions, int64, shape (batch, tokens).
    """

    latents: torch.Tensor
    noise: torch.Tensor
    times: torch.Tensor
    tokens: torch.Tensor


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


@dataclass(frozen=True)
class Batches:
    """Batches by their number: the same number gives the same batch.

    Attributes:
        books: One for each shape.
        tokenizer: Of the captions.
        size: Drawings in a batch of the smallest shape.
        device: Where they are wanted.
        times: How many steps the noise has.
    """

    books: Sequence[Book]
    tokenizer: Any
    size: int
    device: torch.device
    times: int = 1000

    def at(self, step: int) -> Batch:
        """A batch of one shape, the smaller the larger they are, so that all steps cost the same.

        Shapes come as often as there are cells of them to learn from.
        """
        rng = np.random.default_rng([step, 2])
        cells = np.array([book.cells for book in self.books])
        shares = cells * [len(book.numbers) for book in self.books]
        which = int(rng.choice(len(self.books), p=shares / shares.sum()))
        book, size = self.books[which], max(1, self.size * cells.min() // cells[which])
        chosen = rng.integers(len(book.numbers), size=size)
        said = [caption(imagine(int(book.numbers[k])), rng) for k in chosen]
        latents = torch.from_numpy(book.latents[chosen].astype(np.float32)).to(self.device)
        noise = rng.standard_normal(latents.shape, dtype=np.float32)
        return Batch(
            latents=latents,
            noise=torch.from_numpy(noise).to(self.device),
            times=torch.from_numpy(self._times(size, rng)).to(self.device),
            tokens=self.read(said),
        )

    def read(self, texts: list[str]) -> torch.Tensor:
        """Texts as token numbers."""
        return read_tokens(self.tokenizer, texts).to(self.device)

    def _times(self, size: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Spread evenly over the batch, so that no step sees only much noise, or only little."""
        places = (np.arange(size) + rng.random(size)) / size
        return (places * self.times).astype(np.int64)
