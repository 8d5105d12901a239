"""The Z-Image models."""

from __future__ import annotations

import torch

from visualizer.painters.diffusion.flow import FlowModel
from visualizer.painters.diffusion.model import Condition


class ZImageModel(FlowModel):
    """Z-Image: Qwen3 tokens, as many as the prompt has; time runs the other way."""

    @torch.no_grad()
    def embed(self, prompt: str, negative: str) -> Condition:
        """Reads a prompt; the turbo model knows no negative one."""
        tokens, _ = self._pipe.encode_prompt(prompt=prompt, do_classifier_free_guidance=False)
        return Condition(tokens[0].float()[None, None])

    def _velocity(
        self, noisy: torch.Tensor, sigma: torch.Tensor, condition: Condition
    ) -> torch.Tensor:
        answer = self._denoiser(
            list(self._to(noisy, self._denoiser).unsqueeze(2)),
            1.0 - sigma,
            list(self._rows(condition.tokens, len(noisy))),
            return_dict=False,
        )[0]
        return -torch.stack([each.float() for each in answer]).squeeze(2)
