"""Rectified-flow transformers: what FLUX.1, FLUX.2 klein and Z-Image have in common.

Noise comes in along a straight line, noisy = (1 - sigma) * clean + sigma * noise, and the model
names its direction, noise - clean. So sigma is the strength itself: noise / (noise + signal).
Between steps the models want levels that are even in a clock of their own, which hurries or
lingers with the number of latent cells (Esser et al., 2024, https://arxiv.org/abs/2403.03206).
"""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import Any

import torch

from visualizer.painters.diffusion.model import Condition, Sampling
from visualizer.painters.diffusion.pipeline import PipelineModel

_NATIVE = 1024  # Pixels along each side, where an autoencoder does not say otherwise.


class FlowModel(PipelineModel):
    """A rectified-flow pipeline behind `FrameModel`; its families differ in text and tokens."""

    def __init__(self, pipe: Any, sampling: Sampling, name: str) -> None:
        """Takes a pipeline of diffusers, already on its device, and how to run it."""
        super().__init__(pipe, pipe.transformer, sampling, name)

    def _area(self, cell: int) -> int:
        side = int(self._vae.config.get("sample_size", _NATIVE))
        return side * side

    @abstractmethod
    def _velocity(
        self, noisy: torch.Tensor, sigma: torch.Tensor, condition: Condition
    ) -> torch.Tensor:
        """The model's answer, noise - clean, in the shape of `noisy`."""

    @torch.no_grad()
    def denoise(
        self,
        latents: torch.Tensor,
        noise: torch.Tensor,
        strength: torch.Tensor,
        condition: Condition,
        steps: int,
    ) -> torch.Tensor:
        """Repaints latents; see `FrameModel.denoise`."""
        for sigma in self._descent(strength, steps, latents):
            wide = sigma[:, None, None, None]
            noisy = torch.lerp(latents, noise, wide)
            velocity = self._velocity(noisy, sigma, condition)
            latents = noisy - wide * velocity
            noise = latents + velocity
        return latents

    def _descent(
        self, strength: torch.Tensor, steps: int, latents: torch.Tensor
    ) -> list[torch.Tensor]:
        """From `strength` down, even in the model's own clock."""
        pace = self._pace(latents.shape[-2] * latents.shape[-1] // self._cells_per_token, steps)
        sigma = strength.double().clamp(1e-4, 1.0)
        clock = 1.0 / (1.0 + pace * (1.0 / sigma - 1.0))
        later = (clock * ((steps - done) / steps) for done in range(1, steps))
        sigmas = [sigma, *(pace / (pace + 1.0 / time - 1.0) for time in later)]
        return [each.to(latents.device, torch.float32) for each in sigmas]

    _cells_per_token = 4

    def _pace(self, tokens: int, steps: int) -> float:
        """The clock's bend: 1 is none, more lingers where there is much noise."""
        if not self._scheduler.get("use_dynamic_shifting", False):
            return float(self._scheduler.get("shift", 1.0))
        bend = self._bend(tokens, steps)
        linear = self._scheduler.get("time_shift_type", "exponential") == "linear"
        return bend if linear else math.exp(bend)

    def _bend(self, tokens: int, steps: int) -> float:
        known = self._scheduler
        low, high = known.get("base_image_seq_len", 256), known.get("max_image_seq_len", 4096)
        base, most = known.get("base_shift", 0.5), known.get("max_shift", 1.15)
        return float(base + (most - base) * (tokens - low) / (high - low))

    def _rows(self, vectors: torch.Tensor, batch: int) -> torch.Tensor:
        """The one branch of a condition, once for each picture."""
        return self._to(vectors[0].expand(batch, *vectors.shape[2:]), self._denoiser)
