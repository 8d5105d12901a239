"""The times that stand in the file: when each picture is shown, when the sound starts and ends.

ffmpeg lists every packet with its times in whole ticks and the length of a tick, so nothing is
rounded and nothing is derived from a frame number. The list is read as it comes: an hour of film
has a quarter of a million packets.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from visualizer import ffmpeg
from visualizer.errors import VisualizerError

DISCARDED = 4  # Packet flag: read for decoding only, never shown.

HEADER = re.compile(rb"#(\w+ \d): +(.+)")
PACKET = re.compile(
    rb"(?P<stream>\d), +-?\d+, +(?P<pts>-?\d+), +(?P<ticks>\d+), +\d+, 0x\w+"
    rb"(?:, F=0x(?P<flags>[0-9A-F]+))?"
)


@dataclass(frozen=True)
class Picture:
    """When the pictures are shown.

    Attributes:
        ticks: int64, shape (frames,), increasing: the time of each frame in ticks.
        tick: Seconds of one tick.
        last: Ticks that the last frame stays.
    """

    ticks: NDArray[np.int64]
    tick: Fraction
    last: int

    @property
    def times(self) -> NDArray[np.float64]:
        """Seconds, shape (frames,)."""
        return np.asarray(self.ticks * float(self.tick), np.float64)

    @property
    def is_constant(self) -> bool:
        """Whether all frames stand equally long, to the tick."""
        return len(np.unique(np.diff(self.ticks))) <= 1

    @property
    def fps(self) -> Fraction:
        """Frames per second, on average."""
        span = int(self.ticks[-1] - self.ticks[0]) + self.last
        return len(self.ticks) / (span * self.tick)

    @property
    def start(self) -> float:
        """Second at which the first frame appears."""
        return float(self.ticks[0] * self.tick)

    @property
    def end(self) -> float:
        """Second at which the last frame disappears."""
        return float((int(self.ticks[-1]) + self.last) * self.tick)


@dataclass(frozen=True)
class Sound:
    """What is heard, decoder's priming and padding left out.

    Attributes:
        codec: Such as "aac".
        sample_rate: Hz.
        layout: Such as "stereo".
        start: Second at which it starts.
        end: Second at which it ends.
    """

    codec: str
    sample_rate: int
    layout: str
    start: float
    end: float


@dataclass(frozen=True)
class Streams:
    """Both sides of a film."""

    picture: Picture
    sound: Sound


def read_streams(video: Path) -> Streams:
    """Reads the times of a film.

    Raises:
        VisualizerError: The file has no picture or no sound, is damaged, or is no film.
    """
    maps = ["-map", "0:v:0", "-map", "0:a:0", "-map", "0:a:0"]
    codecs = ["-c:0", "copy", "-c:1", "copy", "-c:2", "pcm_s16le"]
    listing = ["-copyts", *ffmpeg.source(video), *maps, *codecs, "-f", "framecrc", "-"]
    with ffmpeg.pipe(listing) as running:
        header, packets = _parse(running.output)
        output = running.finish()
    if output.code:
        raise VisualizerError(f"{video}: is not a film with sound ({ffmpeg.reason(output.log)})")
    if output.log:
        raise VisualizerError(f"{video}: is damaged ({ffmpeg.reason(output.log)})")
    return Streams(_picture(packets[0], header), _sound(packets[2], header))


def _parse(listing: Iterable[bytes]) -> tuple[dict[str, str], list[NDArray[np.int64]]]:
    """What the listing says of the streams, and the packets of each in order of time.

    Returns:
        The header, and for each stream the packets, shape (packets, 2): time and duration in ticks.
    """
    header: dict[str, str] = {}
    rows = [array("q"), array("q"), array("q")]
    for line in listing:
        if said := HEADER.match(line):
            header[said[1].decode()] = said[2].decode()
        elif (packet := PACKET.match(line)) and not int(packet["flags"] or b"0", 16) & DISCARDED:
            rows[int(packet["stream"])].extend((int(packet["pts"]), int(packet["ticks"])))
    packets = [np.array(row, np.int64).reshape(-1, 2) for row in rows]
    return header, [times[np.lexsort(times.T[::-1])] for times in packets]


def _picture(packets: NDArray[np.int64], header: dict[str, str]) -> Picture:
    return Picture(packets[:, 0], Fraction(header["tb 0"]), int(packets[-1, 1]))


def _sound(packets: NDArray[np.int64], header: dict[str, str]) -> Sound:
    tick = Fraction(header["tb 2"])
    return Sound(
        codec=header["codec_id 1"],
        sample_rate=int(header["sample_rate 2"]),
        layout=header["channel_layout_name 2"],
        start=float(packets[0, 0] * tick),
        end=float(packets[-1].sum() * tick),
    )
