"""How much do frames painted over a film flicker, and are they as sharp?

Each frame is compared with the one before it, moved as the film below moved: what then still
differs is flicker, in hundredths of OKLab's lightness. Beside the film below itself, whose own is
new light, and the same frames painted each by itself.

    python tests/benchmarks/flicker.py song.mp3 --start 20 --seconds 2 --presets outrun night-drive
"""

from __future__ import annotations

import argparse
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch

from visualizer import camera
from visualizer.analysis import analyze_cached
from visualizer.painters import PULSE
from visualizer.painters.diffusion import DiffusionPainter, restyle
from visualizer.painters.diffusion.anchor import measure
from visualizer.painters.diffusion.coat import Coat, motion
from visualizer.preset import load_preset
from visualizer.score import FilmOptions, Score, compose
from visualizer.track import load_track

FILMS = ("below", "alone", "steady")


class Seen(Coat):
    """A coat that keeps what was seen of it: the film below, frames painted alone, and steady."""

    films: dict[str, list[torch.Tensor]] = {}  # noqa: RUF012

    def over(self, below: torch.Tensor, painted: torch.Tensor, fresh: float) -> torch.Tensor:
        steady = super().over(below, painted, fresh)
        for name, frame in zip(FILMS, (below, painted, steady), strict=True):
            self.films.setdefault(name, []).append(frame)
        return steady


def flicker(film: list[torch.Tensor], grids: list[torch.Tensor]) -> float:
    """Mean difference of lightness between frames and those before, moved; in hundredths."""
    steps = zip(pairwise(film), grids, strict=True)
    apart = [(camera.sample(before, grid) - now)[0].abs().mean() for (before, now), grid in steps]
    return 100.0 * float(np.mean(apart))


def print_row(name: str, painter: DiffusionPainter, score: Score) -> None:
    """Flicker and sharpness of the first shot of a film."""
    Seen.films.clear()
    for _ in painter.paint(score, score.shots[0]):
        pass
    grids = [motion(*pair) for pair in pairwise(Seen.films["below"])]
    shaking = (flicker(Seen.films[film], grids) for film in FILMS)
    sharp = {f: np.mean([float(measure(x).sharpness) for x in Seen.films[f]]) for f in FILMS}
    row = "".join(f"{value:10.2f}" for value in shaking)
    ratios = (sharp[film] / sharp["below"] for film in ("alone", "steady"))
    print(f"  {name:16}{row}" + "".join(f"{value:10.2f}" for value in ratios), flush=True)


def main() -> None:
    """Reads the arguments and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("song", type=Path)
    parser.add_argument("--start", type=float, default=20.0)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--presets", nargs="+", default=["outrun", "night-drive", "rose-window"])
    parser.add_argument("--model", default=PULSE)
    options = parser.parse_args()
    restyle.Coat = Seen
    painter = DiffusionPainter.load(options.model)
    analysis = analyze_cached(load_track(options.song))
    film = FilmOptions(640, 360, 24, start=options.start, duration=options.seconds)
    print(
        "                    flicker: below, alone, steady; sharpness beside below: alone, steady"
    )
    for name in options.presets:
        preset = load_preset(name, ["paint.mode=restyle"])
        print_row(name, painter, compose(analysis, preset, film))


if __name__ == "__main__":
    main()
