"""Parallax: what is near moves more than what is far.

A picture becomes a sheet of rubber with hills: each point has a nearness, the camera moves as much
as it is told in the middle of the depth, less behind and more before, and between them the sheet
stretches. Nothing tears, so nothing has to be invented behind an edge.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from visualizer import camera
from visualizer.camera import Matrix

FAR, NEAR = 0.4, 1.6  # Shares of the camera's travel that the ends of the depth make.
_FEATHER = 8.0  # A moved picture fades in over an eighth of half its width from its edge.
_HEM = 0.012  # Of the picture's height: hills reach over their edges, so that those do not smear.


@dataclass(frozen=True)
class Move:
    """The camera's move between two frames.

    Attributes:
        plane: For pictures without depth; see `visualizer.camera.step`.
        far: For what is farthest.
        near: For what is nearest.
    """

    plane: Matrix
    far: Matrix
    near: Matrix

    @classmethod
    def of(cls, at: Callable[[float], Matrix]) -> Move:
        """Takes a move as a function of the share of the camera's travel."""
        return cls(at(1.0), at(FAR), at(NEAR))

    @classmethod
    def none(cls) -> Move:
        """Leaves everything where it is."""
        return cls.of(lambda share: np.eye(3))

    def __matmul__(self, later: Move) -> Move:
        """This move, then a later one."""
        return Move(self.plane @ later.plane, self.far @ later.far, self.near @ later.near)

    def back(self) -> Move:
        """The same move the other way."""
        plane, far, near = np.linalg.inv(np.stack([self.plane, self.far, self.near]))
        return Move(plane, far, near)


@dataclass(frozen=True)
class Relief:
    """How near the points of a picture are.

    Attributes:
        nearness: float32, shape (height, width), about 0 far and 1 near, of mean 0.5; None where
            the picture is flat.
    """

    nearness: torch.Tensor | None = None

    @classmethod
    def of(cls, nearness: torch.Tensor, trust: float = 1.0) -> Relief:
        """Takes a measured or guessed nearness.

        Args:
            nearness: Shape (height, width), in [0, 1].
            trust: How much of the depth to believe, in [0, 1].
        """
        reach = 2 * max(1, round(_HEM * nearness.shape[0])) + 1
        wide = F.max_pool2d(nearness[None, None], reach, 1, reach // 2)
        padded = F.pad(wide, [reach // 2] * 4, mode="replicate")
        smooth = F.avg_pool2d(padded, reach, 1)[0, 0]
        return cls(trust * (smooth - smooth.mean()) + 0.5)

    @classmethod
    def mix(cls, reliefs: Sequence[Relief], weights: Sequence[float]) -> Relief:
        """Blends the reliefs of several pictures, of one size; flat ones count as their middle."""
        parts = [
            weight * (relief.nearness - 0.5)
            for relief, weight in zip(reliefs, weights, strict=True)
            if relief.nearness is not None
        ]
        return cls(torch.stack(parts).sum(0) + 0.5) if parts else cls()

    def grid(self, move: Move, like: torch.Tensor) -> torch.Tensor:
        """From where each point of the moved picture comes; see `visualizer.camera.resample`.

        Args:
            move: The camera's.
            like: The picture.
        """
        (height, width), device = like.shape[-2:], like.device
        if self.nearness is None:
            return camera.sampling_grid(move.plane, height, width, device)
        far = camera.sampling_grid(move.far, height, width, device)
        near = camera.sampling_grid(move.near, height, width, device)
        # What is seen at a point came from elsewhere, with a nearness of its own: sought in steps.
        there = self.nearness
        for _ in range(2):
            there = camera.sample(
                self.nearness[None], torch.lerp(far, near, there[None, :, :, None])
            )[0]
        return torch.lerp(far, near, there[None, :, :, None])

    def warp(self, picture: torch.Tensor, move: Move) -> torch.Tensor:
        """Moves a picture as the camera moved; shape (3, height, width), in [0, 1]."""
        return self.carry(picture, move)[0]

    def carry(self, picture: torch.Tensor, move: Move) -> tuple[torch.Tensor, Relief]:
        """Moves a picture as `warp` does, and its relief with it."""
        if self.nearness is None:
            return camera.rewarp(picture, move.plane).clamp_(0.0, 1.0), self
        grid = self.grid(move, picture)
        return camera.resample(picture, grid).clamp_(0.0, 1.0), self.at(grid)

    def at(self, grid: torch.Tensor) -> Relief:
        """The relief of the picture that a grid moves."""
        if self.nearness is None:
            return self
        return Relief(camera.sample(self.nearness[None], grid)[0])

    def moved(self, move: Move) -> Relief:
        """The relief after a move."""
        return self if self.nearness is None else self.at(self.grid(move, self.nearness))

    def coarse(self, height: int, width: int) -> Relief:
        """The same on the CPU, at another size."""
        if self.nearness is None:
            return self
        small = F.interpolate(self.nearness[None, None], (height, width), mode="area")
        return Relief(small[0, 0].cpu())

    def sized(self, height: int, width: int) -> Relief:
        """The same for a larger picture."""
        if self.nearness is None or self.nearness.shape == (height, width):
            return self
        return Relief(camera.enlarge(self.nearness[None], height, width, "bilinear")[0])

    def forward(self, points: torch.Tensor, move: Move) -> torch.Tensor:
        """Where points of the old frame lie in the new one; see `visualizer.camera.forward`."""
        if self.nearness is None:
            return camera.forward(points, move.plane)
        height, width = self.nearness.shape
        grid = (points * points.new_tensor([height / width, 1.0]))[None, None]
        here = camera.sample(self.nearness[None], grid)[0, 0]
        far, near = (camera.forward(points, matrix) for matrix in (move.far, move.near))
        return torch.lerp(far, near, here.to(points)[:, None])


def reach(matrix: Matrix, like: torch.Tensor) -> torch.Tensor:
    """Where a moved picture is still itself and no mirror image.

    Args:
        matrix: The camera's move.
        like: The picture.

    Returns:
        Shape (height, width): 1 inside, falling to 0 towards the picture's edge and beyond.
    """
    grid = camera.sampling_grid(matrix, like.shape[-2], like.shape[-1], like.device)[0]
    return ((1.0 - grid.abs().amax(dim=-1)) * _FEATHER).clamp(0.0, 1.0)
