"""The mode restyle: another painter's film below, the model's brush above.

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


def restyle(easel: Easel, below: Painter, touch: float = 1.0) -> Iterator[torch.Tensor]:
    """Yields one frame for each cue of the shot, its lead included.

    Args:
        easel: What the shot is painted on.
        below: Paints the film below.
        touch: How much of each cue's strength is used.
    """
    requests = _requests(easel, below, touch)
    for painted in batch.paint(easel.model, requests, easel.model.caps.steps):
        request, tint = painted.request, easel.tint(painted.request.cue)
        assert request.below is not None
        # The light and colours of the film below are the music's: each frame is held to its own.
        anchor = Anchor.of(oklab.from_srgb(request.below), request.latents, tint, easel.pull)
        yield easel.show(anchor.hold(oklab.from_srgb(painted.picture), tint), request.cue)


def _requests(easel: Easel, below: Painter, touch: float) -> Iterator[Request]:
    brush, fps = easel.brush(), easel.score.fps
    film = below.paint(easel.small, easel.shot)
    for cue, frame in zip(easel.score.cues(easel.shot), film, strict=True):
        frame = frame.to(easel.model.device)
        latents = easel.model.encode(frame[None])
        condition, noise = easel.condition(cue), brush.noise
        yield Request(cue, latents, noise, touch * cue.strength, condition, frame)
        brush.advance(easel.move(cue), per_frame(cue.noise, fps))
