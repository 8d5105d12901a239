"""Which beats begin a bar: harmony, bass and the network, heard beat by beat.

Chords and bass notes change on downbeats, in any style, and drum patterns return there. A small
hidden Markov model over the position in the bar weighs these over the whole song; a bar may be cut
short, which costs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from visualizer.analysis.observations import Observations
from visualizer.analysis.spectra import RATE
from visualizer.analysis.timbre import step_means
from visualizer.analysis.tonality import chord_changes

Times = NDArray[np.float64]
Values = NDArray[np.float64]

# Of the columns of `witness`: by logistic regression on generated songs, all but the network's own.
# It knows the downbeats of those songs too well, and is believed less.
WEIGHTS = np.array([0.6, 0.68, 0.34, 0.27])
METERS = {
    4: 0.0,
    3: 0.0,
    5: 4.0,
    7: 4.0,
}  # Beats per bar, and how much evidence each must outweigh.
USUAL = np.log(1 / 3)  # Log odds that a beat begins a bar, where nothing is heard.
AROUND = 33  # Beats that a beat is compared with.
# Cost of a bar that ends early, in nats. It is high, because what is wrong about one bar is wrong
# about the next one too: an anticipated chord comes back.
CUT = 20.0


@dataclass(frozen=True)
class Bars:
    """Position of each beat in its bar, 0 is the downbeat, and how well that explains the song."""

    positions: NDArray[np.int64]
    meter: int
    score: float


def find_bars(beats: Times, observed: Observations) -> Bars:
    """Lays bars of the likeliest metre over the beats."""
    ratio = witness(beats, observed) @ WEIGHTS
    return max((_decode(ratio, *each) for each in METERS.items()), key=lambda bars: bars.score)


def witness(beats: Times, observed: Observations) -> Values:
    """What speaks for each beat as a downbeat, shape (beats, 4).

    It is the network, the change of harmony against the last beat, the same over two beats, and the
    change of the low bands.
    """
    low = step_means(observed.low, np.append(beats, 2 * beats[-1] - beats[-2]))
    moved = np.append(0.0, np.abs(np.diff(low, axis=0)).sum(axis=1))
    harmony = [chord_changes(observed.harmony, beats, span) for span in (1, 2)]
    return np.stack(
        [_heard(beats, observed), *(_standing_out(each) for each in (*harmony, moved))], axis=1
    )


def _heard(beats: Times, observed: Observations) -> Values:
    """Log odds of the network that a beat, if it is one, begins a bar, over those of any beat."""
    frames = np.rint(beats * RATE).astype(int)[:, None] + np.arange(-3, 4)
    near = np.clip(frames, 0, len(observed.beat) - 1)
    share = observed.downbeat[near].max(axis=1) / observed.beat[near].max(axis=1)
    share = np.clip(share, 0.05, 0.95)
    return np.asarray(np.log(share / (1 - share)) - USUAL, np.float64)


def _standing_out(values: Values) -> Values:
    """Excess over the surroundings, in standard deviations, from -3 to 3."""
    excess = values - uniform_filter1d(values, AROUND, mode="nearest")
    return np.asarray(np.clip(excess / (excess.std() + 1e-6), -3, 3))


def _decode(ratio: Values, meter: int, cost: float) -> Bars:
    """Viterbi over the position in the bar.

    Args:
        ratio: Log likelihood of each beat as a downbeat over that as another beat, shape (beats,).
        meter: Beats per bar.
        cost: Taken off the score.
    """
    count = len(ratio)
    back = np.tile((np.arange(meter) - 1) % meter, (count, 1))
    score = np.zeros(meter)
    for beat in range(count):
        if beat:
            onward = np.roll(score, 1)
            cut = int(np.argmax(score[:-1]))
            if score[cut] - CUT > onward[0]:
                onward[0], back[beat, 0] = score[cut] - CUT, cut
            score = onward
        score[0] += ratio[beat]
    positions = [int(np.argmax(score))]
    for beat in range(count - 1, 0, -1):
        positions.append(int(back[beat, positions[-1]]))
    return Bars(np.array(positions[::-1]), meter, float(score.max()) - cost)
