"""Soft joins: over its last frames a shot becomes the next.

Each shot that begins softly has a lead: frames before its first that nobody sees. Shots are painted
without knowledge of each other, in any order; so each paints the lead of its follower once more,
beside its own end, and crosses over to it. The last frame of the one is then the frame before the
first of the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

import torch

from visualizer.score import Score, Shot


def follower(score: Score, shot: Shot) -> Shot | None:
    """The shot that begins softly where this one ends."""
    end = shot.first + len(shot)
    return next((other for other in score.shots if other.first == end and other.lead), None)


def share_of_next(frame: int, end: int) -> float:
    """How much of the next shot to mix in, where each frame is made from the one before.

    Equal parts of what was there at the beginning go in each frame; in the last, all that is left.

    >>> [share_of_next(frame, 10) for frame in (8, 9)]
    [0.5, 1.0]
    """
    return 1.0 / (end - frame)


def dissolve(
    frames: Iterable[torch.Tensor], ahead: Iterator[torch.Tensor], shot: Shot, after: Shot
) -> Iterator[torch.Tensor]:
    """Crosses over from finished frames to those of the next shot's lead.

    Args:
        frames: Of `shot`, its lead included.
        ahead: Of `after`, its lead included.
        shot: This shot.
        after: The next.
    """
    begin = after.first - after.lead
    for at, frame in enumerate(frames, shot.first - shot.lead):
        if at < begin:
            yield frame
            continue
        # A lead can be longer than the shot that it lies beneath.
        coming = next(islice(ahead, at - begin, None))
        begin = at + 1
        arrived = 1.0 - (after.first - 1 - at) / after.lead
        yield torch.lerp(frame, coming, arrived * arrived * (3.0 - 2.0 * arrived))
