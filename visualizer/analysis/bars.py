"""Which beats begin a bar: three witnesses, heard beat by beat.

The network knows drum patterns, harmony moves on downbeats, and the music turns there. A small
hidden Markov model over the position in the bar weighs them over the whole song; a bar may be cut
short, which costs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from visualizer.analysis.observations import Observations
from visualizer.analysis.spectra import RATE, Spectra
from visualizer.analysis.timbre import describe_steps, step_means, turns
from visualizer.analysis.tonality import normalize_chroma

Times = NDArray[np.float64]
Values = NDArray[np.float64]

WEIGHTS = np.array([-0.4, 0.75, 1.3, 0.1])  # Of the columns of `witness`, by logistic regression.
CUT = 7.0  # Cost of a bar that ends early, in nats.


@dataclass(frozen=True)
class Bars:
    """Position of each beat in its bar, 0 is the downbeat, and how well that explains the song."""

    positions: NDArray[np.int64]
    meter: int
    score: float


def find_bars(beats: Times, spectra: Spectra, observed: Observations, meter: int) -> Bars:
    """Lays bars of one metre over the beats."""
    logit = witness(beats, spectra, observed, meter) @ WEIGHTS
    return _decode(-np.logaddexp(0, -logit), -np.logaddexp(0, logit), meter)


def witness(beats: Times, spectra: Spectra, observed: Observations, meter: int) -> Values:
    """What speaks for each beat as a downbeat, shape (beats, 4); the first column is 1."""
    steps = np.append(beats, 2 * beats[-1] - beats[-2])
    turn = turns(describe_steps(spectra, steps), meter)
    turn = np.maximum(0.0, turn - uniform_filter1d(turn, 2 * meter + 1))
    chroma = step_means(normalize_chroma(spectra.chroma), steps)
    chroma /= np.maximum(np.linalg.norm(chroma, axis=1, keepdims=True), 1e-6)
    harmony = 1 - np.sum(chroma * np.roll(chroma, 1, axis=0), axis=1)
    return np.stack(
        [np.ones(len(beats)), _heard(beats, observed), _relative(harmony), _relative(turn)], axis=1
    )


def _heard(beats: Times, observed: Observations) -> Values:
    """Log odds of the network that a beat, if it is one, begins a bar."""
    frames = np.rint(beats * RATE).astype(int)[:, None] + np.arange(-3, 4)
    near = np.clip(frames, 0, len(observed.beat) - 1)
    share = observed.downbeat[near].max(axis=1) / observed.beat[near].max(axis=1)
    share = np.clip(share, 0.05, 0.95)
    return np.asarray(np.log(share / (1 - share)), np.float64)


def _relative(values: Values) -> Values:
    """Excess over the mean of the surroundings, in means, from -1 to 3."""
    mean = uniform_filter1d(values, 33, mode="nearest") + 0.3 * values.mean() + 1e-6
    return np.asarray(np.clip(values / mean * 1.3 - 1, -1, 3))


def _decode(down: Values, plain: Values, meter: int) -> Bars:
    """Viterbi over the position in the bar."""
    count = len(down)
    back = np.zeros((count, meter), np.int64)
    score = np.full(meter, 0.0)
    for beat in range(count):
        if beat:
            onward = np.roll(score, 1)
            back[beat] = (np.arange(meter) - 1) % meter
            cut = int(np.argmax(score[:-1]))
            if score[cut] - CUT > onward[0]:
                onward[0], back[beat, 0] = score[cut] - CUT, cut
            score = onward
        score = score + np.where(np.arange(meter) == 0, down[beat], plain[beat])
    positions = [int(np.argmax(score))]
    for beat in range(count - 1, 0, -1):
        positions.append(int(back[beat, positions[-1]]))
    return Bars(np.array(positions[::-1]), meter, float(score.max()))
