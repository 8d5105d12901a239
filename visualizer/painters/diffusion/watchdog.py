"""Watches a shot of feedback for drift, steps in early, and keeps what it saw.

The anchor mends every frame a little; the watchdog sees whether that is enough. Where it is not
for half a second, some of the shot's first picture is mixed back in until it is. All of it is
arithmetic on the device: a GPU need not be waited for.
"""

from __future__ import annotations

import math

import torch

from visualizer.painters import Curves
from visualizer.painters.diffusion.anchor import Anchor, measure
from visualizer.score import Cue

CURVES = ("mean", "contrast", "chroma", "sharpness", "flicker")

# How many times more or less of the first three may be. Sharpness is not among them: what the
# camera has enlarged is softer, and mending is the anchor's; an old picture would be a ghost.
_LIMIT = 1.15
_PATIENCE = 12  # Frames in a row beyond a limit before it steps in.
_SHARE = 0.05  # Of the first picture in each frame, once it has stepped in.


class Watchdog:
    """One shot's watch.

    The curves are ratios to the shot's first picture: mean lightness, contrast, chroma and
    sharpness; and flicker, the mean change of a pixel since the frame before, the camera's own
    motion taken out, as a share of the whole range.
    """

    def __init__(self, anchor: Anchor, first: torch.Tensor) -> None:
        """Takes what the shot is held to, and its first picture."""
        self._anchor, self._first = anchor, first
        self._late = torch.zeros((), device=first.device)
        self._frames: list[int] = []
        self._rows: list[torch.Tensor] = []

    def see(
        self,
        cue: Cue,
        lab: torch.Tensor,
        picture: torch.Tensor,
        moved: torch.Tensor,
        anchor: Anchor | None = None,
        first: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Measures a frame and returns it, mended where that is due.

        Args:
            cue: Of the frame.
            lab: The frame in OKLab, shape (3, height, width).
            picture: The same in sRGB.
            moved: The frame before, moved by the camera.
            anchor: What it is held to now, where that has changed since the first frame.
            first: The shot's first picture as the camera sees it now, where that is known.
        """
        now, wanted = measure(lab), (anchor or self._anchor).measures
        pairs = (
            (now.mean[0, 0, 0], wanted.mean[0, 0, 0]),
            (now.contrast, wanted.contrast),
            (now.chroma, wanted.chroma),
            (now.sharpness, wanted.sharpness),
        )
        ratios = torch.stack([a.clamp_min(1e-4) / b.clamp_min(1e-4) for a, b in pairs])
        self._frames.append(cue.frame)
        self._rows.append(torch.cat([ratios, (picture - moved).abs().mean()[None]]))
        beyond = (ratios[:3].log().abs() > math.log(_LIMIT)).any()
        self._late = torch.where(beyond, self._late + 1.0, torch.zeros_like(self._late))
        share = torch.where(self._late > _PATIENCE, _SHARE, 0.0)
        return torch.lerp(picture, self._first if first is None else first, share)

    def curves(self) -> Curves:
        """What was seen: by film frame, the values of `CURVES`."""
        if not self._rows:
            return {}
        seen = torch.stack(self._rows).cpu().tolist()
        return {
            frame: dict(zip(CURVES, row, strict=True))
            for frame, row in zip(self._frames, seen, strict=True)
        }
