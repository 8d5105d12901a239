"""The second lesson: what words mean, before anything is painted from them.

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
from torch import nn

from visualizer.pulse.captions import caption
from visualizer.pulse.drawings import imagine
from visualizer.pulse.parts import read_tokens
from visualizer.pulse.run import Lesson
from visualizer.pulse.traits import ANSWERS, Traits, unlike

ANSWERING = 3e-3  # Highest learning rate of the answers, which are always new.


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
    traits = Traits.of(drawings).to(device)
    answer = nn.Linear(modules["unet"].config.block_out_channels[0] * 4, ANSWERS).to(device)

    def loss(step: int) -> tuple[torch.Tensor, dict[str, float]]:
        rng = np.random.default_rng([step, 4])
        chosen = rng.integers(captions, size=batch)
        said = [caption(drawings[k], rng) for k in chosen]
        tokens = read_tokens(tokenizer, said).to(device)
        read = modules["text_encoder"](tokens).last_hidden_state
        asked = traits.chosen(torch.from_numpy(chosen).to(device))
        missed = unlike(answer(modules["unet"].add_embedding(read)), asked)
        return missed.total, {"family": missed.family.item(), "look": missed.look.item()}

    swift = {"answer": max(1.0, ANSWERING / peak)}
    return Lesson("reader", folder, {**modules, "answer": answer}, loss, steps, peak, swift=swift)
