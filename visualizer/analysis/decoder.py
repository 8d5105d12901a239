"""The bar pointer: which beats, bars and tempo explain the observations best.

A hidden Markov model over metre, position in the bar and tempo (Whiteley, Cemgil and Godsill, 2006;
Krebs, Böck and Widmer, 2015), decoded exactly. Between two beats the pointer only moves on, so
whole beats are scored at once from running sums (a semi-Markov model), and as no beat is shorter
than the shortest interval, that many frames are decoded in one step.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RATE = 100
INTERVALS = np.concatenate([np.arange(27, 60), np.arange(60, 121, 2)])  # Frames: 222 to 50 bpm.
REACH = 5  # One beat may be so many intervals longer or shorter than the last.
STIFFNESS = 70.0  # A change of tempo costs exp(-STIFFNESS * |log ratio|), as in Krebs et al.
METERS = (4, 3)
SHARE = 16  # The sound of the beat itself fills this share of its interval.
WIDTHS = np.maximum(1, np.rint(INTERVALS / SHARE)).astype(np.int64)
FIRST = 255  # Marks in the back pointers that no beat came before.
FLOOR = 1e-5

Scores = NDArray[np.float64]
Frames = NDArray[np.int64]


@dataclass(frozen=True)
class Path:
    """The most probable way of the pointer through the song.

    Attributes:
        frames: Frame of each beat, shape (m,).
        positions: Position of each beat in its bar, 0 is the downbeat, shape (m,).
        meter: Beats per bar.
        score: Log probability, up to a constant.
    """

    frames: Frames
    positions: Frames
    meter: int
    score: float


@dataclass(frozen=True)
class _Last:
    """For each frame and position: score of all if its beat is the last, and its interval."""

    score: Scores
    interval: NDArray[np.uint8]


def decode(
    beat: NDArray[np.float32],
    downbeat: NDArray[np.float32],
    meter: int,
    prior: Scores | None = None,
) -> Path:
    """Finds the best path in one metre.

    Args:
        beat: Probability of a beat that is no downbeat, at each frame, shape (n,).
        downbeat: Probability of a downbeat, shape (n,); together they stay below 1.
        meter: Beats per bar.
        prior: Log probability per beat of each of `INTERVALS`; even when omitted.
    """
    sums = _running_sums(beat, downbeat)
    bonus = np.zeros(len(INTERVALS)) if prior is None else prior
    longest, step = int(INTERVALS[-1]), int(INTERVALS[0])
    size = -(-len(beat) // step) * step
    back = np.full((size, len(INTERVALS), meter), FIRST, np.uint8)
    last = _Last(np.full((size, meter), -np.inf), np.zeros((size, meter), np.uint8))
    recent = np.full((longest, len(INTERVALS), meter), -np.inf)
    for first in range(0, size, step):
        now = np.arange(first, first + step)
        arrived = _arrive(recent, sums, now, meter) + bonus[:, None]
        last.score[now], last.interval[now] = _end(arrived, sums, now)
        left, back[now] = _leave(arrived, sums[0][np.minimum(now, len(beat))])
        recent = np.concatenate([recent[step:], left])
    return _trace(back, last.score[: len(beat)] - sums[0][-1], last.interval)


def _running_sums(beat: NDArray[np.float32], downbeat: NDArray[np.float32]) -> Scores:
    """Log probabilities summed up from frame 0, shape (3, n + 1): no beat, beat, downbeat."""
    nothing = np.maximum(1.0 - beat - downbeat, FLOOR) / (SHARE - 1)
    logs = np.log(np.stack([nothing, np.maximum(beat, FLOOR), np.maximum(downbeat, FLOOR)]))
    return np.concatenate([np.zeros((3, 1)), np.cumsum(logs, axis=1, dtype=np.float64)], axis=1)


def _segments(sums: Scores, start: Frames, end: Frames, meter: int) -> Scores:
    """Log probability of a beat at `start`, then nothing up to `end`, shape (b, K, meter)."""
    n = sums.shape[1] - 1
    start, end = np.clip(start, 0, n), np.clip(end, 0, n)
    middle = np.minimum(start + WIDTHS, end)
    rest = sums[0][end] - sums[0][middle]
    strong = sums[2][middle] - sums[2][start] + rest
    plain = sums[1][middle] - sums[1][start] + rest
    return np.stack([strong] + [plain] * (meter - 1), axis=-1)


def _arrive(recent: Scores, sums: Scores, now: Frames, meter: int) -> Scores:
    """Best score of a beat at `now` that came by each interval to each position."""
    start = now[:, None] - INTERVALS
    past = recent[start - (now[0] - len(recent)), np.arange(len(INTERVALS))]
    return np.roll(past + _segments(sums, start, now[:, None], meter), 1, axis=-1)


def _end(arrived: Scores, sums: Scores, now: Frames) -> tuple[Scores, NDArray[np.uint8]]:
    """Score of the whole song if the beat at `now` is the last, and by which interval it came."""
    interval = arrived.argmax(axis=1)
    best = np.take_along_axis(arrived, interval[:, None], axis=1)[:, 0]
    start = np.minimum(now, sums.shape[1] - 1)[:, None]
    middle = np.minimum(start + WIDTHS[interval], sums.shape[1] - 1)
    kind = np.where(np.arange(arrived.shape[2]) == 0, 2, 1)
    sound = sums[kind, middle] - sums[kind, start]
    return best + sound + sums[0][-1] - sums[0][middle], interval.astype(np.uint8)


def _leave(arrived: Scores, silence: Scores) -> tuple[Scores, NDArray[np.uint8]]:
    """Best score of leaving each beat by each interval, and by which interval it was reached."""
    count = len(INTERVALS)
    best = np.broadcast_to(silence[:, None, None], arrived.shape).copy()
    origin = np.full(arrived.shape, FIRST, np.uint8)
    padded = np.pad(arrived, ((0, 0), (REACH, REACH), (0, 0)), constant_values=-np.inf)
    for shift in range(2 * REACH + 1):
        cost = _change_cost(shift - REACH)
        candidate = padded[:, shift : shift + count] - cost[:, None]
        better = candidate > best
        np.copyto(best, candidate, where=better)
        np.copyto(origin, np.uint8(shift), where=better)
    return best, origin


def _change_cost(shift: int) -> Scores:
    before = np.clip(np.arange(len(INTERVALS)) + shift, 0, len(INTERVALS) - 1)
    return np.asarray(STIFFNESS * np.abs(np.log(INTERVALS / INTERVALS[before])))


def _trace(back: NDArray[np.uint8], score: Scores, intervals: NDArray[np.uint8]) -> Path:
    """Follows the back pointers from the best last beat."""
    meter = score.shape[1]
    frame, position = (int(i) for i in np.unravel_index(int(np.argmax(score)), score.shape))
    best, interval = float(score[frame, position]), int(intervals[frame, position])
    frames, positions = [frame], [position]
    while np.isfinite(best):
        frame, position = frame - int(INTERVALS[interval]), (position - 1) % meter
        frames.append(frame)
        positions.append(position)
        origin = int(back[frame, interval, position])
        if origin == FIRST:
            break
        interval += origin - REACH
    return Path(np.array(frames[::-1]), np.array(positions[::-1]), meter, best)
