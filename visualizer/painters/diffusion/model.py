"""What the painter needs of an image model, whatever its family.

Conventions: pictures are float32, shape (batch, 3, height, width), sRGB-encoded, in [0, 1];
latents are float32, shape (batch, channels, height / downscale, width / downscale), scaled as the
denoiser wants them. Strength is noise / (noise + signal) in (0, 1], so that it means the same on
every model: 0.5 is as much noise as picture, 1 keeps nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch


@dataclass(frozen=True)
class Caps:
    """What a model can do and was made for.

    Attributes:
        name: Names the weights, their precision and the guidance; part of the painter's identity.
        area: Pixels of the pictures it was trained on; far from it the composition falls apart.
        multiple: Width and height must be multiples of this.
        channels: Channels of its latents.
        downscale: Pixels of picture per latent cell, along each side.
        steps: Denoiser calls for one frame of feedback.
        key_steps: Denoiser calls for a picture from nothing.
    """

    name: str
    area: int
    multiple: int
    channels: int
    downscale: int
    steps: int
    key_steps: int


@dataclass(frozen=True)
class Condition:
    """Embedded prompts, as the denoiser reads them.

    Attributes:
        tokens: Shape (branches, batch, tokens, width); two branches, negative and positive, where
            the model is guided, else the positive one alone.
        pooled: Shape (branches, batch, width), or None where the model reads no such summary.
    """

    tokens: torch.Tensor
    pooled: torch.Tensor | None = None


@dataclass(frozen=True)
class Sampling:
    """How a pipeline wants to be run.

    Attributes:
        steps: Denoiser calls for a frame of feedback.
        key_steps: Denoiser calls for a picture from nothing.
        guidance: Scale of classifier-free guidance; 1 is none.
        consistency: Trained to name the clean picture from any level, so that between steps it
            wants new noise instead of the noise it has just found.
    """

    steps: int
    key_steps: int
    guidance: float
    consistency: bool = False


class FrameModel(Protocol):
    """A picture at a time: text and a noised picture in, a picture out."""

    @property
    def caps(self) -> Caps:
        """What the model can do."""
        ...

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        ...

    def embed(self, prompt: str, negative: str) -> Condition:
        """Reads one prompt: a condition of batch 1."""
        ...

    def encode(self, picture: torch.Tensor) -> torch.Tensor:
        """Pictures to latents, without chance: the mode of the distribution, never a sample."""
        ...

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        """Latents to pictures."""
        ...

    def denoise(
        self,
        latents: torch.Tensor,
        noise: torch.Tensor,
        strength: torch.Tensor,
        condition: Condition,
        steps: int,
    ) -> torch.Tensor:
        """Repaints latents: adds noise up to `strength` and takes it away again.

        Args:
            latents: Shape (batch, channels, height, width).
            noise: Same shape, of mean 0 and standard deviation 1.
            strength: Shape (batch,), one for each picture, on the CPU.
            condition: Of the same batch, or of batch 1.
            steps: Calls of the denoiser, exactly.

        Returns:
            Clean latents, same shape.
        """
        ...


def aligned(conditions: Sequence[Condition]) -> list[Condition]:
    """Gives conditions the same number of tokens, so that they can be mixed.

    Some models read as many tokens as a prompt has; the last of the shorter ones is repeated.
    """
    longest = max(c.tokens.shape[2] for c in conditions)
    return [Condition(_lengthened(c.tokens, longest), c.pooled) for c in conditions]


def _lengthened(tokens: torch.Tensor, longest: int) -> torch.Tensor:
    missing = longest - tokens.shape[2]
    return torch.cat([tokens, tokens[:, :, -1:].expand(-1, -1, missing, -1)], dim=2)


def mix(conditions: Sequence[Condition], weights: Sequence[float]) -> Condition:
    """Blends conditions, each vector keeping the length that its parts have on average.

    A plain average of two prompts is shorter than either and reads as a vague prompt.

    Args:
        conditions: At least one, of equal shapes.
        weights: One for each, summing to 1.
    """
    pooled = [c.pooled for c in conditions if c.pooled is not None]
    return Condition(
        _mix([c.tokens for c in conditions], weights),
        _mix(pooled, weights) if pooled else None,
    )


def _mix(vectors: Sequence[torch.Tensor], weights: Sequence[float]) -> torch.Tensor:
    parts = [(v, w) for v, w in zip(vectors, weights, strict=True) if w > 0.0]
    if len(parts) == 1:
        return parts[0][0]
    total = torch.stack([v * w for v, w in parts]).sum(0)
    length = torch.stack([v.norm(dim=-1, keepdim=True) * w for v, w in parts]).sum(0)
    blend: torch.Tensor = total * (length / total.norm(dim=-1, keepdim=True).clamp_min(1e-6))
    return blend
