"""From a file to samples: ffmpeg's pipe, libsndfile where ffmpeg cannot, and what follows them.

Everything here is a stream of blocks, float32, shape (n, channels), at most two channels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from visualizer import ffmpeg
from visualizer.track.stream import Stream

Sound = NDArray[np.float32]

READ = 1 << 16  # Samples of each channel decoded at a time.

# Silence for gaps longer than 50 ms and for a sound that begins after second 0, as players do it.
FILL = "aresample=async=1:min_hard_comp=0.05:first_pts=0"


def decoded(
    path: Path, stream: Stream, complain: Callable[[str], None] = lambda complaint: None
) -> Iterator[Sound]:
    """Decodes a file from its beginning.

    Args:
        path: The file.
        stream: What it holds.
        complain: Called at the end with what the decoder complained about, if it did.
    """
    decode = _by_soundfile if stream.decoder == "soundfile" else _by_ffmpeg
    return decode(path, stream, complain)


def excerpt(sound: Iterator[Sound], first: int, last: int | None) -> Iterator[Sound]:
    """Keeps the samples from `first` up to `last`, and decodes no further than that."""
    at = 0
    for block in sound:
        kept = block[max(0, first - at) : None if last is None else max(0, last - at)]
        at += len(block)
        if len(kept):
            yield kept
        if last is not None and at >= last:
            return


def resampled(sound: Iterator[Sound], rate: int, wanted: int) -> Iterator[Sound]:
    """Brings sound from one rate to another without moving it in time."""
    if rate == wanted:
        yield from sound
        return
    import soxr

    resampler = None
    for block in sound:
        if resampler is None:
            resampler = soxr.ResampleStream(rate, wanted, block.shape[1], dtype="float32")
            tail = block[:0]
        yield resampler.resample_chunk(np.ascontiguousarray(block))
    if resampler is not None:
        yield resampler.resample_chunk(tail, last=True)


def regrouped(sound: Iterator[Sound], size: int) -> Iterator[Sound]:
    """Cuts a stream into blocks of `size` samples; the last one may be shorter."""
    waiting: list[Sound] = []
    count = 0
    for block in sound:
        waiting.append(block)
        count += len(block)
        while count >= size:
            joined = np.concatenate(waiting)
            yield joined[:size]
            waiting, count = [joined[size:]], count - size
    if count:
        yield np.concatenate(waiting)


def _by_ffmpeg(path: Path, stream: Stream, complain: Callable[[str], None]) -> Iterator[Sound]:
    channels = min(stream.channels, 2)
    filters = ["-af", ",".join(_filters(stream))]
    rate = ["-ar", str(stream.sample_rate)]
    sound = [*ffmpeg.source(path), "-map", "0:a:0", *filters, *rate, "-f", "f32le", "pipe:1"]
    with ffmpeg.pipe(sound) as running:
        while data := running.output.read(READ * channels * 4):
            whole = len(data) // (4 * channels) * channels
            yield np.frombuffer(data, "<f4", whole).astype(np.float32).reshape(-1, channels)
        output = running.finish()
    if output.code or output.log:
        complain(ffmpeg.reason(output.log))


def _filters(stream: Stream) -> list[str]:
    # Between the pages of an Ogg file ffmpeg only guesses the times of Vorbis packets.
    fill = ["asetpts=N/SR/TB"] if stream.codec == "vorbis" else [FILL]
    if stream.channels <= 2:
        return fill
    if not stream.layout.endswith("channels"):
        return [*fill, "aformat=channel_layouts=stereo"]
    left = "+".join(f"c{i}" for i in range(0, stream.channels, 2))
    right = "+".join(f"c{i}" for i in range(1, stream.channels, 2))
    return [*fill, f"pan=stereo|c0<{left}|c1<{right}"]


def _by_soundfile(path: Path, stream: Stream, complain: Callable[[str], None]) -> Iterator[Sound]:
    import soundfile

    try:
        with path.open("rb") as file, soundfile.SoundFile(file) as sound:
            for block in sound.blocks(READ, dtype="float32", always_2d=True):
                yield _stereo(block)
    except soundfile.SoundFileError as error:
        complain(str(error))


def _stereo(block: Sound) -> Sound:
    """Averages the odd and the even channels where there are more than two."""
    if block.shape[1] <= 2:
        return block
    sides = [block[:, side::2].mean(axis=1) for side in (0, 1)]
    return np.stack(sides, axis=1).astype(np.float32)
