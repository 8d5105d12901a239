"""Renders songs, teaches the network and writes its weights.

python -m visualizer.analysis.training --songs 4000 --steps 16000
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn

from visualizer.analysis.network import WEIGHTS
from visualizer.analysis.training.drums import STYLES, Style
from visualizer.analysis.training.examples import (
    Example,
    load_examples,
    make_example,
    save_examples,
)
from visualizer.analysis.training.songs import WITHOUT_DRUMS
from visualizer.analysis.training.train import BeatNetwork, save_network, train

OFTEN = 100  # Steps from one line, and from one writing of the weights, to the next.


def read_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--songs", type=int, default=4000, help="songs to compose and render")
    parser.add_argument(
        "--without-drums", type=int, default=0, help="songs without drums to add to those"
    )
    parser.add_argument("--first", type=int, default=200_000, help="seed of the first song")
    parser.add_argument("--cores", type=int, help="that render; all when omitted")
    parser.add_argument("--kept", type=Path, help="npz that keeps the songs for the next run")
    parser.add_argument("--steps", type=int, default=16_000, help="batches of eight excerpts")
    parser.add_argument("--peak", type=float, default=3e-3, help="highest learning rate")
    parser.add_argument("--begin", type=Path, help="weights to go on from")
    parser.add_argument("--out", type=Path, default=WEIGHTS, help="where the weights go")
    return parser.parse_args()


def render_songs(
    first: int, count: int, cores: int | None, styles: Sequence[Style] = STYLES
) -> list[Example]:
    """Renders songs."""
    make = partial(make_example, styles=styles)
    with ProcessPoolExecutor(cores) as pool:
        return list(pool.map(make, range(first, first + count), chunksize=10))


def find_songs(arguments: argparse.Namespace) -> list[Example]:
    """Songs that were kept, or new ones."""
    if arguments.kept and arguments.kept.exists():
        return load_examples(arguments.kept)
    first, cores = arguments.first, arguments.cores
    examples = render_songs(first, arguments.songs, cores)
    first += arguments.songs
    examples += render_songs(first, arguments.without_drums, cores, WITHOUT_DRUMS)
    if arguments.kept:
        save_examples(examples, arguments.kept)
    return examples


def main() -> None:
    """Teaches."""
    arguments = read_arguments()
    torch.manual_seed(arguments.first)
    network = BeatNetwork()
    if arguments.begin:
        network.load_state_dict({n: w.float() for n, w in load_file(arguments.begin).items()})
    losses: list[float] = []

    def follow(step: int, loss: float, average: nn.Module) -> None:
        losses.append(loss)
        if step % OFTEN == 0:
            sys.stdout.write(f"step {step}: loss {sum(losses[-OFTEN:]) / OFTEN:.4f}\n")
            sys.stdout.flush()
            save_network(average, arguments.out)

    taught = train(network, find_songs(arguments), arguments.steps, follow, arguments.peak)
    save_network(taught, arguments.out)


if __name__ == "__main__":
    main()
