"""CUDA graphs: a network's hundreds of small kernels, recorded once and started as one.

A frame of a small or distilled model is over before Python has named its kernels one by one; the
recorded graph leaves the GPU waiting for nothing. Everywhere but on CUDA, and where a network
cannot be recorded, it simply runs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch

Inputs = tuple[torch.Tensor | None, ...]
Key = tuple[tuple[torch.Size, torch.dtype] | None, ...]


@dataclass(frozen=True)
class _Recording:
    """A graph, the tensors it reads, and the one it writes."""

    graph: torch.cuda.CUDAGraph
    inputs: Inputs
    output: torch.Tensor


class Replayed:
    """A function of tensors that never looks at their values, recorded for each of their shapes.

    Not for several threads at once: a recording has one place for its inputs.
    """

    def __init__(self, function: Callable[..., torch.Tensor]) -> None:
        """Takes a function of positional tensors, or None in their place, on one device."""
        self._function = function
        self._recordings: dict[Key, _Recording] = {}
        self._seen: set[Key] = set()
        self._can_record = True

    def __call__(self, *inputs: torch.Tensor | None) -> torch.Tensor:
        """What the function answers."""
        if not self._can_record or not _on_cuda(inputs):
            return self._function(*inputs)
        key = tuple(None if given is None else (given.shape, given.dtype) for given in inputs)
        if key not in self._seen:
            # The first call also lets the libraries choose their kernels, which cannot be recorded;
            # and the shape of a last, smaller batch never returns.
            self._seen.add(key)
            return self._function(*inputs)
        if key not in self._recordings:
            try:
                self._recordings[key] = _record(self._function, inputs)
            except RuntimeError:
                self._can_record = False
                return self._function(*inputs)
        return _replay(self._recordings[key], inputs)


def _on_cuda(inputs: Inputs) -> bool:
    return any(given is not None and given.is_cuda for given in inputs)


@lru_cache(maxsize=1)
def _pool() -> Any:
    """Memory for what lies between input and output: one recording runs at a time."""
    return torch.cuda.graph_pool_handle()


def _record(function: Callable[..., torch.Tensor], inputs: Inputs) -> _Recording:
    # Tensors made under inference mode could not be written to again outside of it.
    with torch.inference_mode(False), torch.no_grad():
        fixed = tuple(None if given is None else given.clone() for given in inputs)
        graph = torch.cuda.CUDAGraph()
        # Another thread finishes frames meanwhile; only this one's calls belong to the graph.
        with torch.cuda.graph(graph, pool=_pool(), capture_error_mode="thread_local"):
            output = function(*fixed)
    return _Recording(graph, fixed, output)


def _replay(recording: _Recording, inputs: Inputs) -> torch.Tensor:
    for fixed, given in zip(recording.inputs, inputs, strict=True):
        if fixed is not None and given is not None:
            fixed.copy_(given)
    recording.graph.replay()
    # The next replay writes to the same place.
    return recording.output.clone()
