"""What a model adds to a film below, carried along by the motion of that film.

Painted one by one, frames boil: a petal that has moved by half a pixel gets other strokes. So what
was added, the coat, moves as the film moved, and only a share of it is painted anew in each frame;
where the film shows what it did not show before, all of it.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from visualizer import camera
from visualizer.painters.diffusion.anchor import edges, extremes

_SAME = 0.3  # Distance in OKLab at which a place is hardly taken for what was there before.
_PLACE = 4  # Pixels along its edge.
_FINE = (
    0.012,
    0.042,
)  # Mean size of edges, in lightness: from where on they are fine, and how far.
_REGION = 8  # Pixels along the edge of what is fine or not.


class Coat:
    """The coat of one shot; all pictures are float32, shape (3, height, width), OKLab."""

    def __init__(self) -> None:
        """Begins a shot, of which nothing is painted yet."""
        self._last: tuple[torch.Tensor, torch.Tensor] | None = None

    def over(self, below: torch.Tensor, painted: torch.Tensor, fresh: float) -> torch.Tensor:
        """The next frame, steady.

        Args:
            below: Of the film.
            painted: What the model made of it.
            fresh: Share of the coat that is painted anew, in [0, 1].
        """
        coat = painted - below
        if self._last is not None and fresh < 1.0:
            before, old = self._last
            grid = motion(before, below)
            kept = (1.0 - fresh) * _alike(camera.sample(before, grid), below)
            coat = torch.lerp(coat, camera.resample(old, grid), kept)
            coat[:1] = _between(below, painted, below[:1] + coat[:1]) - below[:1]
        self._last = below, coat
        return below + coat

    def ride(self, below: torch.Tensor) -> torch.Tensor:
        """The next frame where none is painted: the coat of the last one, moved as the film moved.

        Args:
            below: Of the film.
        """
        assert self._last is not None
        before, old = self._last
        self._last = below, camera.resample(old, motion(before, below))
        return below + self._last[1]


def motion(before: torch.Tensor, now: torch.Tensor) -> torch.Tensor:
    """From where each point of a picture comes, by dense inverse search on lightness.

    Args:
        before: float32, shape (3, height, width), OKLab.
        now: The same a little later.

    Returns:
        Shape (1, height, width, 2), as `visualizer.camera.resample` takes it.

    Source: T. Kroeger et al., Fast Optical Flow using Dense Inverse Search, arXiv 1603.03590.
    """
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    pixels = search.calc(_grey(now), _grey(before), None)
    height, width = pixels.shape[:2]
    still = camera.sampling_grid(np.eye(3), height, width, now.device)
    moved = np.asarray(pixels * np.array([2.0 / width, 2.0 / height]), np.float32)
    return still + torch.from_numpy(moved).to(now.device)


def fineness(lab: torch.Tensor) -> torch.Tensor:
    """Where a picture is finer than a small model's brush, as in the windows of a city.

    Args:
        lab: float32, shape (3, height, width), OKLab.

    Returns:
        Shape (1, height, width): 0 where it is calm, 1 where it is nothing but detail.
    """
    regions = F.avg_pool2d(edges(lab).abs(), _REGION)
    around = F.avg_pool2d(F.pad(regions, (1, 1, 1, 1), mode="replicate"), 3, 1)
    low, high = _FINE
    fine = ((around - low) / (high - low)).clamp(0.0, 1.0)
    height, width = lab.shape[-2:]
    return camera.enlarge(fine, height, width, "bilinear")


def _grey(lab: torch.Tensor) -> NDArray[np.uint8]:
    return (lab[0].clamp(0.0, 1.0) * 255.0).round().to(torch.uint8).cpu().numpy()


def _between(below: torch.Tensor, painted: torch.Tensor, lightness: torch.Tensor) -> torch.Tensor:
    """No darker and no lighter than what is near in either: a star that is gone leaves no hole."""
    (least, most), (less, more) = extremes(below), extremes(painted)
    return lightness.clamp(torch.minimum(least, less), torch.maximum(most, more))


def _alike(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """Shape (1, height, width): 1 where pictures are the same, 0 where they differ."""
    apart = F.max_pool2d((one - other).abs().sum(0, keepdim=True), _PLACE)
    alike = torch.exp(-(apart / _SAME).square())
    height, width = one.shape[-2:]
    return camera.enlarge(alike, height, width, "bilinear")
