"""One shot's hand: a model, the noise that travels through the shot, and nothing else."""

from __future__ import annotations

import torch

from visualizer.painters.diffusion.anchor import Anchor
from visualizer.painters.diffusion.device import to_device
from visualizer.painters.diffusion.key import Size
from visualizer.painters.diffusion.model import Condition, FrameModel
from visualizer.painters.diffusion.noise import TravellingNoise
from visualizer.painters.diffusion.relief import Move, Relief


class Brush:
    """Paints pictures, float32, shape (3, height, width), with the noise of one shot."""

    def __init__(
        self, model: FrameModel, size: Size, seed: int, relief: Relief | None = None
    ) -> None:
        """Starts a shot.

        Args:
            model: What paints.
            size: Of the pictures.
            seed: The same seed starts from the same noise.
            relief: Of the picture that the shot begins with; flat when omitted.
        """
        rows, columns = (side // model.caps.downscale for side in (size.height, size.width))
        self._model = model
        self._noise = TravellingNoise(model.caps.channels, rows, columns, seed)
        self._relief = (relief or Relief()).coarse(rows, columns)

    @property
    def noise(self) -> torch.Tensor:
        """The shot's noise now, where the model computes; see `TravellingNoise.field`."""
        return to_device(self._noise.field, self._model.device)

    def advance(self, move: Move, renewal: float) -> None:
        """Takes the noise along with the camera; see `TravellingNoise.advance`."""
        self._noise.advance(lambda points: self._relief.forward(points, move), renewal)
        self._relief = self._relief.moved(move)

    def imagine(self, condition: Condition) -> torch.Tensor:
        """A picture from the prompt alone."""
        noise = self.noise
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
        amount = torch.tensor([strength])
        latents = self._model.denoise(latents, self.noise, amount, condition, steps)
        if anchor is not None:
            latents = anchor.hold_latents(latents)
        return self._model.decode(latents)[0]
