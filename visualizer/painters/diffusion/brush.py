"""One shot's hand: a model, the noise that travels through the shot, and nothing else."""

from __future__ import annotations

import torch

from visualizer.camera import Matrix
from visualizer.painters.diffusion.anchor import Anchor
from visualizer.painters.diffusion.key import Size
from visualizer.painters.diffusion.model import Condition, FrameModel
from visualizer.painters.diffusion.noise import TravellingNoise


class Brush:
    """Paints pictures, float32, shape (3, height, width), with the noise of one shot."""

    def __init__(self, model: FrameModel, size: Size, seed: int) -> None:
        """Starts a shot; the same seed starts from the same noise."""
        cell = model.caps.downscale
        self._model = model
        self._noise = TravellingNoise(
            model.caps.channels, size.height // cell, size.width // cell, seed
        )

    @property
    def noise(self) -> torch.Tensor:
        """The shot's noise now; see `TravellingNoise.field`."""
        return self._noise.field

    def advance(self, move: Matrix, renewal: float) -> None:
        """Takes the noise along with the camera; see `TravellingNoise.advance`."""
        self._noise.advance(move, renewal)

    def imagine(self, condition: Condition) -> torch.Tensor:
        """A picture from the prompt alone."""
        noise = self._noise.field.to(self._model.device)
        return self._denoise(torch.zeros_like(noise), 1.0, condition, self._model.caps.key_steps)

    def repaint(
        self,
        picture: torch.Tensor,
        strength: float,
        condition: Condition,
        steps: int,
        anchor: Anchor | None = None,
    ) -> torch.Tensor:
        """A picture painted over another: the more `strength`, the less of it is left."""
        latents = self._model.encode(picture[None])
        return self._denoise(latents, strength, condition, steps, anchor)

    def _denoise(
        self,
        latents: torch.Tensor,
        strength: float,
        condition: Condition,
        steps: int,
        anchor: Anchor | None = None,
    ) -> torch.Tensor:
        noise = self._noise.field.to(latents)
        amount = torch.tensor([strength])
        latents = self._model.denoise(latents, noise, amount, condition, steps)
        if anchor is not None:
            latents = anchor.hold_latents(latents)
        return self._model.decode(latents)[0]
