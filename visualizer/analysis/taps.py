"""A beat grid from somebody tapping along.

Taps miss the beat by some 20 to 40 ms, some are left out and some are too many. They are numbered
first, by a pointer that expects the next beat where the last ones lead; then a line through all of
them, or a curve where the tempo moves, takes the unsteadiness out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visualizer.errors import VisualizerError

Times = NDArray[np.float64]

LEAST = 4
BOUNCE = 0.12  # Seconds after a tap in which another one is a slip of the finger.
TOLERANCE = 0.25  # Share of a beat by which a tap may miss and still count.
PHASE, PERIOD = 0.5, 0.15  # How much of a tap's error moves the expected beat, and its interval.
LOST = 4  # So many misses in a row mean that the pointer has lost its way.
SEEDS = 16  # Most regular places from which the pointer is tried.
COUNTED = 0.65  # Share of the taps that must count: of aimless ones about half do.
SPAN = 4.0  # Beats: width of the neighbourhood whose tempo is followed.
NEXT_TO = 1e-6  # Beats: so near to either end of the song a beat still belongs to it.
MOVING = 1.5  # A line this many times worse than the curve means that the tempo moves.


@dataclass(frozen=True)
class _Numbered:
    """Taps that count, and the number of the beat that each one marks."""

    times: Times
    beats: Times


def follow_taps(taps: Times, duration: float) -> Times:
    """Beats from 0 to the end of the song.

    Args:
        taps: Seconds, increasing; beats may be missing, and wrong ones among them.
        duration: Of the song, in seconds.

    Raises:
        VisualizerError: There are fewer than four taps, or they follow no beat.
    """
    inside = taps[taps <= duration]
    inside = inside[np.diff(inside, prepend=-np.inf) > BOUNCE]
    if len(inside) < LEAST:
        raise VisualizerError(
            f"--tap: {len(inside)} taps count in the song; tap at least {LEAST} beats"
        )
    known = _number(inside)
    if len(known.times) < max(LEAST, COUNTED * len(inside)):
        raise VisualizerError("--tap: the taps follow no beat; tap every beat, without a break")
    line = np.polyfit(known.beats, known.times, 1)
    inner = np.arange(known.beats[0], known.beats[-1] + 1)
    curve = _curve(known, inner)
    errors = [
        float(np.std(known.times - fit))
        for fit in (np.polyval(line, known.beats), np.interp(known.beats, inner, curve))
    ]
    if errors[0] <= MOVING * errors[1] + 0.005:
        curve = np.asarray(np.polyval(line, inner), np.float64)
    return _extended(curve, duration)


def _number(taps: Times) -> _Numbered:
    """Follows the taps both ways from a regular place, the one from which most of them count."""
    intervals = np.diff(taps)
    odd = np.abs(np.log(intervals / np.median(intervals)))
    seeds = 1 + np.argsort(odd[:-1] + odd[1:], kind="stable")[:SEEDS]
    found = [
        _both_ways(taps, int(seed), float(intervals[seed - 1 : seed + 1].mean())) for seed in seeds
    ]
    return max(found, key=lambda known: len(known.times))


def _both_ways(taps: Times, seed: int, period: float) -> _Numbered:
    after, before = _walk(taps[seed:], period), _walk(-taps[: seed + 1][::-1], period)
    times = np.concatenate([-before.times[:0:-1], after.times])
    beats = np.concatenate([-before.beats[:0:-1], after.beats])
    return _Numbered(times, beats)


def _walk(taps: Times, period: float) -> _Numbered:
    """Numbers taps from the first one on, leaving out those that fall between beats."""
    times, beats, missed = [float(taps[0])], [0], 0
    beat = times[0]
    for tap in taps[1:].tolist():
        steps = round((tap - beat) / period)
        away = tap - beat - steps * period
        if steps < 1 or abs(away) > TOLERANCE * period:
            missed += 1
            if missed > LOST:
                break
            continue
        beat += steps * period + PHASE * away
        period += PERIOD * away / steps
        times.append(tap)
        beats.append(beats[-1] + steps)
        missed = 0
    return _Numbered(np.array(times), np.array(beats, np.float64))


def _curve(known: _Numbered, beats: Times) -> Times:
    """A line through the neighbourhood of each beat (local linear regression)."""
    away = known.beats - beats[:, None]
    weight = np.exp(-0.5 * (away / SPAN) ** 2)
    total, first = weight.sum(axis=1), (weight * away).sum(axis=1)
    second = (weight * away**2).sum(axis=1)
    time, moment = weight @ known.times, (weight * away) @ known.times
    return np.asarray((second * time - first * moment) / (total * second - first**2))


def _extended(beats: Times, duration: float) -> Times:
    """Goes on at the tempo of either end, to 0 and to the end of the song."""
    first, last = beats[1] - beats[0], beats[-1] - beats[-2]
    before = beats[0] - first * np.arange(int(beats[0] / first + NEXT_TO), 0, -1)
    after = beats[-1] + last * np.arange(1, int((duration - beats[-1]) / last + NEXT_TO) + 1)
    return np.asarray(np.clip(np.concatenate([before, beats, after]), 0.0, duration))
