"""The first lesson: pictures to latents and back, so that a moved latent is a moved picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from visualizer.pulse.run import Lesson, show_grid

CROP = 128  # Pixels along the edge of what is seen in a step.
USUAL, FLOOR = 1.5e-3, 3e-5  # Squared errors: a usual one, and one that nobody sees.
EDGES = 0.003  # Weight of the differences of neighbours.
NEAR = 0.005  # Weight of how far latents go from where a denoiser knows them.
MOVED = 0.25  # Of a batch is also decoded from latents that a camera has moved (EQ-VAE).


def autoencoder_lesson(
    vae: Any,
    pictures: Sequence[NDArray[np.uint8]],
    folder: Path,
    *,
    steps: int,
    batch: int,
    known: Any = None,
) -> Lesson:
    """Teaches an `AutoencoderTiny`.

    Args:
        vae: What learns.
        pictures: Pieces of a gallery.
        folder: Where the lesson is kept.
        steps: How long it lasts.
        batch: Crops in a step.
        known: An encoder whose latents a denoiser was taught on: they stay near to its.
    """

    def loss(step: int) -> tuple[torch.Tensor, dict[str, float]]:
        rng = np.random.default_rng([step, 1])
        seen = crops(pictures, batch, rng).to(vae.device)
        with torch.autocast(vae.device.type, dtype=torch.bfloat16):
            latents = vae.encode(seen * 2.0 - 1.0).latents.float()
            shown = vae.decode(latents).sample.float() * 0.5 + 0.5
            if known is None:
                wild = 0.25 * turned(vae, latents, seen, rng) + 0.01 * _spread(latents)
            else:
                wild = NEAR * F.mse_loss(latents, known(seen * 2.0 - 1.0).float())
        return likeness(shown, seen) + wild, {
            "psnr": psnr(F.mse_loss(shown, seen).item()),
            "wild": wild.item(),
        }

    def sheet(path: Path) -> None:
        seen = crops(pictures, 10, np.random.default_rng(0)).to(vae.device)
        with torch.no_grad():
            shown = vae(seen * 2.0 - 1.0).sample * 0.5 + 0.5
        show_grid([seen, shown], path)

    peak = 2e-3 if known is None else 7e-4
    return Lesson("autoencoder", folder, {"vae": vae}, loss, steps, peak, sheet=sheet)


def psnr(error: float) -> float:
    """Decibels of a mean squared error of pictures in [0, 1]."""
    return -10.0 * math.log10(max(error, 1e-10))


def crops(
    pieces: Sequence[NDArray[np.uint8]], batch: int, rng: np.random.Generator
) -> torch.Tensor:
    """Parts of drawings, mirrored, some in other colours: photographs know more than palettes."""
    return torch.stack([_crop(pieces, rng) for _ in range(batch)])


def _crop(pieces: Sequence[NDArray[np.uint8]], rng: np.random.Generator) -> torch.Tensor:
    piece = pieces[int(rng.integers(len(pieces)))]
    picture = piece[int(rng.integers(len(piece)))]
    top, left = (int(rng.integers(edge - CROP + 1)) for edge in picture.shape[1:])
    crop = picture[:, top : top + CROP, left : left + CROP]
    if rng.random() < 0.5:
        crop = crop[:, :, ::-1]
    seen = torch.from_numpy(crop.astype(np.float32) / 255.0)
    if rng.random() < 0.25:
        seen = seen[torch.from_numpy(rng.permutation(3))]
    if rng.random() < 0.25:
        seen = seen ** float(rng.uniform(0.5, 1.6))
    return seen


def _camera(count: int, rng: np.random.Generator) -> torch.Tensor:
    """Small zooms, turns and shifts, as `affine_grid` takes them."""
    zoom = np.exp(rng.uniform(-0.3, 0.3, count))
    turn = rng.uniform(-0.4, 0.4, count)
    shift = rng.uniform(-0.1, 0.1, (count, 2))
    rows = [
        np.stack([zoom * np.cos(turn), -zoom * np.sin(turn), shift[:, 0]], 1),
        np.stack([zoom * np.sin(turn), zoom * np.cos(turn), shift[:, 1]], 1),
    ]
    return torch.from_numpy(np.stack(rows, 1).astype(np.float32))


def _seen_through(pictures: torch.Tensor, matrices: torch.Tensor) -> torch.Tensor:
    grid = F.affine_grid(matrices, list(pictures.shape), align_corners=False)
    return F.grid_sample(
        pictures, grid, mode="bilinear", padding_mode="reflection", align_corners=False
    )


def likeness(shown: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
    """How far two batches are apart, in colour and in the differences of neighbours.

    By the decibels of each picture, or ornament would count for so much that skies got a weave.
    """
    errors = (shown - seen).square().mean((1, 2, 3))
    return USUAL * (errors + FLOOR).log().mean() + EDGES * _edges(shown, seen)


def turned(
    vae: Any, latents: torch.Tensor, seen: torch.Tensor, rng: np.random.Generator
) -> torch.Tensor:
    """How far latents that a camera has moved are from showing what it would have seen."""
    n = max(1, round(MOVED * len(seen)))
    grid = _camera(n, rng).to(latents.device)
    shown = vae.decode(_seen_through(latents[:n], grid)).sample.float() * 0.5 + 0.5
    return likeness(shown, _seen_through(seen[:n], grid))


def _edges(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """How far the differences of neighbours are apart."""
    across = (one.diff(dim=3) - other.diff(dim=3)).abs().mean()
    return across + (one.diff(dim=2) - other.diff(dim=2)).abs().mean()


def _spread(latents: torch.Tensor) -> torch.Tensor:
    """How far each channel is from mean 0 and standard deviation 1."""
    mean = latents.mean(dim=(0, 2, 3))
    return (mean**2 + (latents.std(dim=(0, 2, 3)) - 1.0) ** 2).mean()
