"""The third lesson: what words mean, before anything is painted from them.

A caption's summary, which tells the denoiser everywhere what is asked for, must say which family,
colours and mood the drawing has. Drawings are slow to learn from and captions are not: a denoiser
that was left to find out by itself what colours are called painted families rightly long before
palettes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from visualizer.controls import BY_NAME
from visualizer.painters.oklab import from_srgb
from visualizer.palette import Palette, ramp
from visualizer.pulse.captions import caption
from visualizer.pulse.drawings import FAMILIES, SPREAD, Drawing, imagine
from visualizer.pulse.parts import read_tokens
from visualizer.pulse.run import Lesson

SHADES = 16  # Along a palette's gradient.
NAMING = 0.3  # Weight of the family, which is learned soonest.


def reader_lesson(
    modules: dict[str, Any],
    tokenizer: Any,
    folder: Path,
    *,
    captions: int,
    batch: int,
    steps: int,
    peak: float,
) -> Lesson:
    """Teaches a text encoder, and a denoiser's summary of what it reads.

    Args:
        modules: "text_encoder" and "unet"; of the second only `add_embedding` learns.
        tokenizer: Of the captions.
        folder: Where the lesson is kept.
        captions: Drawings that are spoken of, each time in other words.
        batch: Captions in a step.
        steps: How long it lasts.
        peak: Highest learning rate.
    """
    drawings = [imagine(number) for number in range(captions)]
    device = modules["unet"].device
    families = torch.tensor([FAMILIES.index(d.family) for d in drawings], device=device)
    traits = torch.stack([_traits(d) for d in drawings]).to(device)
    traits = (traits - traits.mean(0)) / traits.std(0).clamp(min=1e-3)
    summary = modules["unet"].config.block_out_channels[0] * 4
    answer = nn.Linear(summary, len(FAMILIES) + traits.shape[1]).to(device)

    def loss(step: int) -> tuple[torch.Tensor, dict[str, float]]:
        rng = np.random.default_rng([step, 4])
        chosen = rng.integers(captions, size=batch)
        said = [caption(drawings[k], rng) for k in chosen]
        tokens = read_tokens(tokenizer, said).to(device)
        read = modules["text_encoder"](tokens).last_hidden_state
        found = answer(modules["unet"].add_embedding(read))
        names, looks = found.tensor_split([len(FAMILIES)], dim=1)
        seen = torch.from_numpy(chosen).to(device)
        named = F.cross_entropy(names, families[seen])
        pictured = F.mse_loss(looks, traits[seen])
        return NAMING * named + pictured, {"family": named.item(), "look": pictured.item()}

    return Lesson("reader", folder, {**modules, "answer": answer}, loss, steps, peak)


def palette_look(palette: Palette) -> torch.Tensor:
    """A palette's gradient in OKLab, dark end first, float32, shape (3 * `SHADES`,)."""
    shades = torch.tensor(ramp(palette, SHADES)).T[None, :, :, None]
    return from_srgb(shades).flatten()


def _traits(drawing: Drawing) -> torch.Tensor:
    """The colours and the controls that moods move."""
    controls = [drawing.controls.get(name, BY_NAME[name].neutral) for name in SPREAD]
    return torch.cat([palette_look(drawing.palette), torch.tensor(controls)])
