"""Reading a song once from end to end, and what can be wrong with it."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from visualizer import ffmpeg
from visualizer.errors import VisualizerError
from visualizer.track import decode
from visualizer.track.decode import Stream
from visualizer.track.model import Track

SHORTEST = 0.05  # Seconds; less is no music, and no window of the analysis fits into it.
FEW = ("-frames:0", "50", "-frames:1", "1")  # The first packets may only prime the decoder.
TAGS = ("title", "artist", "album", "genre", "year")


@dataclass(frozen=True)
class Reading:
    """What came of decoding a file from end to end.

    Attributes:
        stream: What was decoded.
        samples: Number of samples of each channel.
        complaint: The decoder's first complaint, or "".
        promised: Seconds that the file's header speaks of, or None where it cannot be trusted.
    """

    stream: Stream
    samples: int
    complaint: str = ""
    promised: float | None = None

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
    with path.open("rb") as file:
        fingerprint = hashlib.file_digest(file, "sha256").hexdigest()
    return Track(
        path=path,
        duration=reading.duration,
        sample_rate=reading.stream.sample_rate,
        channels=reading.stream.channels,
        codec=reading.stream.codec,
        tags=tags,
        artwork=artwork,
        fingerprint=fingerprint,
        warnings=_warnings(path, reading),
        layout=reading.stream.layout,
        decoder=reading.stream.decoder,
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
    probe = ffmpeg.run(_probe_arguments(path), level="info")
    if "matches no streams" in probe.log:
        raise VisualizerError(f"{path}: has no sound in it; give a file with music in it")
    stream = _stream(probe.text)
    if stream is not None:
        reading = _decode(path, stream, _promised(probe.log))
        if reading.samples:
            return reading
    other = _soundfile_stream(path)
    if other is not None:
        return _decode(path, other, None)
    raise VisualizerError(
        f"{path}: is not music that can be read; try a WAV, FLAC, MP3, Ogg, Opus or M4A file"
    )


def _probe_arguments(path: Path) -> list[str]:
    """Lists the first sound as stored and as decoded: the latter's rate counts (HE-AAC doubles)."""
    twice = ["-map", "0:a:0", "-map", "0:a:0", "-c:0", "copy", "-c:1", "pcm_s16le"]
    return [*ffmpeg.source(path), *twice, *FEW, "-f", "framecrc", "-"]


def _stream(listing: str) -> Stream | None:
    """Reads the header lines `#key stream: value` and the packet lines below them."""
    header = dict(re.findall(r"^#(\w+ \d): +(.+)$", listing, re.MULTILINE))
    packet = re.search(r"^1, +-?\d+, +-?\d+, +(\d+), +(\d+),", listing, re.MULTILINE)
    if packet is None or "codec_id 0" not in header:
        return None
    samples, size = int(packet[1]), int(packet[2])
    return Stream(
        codec="pcm" if header["codec_id 0"].startswith("pcm_") else header["codec_id 0"],
        sample_rate=int(header["sample_rate 1"]),
        channels=size // (2 * samples),
        layout=header["channel_layout_name 1"],
    )


def _promised(log: str) -> float | None:
    """Seconds the header speaks of; None beside a real picture stream, which may last longer."""
    found = re.search(r"Duration: (\d+):(\d+):([\d.]+)", log)
    pictures = [line for line in log.splitlines() if "Video: " in line and "attached" not in line]
    if found is None or pictures or "Estimating duration" in log:
        return None
    return int(found[1]) * 3600 + int(found[2]) * 60 + float(found[3])


def _soundfile_stream(path: Path) -> Stream | None:
    import soundfile

    try:
        with path.open("rb") as file:  # By its content: names send libsndfile on false tracks.
            info = soundfile.info(file)
    except soundfile.SoundFileError:
        return None
    codec = info.subtype.lower() if info.format == "OGG" else info.format.lower()
    return Stream(codec, info.samplerate, info.channels, f"{info.channels} channels", "soundfile")


def _decode(path: Path, stream: Stream, promised: float | None) -> Reading:
    samples = 0
    complaints: list[str] = []
    for block in decode.decoded(path, stream, complaints.append):
        finite = np.isfinite(block).all(axis=1)
        if not finite.all():
            at = (samples + int(np.argmin(finite))) / stream.sample_rate
            raise VisualizerError(
                f"{path}: holds samples that are not numbers (NaN or infinite), the first at"
                f" {at:.2f} s; export the song again"
            )
        samples += len(block)
    return Reading(stream, samples, complaints[0] if complaints else "", promised)


def _warnings(path: Path, reading: Reading) -> tuple[str, ...]:
    read = f"{reading.duration:.1f} s could be read"
    if reading.promised is not None and reading.duration < reading.promised - 0.1:
        return (f"{path.name}: damaged, ends early; {read} of {reading.promised:.1f} s",)
    if reading.complaint:
        return (f"{path.name}: damaged ({reading.complaint}); {read}",)
    return ()


def _tags(path: Path) -> tuple[dict[str, str], bytes | None]:
    from tinytag import TinyTag, TinyTagException

    try:
        tag = TinyTag.get(path, image=True, duration=False)
    except (TinyTagException, OSError, ValueError):
        return {}, None
    texts = {name: str(getattr(tag, name) or "").strip() for name in TAGS}
    image = tag.images.any
    artwork = None if image is None else bytes(image.data)
    return {name: text for name, text in texts.items() if text}, artwork
