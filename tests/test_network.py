"""The network in numpy: the one that was taught, in stretches and at several speeds."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from visualizer.analysis import network
from visualizer.analysis.network import HEADS, SPEEDS, WEIGHTS, between, hear, network_input
from visualizer.analysis.spectra import MEL_BANDS, RATE
from visualizer.analysis.training.train import BeatNetwork


def song(frames: int) -> tuple[np.ndarray, np.ndarray]:
    """Levels with a jump of all bands every half second, and one held pitch class."""
    level = np.random.default_rng(0).uniform(0, 0.3, (frames, MEL_BANDS)).astype(np.float32)
    fall = np.exp(-(np.arange(frames) % (RATE // 2)) / 5)
    level += (0.7 * fall[:, None]).astype(np.float32)
    return level, np.tile(np.eye(12, dtype=np.float32)[0], (frames, 1))


def test_it_hears_what_its_torch_twin_hears(monkeypatch):
    monkeypatch.setattr(network, "SPEEDS", (1.0,))
    level, chroma = song(1000)
    twin = BeatNetwork().eval()
    twin.load_state_dict({name: value.float() for name, value in load_file(WEIGHTS).items()})
    with torch.no_grad():
        seen = torch.from_numpy(network_input(level, chroma)).T[None]
        chances = torch.sigmoid(twin(seen))[0].numpy()
    heard = hear(level, chroma)
    for name, expected in zip(HEADS, chances, strict=True):
        np.testing.assert_allclose(heard[name], expected, atol=1e-4)


def test_stretches_leave_no_seams(monkeypatch):
    level, chroma = song(1000)
    whole = hear(level, chroma)
    monkeypatch.setattr(network, "STRETCH", 130)
    for name, chances in hear(level, chroma).items():
        np.testing.assert_allclose(chances, whole[name], atol=1e-5)


@pytest.mark.parametrize("speed", SPEEDS)
def test_no_speed_moves_what_is_heard(monkeypatch, speed):
    monkeypatch.setattr(network, "SPEEDS", (speed,))
    onsets = [head[100:900] for head in (hear(*song(1000))[name] for name in ("kick", "snare"))]
    chance = np.maximum(*onsets).reshape(-1, RATE // 2)
    assert (np.abs((chance.argmax(axis=1) + 5) % (RATE // 2) - 5) <= 1).all()
    assert len(hear(*song(1001))["beat"]) == 1001


def test_curves_are_read_between_their_frames():
    curves = np.array([[0.0, 8.0], [1.0, 4.0], [3.0, 0.0]])
    read = between(curves, np.array([-1.0, 0.5, 1.25, 2.0, 9.0]))
    np.testing.assert_allclose(read, [[0, 8], [0.5, 6], [1.5, 3], [3, 0], [3, 0]])
    assert between(curves[:1], np.array([0.0, 0.7])).tolist() == [[0, 8], [0, 8]]
