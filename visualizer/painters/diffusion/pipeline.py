"""What all pipelines of diffusers have in common: a device, a size, and an autoencoder."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import torch

from visualizer.painters.diffusion.model import Caps, Condition, Sampling
from visualizer.painters.diffusion.replay import Replayed


class PipelineModel(ABC):
    """A pipeline behind `FrameModel`; its families differ in text, noise and denoiser."""

    def __init__(self, pipe: Any, denoiser: Any, sampling: Sampling, name: str) -> None:
        """Takes a pipeline of diffusers, already on its device.

        Args:
            pipe: The pipeline.
            denoiser: Its part that removes noise.
            sampling: How to run it.
            name: See `Caps.name`.
        """
        self._pipe, self._vae, self._denoiser = pipe, pipe.vae, denoiser
        self._sampling, self._name = sampling, name
        self._scheduler = pipe.scheduler.config
        self._to_latents = Replayed(self._vae_encode)
        self._to_picture = Replayed(self._vae_decode)

    @property
    def caps(self) -> Caps:
        """What the model can do; an even number of latent cells suits UNets and patches."""
        cell = int(self._pipe.vae_scale_factor)
        return Caps(
            name=self._name,
            area=self._area(cell),
            multiple=2 * cell,
            channels=int(self._vae.config.latent_channels),
            downscale=cell,
            steps=self._sampling.steps,
            key_steps=self._sampling.key_steps,
        )

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return torch.device(self._denoiser.device)

    @abstractmethod
    def _area(self, cell: int) -> int:
        """Pixels of the pictures it was trained on."""

    @abstractmethod
    def embed(self, prompt: str, negative: str) -> Condition:
        """Reads a prompt; see `FrameModel.embed`."""

    @abstractmethod
    def denoise(
        self,
        latents: torch.Tensor,
        noise: torch.Tensor,
        strength: torch.Tensor,
        condition: Condition,
        steps: int,
    ) -> torch.Tensor:
        """Repaints latents; see `FrameModel.denoise`."""

    @torch.no_grad()
    def encode(self, picture: torch.Tensor) -> torch.Tensor:
        """Pictures to latents, by the mode: a sample would add noise on every pass of the loop."""
        latents = self._to_latents(self._to(picture * 2.0 - 1.0, self._vae))
        return (latents.float() - self._shift) * self._scale

    @torch.no_grad()
    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        """Latents to pictures."""
        picture = self._to_picture(self._to(latents / self._scale + self._shift, self._vae))
        return (picture.float() * 0.5 + 0.5).clamp(0.0, 1.0)

    def _vae_encode(self, picture: torch.Tensor) -> torch.Tensor:
        encoded = self._vae.encode(picture)
        latents: torch.Tensor
        latents = encoded.latents if hasattr(encoded, "latents") else encoded.latent_dist.mode()
        return latents

    def _vae_decode(self, latents: torch.Tensor) -> torch.Tensor:
        picture: torch.Tensor = self._vae.decode(latents).sample
        return picture

    @property
    def _scale(self) -> float:
        return float(self._vae.config.get("scaling_factor") or 1.0)

    @property
    def _shift(self) -> float:
        return float(self._vae.config.get("shift_factor") or 0.0)

    def _to(self, values: torch.Tensor, part: Any) -> torch.Tensor:
        """Values where a part of the pipeline computes, in its precision."""
        return values.to(part.device, part.dtype)
