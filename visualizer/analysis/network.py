"""The network that hears beats: a small temporal convolutional network, run with numpy.

After Davies and Böck, "Temporal convolutional networks for musical audio beat tracking" (EUSIPCO
2019), with layers and weights of our own: `visualizer.analysis.training` makes them, and
`beats.md` says what they were taught. Numpy is enough for so small a network, and saves importing
torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from visualizer.analysis.flux import rises
from visualizer.analysis.spectra import MEL_BANDS

Floats = NDArray[np.float32]

WEIGHTS = Path(__file__).with_name("beats.safetensors")
INPUTS = 2 * MEL_BANDS + 12
CHANNELS, WIDTH, LAYERS = 32, 5, 11
STRETCH = 4096  # Frames taken in at once.
SPEEDS = (1.0, 0.87, 1.15)  # At which a song is heard; all lie within those that were taught.
HEADS = ("beat", "downbeat", "kick", "snare", "hat")


def network_input(level: Floats, chroma: Floats) -> Floats:
    """What the network sees of a song.

    Args:
        level: `heard_level` of the mel bands, shape (n, MEL_BANDS).
        chroma: Shape (n, 12), in [0, 1].

    Returns:
        Shape (n, INPUTS): the levels, how fast they rise, and the harmony.
    """
    return np.hstack([2 * level - 1, 4 * rises(level), 2 * chroma - 1])


def hear(level: Floats, chroma: Floats) -> dict[str, Floats]:
    """Probability of each of HEADS at each frame, shape (n,) each.

    The mean of hearing the song at each of SPEEDS: what is there is heard at all of them, and a
    network that takes eighths for beats at one tempo may know better at another.

    Args:
        level: `heard_level` of the mel bands, shape (n, MEL_BANDS).
        chroma: Shape (n, 12), in [0, 1].
    """
    frames, chances = np.arange(len(level)), np.zeros((len(level), len(HEADS)), np.float32)
    for speed in SPEEDS:
        chances += between(_hear(level, chroma, speed), frames / speed) / len(SPEEDS)
    return {name: chances[:, head] for head, name in enumerate(HEADS)}


def between(curves: NDArray[Any], places: NDArray[np.floating]) -> Floats:
    """Curves read between their frames.

    Args:
        curves: Shape (n, curves).
        places: In frames, shape (places,); beyond either end the nearest frame is read.
    """
    low = np.clip(places.astype(int), 0, max(0, len(curves) - 2))
    high = np.minimum(low + 1, len(curves) - 1)
    part = np.clip(places - low, 0, 1)[:, None].astype(np.float32)
    return np.asarray((1 - part) * curves[low] + part * curves[high], np.float32)


def _hear(level: Floats, chroma: Floats, speed: float) -> Floats:
    """Probabilities in the frames of a song that is played at another speed."""
    weights = _weights()
    flow = _elu(_first(level, chroma, speed, weights))
    for layer in range(LAYERS):
        inner = _elu(_convolve(flow, weights, f"wide.{layer}", 2**layer))
        flow = flow + _convolve(inner, weights, f"mix.{layer}", 1)
    scores = _convolve(_elu(flow), weights, "heads", 1)
    return np.asarray(1 / (1 + np.exp(-scores)), np.float32)


def _first(level: Floats, chroma: Floats, speed: float, weights: Mapping[str, Floats]) -> Floats:
    """The first layer, in stretches: its input is five times as large as what it gives."""
    places = np.arange(np.ceil(len(level) / speed)) * speed
    parts, reach = [], WIDTH // 2
    for start in range(0, len(places), STRETCH):
        # Two frames more on each side for the layer, and two before them for the rises.
        first, last = max(0, start - reach - 2), start + STRETCH + reach
        here = places[first:last]
        seen = network_input(between(level, here), between(chroma, here))
        skip = min(2, first)
        out = _convolve(seen[skip:], weights, "first", 1)
        begin = start - first - skip
        parts.append(out[begin : begin + STRETCH])
    return np.concatenate(parts)


@cache
def _weights() -> Mapping[str, Floats]:
    return {name: np.asarray(array, np.float32) for name, array in load_file(WEIGHTS).items()}


def _convolve(flow: Floats, weights: Mapping[str, Floats], name: str, dilation: int) -> Floats:
    """Same-length convolution over time; weights as torch keeps them, shape (out, in, width)."""
    kernel = weights[f"{name}.weight"]
    width, n = kernel.shape[2], len(flow)
    out = np.broadcast_to(weights[f"{name}.bias"], (n, kernel.shape[0])).copy()
    for tap in range(width):
        shift = (tap - width // 2) * dilation
        if abs(shift) < n:
            here = slice(max(0, -shift), n - max(0, shift))
            there = slice(max(0, shift), n - max(0, -shift))
            out[here] += flow[there] @ kernel[:, :, tap].T
    return out


def _elu(flow: Floats) -> Floats:
    return np.where(flow > 0, flow, np.expm1(np.minimum(flow, 0)))
