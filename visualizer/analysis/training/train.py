"""Teaches the network."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from visualizer.analysis.network import CHANNELS, HEADS, INPUTS, LAYERS, WIDTH
from visualizer.analysis.training.examples import Example, draw

FRAMES, BATCH = 3000, 8
AVERAGED = 0.999  # How much of the averaged weights each step keeps.
IMPORTANCE = (1.0, 1.0, 0.5, 0.5, 0.3)  # Of each head in the loss.


class BeatNetwork(nn.Module):
    """The torch twin of `visualizer.analysis.network`, for training only."""

    def __init__(self) -> None:
        """Builds the layers with fresh weights."""
        super().__init__()
        self.first = nn.Conv1d(INPUTS, CHANNELS, 3, padding=1)
        self.wide = nn.ModuleList(
            nn.Conv1d(CHANNELS, CHANNELS, WIDTH, dilation=2**i, padding=2**i * (WIDTH // 2))
            for i in range(LAYERS)
        )
        self.mix = nn.ModuleList(nn.Conv1d(CHANNELS, CHANNELS, 1) for _ in range(LAYERS))
        self.heads = nn.Conv1d(CHANNELS, len(HEADS), 1)
        self.drop = nn.Dropout1d(0.08)

    def forward(self, seen: Tensor) -> Tensor:
        """Scores before the sigmoid, shape (batch, heads, frames)."""
        flow = self.drop(nn.functional.elu(self.first(seen)))
        for wide, mix in zip(self.wide, self.mix, strict=True):
            flow = flow + mix(self.drop(nn.functional.elu(wide(flow))))
        return self.heads(nn.functional.elu(flow))  # type: ignore[no-any-return]


def batches(examples: list[Example], rng: np.random.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    """One epoch in random order; inputs and targets have shape (batch, channels, frames)."""
    order = rng.permutation(len(examples))
    for first in range(0, len(order) - BATCH + 1, BATCH):
        drawn = [draw(examples[i], rng, FRAMES) for i in order[first : first + BATCH]]
        seen, wanted = (np.stack(part).transpose(0, 2, 1) for part in zip(*drawn, strict=True))
        yield torch.from_numpy(np.ascontiguousarray(seen)), torch.from_numpy(wanted.copy())


def loss_of(scores: Tensor, wanted: Tensor) -> Tensor:
    """Weighted binary cross entropy of all heads."""
    each = nn.functional.binary_cross_entropy_with_logits(scores, wanted, reduction="none")
    return (each.mean(dim=(0, 2)) * torch.tensor(IMPORTANCE)).sum()


def train(
    network: BeatNetwork,
    examples: list[Example],
    steps: int,
    on_step: Callable[[int, float, nn.Module], None],
    peak: float = 3e-3,
) -> nn.Module:
    """Teaches the network in place, with a warm start and a cosine end.

    The weights to keep are the running average of the last thousand steps: it hears better than
    any single step.

    Args:
        network: Fresh or half taught.
        examples: At least BATCH.
        steps: Number of batches.
        on_step: Called with the number of each step, from 1, its loss and the averaged network.
        peak: Highest learning rate.

    Returns:
        The averaged network.
    """
    rng = np.random.default_rng(steps)
    optimiser = torch.optim.AdamW(network.parameters(), peak, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, peak, total_steps=steps, pct_start=0.05
    )
    averaging = get_ema_multi_avg_fn(AVERAGED)  # type: ignore[no-untyped-call]
    average = AveragedModel(network, multi_avg_fn=averaging)
    epochs = itertools.chain.from_iterable(batches(examples, rng) for _ in itertools.count())
    for step, (seen, wanted) in enumerate(itertools.islice(epochs, steps), start=1):
        with torch.autocast("cpu", torch.bfloat16):
            scores = network(seen)
        loss = loss_of(scores.float(), wanted)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        average.update_parameters(network)
        on_step(step, loss.item(), average.module)
    return average.module


def save_network(network: nn.Module, path: Path) -> None:
    """Writes the weights as half precision safetensors."""
    part = path.with_name(path.name + ".part")
    save_file(
        {name: value.half().contiguous() for name, value in network.state_dict().items()}, part
    )
    part.replace(path)
