"""The beat pointer: which beats explain the observations best.

A hidden Markov model over tempo and position in the beat (Whiteley, Cemgil and Godsill, 2006;
Krebs, Böck and Widmer, 2015), decoded exactly. Between two beats the pointer only moves on, so
whole beats are scored at once from running sums (a semi-Markov model), and as no beat is shorter
than the shortest interval, that many frames are decoded in one step.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

INTERVALS = np.arange(27, 121)  # Frames of 10 ms per beat: 222 to 50 bpm.
REACH = 6  # One beat may be so many intervals longer or shorter than the last.
STIFFNESS = 70.0  # A change of tempo costs exp(-STIFFNESS * |log ratio|), as in Krebs et al.
SHARE = 16  # The sound of the beat itself fills this share of its interval.
ODDS = 15.0  # By how much a frame of the beat's own sound outweighs a frame between beats.
WIDTHS = np.maximum(1, np.rint(INTERVALS / SHARE)).astype(np.int64)
FIRST = 255  # Marks in the back pointers that no beat came before.

Scores = NDArray[np.float64]
Frames = NDArray[np.int64]
Origins = NDArray[np.uint8]


@dataclass(frozen=True)
class _Ends:
    """For each frame: the score of the whole song if its beat is the last, and its interval."""

    score: Scores
    interval: Origins


def decode(beat: NDArray[np.float32], prior: Scores | None = None) -> Frames:
    """Finds the most probable beats.

    Args:
        beat: Probability of a beat at each frame, above 0 and below 1, shape (n,).
        prior: Log probability per beat of each of `INTERVALS`; even when omitted.

    Returns:
        Frames at which a beat begins, increasing; empty where none explains the song better.
    """
    silent, sounding = _running_sums(beat)
    bonus = np.zeros(len(INTERVALS)) if prior is None else prior
    step = int(INTERVALS[0])
    size = -(-len(beat) // step) * step
    back = np.full((size, len(INTERVALS)), FIRST, np.uint8)
    ends = _Ends(np.full(size, -np.inf), np.zeros(size, np.uint8))
    recent = np.full((int(INTERVALS[-1]), len(INTERVALS)), -np.inf)
    for first in range(0, size, step):
        now = np.arange(first, first + step)
        arrived = _arrive(recent, silent, sounding, now) + bonus
        ends.interval[now] = arrived.argmax(axis=1)
        ends.score[now] = arrived.max(axis=1)
        left, back[now] = _leave(arrived, silent[np.minimum(now, len(beat))])
        recent = np.concatenate([recent[step:], left])
    return _trace(back[: len(beat)], _finish(ends, silent, sounding))


def _running_sums(beat: NDArray[np.float32]) -> tuple[Scores, Scores]:
    """Log probabilities of no beat and of a beat, summed up from frame 0, shape (n + 1,) each."""
    nothing = np.cumsum(np.log((1.0 - beat) / ODDS), dtype=np.float64)
    something = np.cumsum(np.log(beat), dtype=np.float64)
    return np.concatenate([[0.0], nothing]), np.concatenate([[0.0], something])


def _arrive(recent: Scores, silent: Scores, sounding: Scores, now: Frames) -> Scores:
    """Best score of a beat at each frame of `now` that came by each interval."""
    last = len(silent) - 1
    begin = now[:, None] - INTERVALS
    past = recent[begin - (now[0] - len(recent)), np.arange(len(INTERVALS))]
    start, end = np.clip(begin, 0, last), np.minimum(now, last)[:, None]
    middle = np.minimum(start + WIDTHS, end)
    return np.asarray(past + sounding[middle] - sounding[start] + silent[end] - silent[middle])


def _leave(arrived: Scores, silence: Scores) -> tuple[Scores, Origins]:
    """Best score of leaving each beat by each interval, and by which interval it was reached."""
    count = len(INTERVALS)
    best = np.broadcast_to(silence[:, None], arrived.shape).copy()
    origin = np.full(arrived.shape, FIRST, np.uint8)
    padded = np.pad(arrived, ((0, 0), (REACH, REACH)), constant_values=-np.inf)
    for shift in range(2 * REACH + 1):
        candidate = padded[:, shift : shift + count] - CHANGE_COSTS[shift]
        better = candidate > best
        np.copyto(best, candidate, where=better)
        np.copyto(origin, np.uint8(shift), where=better)
    return best, origin


def _change_costs() -> Scores:
    """Cost of coming from each shifted interval, shape (2 * REACH + 1, len(INTERVALS))."""
    shifts = np.arange(-REACH, REACH + 1)[:, None]
    before = np.clip(np.arange(len(INTERVALS)) + shifts, 0, len(INTERVALS) - 1)
    return np.asarray(STIFFNESS * np.abs(np.log(INTERVALS / INTERVALS[before])))


CHANGE_COSTS = _change_costs()


def _finish(ends: _Ends, silent: Scores, sounding: Scores) -> _Ends:
    """Adds the last beat's own sound and the silence after it."""
    last = len(silent) - 1
    start = np.arange(last)
    middle = np.minimum(start + WIDTHS[ends.interval[:last]], last)
    sound = sounding[middle] - sounding[start] + silent[last] - silent[middle]
    return _Ends(ends.score[:last] + sound - silent[last], ends.interval[:last])


def _trace(back: Origins, ends: _Ends) -> Frames:
    """Follows the back pointers from the best last beat, if it beats no beats at all."""
    frame = int(np.argmax(ends.score))
    interval = int(ends.interval[frame])
    frames = [frame]
    while ends.score[frames[0]] > 0:
        frame -= int(INTERVALS[interval])
        frames.append(frame)
        origin = int(back[frame, interval])
        if origin == FIRST:
            return np.array(frames[::-1])
        interval += origin - REACH
    return np.zeros(0, np.int64)
