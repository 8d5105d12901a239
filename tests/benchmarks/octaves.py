"""Is every steady tempo heard in its own octave?

Drums and a bass at each tempo from 60 to 200 bpm in steps of 10, straight and swung: the tempo that
was found, the share of true beats that were hit (within 35 ms), and of true downbeats.

    python tests/benchmarks/octaves.py
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from test_analysis import RATE, pattern
from visualizer.analysis import Analysis, analyze
from visualizer.track import load_track

TEMPI = range(60, 201, 10)
FEELS = {"straight": 1 / 2, "swung": 2 / 3}
SECONDS = 30.0
START = 0.5
NEAR = 0.035


@dataclass(frozen=True)
class Score:
    """How one pattern was heard: tempo in bpm, and shares of beats and downbeats that were hit."""

    tempo: float
    beats: float
    downbeats: float

    def is_right(self, bpm: float) -> bool:
        """Whether the tempo lies within 4 % of the true one."""
        return abs(self.tempo / bpm - 1) < 0.04


def hear(bpm: float, swing: float, folder: Path) -> Score:
    """Synthesises one pattern and analyses it."""
    bars = round(SECONDS * bpm / 240)
    sound, _ = pattern(bpm, bars, swing, START)
    path = folder / "pattern.wav"
    soundfile.write(path, sound, RATE, subtype="FLOAT")
    heard = analyze(load_track(path))
    true = START + np.arange(4 * bars) * 60 / bpm
    return Score(heard.tempo_bpm, hit(heard, "beat", true), hit(heard, "downbeat", true[::4]))


def hit(heard: Analysis, event: str, true: np.ndarray) -> float:
    """Share of `true` that has an event near it."""
    found = heard.events[event]
    if not len(found):
        return 0.0
    return float((np.abs(found[:, None] - true).min(axis=0) < NEAR).mean())


def main() -> None:
    """Prints the table."""
    print("  bpm" + "".join(f"   {feel:>9}   beats   bars" for feel in FEELS))
    right = 0
    with tempfile.TemporaryDirectory() as folder:
        for bpm in TEMPI:
            row = [hear(bpm, swing, Path(folder)) for swing in FEELS.values()]
            right += sum(score.is_right(bpm) for score in row)
            cells = (
                f"   {score.tempo:8.1f}{' ' if score.is_right(bpm) else '*'}"
                f"   {score.beats:5.2f}  {score.downbeats:5.2f}"
                for score in row
            )
            print(f"{bpm:5d}" + "".join(cells), flush=True)
    print(f"{right} of {len(TEMPI) * len(FEELS)} tempi in their octave; * marks the others")


if __name__ == "__main__":
    main()
