"""The second lesson: an autoencoder that already knows its pictures learns to show them sharply.

A mean error alone answers with a blur wherever a fine line could lie here or there. A critic that
sees drawings beside what the autoencoder shows tells the two apart by just that blur. Latents stay
near what they were, so that a denoiser that was taught on them still understands them.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from visualizer.pulse.autoencoder import crops, likeness, psnr, turned
from visualizer.pulse.critic import LISTENS, SPEAKS, felt, fresh_critic, judged, unmoved
from visualizer.pulse.run import Lesson

PUSH = 2.0  # How hard a critic that is sure may push, beside the mean error.
NEAR = 0.05  # Weight of how far latents go from where they were.


def polish_lesson(
    vae: Any,
    pictures: Sequence[NDArray[np.uint8]],
    folder: Path,
    *,
    steps: int,
    batch: int,
) -> Lesson:
    """Teaches an `AutoencoderTiny` to be sharp.

    Args:
        vae: What learns, after its first lesson.
        pictures: Pieces of a gallery.
        folder: Where the lesson is kept.
        steps: How long it lasts.
        batch: Crops in a step.
    """
    critic = fresh_critic().to(vae.device)
    before = copy.deepcopy(vae.encoder).eval().requires_grad_(False)

    def loss(step: int) -> tuple[torch.Tensor, dict[str, float]]:
        rng = np.random.default_rng([step, 3])
        seen = crops(pictures, batch, rng).to(vae.device)
        with torch.autocast(vae.device.type, dtype=torch.bfloat16):
            latents = vae.encode(seen * 2.0 - 1.0).latents.float()
            shown = vae.decode(latents).sample.float() * 0.5 + 0.5
            moved = turned(vae, latents, seen, rng)
            near = F.mse_loss(latents, before(seen * 2.0 - 1.0).float())
        error = likeness(shown, seen)
        learned = pushed = torch.zeros((), device=vae.device)
        with torch.autocast(vae.device.type, dtype=torch.bfloat16):
            if step >= LISTENS * steps:
                learned = judged(*critic(torch.cat([seen, shown.detach()])).chunk(2))
            if step >= SPEAKS * steps:
                true, false = unmoved(critic, torch.cat([seen, shown])).chunk(2)
                pushed = PUSH * felt(true, false, shown, error)
        return error + 0.25 * moved + NEAR * near + learned + pushed, {
            "psnr": psnr(F.mse_loss(shown, seen).item()),
            "near": near.item(),
            "critic": learned.item(),
            "detail": (detail(shown) / detail(seen)).item(),
        }

    return Lesson("polish", folder, {"vae": vae, "critic": critic}, loss, steps, peak=1e-3)


def detail(pictures: torch.Tensor) -> torch.Tensor:
    """Mean variance of the Laplacian of the pictures' grey."""
    grey = pictures.detach().mean(1, keepdim=True)
    kernel = grey.new_tensor([[0.0, 1.0, 0.0], [1.0, -4.0, 1.0], [0.0, 1.0, 0.0]])
    return F.conv2d(grey, kernel[None, None]).var(dim=(1, 2, 3)).mean()
