"""How much memory a model wants and a machine has."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from math import prod
from pathlib import Path

import torch

_GB = 1e9
_CONTAINER = Path("/sys/fs/cgroup/memory.max")  # What a container may have of the machine.
_PICTURE = 1.5  # Gigabytes beside the weights: one picture on its way through an autoencoder.


@dataclass(frozen=True)
class Memory:
    """What a machine has.

    Attributes:
        device: In words.
        gigabytes: In all, or None where that cannot be known.
    """

    device: str
    gigabytes: float | None


def memory_of(device: torch.device) -> Memory:
    """The memory a model can have on a device; what other programs hold of it may come back."""
    if device.type == "cuda":
        return Memory("the GPU", torch.cuda.mem_get_info(device)[1] / _GB)
    # Apple's GPUs share the machine's memory; Windows does not say.
    names = getattr(os, "sysconf_names", {})
    if "SC_PHYS_PAGES" not in names:
        return Memory("this machine", None)
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return Memory("this machine", min(total, _container_limit()) / _GB)


def _container_limit() -> float:
    """Bytes; beyond them the kernel ends the program without a word."""
    try:
        return float(_CONTAINER.read_text("ascii"))  # The word "max" where there is no limit.
    except (OSError, ValueError):
        return float("inf")


def needed(folder: Path, dtype: torch.dtype) -> float:
    """Gigabytes that a model's folder will want, read from the heads of its weight files."""
    files = [f for f in folder.rglob("*.safetensors") if ".fp16" not in f.name]
    # Some folders also hold the whole model in one file, which is not read.
    weights = sum(_numbers(file) for file in files if file.parent != folder)
    return weights * torch.empty(0, dtype=dtype).element_size() / _GB + _PICTURE


def _numbers(file: Path) -> int:
    """How many numbers a safetensors file holds; 0 for a damaged one, which is for others to say.

    Its head is JSON behind eight bytes of length: https://github.com/huggingface/safetensors.
    """
    try:
        with file.open("rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            head = json.loads(stream.read(min(length, 100_000_000)))
        return sum(prod(t["shape"]) for name, t in head.items() if name != "__metadata__")
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return 0
