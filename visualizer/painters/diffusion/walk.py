"""The mode walk: from picture to picture through noise and prompts, without memory.

Each whole number of the scene's clock is a place with a noise of its own; between two places lies
the arc from one noise to the other. In this mode the clock runs on what hits, so the picture
changes with the drums and rests in silence. A frame knows nothing of the frames before it: nothing
can drift, shots join without a seam, and several frames are painted at a time. The idea of the
clock is that of https://github.com/nateraw/stable-diffusion-videos.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial

import numpy as np
import torch

from visualizer.camera import Matrix
from visualizer.painters import oklab
from visualizer.painters.diffusion import batch
from visualizer.painters.diffusion.batch import Request
from visualizer.painters.diffusion.easel import Easel
from visualizer.painters.diffusion.relief import Move, Relief
from visualizer.score import Cue
from visualizer.score.looks import stable_seed

ROOM = 0.1  # How far the camera swings before it turns back: growth, and shares of the picture.


def walk(easel: Easel) -> Iterator[torch.Tensor]:
    """Yields one frame for each cue of the shot; its lead, which nobody sees, stays black."""
    score, shot, model = easel.score, easel.shot, easel.model
    yield from [_black(easel)] * shot.lead
    bases = _bases(easel)
    over = None if bases is None else [model.encode(picture[None]) for picture in bases]
    reliefs = [
        easel.relief(picture, look) for picture, look in zip(bases or (), shot.looks, strict=False)
    ]
    steps = model.caps.key_steps if over is None else model.caps.steps
    cues = (cue for cue in score.cues(shot) if cue.frame >= shot.first)
    requests = (_request(easel, cue, over) for cue in cues)
    for painted in batch.paint(model, requests, steps):
        cue = painted.request.cue
        relief = Relief.mix(reliefs, cue.weights) if reliefs else Relief()
        seen = relief.warp(painted.picture, Move.of(partial(swing, cue)))
        yield easel.show(oklab.from_srgb(seen), cue, seen)


def swing(cue: Cue, share: float = 1.0) -> Matrix:
    """The camera's pose folded into a small room, since a walk has no picture to travel through.

    It sets off as the camera of other modes does, and turns back gently at the walls; pulses come
    closer.

    Args:
        cue: Where the camera stands.
        share: What is made of its travel; its turning is the same near and far.
    """
    pose = cue.pose
    near = share * (ROOM * (1.0 + math.sin(pose.travel / ROOM)) + 0.06 * cue.pulse)
    turn = ROOM * math.sin(math.radians(pose.angle) / ROOM)
    c, s = math.exp(-near) * math.cos(turn), math.exp(-near) * math.sin(turn)
    x, y = (share * ROOM * math.sin(way / ROOM) for way in (pose.x, pose.y))
    return np.array([[c, s, x], [-s, c, -y], [0.0, 0.0, 1.0]])


def place_noise(seed: int, clock: float, shape: tuple[int, ...]) -> torch.Tensor:
    """The noise at one moment of the clock: float32, `shape`, of deviation 1 all along the arc."""
    here = math.floor(clock)
    angle = 0.5 * math.pi * (clock - here)
    return math.cos(angle) * _noise(seed, here, shape) + math.sin(angle) * _noise(
        seed, here + 1, shape
    )


def _noise(seed: int, place: int, shape: tuple[int, ...]) -> torch.Tensor:
    generator = torch.Generator().manual_seed(stable_seed(seed, place))
    return torch.randn(shape, generator=generator)


def _request(easel: Easel, cue: Cue, over: list[torch.Tensor] | None) -> Request:
    shape = _shape(easel)
    shown = [(look, w) for look, w in zip(easel.shot.looks, cue.weights, strict=True) if w > 0.0]
    noise = sum(
        (w * place_noise(look.seed, cue.pose.clock, shape) for look, w in shown), torch.zeros(shape)
    )
    deviation, mean = torch.std_mean(noise, dim=(2, 3), keepdim=True)
    noise = ((noise - mean) / deviation).to(easel.model.device)
    condition = easel.condition(cue)
    if over is None:
        return Request(cue, torch.zeros_like(noise), noise, 1.0, condition)
    mixed = torch.stack([w * base for base, w in zip(over, cue.weights, strict=True)]).sum(0)
    return Request(cue, mixed, noise, cue.strength, condition)


def _bases(easel: Easel) -> list[torch.Tensor] | None:
    """What is painted over, a picture for each look: the user's, or the key painter's."""
    given = [easel.given(look) for look in easel.shot.looks]
    if easel.key is not None and None in given:
        key = next(iter(easel.key.paint(easel.small, easel.shot))).to(easel.model.device)
        given = [key if picture is None else picture for picture in given]
    if any(picture is None for picture in given):
        return None
    return [picture for picture in given if picture is not None]


def _shape(easel: Easel) -> tuple[int, ...]:
    caps, size = easel.model.caps, easel.size
    return 1, caps.channels, size.height // caps.downscale, size.width // caps.downscale


def _black(easel: Easel) -> torch.Tensor:
    return torch.zeros(3, easel.score.height, easel.score.width, device=easel.model.device)
