"""How near the points of a picture are: guessed from the picture alone."""

from __future__ import annotations

from typing import Protocol

import torch
import torch.nn.functional as F

from visualizer.painters import oklab

_ROWS = 144  # Pixels of height that a guess looks at; the reaches below are in these.
_GROUND, _SALIENCE, _FOCUS = 0.5, 0.3, 0.2
_EDGE = 0.03  # Steps of lightness from which the guess follows an edge.


class Depth(Protocol):
    """Finds the nearness of a picture's points."""

    @property
    def name(self) -> str:
        """Names what finds it; part of the painter's identity."""
        ...

    @property
    def trust(self) -> float:
        """How much of it to believe, in (0, 1]; what is guessed has less than 1."""
        ...

    def nearness(self, picture: torch.Tensor) -> torch.Tensor:
        """Shape (height, width), in [0, 1], 1 near.

        Args:
            picture: Shape (3, height, width), sRGB, in [0, 1].
        """
        ...


class Guess:
    """Nearness from how pictures are made, without a model.

    The ground runs up the picture and away; what is in front stands out in colour from what
    touches the upper edges, and is sharp; and what belongs together has one colour, so the guess
    is drawn to the picture's own edges (He et al., 2010, "Guided Image Filtering").
    """

    name, trust = "guess", 0.6

    def nearness(self, picture: torch.Tensor) -> torch.Tensor:
        """See `Depth.nearness`."""
        height, width = picture.shape[-2:]
        columns = max(8, round(_ROWS * width / height))
        lab = oklab.from_srgb(F.interpolate(picture[None], (_ROWS, columns), mode="area")[0])
        ground = torch.linspace(0.0, 1.0, _ROWS, device=lab.device)[:, None]
        guess = (
            _GROUND * ground + _SALIENCE * spread(_salience(lab)) + _FOCUS * spread(_focus(lab[:1]))
        )
        drawn = spread(_guided(guess[None], lab[:1])[0])
        return F.interpolate(drawn[None, None], (height, width), mode="bilinear")[0, 0]


def spread(values: torch.Tensor) -> torch.Tensor:
    """Spreads values over [0, 1]; the outermost twentieths are clipped."""
    some = values.flatten()[:: max(1, values.numel() // 50_000)]
    low, high = (torch.quantile(some, share) for share in (0.05, 0.95))
    return ((values - low) / (high - low).clamp_min(1e-6)).clamp(0.0, 1.0)


def _salience(lab: torch.Tensor) -> torch.Tensor:
    """How far each colour is from those at the top and the upper sides."""
    soft, rim, upper = _blur(lab, 2), 6, 2 * _ROWS // 3
    edges = (soft[:, :rim], soft[:, :upper, :rim], soft[:, :upper, -rim:])
    border = torch.cat([edge.flatten(1) for edge in edges], dim=1)
    seen = border[:, :: max(1, border.shape[1] // 64), None, None]
    away = (soft[:, None] - seen).square().sum(0).sqrt()
    # Of several backgrounds, the one that it is most like.
    return _blur(away.quantile(0.2, dim=0)[None], 3)[0]


def _focus(lightness: torch.Tensor) -> torch.Tensor:
    """How much fine structure there is about each point."""
    return _blur((lightness - _blur(lightness, 1)).abs(), 9)[0]


def _guided(values: torch.Tensor, guide: torch.Tensor) -> torch.Tensor:
    """Smooths values but for where the guide has an edge."""
    reach = 12
    mean, level = _blur(guide, reach), _blur(values, reach)
    variance = _blur(guide * guide, reach) - mean**2
    slope = (_blur(guide * values, reach) - mean * level) / (variance + _EDGE**2)
    return _blur(slope, reach) * guide + _blur(level - slope * mean, reach)


def _blur(planes: torch.Tensor, reach: int) -> torch.Tensor:
    """The mean about each point; shape (channels, height, width)."""
    padded = F.pad(planes[None], [reach] * 4, mode="replicate")
    return F.avg_pool2d(padded, 2 * reach + 1, 1)[0]
