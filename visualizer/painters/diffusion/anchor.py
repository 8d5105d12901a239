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
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F

from visualizer.painters import oklab
from visualizer.score import Cue, Look

_ENOUGH = 1.0 / 8.0  # What may be lost of sharpness to be as sharp as the anchor.


@dataclass(frozen=True)
class Moments:
    """Statistics of a picture in OKLab, as tensors, so that a GPU need not be waited for.

    Attributes:
        mean: Shape (3, 1, 1).
        contrast: Deviation of lightness.
        spread: Deviation of colour about its mean.
    """

    mean: torch.Tensor
    contrast: torch.Tensor
    spread: torch.Tensor


@dataclass(frozen=True)
class Measures(Moments):
    """What a shot is held to.

    Attributes:
        chroma: Mean chroma.
        sharpness: Mean absolute Laplacian of lightness.
    """

    chroma: torch.Tensor
    sharpness: torch.Tensor


def moments(lab: torch.Tensor) -> Moments:
    """Takes the moments of a picture in OKLab, shape (3, height, width)."""
    # Not var_mean, which takes twenty times as long on a CPU.
    mean = lab.mean(dim=(1, 2), keepdim=True)
    variance = (lab - mean).square().mean(dim=(1, 2))
    return Moments(mean, variance[0].sqrt(), variance[1:].sum().sqrt())


def measure(lab: torch.Tensor) -> Measures:
    """Measures a picture in OKLab, shape (3, height, width)."""
    known = moments(lab)
    chroma = torch.hypot(lab[1], lab[2]).mean()
    sharpness = edges(lab).abs().mean()
    return Measures(known.mean, known.contrast, known.spread, chroma, sharpness)


@dataclass(frozen=True)
class Pull:
    """How strongly each pass is drawn back to the anchor.

    Attributes:
        colour: Share of the error in mean, contrast and colourfulness mended in every frame.
        band: Relative error that may remain; what lies beyond is mended at once.
        latents: Share of the error in the statistics of the latents mended in every frame.
        sharpen: Unsharp amount where sharpness is half the anchor's, in proportion above; none
            where it equals the anchor's.
        soften: The same for what is more than a seventh too sharp: models that love detail add
            to it in every frame.
    """

    colour: float = 0.5
    band: float = 0.05
    latents: float = 0.15
    sharpen: float = 1.2
    soften: float = 3.0


@dataclass(frozen=True)
class Anchor:
    """The statistics of a shot's first picture.

    Attributes:
        measures: Of the picture.
        colours: Some of its points, shape (2, points), OKLab without its lightness.
        latents: Mean and deviation of each channel, shapes (1, channels, 1, 1); None where they are
            not to be held.
        tint: Of the palettes in view at that picture; from `tint`.
        pull: How strongly later pictures are drawn back.
    """

    measures: Measures
    colours: torch.Tensor
    latents: tuple[torch.Tensor, torch.Tensor] | None
    tint: torch.Tensor
    pull: Pull

    @classmethod
    def of(
        cls, lab: torch.Tensor, latents: torch.Tensor | None, tint: torch.Tensor, pull: Pull
    ) -> Anchor:
        """Takes a shot's first picture, in OKLab, and its latents as its anchor."""
        # A few thousand points, from everywhere: nothing here hangs on one of them.
        colours = lab[1:].flatten(1)[:, :: max(1, lab[0].numel() // 2000)]
        return cls(measure(lab), colours, None if latents is None else _spans(latents), tint, pull)

    def under(self, tint: torch.Tensor) -> Anchor:
        """The anchor under other palettes: its colours move with theirs and stay as vivid.

        Without the second half a shot would grow gaudy or grey wherever two palettes meet.
        """
        moved = self.colours + (tint - self.tint)[:, :, 0]
        chroma = torch.hypot(moved[0], moved[1]).mean()
        vivid = (self.measures.chroma / chroma.clamp_min(1e-4)).clamp(0.25, 4.0)
        mean = self.measures.mean.clone()
        mean[1:] = (mean[1:] + tint - self.tint) * vivid
        measures = replace(self.measures, mean=mean, spread=self.measures.spread * vivid)
        return replace(self, measures=measures, colours=moved * vivid, tint=tint)

    def towards(self, lab: torch.Tensor, weight: float) -> Anchor:
        """The anchor with the colours and contrast of another picture, as far as `weight` says.

        Sharpness and ceiling stay.
        """
        mine, theirs = self.measures, measure(lab)
        moved = {
            name: torch.lerp(getattr(mine, name), getattr(theirs, name), weight)
            for name in ("mean", "contrast", "spread", "chroma")
        }
        return replace(self, measures=replace(mine, **moved))

    @property
    def ceiling(self) -> torch.Tensor:
        """Chroma that is approached but never passed."""
        chroma = torch.hypot(self.colours[0], self.colours[1])
        return (1.25 * torch.quantile(chroma, 0.99)).clamp_min(0.06)

    def hold_latents(self, latents: torch.Tensor) -> torch.Tensor:
        """Draws mean and deviation of each channel towards the anchor's."""
        if self.latents is None:
            return latents
        pull, (wanted, spread) = self.pull.latents, self.latents
        mean, deviation = _spans(latents)
        gain = torch.lerp(torch.ones_like(mean), _ratio(spread, deviation), pull)
        return (latents - mean) * gain + torch.lerp(mean, wanted, pull)

    def hold(self, lab: torch.Tensor, tint: torch.Tensor) -> torch.Tensor:
        """Draws colours, contrast and sharpness towards the anchor's.

        Args:
            lab: Shape (3, height, width), OKLab.
            tint: Of the palettes in view now: the colours to hold to move with the palette.
        """
        anchor = self.under(tint)
        return anchor._hold_chroma(self._hold_edges(anchor._hold_colours(lab)))

    def _hold_edges(self, lab: torch.Tensor) -> torch.Tensor:
        fine = edges(lab)
        # Blurring feeds on itself: the softer the picture has become, the more is given back.
        lost = self.measures.sharpness / fine.abs().mean().clamp_min(1e-5) - 1.0
        less, more = lost.clamp_min(0.0), (lost + _ENOUGH).clamp_max(0.0)
        amount = (self.pull.sharpen * less + self.pull.soften * more).clamp(-1.0, 1.2)
        # No brighter than the brightest neighbour: an edge may become steep, but what shoots over
        # would shoot over again in every frame, until the picture is all ripples.
        least, most = extremes(lab)
        sharp = (lab[:1] + amount * fine).clamp(least, most)
        return torch.cat([sharp, lab[1:]])

    def _hold_colours(self, lab: torch.Tensor) -> torch.Tensor:
        now, wanted = moments(lab), self.measures
        spread = self._gain(now.spread, wanted.spread)
        gains = torch.stack([self._gain(now.contrast, wanted.contrast), spread, spread])
        error = (now.mean - wanted.mean) * (1.0 - self.pull.colour)
        chroma = wanted.chroma[None, None]
        limit = self.pull.band * torch.stack([wanted.mean[0], chroma, chroma])
        mean = wanted.mean + error.clamp(-limit, limit)
        return (lab - now.mean) * gains[:, None, None] + mean

    def _hold_chroma(self, lab: torch.Tensor) -> torch.Tensor:
        """Draws chroma towards the anchor's, and bends what nears the ceiling under it."""
        chroma = torch.hypot(lab[1], lab[2]).clamp_min(1e-6)
        vivid = self._gain(chroma.mean(), self.measures.chroma)
        ceiling = self.ceiling
        knee, room = 0.8 * ceiling, 0.2 * ceiling
        wanted = chroma * vivid
        over = (wanted - knee).clamp_min(0.0)
        bent = wanted - over.square() / (over + room)
        return torch.cat([lab[:1], lab[1:] * (bent / chroma)])

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


def is_neutral(cue: Cue) -> bool:
    """Whether grading changes nothing."""
    return cue.light == 1.0 and cue.saturation == 1.0 and cue.palette_shift == 0.0


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


def _spans(latents: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and deviation of each channel."""
    deviation, mean = torch.std_mean(latents, dim=(2, 3), keepdim=True)
    return mean, deviation


def _ratio(wanted: torch.Tensor, measured: torch.Tensor) -> torch.Tensor:
    return (wanted / measured.clamp_min(1e-4)).clamp(0.5, 2.0)


def edges(lab: torch.Tensor) -> torch.Tensor:
    """Lightness less its mean over three by three points: shape (1, height, width)."""
    padded = F.pad(lab[None, :1], (1, 1, 1, 1), mode="replicate")[0]
    rows = padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]
    around = rows[:, :, :-2] + rows[:, :, 1:-1] + rows[:, :, 2:]
    return lab[:1] - around / 9.0


def extremes(lab: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The least and the most lightness of three by three points: shape (1, height, width)."""
    padded = F.pad(lab[None, :1], (1, 1, 1, 1), mode="replicate")[0]

    def over(pick: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> torch.Tensor:
        rows = pick(pick(padded[:, :-2], padded[:, 1:-1]), padded[:, 2:])
        return pick(pick(rows[:, :, :-2], rows[:, :, 1:-1]), rows[:, :, 2:])

    return over(torch.minimum), over(torch.maximum)
