"""The mode keyframes: paint on beats or bars, move the camera and blend between.

For slow machines: a bar of sixty frames costs one pass of the model. Both neighbours of a frame
are moved to where the camera stands, exactly, since its motion is known; they cross so that the new
picture is whole on its beat.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise

import torch

from visualizer import camera
from visualizer.painters import oklab
from visualizer.painters.diffusion.easel import Easel, per_frame
from visualizer.painters.diffusion.relief import Move, Relief, reach
from visualizer.score import Cue, Shot


def keyframes(easel: Easel) -> Iterator[torch.Tensor]:
    """Yields one frame for each cue of the shot, its lead included."""
    cues = list(easel.score.cues(easel.shot))
    old = easel.first(cues[0])
    relief = easel.relief(old, easel.foremost(cues[0]))
    brush = easel.brush(relief)
    anchor, keepsake = easel.anchor(old, cues[0]), easel.keepsake(old, relief, cues[0])
    for here, there in pairwise([*key_rows(easel.shot), len(cues)]):
        moves = [easel.move(cue) for cue in cues[here + 1 : there + 1]]
        new = None
        if there < len(cues):
            key = cues[there]
            for cue, move in zip(cues[here + 1 : there + 1], moves, strict=True):
                brush.advance(move, per_frame(cue.noise, easel.score.fps))
            moved = relief.warp(old, _forward(moves)[-1])
            held = anchor
            if keepsake is not None:
                keepsake.advance(_forward(moves)[-1], key.weights[keepsake.look])
                moved = keepsake.beneath(moved, len(moves) * 24.0 / easel.score.fps)
                held = keepsake.hold(anchor)
            steps = _steps(easel, key.strength)
            painted = brush.repaint(moved, key.strength, easel.condition(key), steps, anchor)
            new = oklab.to_srgb(held.hold(oklab.from_srgb(painted), easel.tint(key)))
        yield from _between(easel, cues[here:there], moves, relief, old, new)
        if new is not None:
            old, relief = new, relief.moved(_forward(moves)[-1])


def key_rows(shot: Shot) -> list[int]:
    """Rows of a shot's cues that are painted: the first, and the keys that lie inside."""
    rows = [key - shot.first + shot.lead for key in shot.paint.keys]
    return [0, *sorted({row for row in rows if 0 < row < len(shot.controls)})]


def _between(
    easel: Easel,
    cues: Sequence[Cue],
    moves: Sequence[Move],
    relief: Relief,
    old: torch.Tensor,
    new: torch.Tensor | None,
) -> Iterator[torch.Tensor]:
    """The frames from one key up to the next; without a next, the old one moves on alone."""
    since = [Move.none(), *_forward(moves)]
    beyond = relief.moved(since[-1])
    for row, cue in enumerate(cues):
        picture = relief.warp(old, since[row])
        if new is not None:
            ahead = since[-1].back() @ since[row]
            fade = _crossing(ahead.plane, since[row].plane, row / len(cues), new)
            picture = torch.lerp(picture, beyond.warp(new, ahead), fade)
        yield easel.show(oklab.from_srgb(picture), cue, picture)


def _crossing(
    ahead: camera.Matrix, since: camera.Matrix, arrived: float, like: torch.Tensor
) -> torch.Tensor:
    """Shape (height, width): how much of the new picture shows; none where it does not reach."""
    share = arrived * arrived * (3.0 - 2.0 * arrived)
    new, old = (reach(matrix, like).clamp_min(1e-3) for matrix in (ahead, since))
    new, old = share * new, (1.0 - share) * old
    return torch.where(new + old > 0.0, new / (new + old).clamp_min(1e-6), share)


def _forward(moves: Sequence[Move]) -> list[Move]:
    """From the frame before the first move to each frame."""
    return list(accumulate(moves, operator.matmul))


def _steps(easel: Easel, strength: float) -> int:
    """Keys are few and seen long: they get the steps of a picture from nothing."""
    caps = easel.model.caps
    return max(caps.steps, math.ceil(caps.key_steps * strength))
