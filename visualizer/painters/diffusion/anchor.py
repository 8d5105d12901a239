"""What keeps a long shot from drifting.

Every pass through a model shifts colours a little, loses or gains contrast and softens edges; a
thousand passes turn that little into a magenta haze. The first picture of the shot is the anchor:
after every pass, statistics are pulled back to it, in OKLab and in float32, before the error can
compound. Pulled back, not pinned: the picture may breathe.

Once per frame, after decoding, is enough: the next pass starts from this frame, moved, and a move
hardly changes statistics.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from visualizer.painters import oklab
from visualizer.score import Cue, Look


@dataclass(frozen=True)
class Measures:
    """Statistics of a picture in OKLab, as tensors, so that a GPU need not be waited for.

    Attributes:
        mean: Shape (3, 1, 1).
        contrast: Deviation of lightness.
        spread: Deviation of colour about its mean.
        chroma: Mean chroma.
        sharpness: Mean absolute Laplacian of lightness.
    """

    mean: torch.Tensor
    contrast: torch.Tensor
    spread: torch.Tensor
    chroma: torch.Tensor
    sharpness: torch.Tensor


def measure(lab: torch.Tensor) -> Measures:
    """Measures a picture in OKLab, shape (3, height, width)."""
    mean = lab.mean(dim=(1, 2), keepdim=True)
    lightness, colour = lab[:1], lab[1:]
    return Measures(
        mean,
        lightness.std(),
        (colour - mean[1:]).square().sum(0).mean().sqrt(),
        colour.square().sum(0).sqrt().mean(),
        _sharpness(lab),
    )


@dataclass(frozen=True)
class Pull:
    """How strongly each pass is drawn back to the anchor.

    Attributes:
        colour: Share of the error in mean, contrast and colourfulness mended in every frame.
        band: Relative error that may remain; what lies beyond is mended at once.
        latents: Share of the error in the statistics of the latents mended in every frame.
        sharpen: Unsharp amount where sharpness equals the anchor's; more where the picture has
            softened, none where it is a seventh too sharp, and below none beyond.
    """

    colour: float = 0.5
    band: float = 0.05
    latents: float = 0.15
    sharpen: float = 0.15


@dataclass(frozen=True)
class Anchor:
    """The statistics of a shot's first picture.

    Attributes:
        measures: Of the picture.
        ceiling: Chroma that is approached but never passed.
        latent_mean: Shape (1, channels, 1, 1).
        latent_deviation: Shape (1, channels, 1, 1).
        tint: Of the palettes in view at that picture; from `tint`.
        pull: How strongly later pictures are drawn back.
    """

    measures: Measures
    ceiling: torch.Tensor
    latent_mean: torch.Tensor
    latent_deviation: torch.Tensor
    tint: torch.Tensor
    pull: Pull

    @classmethod
    def of(cls, lab: torch.Tensor, latents: torch.Tensor, tint: torch.Tensor, pull: Pull) -> Anchor:
        """Takes a shot's first picture, in OKLab, and its latents as its anchor."""
        chroma = lab[1:].square().sum(0).sqrt()
        # Of every seventh point: a quantile sorts, and nothing here hangs on one pixel.
        vivid = torch.quantile(chroma.flatten()[::7], 0.99)
        deviation, mean = torch.std_mean(latents, dim=(2, 3), keepdim=True)
        ceiling = (1.25 * vivid).clamp_min(0.06)
        return cls(measure(lab), ceiling, mean, deviation, tint, pull)

    def hold_latents(self, latents: torch.Tensor) -> torch.Tensor:
        """Draws mean and deviation of each channel towards the anchor's."""
        pull = self.pull.latents
        deviation, mean = torch.std_mean(latents, dim=(2, 3), keepdim=True)
        gain = torch.lerp(torch.ones_like(mean), _ratio(self.latent_deviation, deviation), pull)
        return (latents - mean) * gain + torch.lerp(mean, self.latent_mean, pull)

    def hold(self, lab: torch.Tensor, tint: torch.Tensor) -> torch.Tensor:
        """Draws colours, contrast and sharpness towards the anchor's.

        Args:
            lab: Shape (3, height, width), OKLab.
            tint: Of the palettes in view now: the colours to hold to move with the palette.
        """
        moved = tint - self.tint
        held = self._hold_colours(lab, moved)
        # Blurring feeds on itself: the softer the picture has become, the more is given back.
        lost = self.measures.sharpness / _sharpness(held).clamp_min(1e-5) - 1.0
        sharp = _sharpen(held, (self.pull.sharpen * (1.0 + 8.0 * lost)).clamp(-0.5, 1.2))
        return _limit_chroma(sharp, self.ceiling + moved.norm())

    def _hold_colours(self, lab: torch.Tensor, moved: torch.Tensor) -> torch.Tensor:
        now, anchor = measure(lab), self.measures
        spread = self._gain(now.spread, anchor.spread)
        gains = torch.stack([self._gain(now.contrast, anchor.contrast), spread, spread])
        target = torch.cat([anchor.mean[:1], anchor.mean[1:] + moved])
        error = torch.lerp(now.mean - target, torch.zeros_like(target), self.pull.colour)
        limit = self.pull.band * torch.stack([anchor.mean[0], *[anchor.chroma[None, None]] * 2])
        return (lab - now.mean) * gains[:, None, None] + target + error.clamp(-limit, limit)

    def _gain(self, now: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
        """What to multiply by to come back part of the way, and into the band in any case."""
        wanted, now = wanted.clamp_min(1e-4), now.clamp_min(1e-4)
        error = torch.lerp(now / wanted, torch.ones_like(now), self.pull.colour)
        back = wanted * error.clamp(1.0 - self.pull.band, 1.0 + self.pull.band) / now
        return back.clamp(0.25, 4.0)


def tint(looks: Sequence[Look], weights: Sequence[float], device: torch.device) -> torch.Tensor:
    """The mean colour of the palettes in view: shape (2, 1, 1), OKLab without its lightness."""
    means = [w * _palette_mean(look.palette) for look, w in zip(looks, weights, strict=True)]
    return torch.stack(means).sum(0).to(device)[1:]


def grade(lab: torch.Tensor, cue: Cue) -> torch.Tensor:
    """Light, saturation and palette shift of the cue, on the finished picture only.

    Exposure scales light, and so the cube of OKLab; the palette shift turns the hue circle.
    """
    turn = 2.0 * math.pi * cue.palette_shift
    c, s = math.cos(turn) * cue.saturation, math.sin(turn) * cue.saturation
    lightness, a, b = lab
    turned = torch.stack([lightness, c * a - s * b, s * a + c * b])
    return turned * math.pow(cue.light, 1.0 / 3.0)


def _palette_mean(palette: Sequence[str]) -> torch.Tensor:
    rgb = torch.tensor([list(bytes.fromhex(colour.lstrip("#"))) for colour in palette]) / 255.0
    return oklab.from_srgb(rgb.T[:, None, :]).mean(dim=2, keepdim=True)


def _ratio(wanted: torch.Tensor, measured: torch.Tensor) -> torch.Tensor:
    return (wanted / measured.clamp_min(1e-4)).clamp(0.5, 2.0)


def _sharpness(lab: torch.Tensor) -> torch.Tensor:
    return (lab[:1] - _neighbours(lab[:1])).abs().mean()


def _neighbours(plane: torch.Tensor) -> torch.Tensor:
    padded = F.pad(plane[None], (1, 1, 1, 1), mode="replicate")
    return F.avg_pool2d(padded, 3, stride=1)[0]


def _sharpen(lab: torch.Tensor, amount: torch.Tensor) -> torch.Tensor:
    lightness = lab[:1]
    edges = lightness - _neighbours(lightness)
    return torch.cat([lightness + amount * edges, lab[1:]])


def _limit_chroma(lab: torch.Tensor, ceiling: torch.Tensor) -> torch.Tensor:
    """Leaves chroma below 80 % of the ceiling alone and bends the rest under it."""
    chroma = lab[1:].square().sum(0, keepdim=True).sqrt().clamp_min(1e-6)
    knee = 0.8 * ceiling
    room = ceiling - knee
    bent = torch.where(chroma > knee, knee + room * torch.tanh((chroma - knee) / room), chroma)
    return torch.cat([lab[:1], lab[1:] * (bent / chroma)])
