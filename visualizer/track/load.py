"""Reading a song once from end to end, and what can be wrong with it."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from visualizer import ffmpeg
from visualizer.errors import VisualizerError
from visualizer.track.damage import damage
from visualizer.track.decode import decoded
from visualizer.track.model import Track
from visualizer.track.stream import Stream, ffmpeg_stream, soundfile_stream

SHORTEST = 0.05  # Seconds; less is no music, and no window of the analysis fits into it.
TAGS = ("title", "artist", "album", "genre", "year")


@dataclass(frozen=True)
class Reading:
    """What came of decoding a file from end to end.

    Attributes:
        stream: What was decoded.
        samples: Number of samples of each channel.
        complaint: The decoder's first complaint, or "".
    """

    stream: Stream
    samples: int
    complaint: str = ""

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.samples / self.stream.sample_rate


def load_track(path: str | Path) -> Track:
    """Reads a song once from end to end and says what it is.

    A damaged file gives what can be decoded and a line in `warnings`; a silent file is a song.

    Raises:
        VisualizerError: No such file, a folder, an empty file, no sound in it, less than 0.05 s
            of sound, or samples that are not finite.
    """
    path = Path(path)
    _check_file(path)
    reading = _read(path)
    if reading.duration < SHORTEST:
        raise VisualizerError(
            f"{path}: holds {1000 * reading.duration:.0f} ms of sound; give at least"
            f" {1000 * SHORTEST:.0f} ms"
        )
    tags, artwork = _tags(path)
    stream = reading.stream
    warnings = damage(path, reading.duration, stream.promised, reading.complaint)
    with path.open("rb") as file:
        fingerprint = hashlib.file_digest(file, "sha256").hexdigest()
    return Track(
        path=path,
        duration=reading.duration,
        sample_rate=stream.sample_rate,
        channels=stream.channels,
        codec=stream.codec,
        tags=tags,
        artwork=artwork,
        fingerprint=fingerprint,
        warnings=warnings,
        layout=stream.layout,
        decoder=stream.decoder,
        copyable=stream.is_copyable and (not warnings or _survives_copying(path, reading)),
    )


def _check_file(path: Path) -> None:
    if not path.exists():
        raise VisualizerError(f"{path}: no such file; give the path of a song")
    if not path.is_file():
        raise VisualizerError(f"{path}: is not a file; give the path of a song")
    try:
        with path.open("rb") as file:
            empty = not file.read(1)
    except OSError as error:
        raise VisualizerError(f"{path}: cannot be opened ({error.strerror})") from None
    if empty:
        raise VisualizerError(f"{path}: is empty (0 bytes); give a file with music in it")


def _read(path: Path) -> Reading:
    """Decodes with ffmpeg, and with libsndfile what ffmpeg does not know."""
    for find in (ffmpeg_stream, soundfile_stream):
        stream = find(path)
        reading = _decode(path, stream) if stream else None
        if reading is not None and reading.samples:
            return reading
    raise VisualizerError(
        f"{path}: is not music that can be read; try a WAV, FLAC, MP3, Ogg, Opus or M4A file"
    )


def _decode(path: Path, stream: Stream) -> Reading:
    samples = 0
    complaints: list[str] = []
    for block in decoded(path, stream, complaints.append):
        finite = np.isfinite(block).all(axis=1)
        if not finite.all():
            at = (samples + int(np.argmin(finite))) / stream.sample_rate
            raise VisualizerError(
                f"{path}: holds samples that are not numbers (NaN or infinite), the first at"
                f" {at:.2f} s; export the song again"
            )
        samples += len(block)
    return Reading(stream, samples, complaints[0] if complaints else "")


def _survives_copying(path: Path, reading: Reading) -> bool:
    """Whether the packets that begin before the end of the sound give it back, to the sample.

    They do where the damage follows the music, such as a tag that the decoder takes for sound.
    """
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy.mp4"
        sound = ffmpeg.source(path, until=reading.duration)
        done = ffmpeg.run([*sound, "-map", "0:a:0", "-c", "copy", str(copy)])
        stream = None if done.code else ffmpeg_stream(copy)
        again = _decode(copy, stream) if stream else None
    return again is not None and again.samples == reading.samples and not again.complaint


def _tags(path: Path) -> tuple[dict[str, str], bytes | None]:
    from tinytag import TinyTag, TinyTagException

    try:
        with path.open("rb") as file:  # By its content, whatever it is called.
            tag = TinyTag.get(file_obj=file, image=True, duration=False)
    except (TinyTagException, OSError, ValueError):
        return {}, None
    texts = {name: str(getattr(tag, name) or "").strip() for name in TAGS}
    image = tag.images.any
    artwork = None if image is None else bytes(image.data)
    return {name: text for name, text in texts.items() if text}, artwork
