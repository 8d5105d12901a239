"""Effects: put on the finished frame, never fed back into the next one.

In the order of a camera: the body shakes, the lens splits colours and blooms, light falls on the
film, the film has grain, and the title and the fades are laid over it.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F

from visualizer.camera import enlarge
from visualizer.effects.title import title_overlay
from visualizer.score import Cue, Score

SHAKE = 0.04  # Of the picture's height at full shake.
SPLIT = 0.012  # Of the picture's size, outwards for red and inwards for blue.
GRAIN = 0.16
_GRAIN_MARGIN = 64


class Finish:
    """Puts effects, title and fades on frames.

    Args:
        score: The film; gives size, rate and title.
        device: Where the frames lie.

    Raises:
        VisualizerError: No font at hand can write the title.
    """

    def __init__(self, score: Score, device: torch.device) -> None:
        self._fps, self._seconds = score.fps, score.title.seconds
        height, width = score.height, score.width
        aspect = width / height
        y = ((torch.arange(height) + 0.5) * (2.0 / height) - 1.0).to(device)
        x = (((torch.arange(width) + 0.5) * (2.0 / width) - 1.0) * aspect).to(device)
        self._x, self._y, self._aspect = x, y, aspect
        corner = (x[None] ** 2 + y[:, None] ** 2) / (aspect**2 + 1.0)
        self._shadow = (corner.clamp(0, 1) ** 1.5).contiguous()
        noise = torch.Generator().manual_seed(20240)
        size = (height + _GRAIN_MARGIN, width + _GRAIN_MARGIN)
        self._grain = torch.randn(size, generator=noise).clamp_(-3, 3).to(device)
        overlay = title_overlay(score.title, width, height)
        self._title = None if overlay is None else torch.from_numpy(overlay).to(device)

    def __call__(self, frame: torch.Tensor, cue: Cue) -> torch.Tensor:
        """Returns the finished frame: float32, shape (3, height, width), in [0, 1]."""
        out = self._lens(frame, cue)
        if cue.bloom > 0.005:
            out = bloom(out, cue.bloom)
        if cue.vignette > 0.005:
            out = out * (1.0 - 0.85 * cue.vignette * self._shadow)
        if cue.flash > 0.002:
            out = out + (1.0 - out) * cue.flash
        if cue.grain > 0.005:
            out = self._add_grain(out, cue)
        out = self._lay_title(out, cue)
        return (out * cue.fade if cue.fade < 1.0 else out).clamp(0.0, 1.0)

    def _lens(self, frame: torch.Tensor, cue: Cue) -> torch.Tensor:
        """Shake and colour fringes in one sampling of the frame."""
        if cue.shake < 0.005 and cue.split < 0.005:
            return frame
        dx, dy = (SHAKE * cue.shake * s for s in _jolt(cue.time))
        if cue.split < 0.005:
            return self._sample(frame, 1.0, dx, dy)
        scales = (1.0 - SPLIT * cue.split, 1.0, 1.0 + SPLIT * cue.split)
        return torch.cat([self._sample(frame[c : c + 1], scales[c], dx, dy) for c in range(3)])

    def _sample(self, image: torch.Tensor, scale: float, dx: float, dy: float) -> torch.Tensor:
        # The picture is enlarged by the jolt's reach, so that no edge comes into view.
        scale *= 1.0 - abs(dx) - abs(dy)
        u = (self._x * (scale / self._aspect) + dx).expand(len(self._y), -1)
        v = (self._y * scale + dy)[:, None].expand(-1, len(self._x))
        grid = torch.stack([u, v], dim=-1)[None]
        return F.grid_sample(image[None], grid, padding_mode="reflection", align_corners=False)[0]

    def _add_grain(self, out: torch.Tensor, cue: Cue) -> torch.Tensor:
        """Another corner of one noise plate in each frame; less in black and in white."""
        height, width = out.shape[-2:]
        top, left = (cue.frame * 37) % _GRAIN_MARGIN, (cue.frame * 23) % _GRAIN_MARGIN
        plate = self._grain[top : top + height, left : left + width]
        luma = out.mean(dim=0)
        return out + plate * (GRAIN * cue.grain * (0.25 + 3.0 * luma * (1.0 - luma)))

    def _lay_title(self, out: torch.Tensor, cue: Cue) -> torch.Tensor:
        time = cue.frame / self._fps
        if self._title is None or time >= self._seconds:
            return out
        edge = min(1.0, self._seconds / 4)
        shown = min(1.0, max(0.0, time - 0.3) / edge, (self._seconds - time) / edge)
        return torch.lerp(out, self._title[:3], self._title[3] * max(shown, 0.0))


def bloom(frame: torch.Tensor, amount: float) -> torch.Tensor:
    """Lets the bright parts of a frame bleed light into what is around them.

    Args:
        frame: Shape (3, height, width), in [0, 1].
        amount: 0 to 1.
    """
    height, width = frame.shape[-2:]
    factor = max(2, height // 180)
    small = F.avg_pool2d(frame[None], factor, ceil_mode=True)
    luma = small.amax(dim=1, keepdim=True)
    bright = small * ((luma - 0.35) / 0.65).clamp(0, 1)
    near = _blur(bright, 2.0)
    wide = _blur(F.avg_pool2d(near, 4, ceil_mode=True), 4.0)
    wide = enlarge(wide[0], *near.shape[-2:])
    light = (0.6 * near[0] + 0.9 * wide).mul_(amount).clamp_(0.0, 1.0)
    return torch.addcmul(frame, 1.0 - frame, enlarge(light, height, width, "bilinear"))


def _blur(image: torch.Tensor, sigma: float) -> torch.Tensor:
    """Separable Gaussian; shape (1, 3, height, width)."""
    reach = min(math.ceil(2.5 * sigma), min(image.shape[-2:]) - 1)
    taps = torch.arange(-reach, reach + 1, dtype=image.dtype, device=image.device)
    kernel = torch.exp(-0.5 * (taps / sigma) ** 2)
    kernel = (kernel / kernel.sum()).expand(3, 1, -1)
    image = F.pad(image, (reach, reach, reach, reach), mode="reflect")
    image = F.conv2d(image, kernel[:, :, None, :], groups=3)
    return F.conv2d(image, kernel[:, :, :, None], groups=3)


def _jolt(time: float) -> tuple[float, float]:
    """A restless point in [-1, 1]²: three sines whose periods do not meet."""
    x = (
        math.sin(time * 61.0) * 0.5
        + math.sin(time * 38.3 + 1.0) * 0.3
        + math.sin(time * 97.1) * 0.2
    )
    y = (
        math.sin(time * 53.7 + 2.0) * 0.5
        + math.sin(time * 43.9) * 0.3
        + math.sin(time * 89.3) * 0.2
    )
    return x, y
