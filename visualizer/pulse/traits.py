"""What a caption can ask for: the family, the colours and the moods of a drawing, as numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import torch
import torch.nn.functional as F

from visualizer.controls import BY_NAME
from visualizer.painters.oklab import from_srgb
from visualizer.palette import Palette, ramp
from visualizer.pulse.drawings import FAMILIES, SPREAD, Drawing, imagine

SHADES = 16  # Along a palette's gradient.
LOOKS = 3 * SHADES + len(SPREAD)
ANSWERS = len(FAMILIES) + LOOKS  # What `unlike` compares with the traits of one drawing.
USUAL = 2_048  # Drawings by which looks are brought to mean 0 and standard deviation 1.
NAMING = 0.3  # Weight of the family, which is learned soonest.


@dataclass(frozen=True)
class Traits:
    """Of several drawings.

    Attributes:
        families: Places in `FAMILIES`, int64, shape (n,).
        looks: Colours and the controls that moods move, brought to mean 0 and standard deviation
            1 over all drawings, float32, shape (n, `LOOKS`).
    """

    families: torch.Tensor
    looks: torch.Tensor

    @classmethod
    def of(cls, drawings: Sequence[Drawing]) -> Traits:
        """Reads them from what the drawings are made of."""
        mean, deviation = _usual()
        looks = torch.stack([_look(drawing) for drawing in drawings])
        families = torch.tensor([FAMILIES.index(drawing.family) for drawing in drawings])
        return cls(families, (looks - mean) / deviation)

    def to(self, device: torch.device) -> Traits:
        """The same on a device."""
        return Traits(self.families.to(device), self.looks.to(device))

    def chosen(self, which: torch.Tensor) -> Traits:
        """Some of them, by number or by a mask."""
        return Traits(self.families[which], self.looks[which])


@dataclass(frozen=True)
class Unlike:
    """How far answers are from the truth.

    Attributes:
        family: Cross-entropy.
        look: Mean squared error; of one who knows nothing it is 1.
    """

    family: torch.Tensor
    look: torch.Tensor

    @property
    def total(self) -> torch.Tensor:
        """Both together."""
        return NAMING * self.family + self.look


def unlike(answers: torch.Tensor, traits: Traits) -> Unlike:
    """Compares answers, shape (n, `ANSWERS`), with what was asked for."""
    names, looks = answers.tensor_split([len(FAMILIES)], dim=1)
    return Unlike(F.cross_entropy(names, traits.families), F.mse_loss(looks, traits.looks))


def mistaken(answers: torch.Tensor, palette: Palette) -> torch.Tensor:
    """How far the colours in answers, shape (n, `ANSWERS`), are from those of a palette."""
    mean, deviation = (values[: 3 * SHADES] for values in _usual())
    asked = (palette_look(palette) - mean) / deviation
    shown = answers[:, len(FAMILIES) : len(FAMILIES) + 3 * SHADES]
    return (shown - asked.to(answers.device)).square().mean()


def palette_look(palette: Palette) -> torch.Tensor:
    """A palette's gradient in OKLab, dark end first, float32, shape (3 * `SHADES`,)."""
    shades = torch.tensor(ramp(palette, SHADES)).T[None, :, :, None]
    return from_srgb(shades).flatten()


def _look(drawing: Drawing) -> torch.Tensor:
    controls = [drawing.controls.get(name, BY_NAME[name].neutral) for name in SPREAD]
    return torch.cat([palette_look(drawing.palette), torch.tensor(controls)])


@cache
def _usual() -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and standard deviation of the looks of drawings."""
    looks = torch.stack([_look(imagine(number)) for number in range(USUAL)])
    return looks.mean(0), looks.std(0).clamp(min=1e-3)
