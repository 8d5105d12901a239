"""The mode restyle: another painter's film below, or the user's pictures; the model's brush above.

Motion, beats and light are the film's below, exact to the frame; the model gives them matter.
Frames do not depend on each other but for the noise, which travels with the camera.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch

from visualizer.painters import Painter, oklab
from visualizer.painters.diffusion import batch
from visualizer.painters.diffusion.anchor import Anchor
from visualizer.painters.diffusion.batch import Request
from visualizer.painters.diffusion.easel import Easel, per_frame
from visualizer.painters.diffusion.leaning import film_below


def restyle(easel: Easel, below: Painter, touch: float = 1.0) -> Iterator[torch.Tensor]:
    """Yields one frame for each cue of the shot, its lead included.

    Args:
        easel: What the shot is painted on.
        below: Paints the film below, where the user gave no picture.
        touch: How much of each cue's strength is used.
    """
    requests = _requests(easel, below, touch)
    for painted in batch.paint(easel.model, requests, easel.model.caps.steps):
        request, tint = painted.request, easel.tint(painted.request.cue)
        assert request.below is not None
        # The light and colours of the film below are the music's: each frame is held to its own.
        anchor = Anchor.of(oklab.from_srgb(request.below), request.latents, tint, easel.pull)
        yield easel.show(anchor.hold(oklab.from_srgb(painted.picture), tint), request.cue)


def _requests(easel: Easel, painter: Painter, touch: float) -> Iterator[Request]:
    brush, fps = easel.brush(), easel.score.fps
    for below in film_below(easel, painter):
        cue, frame = below.cue, below.frame
        brush.advance(below.move, per_frame(cue.noise, fps))
        latents, condition = easel.model.encode(frame[None]), easel.condition(cue)
        yield Request(cue, latents, brush.noise, touch * cue.strength, condition, frame)
