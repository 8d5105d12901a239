"""The surface a scene is drawn on: coordinates, noise, and the camera's view of the world.

Conventions: the picture is centred on (0, 0), its height spans [-1, 1] and its width
[-aspect, aspect], y down, as in `visualizer.camera`. A field is float32, shape (height, width).
Angles in degrees are clockwise, as the eye sees them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from visualizer import camera
from visualizer.score import Pose

COARSE_ROWS = 240  # Smooth fields are computed on about this many rows and enlarged.


@dataclass(frozen=True, eq=False)
class Canvas:
    """One picture size on one device, with everything that does not change from frame to frame.

    Attributes:
        height: Pixels.
        width: Pixels.
        device: Where every field lives.
    """

    height: int
    width: int
    device: torch.device

    @property
    def aspect(self) -> float:
        """Width over height."""
        return self.width / self.height

    @property
    def pixel(self) -> float:
        """The size of one pixel in canvas units: what thin lines are anti-aliased by."""
        return 2.0 / self.height

    @cached_property
    def x(self) -> torch.Tensor:
        """Horizontal coordinate, shape (width,), in [-aspect, aspect]."""
        return self._ramp(self.width) * self.aspect

    @cached_property
    def y(self) -> torch.Tensor:
        """Vertical coordinate, shape (height, 1), in [-1, 1], down."""
        return self._ramp(self.height)[:, None]

    @cached_property
    def radius(self) -> torch.Tensor:
        """Distance from the centre, a field."""
        return torch.sqrt(self.x**2 + self.y**2)

    @cached_property
    def angle(self) -> torch.Tensor:
        """Direction from the centre in radians, a field: 0 to the right, clockwise."""
        return torch.atan2(self.y.expand(-1, self.width), self.x.expand(self.height, -1))

    @cached_property
    def log_radius(self) -> torch.Tensor:
        """Natural logarithm of the distance from the centre, a field."""
        return torch.log(self.radius.clamp_min(0.25 * self.pixel))

    @cached_property
    def coarse(self) -> Canvas:
        """The same picture on fewer pixels, for smooth fields; see `enlarge`."""
        factor = max(2, round(min(self.height, self.width) / COARSE_ROWS))
        return Canvas(max(2, self.height // factor), max(2, self.width // factor), self.device)

    def enlarge(self, field: torch.Tensor) -> torch.Tensor:
        """Brings a coarse field up to full size without visible seams (bicubic)."""
        return camera.enlarge(field[None], self.height, self.width)[0]

    def blank(self, value: float = 0.0) -> torch.Tensor:
        """A field of one value."""
        return torch.full((self.height, self.width), value, device=self.device)

    def world(self, pose: Pose, scale: float = 1.0) -> tuple[torch.Tensor, torch.Tensor]:
        """Where each pixel looks in a plane that the camera turns and slides over.

        Args:
            pose: `angle`, `x` and `y` are used; zoom is the caller's `scale`.
            scale: World units per canvas unit; smaller is nearer.

        Returns:
            The fields x and y in world units.
        """
        turn = math.radians(pose.angle)
        c, s = scale * math.cos(turn), scale * math.sin(turn)
        across, down = 2.0 * self.aspect * pose.x, -2.0 * pose.y
        return self.x * c + (self.y * s + across), self.x * -s + (self.y * c + down)

    def _ramp(self, n: int) -> torch.Tensor:
        return (torch.arange(n, device=self.device) + 0.5) * (2.0 / n) - 1.0


@dataclass(frozen=True)
class Layer:
    """One plane of an endless zoom.

    Attributes:
        scale: World units per canvas unit: falls as the camera comes nearer.
        weight: How much of it shows: 0 when it is born and when it passes the camera.
        depth: 0 far to 1 near.
        generation: Counts rebirths, so that each can look different.
    """

    scale: float
    weight: float
    depth: float
    generation: int


def layers(travel: float, count: int, span: float = 4.0) -> Iterator[Layer]:
    """Planes for a camera that never stops moving in, far to near.

    Args:
        travel: Logarithm of the growth so far, such as `Pose.travel`; any sign.
        count: How many planes.
        span: How much a plane grows between birth and death.
    """
    lives = [travel / math.log(span) + k / count for k in range(count)]
    order = sorted(range(count), key=lambda k: lives[k] % 1.0)
    for k in order:
        depth = lives[k] % 1.0
        weight = math.sin(math.pi * depth) ** 2
        yield Layer(span ** (0.5 - depth), weight, depth, math.floor(lives[k]) * count + k)


def smoothstep(low: float, high: float, field: torch.Tensor) -> torch.Tensor:
    """0 below `low`, 1 above `high`, without a corner in between; falls when low > high."""
    slope = 1.0 / (high - low)
    t = (field * slope).sub_(low * slope).clamp_(0.0, 1.0)
    return t.mul(-2.0).add_(3.0).mul_(t).mul_(t)


def ease(low: float, high: float, value: float) -> float:
    """`smoothstep` of one number."""
    t = min(max((value - low) / (high - low), 0.0), 1.0)
    return t * t * (3.0 - 2.0 * t)


def falloff(distance: torch.Tensor, reach: torch.Tensor | float) -> torch.Tensor:
    """Light around a source: 1 at distance 0, a quarter at `reach`, a long soft tail."""
    return (distance * (1.0 / reach)).square_().add_(1.0).square_().reciprocal_()


def spin(x: torch.Tensor, y: torch.Tensor, degrees: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Coordinates seen by a camera turned clockwise by `degrees`."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return x * c + y * s, y * c - x * s


def fold(value: torch.Tensor, period: float) -> torch.Tensor:
    """Triangle wave: distance to the nearest multiple of `period`, in [0, period / 2]."""
    return (value * (1.0 / period)).round_().mul_(-period).add_(value).abs_()


def chance(seed: int, *ranges: tuple[float, float]) -> list[float]:
    """One number out of each range, decided by the seed alone."""
    rng = np.random.default_rng(seed)
    return [float(rng.uniform(low, high)) for low, high in ranges]
