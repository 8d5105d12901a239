"""The song with clicks on its beats, to judge the grid by ear."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from visualizer.analysis.model import Analysis
from visualizer.errors import VisualizerError
from visualizer.track import Track

RATE = 44100
BEAT_HZ, DOWNBEAT_HZ = 1000.0, 2000.0
SONG_GAIN, CLICK_GAIN = 0.6, 0.4

Samples = NDArray[np.float32]


def write_clicks(track: Track, analysis: Analysis, path: Path) -> None:
    """Writes the song as 16-bit WAV or FLAC with a click on every beat, higher on downbeats.

    Args:
        track: The song; read block by block.
        analysis: Of that song.
        path: Its suffix decides the format: .wav or .flac.

    Raises:
        VisualizerError: The suffix is another one or the folder cannot be written.
    """
    formats = {".wav": "WAV", ".flac": "FLAC"}
    if path.suffix.lower() not in formats:
        raise VisualizerError(f"{path}: clicks are written as .wav or .flac; change the ending")
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        _write(track, analysis, part, formats[path.suffix.lower()])
        part.replace(path)
    except (OSError, soundfile.LibsndfileError) as error:
        raise VisualizerError(f"{path}: cannot be written; choose another folder") from error
    finally:
        part.unlink(missing_ok=True)


def _write(track: Track, analysis: Analysis, part: Path, kind: str) -> None:
    strong = set(analysis.events["downbeat"].tolist())
    clicks = [
        (int(t * RATE), _click(DOWNBEAT_HZ if t in strong else BEAT_HZ))
        for t in analysis.events["beat"].tolist()
    ]
    done, file = 0, None
    try:
        for block in track.blocks(sample_rate=RATE):
            file = file or soundfile.SoundFile(
                part, "w", RATE, block.shape[1], "PCM_16", format=kind
            )
            file.write(np.clip(SONG_GAIN * block + _between(clicks, done, len(block)), -1, 1))
            done += len(block)
    finally:
        if file:
            file.close()


def _click(frequency: float) -> Samples:
    time = np.arange(int(0.05 * RATE)) / RATE
    return (CLICK_GAIN * np.sin(2 * np.pi * frequency * time) * np.exp(-time / 0.01)).astype("f")


def _between(clicks: list[tuple[int, Samples]], first: int, count: int) -> Samples:
    """The clicks that sound within a block, shape (count, 1)."""
    mix = np.zeros((count, 1), np.float32)
    for start, click in clicks:
        begin, end = max(start, first), min(start + len(click), first + count)
        if begin < end:
            mix[begin - first : end - first, 0] += click[begin - start : end - start]
    return mix
