"""How much do frames painted over a film flicker, and are they as sharp?

Each frame is compared with the one before it, moved as the film below moved: what then still
differs is flicker, in hundredths of OKLab's lightness. The columns are the film below itself, whose
own is new light; frames painted each by itself; the same, steady; and steady on twos, as films are.

    python tests/benchmarks/flicker.py song.mp3 --start 20 --seconds 2 --presets outrun night-drive
"""

from __future__ import annotations

import argparse
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch

from visualizer import camera
from visualizer.analysis import Analysis, analyze_cached
from visualizer.painters import PULSE
from visualizer.painters.diffusion import DiffusionPainter, restyle
from visualizer.painters.diffusion.anchor import measure
from visualizer.painters.diffusion.coat import Coat, motion
from visualizer.preset import load_preset
from visualizer.score import FilmOptions, compose
from visualizer.track import load_track

Frames = list[torch.Tensor]


class Seen(Coat):
    """A coat that keeps what was seen of it."""

    below: Frames
    alone: Frames
    steady: Frames

    def over(self, below: torch.Tensor, painted: torch.Tensor, fresh: float) -> torch.Tensor:
        self.alone.append(painted)
        return self._see(below, super().over(below, painted, fresh))

    def ride(self, below: torch.Tensor) -> torch.Tensor:
        return self._see(below, super().ride(below))

    def _see(self, below: torch.Tensor, shown: torch.Tensor) -> torch.Tensor:
        self.below.append(below)
        self.steady.append(shown)
        return shown


def flicker(film: Frames, grids: Frames) -> float:
    """Mean difference of lightness between frames and those before, moved; in hundredths."""
    steps = zip(pairwise(film), grids, strict=True)
    apart = [(camera.sample(before, grid) - now)[0].abs().mean() for (before, now), grid in steps]
    return 100.0 * float(np.mean(apart))


def films(
    painter: DiffusionPainter, analysis: Analysis, preset: str, options: FilmOptions
) -> dict[str, Frames]:
    """The first shot's frames: below, alone, steady and on twos."""
    found: dict[str, Frames] = {}
    for name, overrides in (("steady", ["paint.rate=240"]), ("twos", [])):
        Seen.below, Seen.alone, Seen.steady = [], [], []
        wanted = load_preset(preset, ["paint.mode=restyle", *overrides])
        score = compose(analysis, wanted, options)
        for _ in painter.paint(score, score.shots[0]):
            pass
        found |= {"below": Seen.below, "alone": found.get("alone", Seen.alone), name: Seen.steady}
    return found


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
    print("  flicker, and sharpness beside below:   below        alone       steady         twos")
    for preset in options.presets:
        found = films(painter, analysis, preset, film)
        grids = [motion(*pair) for pair in pairwise(found["below"])]
        sharp = {k: np.mean([float(measure(f).sharpness) for f in v]) for k, v in found.items()}
        cells = (
            f"{flicker(found[kind], grids):7.2f} {sharp[kind] / sharp['below']:5.2f}"
            for kind in ("below", "alone", "steady", "twos")
        )
        print(f"  {preset:32}" + "".join(cells), flush=True)


if __name__ == "__main__":
    main()
