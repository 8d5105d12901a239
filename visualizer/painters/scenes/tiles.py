"""Repeating tiles, made once from a seed: noise, eddies, stars, cells.

They are made with numpy on the CPU, so that every device starts from the same numbers.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import ParamSpec, cast

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from scipy.spatial import cKDTree

Wanted = ParamSpec("Wanted")


def kept(count: int) -> Callable[[Callable[Wanted, torch.Tensor]], Callable[Wanted, torch.Tensor]]:
    """Keeps the last `count` tiles of a kind: as many as two looks need, for no frame shows three.

    More would add up over the sections of a long song. Threads that want the same tile wait for
    the first of them, since making one takes ten times its memory.
    """

    def keep(make: Callable[Wanted, torch.Tensor]) -> Callable[Wanted, torch.Tensor]:
        known = cast("Callable[Wanted, torch.Tensor]", lru_cache(maxsize=count)(make))
        making = threading.Lock()

        @wraps(known)
        def tile(*args: Wanted.args, **kwargs: Wanted.kwargs) -> torch.Tensor:
            with making:
                return known(*args, **kwargs)

        return tile

    return keep


def sample(tiles: torch.Tensor, u: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """Reads repeating tiles at (u, v), bilinear.

    Args:
        tiles: Shape (channels, size + 1, size + 1), as `fbm` makes them.
        u: Field, across, 1 is one tile.
        v: Field, down.

    Returns:
        Shape (channels, height, width).
    """
    shape = np.broadcast_shapes(u.shape, v.shape)
    u, v = u.expand(shape), v.expand(shape)
    grid = torch.empty(1, *shape, 2, device=u.device)
    torch.sub(u, torch.floor(u), out=grid[0, ..., 0])  # Four times faster than torch.stack.
    torch.sub(v, torch.floor(v), out=grid[0, ..., 1])
    return F.grid_sample(
        tiles[None], grid.mul_(2.0).sub_(1.0), padding_mode="border", align_corners=True
    )[0]


@kept(10)
def fbm(
    seed: int, device: torch.device, slope: float = 1.8, channels: int = 1, size: int = 512
) -> torch.Tensor:
    """Tiles of fractal noise that repeat without a seam, made by shaping white noise's spectrum.

    Args:
        seed: Same seed, same tile, on every device.
        device: Where the tile lives.
        slope: Fall of amplitude with frequency: 1 is grainy, 2 cloudy, 3 rolling.
        channels: How many independent tiles.
        size: Pixels along each edge.

    Returns:
        float32, shape (channels, size + 1, size + 1), mean 0, deviation 1; the last row and column
        repeat the first, for `sample`.
    """
    rng = np.random.default_rng([seed, size])
    # One after the other: what the first takes while it is made, the next can use.
    planes = [_plane(_spectrum(rng, slope, size)) for _ in range(channels)]
    return torch.from_numpy(np.stack(planes)).to(device)


@kept(2)
def flow(seed: int, device: torch.device, slope: float = 3.0, size: int = 512) -> torch.Tensor:
    """A tile of eddies: velocity without source or sink, the curl of fractal noise.

    Robert Bridson, "Curl-noise for procedural fluid flow", 2007.

    Returns:
        float32, shape (2, size + 1, size + 1): across and down, deviation 1, for `sample`.
    """
    potential = _spectrum(np.random.default_rng([seed, size]), slope, size)
    rows, columns = _frequencies(size)
    planes = [_plane(turn * potential) for turn in (1j * rows, -1j * columns)]
    return torch.from_numpy(np.stack(planes)).to(device)


def _spectrum(rng: np.random.Generator, slope: float, size: int) -> NDArray[np.complex128]:
    white = rng.standard_normal((size, size))
    frequency = np.hypot(*_frequencies(size))
    shape = np.where(frequency > 0, np.maximum(frequency, 1.0) ** -slope, 0.0)
    spectrum = np.fft.rfft2(white)
    spectrum *= shape
    return spectrum


def _frequencies(size: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Cycles per tile down, shape (size, 1), and across, shape (1, size // 2 + 1)."""
    rows, columns = np.fft.fftfreq(size, 1.0 / size), np.fft.rfftfreq(size, 1.0 / size)
    return rows[:, None].astype(np.float64), columns[None].astype(np.float64)


def _plane(spectrum: NDArray[np.complex128]) -> NDArray[np.float32]:
    """One channel of a tile, deviation 1; the last row and column repeat the first."""
    field = np.fft.irfft2(spectrum, s=(len(spectrum), len(spectrum)))
    field /= field.std()
    return np.pad(field.astype(np.float32), (0, 1), mode="wrap")


@kept(4)
def star_tile(
    seed: int, device: torch.device, size: int, count: int, rows: int = 360
) -> torch.Tensor:
    """A repeating tile of stars: most are faint points, a few are bright with a soft halo.

    Args:
        seed: Same seed, same sky; places do not depend on `size`.
        device: Where the tile lives.
        size: Pixels along each edge; match it to the picture so that stars stay points.
        count: Number of stars.
        rows: Height of the picture: stars grow with it above 500 and pale with it below 360.

    Returns:
        float32, shape (1, size + 1, size + 1), in [0, 1], for `sample`.
    """
    rng = np.random.default_rng([seed, count])
    places = rng.uniform(0.0, size, (count, 1, 2))
    brightness = (rng.pareto(1.3, (count, 1)) * 0.07 + 0.05) * min(1.0, rows / 360.0) ** 2
    reach = np.arange(-6, 7)
    box = np.stack(np.meshgrid(reach, reach), axis=-1).reshape(1, -1, 2)
    pixels = np.floor(places).astype(int) + box
    distance = ((pixels + 0.5 - places) ** 2).sum(-1) / max(1.0, rows / 500.0) ** 2
    halo = np.clip(brightness - 0.3, 0.0, 1.0) * 0.25 / (1.0 + distance) * np.exp(-distance / 12.0)
    light = np.minimum(brightness, 1.0) * np.exp(-distance / 1.1) + halo
    tile = np.zeros((size, size))
    np.add.at(tile, (pixels[..., 1] % size, pixels[..., 0] % size), light)
    tile = np.pad(np.minimum(tile, 1.0), (0, 1), mode="wrap").astype(np.float32)
    return torch.from_numpy(tile)[None].to(device)


@kept(4)
def cell_tile(seed: int, device: torch.device, count: int, size: int = 512) -> torch.Tensor:
    """A repeating tile of Voronoi cells round evenly scattered seeds.

    Args:
        seed: Same seed, same cells, on every device.
        device: Where the tile lives.
        count: Number of cells.
        size: Pixels along each edge.

    Returns:
        float32, shape (4, size + 1, size + 1), for `sample`: 0 distance to the cell's edge and 1
        to its centre, in mean cell widths; 2 and 3 numbers in [0, 1] that are the cell's own.
    """
    rng = np.random.default_rng([seed, count])
    places = _scatter(rng, count)
    axis = np.arange(size) / size
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


@kept(2)
def numbers(seed: int, device: torch.device, count: int = 1024) -> torch.Tensor:
    """Independent numbers in [0, 1), shape (count,): what each pane or window has to itself."""
    drawn = np.random.default_rng([seed, count]).uniform(0.0, 1.0, count)
    return torch.from_numpy(drawn.astype(np.float32)).to(device)
