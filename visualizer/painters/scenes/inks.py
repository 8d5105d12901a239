"""Colour: a palette made ready for one frame.

Scenes think in tones (0 dark, 1 light, above 1 burning) and in a lean of the hue along the
palette; the inks turn both into light. Lightness follows the tone alone, so a slide of the palette
changes the colours and never turns the picture inside out.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch

from visualizer.painters.oklab import LMS_TO_LAB, RGB_TO_LMS
from visualizer.score import Cue

TONES = 1024  # Entries over tones in [0, 2]: finer than 8 bits at any contrast.
LEANS = 33  # Entries over leans in [-1, 1].

# Back from OKLab, as Björn Ottosson gives it, https://bottosson.github.io/posts/oklab/
_LAB_TO_LMS = (
    (1.0, 0.3963377774, 0.2158037573),
    (1.0, -0.1055613458, -0.0638541728),
    (1.0, -0.0894841775, -1.2914855480),
)
_LMS_TO_RGB = (
    (4.0767416621, -3.3077115913, 0.2309699292),
    (-1.2684380046, 2.6097574011, -0.3413193965),
    (-0.0041960863, -0.7034186147, 1.7076147010),
)


@dataclass(frozen=True)
class Inks:
    """The colours of one frame.

    Attributes:
        table: float32, shape (3, LEANS * TONES), sRGB-encoded, in [0, 1].
    """

    table: torch.Tensor

    def paint(self, tone: torch.Tensor, lean: torch.Tensor | float = 0.0) -> torch.Tensor:
        """Colours a field.

        Args:
            tone: Field: 0 the darkest colour of the palette, 1 the lightest, 2 nearly white.
            lean: Field or number in [-1, 1]: slides the hue half a palette darker or lighter at
                the same tone.

        Returns:
            float32, shape (3, height, width), sRGB-encoded, in [0, 1].
        """
        dither = _dither(tone.shape[0], tone.shape[1], tone.device)
        index = (tone.clamp(0.0, 2.0) * ((TONES - 1) / 2.0)).add_(dither).to(torch.int32)
        if isinstance(lean, torch.Tensor):
            row = lean.clamp(-1.0, 1.0).add_(1.0).mul_((LEANS - 1) / 2.0).add_(dither)
            index += row.to(torch.int32) * TONES
        else:
            index += round((min(max(lean, -1.0), 1.0) + 1.0) * (LEANS - 1) / 2.0) * TONES
        return self.table.index_select(1, index.flatten()).view(3, *tone.shape)


@lru_cache(maxsize=8)
def _dither(height: int, width: int, device: torch.device) -> torch.Tensor:
    """What is added before rounding down, in [0, 1): smooth colours stay smooth, without bands."""
    noise = np.random.default_rng(0).random((height, width), dtype=np.float32)
    return torch.from_numpy(noise * 0.999).to(device)


def mix_inks(ramp: torch.Tensor, cue: Cue) -> Inks:
    """Prepares the palette for a cue: `palette_shift`, `saturation` and `light` act here.

    Args:
        ramp: float32, shape (n, 3), sRGB-encoded, dark to light.
        cue: The controls.
    """
    device = ramp.device
    tone = torch.linspace(0.0, 2.0, TONES, device=device) * cue.light**0.75
    place = torch.where(tone < 0.7, tone, 1.0 - 0.3 * torch.exp((0.7 - tone) / 0.3))
    lean = torch.linspace(-0.5, 0.5, LEANS, device=device)[:, None] + cue.palette_shift
    lab = _oklab(ramp.T)
    own, other = _look_up(lab, place), _look_up(lab, _mirror(place + lean))
    burn = (tone - 1.0).clamp(0.0, 1.0) ** 1.5 * 0.85
    lightness = (own[0] + (1.0 - own[0]) * burn) * min(1.0, cue.light) ** 0.25
    chroma = _chroma(own, other, lightness) * (cue.saturation * (1.0 - 0.8 * burn))
    a, b = other[1] * chroma, other[2] * chroma
    return Inks(_srgb(torch.stack([lightness.expand_as(a), a, b]).view(3, -1)))


def _chroma(own: torch.Tensor, other: torch.Tensor, lightness: torch.Tensor) -> torch.Tensor:
    """The factor that gives a borrowed hue the chroma its new lightness can carry."""
    borrowed = torch.hypot(other[1], other[2])
    kept = 0.5 * (borrowed + torch.hypot(own[1], own[2]))
    return torch.minimum(kept, 0.8 * lightness) / borrowed.clamp_min(1e-4)


def _mirror(place: torch.Tensor) -> torch.Tensor:
    """Folds any number into [0, 1] without a jump."""
    return 1.0 - (place.remainder(2.0) - 1.0).abs()


def _look_up(table: torch.Tensor, place: torch.Tensor) -> torch.Tensor:
    """Linear interpolation in a table of shape (3, n); returns shape (3, *place.shape)."""
    at = place.flatten() * (table.shape[1] - 1)
    low = at.floor().clamp(0, table.shape[1] - 2)
    index = low.to(torch.int32)
    found = torch.lerp(table.index_select(1, index), table.index_select(1, index + 1), at - low)
    return found.view(3, *place.shape)


def _oklab(srgb: torch.Tensor) -> torch.Tensor:
    """Shape (3, n) to (3, n)."""
    linear = torch.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    lms = (srgb.new_tensor(RGB_TO_LMS) @ linear).clamp_min(0.0) ** (1.0 / 3.0)
    return srgb.new_tensor(LMS_TO_LAB) @ lms


def _srgb(lab: torch.Tensor) -> torch.Tensor:
    """Shape (3, n) to (3, n)."""
    lms = (lab.new_tensor(_LAB_TO_LMS) @ lab) ** 3
    linear = (lab.new_tensor(_LMS_TO_RGB) @ lms).clamp(0.0, 1.0)
    return torch.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
