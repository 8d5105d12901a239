"""What kind of sound a file holds, before any of it is decoded."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from visualizer import ffmpeg
from visualizer.errors import VisualizerError

COPIED = ("mp3", "aac")  # What players of MP4 files know everywhere,
LOWEST = 16000  # from this rate on, in Hz.
FEW = ("-frames:0", "50", "-frames:1", "1")  # The first packets may only prime the decoder.


@dataclass(frozen=True)
class Stream:
    """The sound stream of a file.

    Attributes:
        codec: Such as "mp3" or "pcm".
        sample_rate: Hz.
        channels: 1 or more.
        layout: ffmpeg's name of their arrangement; "9 channels" where it knows none.
        decoder: "ffmpeg" or "soundfile".
        tick: Seconds of one tick of the times in the file; None for soundfile.
        promised: Seconds that the file's header speaks of; None where it cannot be trusted.
    """

    codec: str
    sample_rate: int
    channels: int
    layout: str
    decoder: str = "ffmpeg"
    tick: Fraction | None = None
    promised: float | None = None

    @property
    def is_copyable(self) -> bool:
        """Whether an MP4 file can take its packets, each at the time of its first sample.

        Matroska and MPEG-TS round the times of their packets; those would not fit the samples.
        """
        exact = self.tick is not None and self.tick.denominator % self.sample_rate == 0
        return exact and self.codec in COPIED and self.sample_rate >= LOWEST


def ffmpeg_stream(path: Path) -> Stream | None:
    """Asks ffmpeg; None where it does not know the file.

    Raises:
        VisualizerError: The file is known to have no sound.
    """
    # The sound as stored and as decoded: the latter's rate counts, for HE-AAC doubles it.
    twice = ["-map", "0:a:0", "-map", "0:a:0", "-c:0", "copy", "-c:1", "pcm_s16le"]
    listing = [*ffmpeg.source(path), *twice, *FEW, "-f", "framecrc", "-"]
    output = ffmpeg.run(listing, level="info")
    if "matches no streams" in output.log:
        raise VisualizerError(f"{path}: has no sound in it; give a file with music in it")
    header = dict(re.findall(r"^#(\w+ \d): +(.+)$", output.text, re.MULTILINE))
    packet = re.search(r"^1, +-?\d+, +-?\d+, +(\d+), +(\d+),", output.text, re.MULTILINE)
    if packet is None:
        return None
    samples, size = int(packet[1]), int(packet[2])
    return Stream(
        codec="pcm" if header["codec_id 0"].startswith("pcm_") else header["codec_id 0"],
        sample_rate=int(header["sample_rate 1"]),
        channels=size // (2 * samples),
        layout=header["channel_layout_name 1"],
        tick=Fraction(header["tb 0"]),
        promised=_promised(output.log),
    )


def soundfile_stream(path: Path) -> Stream | None:
    """Asks libsndfile; None where it does not know the file."""
    import soundfile

    try:
        with path.open("rb") as file:  # By its content: names send libsndfile on false tracks.
            info = soundfile.info(file)
    except soundfile.SoundFileError:
        return None
    codec = info.subtype.lower() if info.format == "OGG" else info.format.lower()
    return Stream(codec, info.samplerate, info.channels, f"{info.channels} channels", "soundfile")


def _promised(log: str) -> float | None:
    """The file's duration; None beside a real picture stream, which may last longer."""
    found = re.search(r"Duration: (\d+):(\d+):([\d.]+)", log)
    pictures = [line for line in log.splitlines() if "Video: " in line and "attached" not in line]
    if found is None or pictures or "Estimating duration" in log:
        return None
    return int(found[1]) * 3600 + int(found[2]) * 60 + float(found[3])
