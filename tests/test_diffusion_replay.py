"""CUDA graphs: when a network is recorded, what comes back, and what happens where it cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import tiny
from visualizer.painters.diffusion import replay
from visualizer.painters.diffusion.device import to_device
from visualizer.painters.diffusion.loading import load_model
from visualizer.painters.diffusion.replay import Replayed, _Recording

CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")


class Rerun:
    """In the place of a graph: computes again from the same tensors into the same tensor."""

    def __init__(self, function, inputs, output) -> None:  # type: ignore[no-untyped-def]
        self._function, self._inputs, self._output = function, inputs, output

    def replay(self) -> None:
        self._output.copy_(self._function(*self._inputs))


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> list[tuple[torch.Size, ...]]:
    """The shapes that were recorded, on a machine that seems to have CUDA."""
    shapes: list[tuple[torch.Size, ...]] = []

    def record(function, inputs):  # type: ignore[no-untyped-def]
        shapes.append(tuple(given.shape for given in inputs if given is not None))
        fixed = tuple(None if given is None else given.clone() for given in inputs)
        output = function(*fixed)
        return _Recording(Rerun(function, fixed, output), fixed, output)  # type: ignore[arg-type]

    monkeypatch.setattr(replay, "_on_cuda", lambda inputs: True)
    monkeypatch.setattr(replay, "_record", record)
    return shapes


def weighted(values: torch.Tensor, weight: torch.Tensor | None) -> torch.Tensor:
    return values * 2.0 if weight is None else values * weight


def test_a_shape_is_recorded_when_it_comes_again(recorded: list[object]) -> None:
    function = Replayed(weighted)
    for value in (1.0, 2.0, 3.0):
        answer = function(torch.full((2, 3), value), torch.full((3,), 10.0))
        assert torch.equal(answer, torch.full((2, 3), 10.0 * value))
    assert recorded == [((2, 3), (3,))]


def test_every_shape_and_every_missing_input_has_a_recording_of_its_own(
    recorded: list[object],
) -> None:
    function = Replayed(weighted)
    for _ in range(3):
        assert torch.equal(function(torch.ones(1), None), torch.full((1,), 2.0))
        assert torch.equal(function(torch.ones(2), None), torch.full((2,), 2.0))
        assert torch.equal(function(torch.ones(2), torch.tensor(5.0)), torch.full((2,), 5.0))
    assert len(recorded) == 3


def test_an_answer_stays_what_it_was(recorded: list[object]) -> None:
    function = Replayed(weighted)
    answers = [function(torch.full((2,), value), None) for value in (1.0, 2.0, 3.0, 4.0)]
    assert [float(answer[0]) for answer in answers] == [2.0, 4.0, 6.0, 8.0]
    assert recorded


def test_what_cannot_be_recorded_runs_as_it_is(
    recorded: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = []

    def failing(function, inputs):  # type: ignore[no-untyped-def]
        tries.append(inputs)
        raise RuntimeError("operation not permitted when stream is capturing")

    monkeypatch.setattr(replay, "_record", failing)
    function = Replayed(weighted)
    for value in (1.0, 2.0, 3.0, 4.0):
        assert float(function(torch.full((1,), value), None)) == 2.0 * value
    assert len(tries) == 1


def test_nothing_is_recorded_on_a_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "_record", None)
    function = Replayed(weighted)
    for _ in range(3):
        assert float(function(torch.ones(1), None)) == 2.0


@pytest.mark.parametrize("family", tiny.DIFFUSIONS)
def test_a_model_answers_the_same_when_it_is_replayed(
    tmp_path: Path, family: str, recorded: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load_model(tiny.build(family, tmp_path), "cpu", precision="float32")
    condition = model.embed("red fire", "grey")
    picture = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))

    def painted(strength: float) -> torch.Tensor:
        latents = model.encode(picture)
        noise = latents.flip(2)
        return model.decode(model.denoise(latents, noise, torch.tensor([strength]), condition, 2))

    replayed = [painted(strength) for strength in (0.2, 0.5, 0.8)]
    assert len(recorded) == 3
    monkeypatch.setattr(replay, "_on_cuda", lambda inputs: False)
    for strength, answer in zip((0.2, 0.5, 0.8), replayed, strict=True):
        torch.testing.assert_close(painted(strength), answer)


def test_values_arrive_on_their_device() -> None:
    values = torch.rand(3)
    assert torch.equal(to_device(values, torch.device("cpu")), values)


@CUDA
def test_a_graph_answers_as_the_network_does(tmp_path: Path) -> None:
    model = load_model(tiny.build("turbo", tmp_path), "cuda", precision="float32")
    condition = model.embed("red fire", "")
    latents = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0)).cuda()
    strengths = (0.3, 0.3, 0.3, 0.7)
    answers = [
        model.denoise(latents, latents.flip(2), torch.tensor([s]), condition, 1) for s in strengths
    ]
    assert torch.allclose(answers[0], answers[2], atol=1e-4)
    assert not torch.allclose(answers[0], answers[3], atol=1e-2)
    assert model._unet._recordings  # type: ignore[attr-defined]


@CUDA
def test_noise_arrives_from_page_locked_memory() -> None:
    values = torch.rand(3, 5)
    assert torch.equal(to_device(values, torch.device("cuda")).cpu(), values)
