"""The FLUX models: FLUX.1 and FLUX.2 klein."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from visualizer.painters.diffusion.flow import FlowModel
from visualizer.painters.diffusion.model import Caps, Condition


class FluxModel(FlowModel):
    """FLUX.1: T5 tokens and a CLIP summary; two by two latent cells make a token."""

    @torch.no_grad()
    def embed(self, prompt: str, negative: str) -> Condition:
        """Reads a prompt; these models know no negative one."""
        tokens, pooled, _ = self._pipe.encode_prompt(prompt=prompt, prompt_2=None)
        return Condition(tokens.float()[None], pooled.float()[None])

    def _velocity(
        self, noisy: torch.Tensor, sigma: torch.Tensor, condition: Condition
    ) -> torch.Tensor:
        assert condition.pooled is not None
        batch, rows, columns = len(noisy), noisy.shape[-2] // 2, noisy.shape[-1] // 2
        tokens = self._rows(condition.tokens, batch)
        answer = self._denoiser(
            hidden_states=_pack(self._to(F.pixel_unshuffle(noisy, 2), self._denoiser)),
            timestep=self._to(sigma, self._denoiser),
            guidance=self._guidance(batch),
            pooled_projections=self._rows(condition.pooled, batch),
            encoder_hidden_states=tokens,
            txt_ids=tokens.new_zeros(tokens.shape[1], 3),
            img_ids=_places(rows, columns, 3).to(tokens),
            return_dict=False,
        )[0]
        return F.pixel_shuffle(_unpack(answer.float(), rows, columns), 2)

    def _guidance(self, batch: int) -> torch.Tensor | None:
        """Where the model was trained to read its guidance scale."""
        if not self._denoiser.config.guidance_embeds:
            return None
        return torch.full((batch,), self._sampling.guidance, device=self.device)


class KleinModel(FlowModel):
    """FLUX.2 klein: Qwen3 tokens; latents in patches, normalised by the autoencoder's own norm."""

    _cells_per_token = 1

    @property
    def caps(self) -> Caps:
        """What the model can do: its latent cell is a patch of two by two."""
        plain = super().caps
        return Caps(
            name=plain.name,
            area=plain.area,
            multiple=plain.multiple,
            channels=4 * plain.channels,
            downscale=2 * plain.downscale,
            steps=plain.steps,
            key_steps=plain.key_steps,
        )

    @torch.no_grad()
    def embed(self, prompt: str, negative: str) -> Condition:
        """Reads a prompt; these models know no negative one."""
        tokens, _ = self._pipe.encode_prompt(prompt=prompt)
        return Condition(tokens.float()[None])

    @torch.no_grad()
    def encode(self, picture: torch.Tensor) -> torch.Tensor:
        """Pictures to latents, by the mode."""
        mean, deviation = self._norm()
        return (F.pixel_unshuffle(super().encode(picture), 2) - mean) / deviation

    @torch.no_grad()
    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        """Latents to pictures."""
        mean, deviation = self._norm()
        return super().decode(F.pixel_shuffle(latents * deviation + mean, 2))

    def _norm(self) -> tuple[torch.Tensor, torch.Tensor]:
        norm = self._vae.bn
        variance = norm.running_var.float() + self._vae.config.batch_norm_eps
        mean: torch.Tensor = norm.running_mean.float()
        return mean[:, None, None], variance.sqrt()[:, None, None]

    def _bend(self, tokens: int, steps: int) -> float:
        from diffusers.pipelines.flux2.pipeline_flux2_klein import compute_empirical_mu

        return float(compute_empirical_mu(tokens, steps))

    def _velocity(
        self, noisy: torch.Tensor, sigma: torch.Tensor, condition: Condition
    ) -> torch.Tensor:
        batch, (rows, columns) = len(noisy), noisy.shape[-2:]
        tokens = self._rows(condition.tokens, batch)
        words = torch.zeros(tokens.shape[1], 4)
        words[:, 3] = torch.arange(tokens.shape[1])
        answer = self._denoiser(
            hidden_states=_pack(self._to(noisy, self._denoiser)),
            timestep=self._to(sigma, self._denoiser),
            guidance=None,
            encoder_hidden_states=tokens,
            txt_ids=words.to(self.device).expand(batch, -1, -1),
            img_ids=_places(rows, columns, 4).to(self.device).expand(batch, -1, -1),
            return_dict=False,
        )[0]
        return _unpack(answer.float(), rows, columns)


def _pack(latents: torch.Tensor) -> torch.Tensor:
    """(batch, channels, rows, columns) to (batch, tokens, channels)."""
    return latents.flatten(2).transpose(1, 2)


def _unpack(tokens: torch.Tensor, rows: int, columns: int) -> torch.Tensor:
    return tokens.transpose(1, 2).reshape(len(tokens), -1, rows, columns)


def _places(rows: int, columns: int, axes: int) -> torch.Tensor:
    """Shape (rows * columns, axes): where each token lies; the second axis counts rows."""
    places = torch.zeros(rows, columns, axes)
    places[..., 1] = torch.arange(rows)[:, None]
    places[..., 2] = torch.arange(columns)
    return places.reshape(-1, axes)
