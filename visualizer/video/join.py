"""Segments and the song become the film."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from visualizer import ffmpeg
from visualizer.errors import VisualizerError
from visualizer.track import Track
from visualizer.video.whole import whole

Audio = Literal["auto", "copy", "aac"]

COPIED = ("mp3", "aac")  # What MP4 players everywhere accept as it is.
RATE = 48000  # Hz of encoded sound, as the platforms ask.
DELAY = 2  # Frames by which x264 decodes ahead of showing with two B-frames.


@dataclass(frozen=True)
class Film:
    """What is to be written.

    Attributes:
        fps: Frames per second, a whole number.
        frames: Number of frames in all segments together.
        start: Second of the song that sounds with frame 0.
        copies: Whether the song's own packets go into the film.
    """

    fps: int
    frames: int
    start: float
    copies: bool

    @property
    def seconds(self) -> float:
        """Length of the picture."""
        return self.frames / self.fps


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
    film = Film(fps, frames, start, _copies(track, start, duration, audio))
    tags = [part for key, text in (("title", title), ("artist", artist)) if text
            for part in ("-metadata", f"{key}={text}")]
    with tempfile.TemporaryDirectory() as folder, whole(out) as growing:
        listing = Path(folder) / "segments.txt"
        listing.write_text(_listing(segments), encoding="utf-8")
        picture = ["-f", "concat", "-safe", "0", "-i", str(listing)]
        _mux([*picture, *_sound(track, film), *_output(film), *tags, str(growing)],
             iter(()) if film.copies else _samples(track, film), out)


def _copies(track: Track, start: float, duration: float | None, audio: Audio) -> bool:
    """Whether the packets may be kept: no cut, no damage, nothing a player might not know."""
    if audio == "aac":
        return False
    is_whole = start == 0 and (duration is None or duration >= track.duration - 1e-3)
    exact = track.codec in COPIED and is_whole and track.sample_rate >= 16000
    exact = exact and not track.warnings and track.decoder == "ffmpeg"
    if audio == "copy" and not exact:
        raise VisualizerError(
            f"{track.path}: its sound cannot be copied (only a whole, undamaged MP3 or AAC song"
            " can); leave audio at auto or choose aac"
        )
    return exact


def _listing(segments: Sequence[str | Path]) -> str:
    """The concat demuxer's list; inside quotes only the quote itself is special."""
    paths = [str(Path(segment).absolute()).replace("'", r"'\''") for segment in segments]
    return "".join(f"file 'file:{path}'\n" for path in paths)


def _sound(track: Track, film: Film) -> list[str]:
    if film.copies:
        # The last packet ends in padding. Its time is cut to the end of the song, its bytes stay.
        end = f"setts=duration=min(DURATION\\,max(1\\,round({track.duration!r}/TB)-PTS))"
        return [*ffmpeg.source(track.path), "-c:a", "copy", "-bsf:a", end]
    raw = ["-f", "f32le", "-ar", str(RATE), "-ac", "2", "-i", "pipe:0"]
    return [*raw, "-c:a", "aac", "-profile:a", "aac_low", "-b:a", "384k"]


def _output(film: Film) -> list[str]:
    frame = f"({film.fps}*TB)"
    # Segment lengths come in whole microseconds: put every frame back onto k / fps.
    exact = f"setts=pts=round(PTS*{frame})/{frame}:dts=(N-{DELAY})/{frame}"
    streams = ["-map", "0:v:0", "-map", "1:a:0", "-c:v", "copy", "-bsf:v", exact]
    return [*streams, "-map_metadata", "-1", "-map_chapters", "-1",
            "-movflags", "+faststart", "-f", "mp4", "-y"]


def _samples(track: Track, film: Film) -> Iterator[bytes]:
    """The song as stereo float samples, silence at the end if it is shorter than the picture."""
    wanted = round(film.seconds * RATE)
    for block in track.blocks(RATE, start=film.start, duration=film.seconds):
        stereo = np.broadcast_to(block, (len(block), 2))[:wanted]
        wanted -= len(stereo)
        yield np.ascontiguousarray(stereo, "<f4").tobytes()
    yield bytes(wanted * 2 * 4)


def _mux(arguments: Sequence[str], samples: Iterator[bytes], out: Path) -> None:
    with ffmpeg.pipe(arguments) as running:
        try:
            for block in samples:
                running.sink.write(block)
        except BrokenPipeError:
            pass  # It says below why it stopped.
        output = running.finish()
    if output.code:
        raise VisualizerError(f"{out}: cannot be written ({ffmpeg.reason(output.log)})")
