"""Renders songs, teaches the network and writes its weights.

python -m visualizer.analysis.training --songs 1200 --steps 4000
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import torch
from safetensors.torch import load_file

from visualizer.analysis.network import WEIGHTS
from visualizer.analysis.training.examples import Example, make_example
from visualizer.analysis.training.train import BeatNetwork, save_network, train


def read_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--songs", type=int, default=1200, help="songs to compose and render")
    parser.add_argument("--first", type=int, default=100_000, help="seed of the first song")
    parser.add_argument("--steps", type=int, default=4000, help="batches of eight excerpts")
    parser.add_argument("--peak", type=float, default=3e-3, help="highest learning rate")
    parser.add_argument("--begin", type=Path, help="weights to go on from")
    parser.add_argument("--out", type=Path, default=WEIGHTS, help="where the weights go")
    return parser.parse_args()


def render_songs(first: int, count: int) -> list[Example]:
    """Renders songs on all cores."""
    with ProcessPoolExecutor() as pool:
        return list(pool.map(make_example, range(first, first + count), chunksize=10))


def show(step: int, loss: float) -> None:
    """Prints every hundredth loss."""
    if step % 100 == 0:
        sys.stdout.write(f"step {step}: loss {loss:.4f}\n")
        sys.stdout.flush()


def main() -> None:
    """Teaches."""
    arguments = read_arguments()
    torch.manual_seed(arguments.first)
    network = BeatNetwork()
    if arguments.begin:
        network.load_state_dict({n: w.float() for n, w in load_file(arguments.begin).items()})
    examples = render_songs(arguments.first, arguments.songs)
    train(network, examples, arguments.steps, show, arguments.peak)
    save_network(network, arguments.out)


if __name__ == "__main__":
    main()
