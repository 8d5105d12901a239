"""What the denoiser is taught on: drawings as latents, with captions, noise and the time."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from visualizer.pulse.captions import caption
from visualizer.pulse.drawings import Drawing, imagine
from visualizer.pulse.gallery import Gallery
from visualizer.pulse.parts import read_tokens


@dataclass(frozen=True)
class Book:
    """Latents of one shape and the drawings they were made from.

    Attributes:
        latents: float16, shape (n, channels, rows, columns).
        numbers: The drawings, for their captions.
        pieces: The drawings as pixels, uint8, shapes (piece, 3, height, width), mapped.
        shares: How often each is chosen, shape (n,), 1 together; alike when omitted.
        later: The same drawings a moment later, where they were drawn.
    """

    latents: NDArray[np.float16]
    numbers: NDArray[np.int64]
    pieces: Sequence[NDArray[np.uint8]] = ()
    shares: NDArray[np.float64] | None = None
    later: Book | None = None

    @property
    def cells(self) -> int:
        """Of one drawing."""
        return int(np.prod(self.latents.shape[-2:]))

    def pictures(self, chosen: NDArray[np.int64], top: int, left: int, edge: int) -> torch.Tensor:
        """Square parts of drawings, float32, shape (chosen, 3, edge, edge), in [0, 1].

        Args:
            chosen: Places in the book.
            top: First row, in pixels.
            left: First column.
            edge: Height and width.
        """
        places = (divmod(int(k), len(self.pieces[0])) for k in chosen)
        down, across = slice(top, top + edge), slice(left, left + edge)
        seen = [self.pieces[piece][place, :, down, across] for piece, place in places]
        return torch.from_numpy(np.stack(seen)).float() / 255.0


@dataclass(frozen=True)
class Batch:
    """What is seen in one step.

    Attributes:
        latents: float32, shape (batch, channels, rows, columns).
        noise: The same shape.
        times: Steps of the noise schedule, int64, shape (batch,).
        tokens: Of the captions, int64, shape (batch, tokens).
        told: Whether a caption says anything, bool, shape (batch,).
        drawings: What the captions speak of.
        book: Where they were found.
        chosen: Their places in it.
    """

    latents: torch.Tensor
    noise: torch.Tensor
    times: torch.Tensor
    tokens: torch.Tensor
    told: torch.Tensor
    drawings: Sequence[Drawing]
    book: Book
    chosen: NDArray[np.int64]

    def later(self) -> Batch:
        """The same drawings a moment later, under the same noise."""
        assert self.book.later is not None
        return replace(
            self,
            latents=_latents(self.book.later, self.chosen).to(self.latents.device),
            book=self.book.later,
        )


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
        chosen = rng.choice(len(book.numbers), size=size, p=book.shares)
        drawings = [imagine(int(book.numbers[k])) for k in chosen]
        said = [caption(drawing, rng) for drawing in drawings]
        latents = _latents(book, chosen).to(self.device)
        noise = rng.standard_normal(latents.shape, dtype=np.float32)
        return Batch(
            latents=latents,
            noise=torch.from_numpy(noise).to(self.device),
            times=torch.from_numpy(self._times(size, rng)).to(self.device),
            tokens=self.read(said),
            told=torch.tensor([bool(text) for text in said], device=self.device),
            drawings=drawings,
            book=book,
            chosen=chosen,
        )

    def emphasized(self, often: Mapping[str, float]) -> Batches:
        """The same with some palettes more often.

        Args:
            often: How many times as often as drawings of all others, by the palette's name.
        """
        return replace(self, books=[_emphasized(book, often) for book in self.books])

    def read(self, texts: list[str]) -> torch.Tensor:
        """Texts as token numbers."""
        return read_tokens(self.tokenizer, texts).to(self.device)

    def _times(self, size: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Spread evenly over the batch, so that no step sees only much noise, or only little."""
        places = (np.arange(size) + rng.random(size)) / size
        return (places * self.times).astype(np.int64)


def _latents(book: Book, chosen: NDArray[np.int64]) -> torch.Tensor:
    return torch.from_numpy(book.latents[chosen].astype(np.float32))


def _emphasized(book: Book, often: Mapping[str, float]) -> Book:
    drawn = (imagine(int(number)).colors for number in book.numbers)
    weights = np.array([often.get(c[0], 1.0) if len(c) == 1 else 1.0 for c in drawn])
    return replace(book, shares=weights / weights.sum())


def books(pieces: Iterable[tuple[Gallery, int]], vae: Any, shrink: int) -> list[Book]:
    """Pieces of galleries as an autoencoder sees them, one book for each shape.

    Args:
        pieces: Galleries and numbers of pieces in them.
        vae: Its latents are kept beside the pieces.
        shrink: How many times smaller than drawn they are seen.
    """

    @torch.no_grad()
    def encode(pictures: torch.Tensor) -> torch.Tensor:
        seen = pictures.to(vae.device).float() / 127.5 - 1.0
        with torch.autocast(vae.device.type, dtype=torch.bfloat16):
            latents: torch.Tensor = vae.encode(F.avg_pool2d(seen, shrink)).latents
        return latents.float().cpu()

    name = f"{_digest(vae.encoder)}-{shrink}"
    found: dict[tuple[int, int], list[tuple[Gallery, int]]] = defaultdict(list)
    for gallery, number in pieces:
        found[gallery.shape(number)].append((gallery, number))
    return [
        Book(
            latents=np.concatenate([np.array(g.latents(n, encode, name)) for g, n in alike]),
            numbers=np.concatenate([np.array(g.numbers(n)) for g, n in alike]),
            pieces=[g.pictures(n) for g, n in alike],
        )
        for alike in found.values()
    ]


def _digest(module: torch.nn.Module) -> str:
    """Eight characters that change whenever a weight does."""
    flat = [value.detach().float().cpu().flatten() for value in module.parameters()]
    return hashlib.sha256(torch.cat(flat).numpy().tobytes()).hexdigest()[:8]
