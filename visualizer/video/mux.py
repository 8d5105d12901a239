"""Segments and the song become the film."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal

import numpy as np

from visualizer import ffmpeg
from visualizer.errors import VisualizerError
from visualizer.track import Track
from visualizer.video.whole import whole

Audio = Literal["auto", "copy", "aac"]

RATE = 48000  # Hz of encoded sound, as the platforms ask.
DELAY = 2  # Frames by which x264 decodes ahead of showing with two B-frames.


def join(
    segments: Sequence[str | Path],
    track: Track,
    out: str | Path,
    *,
    fps: int,
    frames: int,
    start: float = 0.0,
    duration: float | None = None,
    title: str = "",
    artist: str = "",
    audio: Audio = "auto",
) -> None:
    """Joins segments without encoding them again and puts the song under them.

    An MP3 or AAC song that is used whole keeps its packets; anything else becomes AAC-LC, 384
    kb/s, 48 kHz, stereo, and lasts exactly as long as the picture. The film appears whole or not
    at all.

    Args:
        segments: Files of `SegmentWriter`, in film order.
        track: The song.
        out: The film, an MP4 file; its folder must exist.
        fps: Frames per second of the segments.
        frames: Number of frames in all segments together.
        start: Second of the song that sounds with the first frame.
        duration: Seconds of the song that are used; to its end when omitted.
        title: Written into the file's tags.
        artist: Written into the file's tags.
        audio: "copy" the packets, encode as "aac", or "auto": copy where that is exact.

    Raises:
        VisualizerError: The film cannot be written, or "copy" is asked for where it is not exact.
    """
    out = Path(out)
    copies = _copies(track, start, duration, audio)
    samples = iter(()) if copies else _samples(track, start, frames / fps)
    with tempfile.TemporaryDirectory() as folder, whole(out) as growing:
        listing = Path(folder) / "segments.txt"
        listing.write_text(_listing(segments), encoding="utf-8")
        picture = ["-f", "concat", "-safe", "0", "-i", str(listing)]
        tags = ["-metadata", f"title={title}", "-metadata", f"artist={artist}"]
        arguments = [*picture, *_sound(track, copies), *_output(fps), *tags]
        _mux([*arguments, f"file:{growing.absolute()}"], samples, out)


def _copies(track: Track, start: float, duration: float | None, audio: Audio) -> bool:
    if audio == "aac":
        return False
    is_whole = start == 0 and (duration is None or duration >= track.duration - 1e-3)
    if audio == "copy" and not (is_whole and track.copyable):
        raise VisualizerError(
            f"{track.path}: its sound cannot be copied (only a whole, undamaged MP3 or AAC song"
            " can); leave audio at auto or choose aac"
        )
    return is_whole and track.copyable


def _listing(segments: Sequence[str | Path]) -> str:
    """The concat demuxer's list; inside quotes only the quote itself is special."""
    paths = [str(Path(segment).absolute()).replace("'", r"'\''") for segment in segments]
    return "".join(f"file 'file:{path}'\n" for path in paths)


def _sound(track: Track, copies: bool) -> list[str]:
    if copies:
        junk = bool(track.warnings)  # What follows the music of a damaged song is none of it.
        return [*ffmpeg.source(track.path, track.duration if junk else None), "-c:a", "copy"]
    raw = ["-f", "f32le", "-ar", str(RATE), "-ac", "2", "-i", "pipe:0"]
    return [*raw, "-c:a", "aac", "-profile:a", "aac_low", "-b:a", "384k"]


def _output(fps: int) -> list[str]:
    # Segment lengths come in whole microseconds: put every frame back onto k / fps.
    frame = f"({fps}*TB)"
    exact = f"setts=pts=round(PTS*{frame})/{frame}:dts=(N-{DELAY})/{frame}"
    streams = ["-map", "0:v:0", "-map", "1:a:0", "-c:v", "copy", "-bsf:v", exact]
    alone = ["-map_metadata", "-1", "-map_chapters", "-1"]  # Nothing of the song's file but sound.
    return [*streams, *alone, "-movflags", "+faststart", "-f", "mp4", "-y"]


def _samples(track: Track, start: float, seconds: float) -> Iterator[bytes]:
    """The song as stereo float samples, silence at the end if it is shorter than the picture."""
    missing = round(seconds * RATE)
    for block in track.blocks(RATE, start=start, duration=seconds):
        stereo = np.broadcast_to(block, (len(block), 2))[:missing]
        missing -= len(stereo)
        yield np.ascontiguousarray(stereo, "<f4").tobytes()
    yield bytes(missing * 2 * 4)


def _mux(arguments: Sequence[str], samples: Iterator[bytes], out: Path) -> None:
    with ffmpeg.pipe(arguments) as running:
        with suppress(BrokenPipeError):  # It says below why it stopped.
            for block in samples:
                running.input.write(block)
        output = running.finish()
    if output.code:
        raise VisualizerError(f"{out}: cannot be written ({ffmpeg.reason(output.log)})")
