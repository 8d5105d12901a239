"""Examples for the network: what it sees of a generated song, and what it should say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from visualizer.analysis.flux import heard_level
from visualizer.analysis.network import HEADS, between, network_input
from visualizer.analysis.spectra import MEL_BANDS, RATE, measure_sound
from visualizer.analysis.tonality import normalize_chroma
from visualizer.analysis.training.drums import STYLES, Style
from visualizer.analysis.training.songs import compose_song

Floats = NDArray[np.float32]

SMEAR = np.array([0.5, 1.0, 0.5], np.float32)  # Of the truth over neighbouring frames.


@dataclass(frozen=True)
class Example:
    """One song as the network meets it.

    Attributes:
        level: Levels of the mel bands and chroma as uint8, 255 is 1, shape (n, bands + 12).
        times: Seconds of the events of each head.
    """

    level: NDArray[np.uint8]
    times: dict[str, NDArray[np.float64]]


def make_example(seed: int, styles: Sequence[Style] = STYLES) -> Example:
    """Composes, plays and measures one song, of one of these styles."""
    song = compose_song(seed, styles)
    spectra = measure_sound(song.samples[:, None])
    seen = np.hstack([heard_level(spectra.mel), normalize_chroma(spectra.chroma)])
    level = np.rint(seen * 255).astype(np.uint8)
    return Example(level, {"beat": song.beats, "downbeat": song.downbeats, **song.drums})


def draw(example: Example, rng: Generator, frames: int) -> tuple[Floats, Floats]:
    """One excerpt, varied in speed, register, tone and loudness.

    Returns:
        Input of shape (frames, INPUTS) and targets of shape (frames, len(HEADS)).
    """
    speed = np.exp(rng.uniform(-0.16, 0.16)) if rng.uniform() < 0.7 else 1.0
    span = frames * speed
    first = rng.uniform(0, max(1.0, len(example.level) - span))
    seen = between(example.level, first + np.arange(frames) * speed) / np.float32(255)
    level = _recolour(seen[:, :MEL_BANDS], rng)
    chroma = np.roll(seen[:, MEL_BANDS:], int(rng.integers(12)), axis=1)
    targets = np.zeros((frames, len(HEADS)), np.float32)
    for head, name in enumerate(HEADS):
        places = np.rint((example.times[name] * RATE - first) / speed).astype(int)
        for shift, weight in zip((-1, 0, 1), SMEAR, strict=True):
            inside = places[(places + shift >= 0) & (places + shift < frames)] + shift
            targets[inside, head] = np.maximum(targets[inside, head], weight)
    return network_input(level, chroma), targets


def _recolour(level: Floats, rng: Generator) -> Floats:
    """Another equaliser, another floor, another register."""
    bands = level.shape[1]
    shift = int(rng.integers(-2, 3))
    if shift:
        level = np.roll(level, shift, axis=1)
        level[:, slice(0, shift) if shift > 0 else slice(shift, None)] = 0
    knots = rng.normal(0, 0.07, 6)
    equaliser = np.interp(np.arange(bands), np.linspace(0, bands, 6), knots)
    gain = equaliser + rng.uniform(-0.15, 0.05)
    audible = level > 0
    if rng.uniform() < 0.15:
        audible[:, int(rng.uniform(0.6, 1) * bands) :] = False
    return np.where(audible, np.clip(level + gain, 0, 1), 0).astype(np.float32)


def save_examples(examples: list[Example], path: Path) -> None:
    """Keeps rendered examples for another run."""
    arrays: dict[str, NDArray[np.generic]] = {}
    for index, example in enumerate(examples):
        arrays[f"{index}.level"] = example.level
        arrays |= {f"{index}.{name}": times for name, times in example.times.items()}
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]


def load_examples(path: Path) -> list[Example]:
    """Reads what `save_examples` wrote."""
    with np.load(path, allow_pickle=False) as arrays:
        count = sum(name.endswith(".level") for name in arrays.files)
        return [
            Example(arrays[f"{i}.level"], {name: arrays[f"{i}.{name}"] for name in HEADS})
            for i in range(count)
        ]
