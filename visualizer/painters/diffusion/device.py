"""How to compute: threads, precision, memory."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

import cv2
import torch
import torch.nn.functional as F

from visualizer.errors import VisualizerError
from visualizer.memory import keep_freed_memory

PRECISIONS = {
    "float32": torch.float32,
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
}


def set_threads(device: torch.device) -> None:
    """Gives a CPU painter one thread for every two cores.

    The second half is wanted by the encoder, or is the same cores counted twice; threads that
    wait for a busy core made a frame four times slower than a single thread. The number hangs on
    the machine alone, since sums over another number of threads differ in the last bit.
    """
    if device.type == "cpu":
        threads = max(1, (os.cpu_count() or 1) // 2)
        torch.set_num_threads(threads)
        cv2.setNumThreads(threads)
        keep_freed_memory()


def choose_dtype(device: torch.device, name: str | None, wide: bool = False) -> torch.dtype:
    """The precision asked for; else float16 on a GPU, and on a CPU float32 or what is faster.

    Args:
        device: Where to compute.
        name: One of `PRECISIONS`, or None.
        wide: For models whose values leave the range of float16: bfloat16 in its place.
    """
    if name is not None:
        if name not in PRECISIONS:
            raise VisualizerError(f"precision {name}: choose one of {', '.join(PRECISIONS)}")
        return PRECISIONS[name]
    if device.type in ("cuda", "mps"):
        return torch.bfloat16 if wide else torch.float16
    # CPUs that know bfloat16 gain twice or more, all others lose. The margin between keeps the
    # answer, and with it the film, the same on every run of one machine.
    fast = _convolution_seconds(torch.bfloat16) * 1.4 < _convolution_seconds(torch.float32)
    return torch.bfloat16 if fast else torch.float32


def to_device(values: torch.Tensor, device: torch.device) -> torch.Tensor:
    """Values on a device; a GPU is not made to wait for them.

    From page-locked memory they travel beside its work, from any other between two pieces of it.
    """
    if device.type == "cuda":
        return values.pin_memory().to(device, non_blocking=True)
    return values.to(device)


@contextmanager
def enough_memory(task: str) -> Iterator[None]:
    """Turns running out of memory during `task` into one line with a way out."""
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError):
        raise VisualizerError(
            f"not enough memory for {task}: close other programs, take a smaller model,"
            " or compute on the CPU with --device cpu"
        ) from None


def _convolution_seconds(dtype: torch.dtype) -> float:
    """The best of seven runs of a convolution like those of a denoiser."""
    picture = torch.ones(1, 128, 32, 32, dtype=dtype).to(memory_format=torch.channels_last)
    weight = torch.ones(128, 128, 3, 3, dtype=dtype).to(memory_format=torch.channels_last)
    times = []
    for _ in range(7):
        begin = time.perf_counter()
        F.conv2d(picture, weight, padding=1)
        times.append(time.perf_counter() - begin)
    return min(times)
