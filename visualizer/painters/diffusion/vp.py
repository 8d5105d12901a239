"""The Stable Diffusion family: a UNet that keeps the variance (alpha² + sigma² = 1).

Covers Stable Diffusion 1 and 2, SDXL, their turbo and lightning forms, and latent consistency
models; the differences are read from the pipeline's own configuration.
"""

from __future__ import annotations

from typing import Any

import torch

from visualizer.painters.diffusion.levels import NoiseLevel, NoiseLevels
from visualizer.painters.diffusion.model import Condition, Sampling
from visualizer.painters.diffusion.pipeline import PipelineModel
from visualizer.painters.diffusion.replay import Replayed


class VPModel(PipelineModel):
    """A Stable Diffusion pipeline behind `FrameModel`, with a denoise call of its own."""

    def __init__(self, pipe: Any, sampling: Sampling, name: str) -> None:
        """Takes a pipeline of diffusers, already on its device, and how to run it."""
        super().__init__(pipe, pipe.unet, sampling, name)
        self._levels = NoiseLevels(pipe.scheduler.alphas_cumprod)
        self._unet = Replayed(self._answer)

    def _area(self, cell: int) -> int:
        size = self._denoiser.config.sample_size
        rows, columns = (size, size) if isinstance(size, int) else size
        return int(rows * columns * cell * cell)

    @torch.no_grad()
    def embed(self, prompt: str, negative: str) -> Condition:
        """Reads a prompt, and the negative one where the model is guided."""
        found = self._pipe.encode_prompt(
            prompt=prompt,
            device=self.device,
            num_images_per_prompt=1,
            do_classifier_free_guidance=self._guided,
            negative_prompt=negative if self._guided else None,
        )
        # diffusers answers (positive, negative), and with SDXL their summaries in the same order.
        tokens, pooled = found[:2], found[2:]
        return Condition(self._branches(tokens), self._branches(pooled) if pooled else None)

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
        for level in self._levels.descent(strength, steps, latents.device):
            noisy = level.alpha * latents + level.sigma * noise
            latents = self._predict(noisy, level, condition)
            noise = self._next_noise(noisy, latents, noise, level)
        return latents

    def _next_noise(
        self, noisy: torch.Tensor, clean: torch.Tensor, noise: torch.Tensor, level: NoiseLevel
    ) -> torch.Tensor:
        if self._sampling.consistency:
            # Another channel's noise: independent of this one's, yet it travels with the camera.
            return noise.roll(1, dims=1)
        return (noisy - level.alpha * clean) / level.sigma.clamp_min(1e-3)

    def _predict(
        self, noisy: torch.Tensor, level: NoiseLevel, condition: Condition
    ) -> torch.Tensor:
        """The clean latents the model sees behind `noisy`."""
        output = self._guide(self._call(noisy, level.time, condition))
        kind = self._scheduler.get("prediction_type", "epsilon")
        if kind == "v_prediction":
            clean = level.alpha * noisy - level.sigma * output
        elif kind == "sample":
            clean = output
        else:
            clean = (noisy - level.sigma * output) / level.alpha
        return self._at_boundary(noisy, clean, level) if self._sampling.consistency else clean

    def _call(self, noisy: torch.Tensor, time: torch.Tensor, condition: Condition) -> torch.Tensor:
        """The UNet on all branches at once: shape (branches, *noisy.shape)."""
        branches, batch = condition.tokens.shape[0], noisy.shape[0]

        def rows(vectors: torch.Tensor) -> torch.Tensor:
            spread = vectors.expand(branches, batch, *vectors.shape[2:])
            return self._to(spread.reshape(branches * batch, *vectors.shape[2:]), self._denoiser)

        pooled = condition.pooled
        output = self._unet(
            self._to(noisy.repeat(branches, 1, 1, 1), self._denoiser),
            time.repeat(branches),
            rows(condition.tokens),
            self._guidance_embedding(branches * batch),
            None if pooled is None else rows(pooled),
            None if pooled is None else self._size_ids(noisy).expand(branches * batch, -1),
        )
        return output.float().reshape(branches, *noisy.shape)

    def _answer(
        self,
        noisy: torch.Tensor,
        time: torch.Tensor,
        tokens: torch.Tensor,
        guidance: torch.Tensor | None,
        pooled: torch.Tensor | None,
        size_ids: torch.Tensor | None,
    ) -> torch.Tensor:
        summary = None if pooled is None else {"text_embeds": pooled, "time_ids": size_ids}
        output: torch.Tensor = self._denoiser(
            noisy,
            time,
            encoder_hidden_states=tokens,
            timestep_cond=guidance,
            added_cond_kwargs=summary,
            return_dict=False,
        )[0]
        return output

    def _guide(self, outputs: torch.Tensor) -> torch.Tensor:
        """Classifier-free guidance (Ho & Salimans, 2022) where there are two branches."""
        if len(outputs) == 1:
            return outputs[0]
        return torch.lerp(outputs[0], outputs[1], self._sampling.guidance)

    def _at_boundary(
        self, noisy: torch.Tensor, clean: torch.Tensor, level: NoiseLevel
    ) -> torch.Tensor:
        """Consistency models are the identity at time 0 (Luo et al., 2023, appendix)."""
        scale = float(self._scheduler.get("timestep_scaling", 10.0))
        time = level.time[:, None, None, None] * scale
        data = 0.5
        away = time.square() + data**2
        return noisy * (data**2 / away) + clean * (time / away.sqrt())

    def _guidance_embedding(self, batch: int) -> torch.Tensor | None:
        """Latent consistency models read their guidance scale instead of being guided."""
        width = self._denoiser.config.time_cond_proj_dim
        if width is None:
            return None
        scale = torch.tensor([self._sampling.guidance - 1.0])
        embedding = self._pipe.get_guidance_scale_embedding(scale, embedding_dim=width)
        return self._to(embedding, self._denoiser).expand(batch, -1)

    def _size_ids(self, noisy: torch.Tensor) -> torch.Tensor:
        """SDXL asks for original size, crop and target size, in pixels."""
        height, width = (side * int(self._pipe.vae_scale_factor) for side in noisy.shape[-2:])
        ids = [height, width, 0, 0, height, width]
        return torch.tensor([ids], dtype=self._denoiser.dtype, device=noisy.device)

    def _branches(self, found: tuple[torch.Tensor | None, ...]) -> torch.Tensor:
        positive, negative = found
        both = [negative, positive] if self._guided else [positive]
        return torch.stack([vectors.float() for vectors in both if vectors is not None])

    @property
    def _guided(self) -> bool:
        return self._denoiser.config.time_cond_proj_dim is None and self._sampling.guidance > 1.0
