"""The last lesson: sharp pictures of what was asked for, by one who sees pixels and one who reads.

Up to here nobody has looked at a painted picture as its viewer does. A critic now sees parts of
drawings beside parts of what denoiser and decoder paint together (adversarial diffusion
distillation, arXiv 2311.17042), a recognizer says whether it shows what was asked for, and cells
must be as fine as drawings are where they have their colour. More than half of what is painted
starts from a drawing under noise, as over a film, the rest from nothing but noise, and goes the
whole way in two passes, so that nothing is learned that is not met again. What there was of the
drawing must be kept; where nothing was left of it, the layout that the denoiser had learned before,
in the colours of drawings of the same words. The decoder learns to paint sharply what the denoiser
hands it, and must still show a drawing's own latents as they are. What changes from one frame to
the next must be what the drawings change.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from visualizer.pulse.autoencoder import likeness, psnr
from visualizer.pulse.batches import Batch, Batches
from visualizer.pulse.colors import each, miscolored, painted_from, rearranged
from visualizer.pulse.critic import felt, fresh_critic, judged, steepness, unmoved
from visualizer.pulse.denoiser import Schedule, huber, seen_behind
from visualizer.pulse.recognizer import Recognizer, missed
from visualizer.pulse.run import Lesson
from visualizer.pulse.steady import boiling
from visualizer.pulse.texture import detail, mistextured
from visualizer.pulse.windows import Window

FIRST_PASS, SECOND_PASS = 0.1875, 0.3125  # Of a batch start from nothing but noise.
ASKED = 0.12  # Weight of showing what was asked for.
TIED = 0.2  # How much each cell must stay, too: left free, they learn to dazzle the critic.
SHOWN = 0.25  # Of a batch is also shown from a drawing's own latents.
FAITHFUL = 45.0  # Weight of how well those are shown; no critic looks at them.
TEXTURED = 0.12  # Weight of how fine each cell is.
STEADY = 0.5  # Weight of what changes from frame to frame of itself.
PUSH = 1.5  # How hard a critic that is sure may push, beside the errors.
LISTENS, SPEAKS = 0.02, 0.05  # Of the lesson: from when on its critic learns, and pushes.
CALM = 0.03  # Weight of how steep the critic's opinion is.
SWIFT = 6.0  # How many times as fast as the others the critic learns.


def finish_lesson(
    modules: dict[str, Any],
    begun: dict[str, Any],
    recognizer: Recognizer,
    batches: Batches,
    pairs: Batches,
    schedule: Schedule,
    folder: Path,
    *,
    steps: int,
    peak: float,
) -> Lesson:
    """Teaches denoiser and decoder together; the encoder stays as it is.

    Args:
        modules: "unet", "text_encoder" and "vae".
        begun: The first two as they are at the beginning; they do not learn.
        recognizer: Has learned and does so no longer.
        batches: What is seen.
        pairs: Drawings of books that know the moment after.
        schedule: Of the noise.
        folder: Where the lesson is kept.
        steps: How long it lasts.
        peak: Highest learning rate.
    """
    modules["vae"].encoder.requires_grad_(False)
    critic = fresh_critic().to(batches.device)

    def loss(step: int) -> tuple[torch.Tensor, dict[str, float]]:
        rng, seen = np.random.default_rng([step, 5]), batches.at(step)
        start = painted_from(modules, schedule, seen, rng, FIRST_PASS, SECOND_PASS)
        found = seen_behind(modules, schedule, start.noised, start.times, seen.tokens)
        with torch.no_grad():
            goal = seen_behind(begun, schedule, start.noised, start.times, seen.tokens)
        far = strayed(found, seen.latents, goal, start.trust)
        free = (1.0 - start.trust) * seen.told.view(-1, 1, 1, 1)
        tinted = (free * miscolored(found, seen.latents, rng)).mean()
        wrong = missed(recognizer, found, seen)

        parts = parts_of(modules["vae"], seen, found, rng)
        blurred = FAITHFUL * likeness(parts.shown, parts.beside)
        rough = mistextured(parts.painted, parts.drawn, start.trust, rng).mean()
        boils = boiling(modules, schedule, pairs.at(step), rng)
        learned, pushed = _criticized(critic, parts, found, far, step / steps)
        asked = far + tinted + ASKED * wrong.total + blurred + TEXTURED * rough + STEADY * boils
        return asked + learned + pushed, {
            "strayed": far.item(),
            "colors": tinted.item(),
            "family": wrong.family.item(),
            "look": wrong.look.item(),
            "rough": rough.item(),
            "boils": boils.item(),
            "critic": learned.item(),
            "detail": (detail(parts.painted) / detail(parts.drawn)).item(),
            "shown": psnr(F.mse_loss(parts.shown, parts.beside).item()),
        }

    learners = {**modules, "critic": critic}
    swift = {"critic": SWIFT}
    return Lesson(
        "finish", folder, learners, loss, steps, peak, swift=swift, warmup=50, inertia=0.5
    )


def _criticized(
    critic: torch.nn.Module, parts: Parts, found: torch.Tensor, far: torch.Tensor, done: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """The critic's own error, and what the painter feels of it; `done` is in [0, 1)."""
    learned = pushed = torch.zeros((), device=found.device)
    with torch.autocast(found.device.type, dtype=torch.bfloat16):
        if done >= LISTENS:
            learned = judged(critic(parts.drawn), critic(parts.painted.detach()))
            learned = learned + CALM * steepness(critic, parts.beside)
        if done >= SPEAKS:
            true, false = (unmoved(critic, part) for part in (parts.drawn, parts.painted))
            pushed = PUSH * felt(true, false, found, far)
    return learned, pushed


def strayed(
    found: torch.Tensor, drawn: torch.Tensor, goal: torch.Tensor, trust: torch.Tensor
) -> torch.Tensor:
    """How far latents are from the drawing, as far as it could be seen, and else from a layout.

    Layouts may take on other colours.
    """
    moved = rearranged(found, goal) + TIED * each(huber(found, goal))
    return (trust * each(huber(found, drawn)) + (1.0 - trust) * moved).mean()


@dataclass(frozen=True)
class Parts:
    """The same part of every picture of a batch, float32, shape (n, 3, edge, edge).

    Attributes:
        drawn: As the scenes painter drew it.
        painted: As denoiser and decoder paint it.
        shown: Of the first few, as the decoder shows the drawing's own latents.
    """

    drawn: torch.Tensor
    painted: torch.Tensor
    shown: torch.Tensor

    @property
    def beside(self) -> torch.Tensor:
        """The drawings of what is shown."""
        return self.drawn[: len(self.shown)]


def parts_of(vae: Any, seen: Batch, found: torch.Tensor, rng: np.random.Generator) -> Parts:
    """Shows parts of what was found, and of some drawings' own latents."""
    window = Window.anywhere(found, rng)
    some = seen.latents[: max(1, round(SHOWN * len(found)))]
    both = window.show(vae, torch.cat([found, some]))
    painted, shown = both.tensor_split([len(found)])
    return Parts(window.drawn(seen), painted, shown)
