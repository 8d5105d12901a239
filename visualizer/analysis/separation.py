"""The stems of a song that has none: the mix is taken apart, once, and its parts are kept.

Nothing of them is heard in the film; they only drive curves and events, as stems of the musician's
own would (`visualizer.analysis.stems`).
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import chain
from pathlib import Path

import numpy as np
import platformdirs
from numpy.typing import NDArray

from visualizer.analysis.separator import Progress, Separator
from visualizer.analysis.stems import STEMS
from visualizer.errors import VisualizerError, first_line
from visualizer.track import Track

BLOCK, AROUND = 60.0, 4.0  # Seconds taken apart at a time, and what is heard on either side.
LOUDEST = 0.999  # Of what a file can hold.


def separate(
    track: Track,
    separator: Separator,
    home: Path | None = None,
    on_progress: Progress | None = None,
) -> dict[str, Path]:
    """Takes a song apart, or finds what an earlier run made of it.

    Args:
        track: The song.
        separator: What takes it apart.
        home: Where stems are kept; the user's cache folder when omitted.
        on_progress: Called with the share of the song that is done, in [0, 1].

    Returns:
        FLAC files, each as long as the song, by their names among `STEMS`.

    Raises:
        VisualizerError: They cannot be written.
    """
    import soundfile

    home = home or platformdirs.user_cache_path("visualizer") / "stems"
    folder = home / f"{track.fingerprint[:32]}-{separator.name}"
    names = sorted({_stem(source) for source in separator.sources})
    if not folder.is_dir():
        try:
            home.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=".", dir=home) as growing:
                whole = Path(growing) / "whole"
                whole.mkdir()
                _write(track, separator, whole, names, on_progress or (lambda share: None))
                whole.replace(folder)
        except (OSError, soundfile.SoundFileError) as error:
            raise VisualizerError(
                f"{home}: stems cannot be kept here ({first_line(error)}); make room, or let it be"
                " written"
            ) from error
    return {name: folder / f"{name}.flac" for name in names}


def _write(
    track: Track, separator: Separator, folder: Path, names: list[str], progress: Progress
) -> None:
    import soundfile

    rate = separator.rate
    level, spread = _level(track.blocks(rate))
    total, done = track.duration * rate, 0
    with ExitStack() as files:
        out = {
            name: files.enter_context(
                soundfile.SoundFile(folder / f"{name}.flac", "w", rate, 2, "PCM_16")
            )
            for name in names
        }
        for sound, before, length in _windows(track.blocks(rate, BLOCK), round(AROUND * rate)):

            def tell(share: float, first: int = done, length: int = length) -> None:
                progress(min(1.0, (first + share * length) / total))

            found = separator.apart((sound - level) / spread, tell) * spread
            summed = {name: np.zeros((length, 2), np.float32) for name in names}
            for source, stem in zip(separator.sources, found, strict=True):
                summed[_stem(source)] += stem[before : before + length]
            for name, stem in summed.items():
                out[name].write(np.clip(stem, -LOUDEST, LOUDEST))
            done += length


def _stem(source: str) -> str:
    """What a source is among stems: a piano or a guitar is part of the rest."""
    return source if source in STEMS else "other"


def _level(blocks: Iterable[NDArray[np.float32]]) -> tuple[np.float32, np.float32]:
    """Mean and standard deviation of a song in mono: Demucs was taught on songs made alike."""
    count, total, squares = 0, 0.0, 0.0
    for block in blocks:
        mono = block.mean(axis=1, dtype=np.float64)
        count, total, squares = count + len(mono), total + mono.sum(), squares + (mono**2).sum()
    mean = total / count
    return np.float32(mean), np.float32(max(squares / count - mean**2, 0.0) ** 0.5 + 1e-8)


def _windows(
    blocks: Iterable[NDArray[np.float32]], around: int
) -> Iterator[tuple[NDArray[np.float32], int, int]]:
    """Blocks in stereo with what lies around them, how much lies before, and their own length."""
    before = now = np.zeros((0, 2), np.float32)
    for after in chain(_stereo(blocks), [np.zeros((0, 2), np.float32)]):
        if len(now):
            yield np.concatenate([before, now, after[:around]]), len(before), len(now)
        before, now = now[max(0, len(now) - around) :], after


def _stereo(blocks: Iterable[NDArray[np.float32]]) -> Iterator[NDArray[np.float32]]:
    for block in blocks:
        yield block if block.shape[1] == 2 else np.repeat(block, 2, axis=1)
