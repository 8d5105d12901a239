"""Which palettes come out wrong, so that the lesson on colours can show them more often.

A palette of two hues far apart with dark between comes out in the mean of the two, and one drawing
in 150 shows it: too few to learn better from, while most palettes have long been right.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from visualizer.lexicon import plain_prompt
from visualizer.palette import palettes
from visualizer.pulse.denoiser import Schedule, seen_behind
from visualizer.pulse.drawings import FAMILIES
from visualizer.pulse.parts import CHANNELS, read_tokens
from visualizer.pulse.traits import mistaken

SHOWN = FAMILIES[::2]
CELLS = 32  # Along the edge of what is painted to find out.
AGAIN = 499  # Step of the noise schedule of the second pass.
MOST = 8.0  # Times as often as others a palette is shown at most.


@torch.no_grad()
def emphasis(
    modules: dict[str, Any],
    recognizer: Callable[[torch.Tensor], torch.Tensor],
    tokenizer: Any,
    schedule: Schedule,
) -> dict[str, float]:
    """How many times as often as others each named palette should be shown.

    Args:
        modules: "unet" and "text_encoder".
        recognizer: Sees which colours came out.
        tokenizer: Of the prompts.
        schedule: Of the noise.

    Returns:
        By palette, in [1, `MOST`], as the square of how wrong it comes out beside the median.
    """
    noise = np.random.default_rng(0).standard_normal((len(SHOWN), CHANNELS, CELLS, CELLS))
    first = torch.from_numpy(noise.astype(np.float32)).to(schedule.alpha.device)
    last, again = (
        torch.full((len(SHOWN),), step, device=first.device)
        for step in (len(schedule.alpha) - 1, AGAIN)
    )
    wrong = {}
    for name, palette in palettes().items():
        said = [plain_prompt(family, palette) for family in SHOWN]
        tokens = read_tokens(tokenizer, said).to(first.device)
        found = seen_behind(modules, schedule, first, last, tokens)
        noised = schedule.noised(found, first.roll(1, dims=1), again)  # As the program does.
        answers = recognizer(seen_behind(modules, schedule, noised, again, tokens))
        wrong[name] = float(mistaken(answers, palette))
    usual = float(np.median(list(wrong.values())))
    return {name: float(np.clip((w / usual) ** 2, 1.0, MOST)) for name, w in wrong.items()}
