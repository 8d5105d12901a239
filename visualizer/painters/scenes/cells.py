"""Tiles of cells: glass panes, facets, scales."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from scipy.spatial import cKDTree


@lru_cache(maxsize=16)
def cell_tile(seed: int, device: torch.device, count: int, size: int = 512) -> torch.Tensor:
    """A repeating tile of Voronoi cells round evenly scattered seeds.

    Args:
        seed: Same seed, same cells, on every device.
        device: Where the tile lives.
        count: Number of cells.
        size: Pixels along each edge.

    Returns:
        float32, shape (4, size + 1, size + 1), for `sample`: 0 distance to the cell's edge and 1 to
        its centre, both in mean cell widths; 2 and 3 numbers in [0, 1] that each cell has to itself.
    """
    rng = np.random.default_rng([seed, count])
    places = _scatter(rng, count)
    axis = (np.arange(size) + 0.0) / size
    pixels = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    distance, nearest = cKDTree(places, boxsize=1.0).query(pixels, k=2)
    own, other = places[nearest[:, 0]], places[nearest[:, 1]]
    apart = np.abs(own - other)
    apart = np.hypot(*np.minimum(apart, 1.0 - apart).T)
    edge = (distance[:, 1] ** 2 - distance[:, 0] ** 2) / (2.0 * np.maximum(apart, 1e-9))
    own_numbers = rng.uniform(0.0, 1.0, (count, 2))[nearest[:, 0]].T
    width = count**-0.5
    tile = np.stack([edge / width, distance[:, 0] / width, *own_numbers])
    tile = np.pad(tile.reshape(4, size, size), ((0, 0), (0, 1), (0, 1)), mode="wrap")
    return torch.from_numpy(tile.astype(np.float32)).to(device)


def _scatter(rng: np.random.Generator, count: int) -> np.ndarray:
    """Places in the unit torus, each the loneliest of a handful (Mitchell's best candidate)."""
    places = rng.uniform(0.0, 1.0, (1, 2))
    for _ in range(count - 1):
        candidates = rng.uniform(0.0, 1.0, (8, 2))
        lonely, _ = cKDTree(places, boxsize=1.0).query(candidates)
        places = np.vstack([places, candidates[np.argmax(lonely)]])
    return places
