from __future__ import annotations

import pytest
import torch

from visualizer.errors import VisualizerError
from visualizer.painters import load_painter
from visualizer.painters.device import choose_device


@pytest.fixture
def apple(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with Apple's GPU, which is not asked for anything."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr(torch, "empty", lambda *shape, device: None)


@pytest.mark.usefixtures("apple")
def test_the_best_device_that_is_there_is_taken() -> None:
    assert choose_device(None) == torch.device("mps")
    assert choose_device(None, best=("cuda",)) == torch.device("cpu")


@pytest.mark.usefixtures("apple")
def test_a_device_that_is_asked_for_is_taken() -> None:
    assert choose_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize("name", ["abacus", "cuda:99", "vulkan"])
def test_a_device_that_is_not_there_is_refused_in_one_line(name: str) -> None:
    with pytest.raises(VisualizerError, match=f"^--device {name}: not on this machine") as caught:
        load_painter("scenes", device=name)
    assert "\n" not in str(caught.value)
