"""Stars behind other things: a still sky, and planes of stars that pass the camera."""

from __future__ import annotations

import torch

from visualizer.painters.scenes.canvas import Canvas, layers
from visualizer.painters.scenes.tiles import sample, star_tile
from visualizer.score import Pose

SPAN = 1.8  # Canvas units across one tile of a passing sky.
STILL_SPAN = 3.6  # Of a still one: as wide as the picture, or the eye finds the repeat.


def still_stars(canvas: Canvas, pose: Pose, seed: int, count: int) -> torch.Tensor:
    """A field of light from stars too far away for zoom to matter.

    Args:
        canvas: The picture.
        pose: The sky turns and slides with it, and creeps on by the clock.
        seed: Same seed, same sky.
        count: Stars in a square of `STILL_SPAN` canvas units.
    """
    x, y = canvas.world(pose, 1.0 / STILL_SPAN)
    return sample(_sky(canvas, seed, count, STILL_SPAN), x, y + 0.0005 * pose.clock)[0]


def passing_stars(canvas: Canvas, pose: Pose, seed: int, *counts: int) -> torch.Tensor:
    """Light from stars in planes that grow and pass as the camera moves in.

    Args:
        canvas: The picture.
        pose: Its `travel` moves the planes.
        seed: Same seed, same sky.
        counts: Stars in a square of `SPAN` canvas units, for each sky.

    Returns:
        Shape (len(counts), height, width).
    """
    skies = _skies(canvas, seed, counts)
    light = torch.zeros(len(counts), canvas.height, canvas.width, device=canvas.device)
    for layer in layers(pose.travel, 2, 2.5):
        x, y = canvas.world(pose, layer.scale / SPAN)
        shift = 0.31 * layer.generation
        light.add_(sample(skies, x + shift, y - shift), alpha=layer.weight)
    return light


def _skies(canvas: Canvas, seed: int, counts: tuple[int, ...]) -> torch.Tensor:
    skies = [_sky(canvas, seed + k, count, SPAN) for k, count in enumerate(counts)]
    return skies[0] if len(skies) == 1 else torch.cat(skies)


def _sky(canvas: Canvas, seed: int, count: int, span: float) -> torch.Tensor:
    """One pixel of the tile for each pixel of the picture, so that stars stay points."""
    size = max(64, round(0.5 * span * canvas.height))
    return star_tile(seed, canvas.device, size, count, canvas.height)
