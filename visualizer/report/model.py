"""The report: one film, measured."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from visualizer import ffmpeg
from visualizer.errors import VisualizerError
from visualizer.report.flashes import ALLOWED, Flashes, count_flashes
from visualizer.report.luminance import Luminance, read_luminance
from visualizer.report.streams import Picture, Sound, read_streams


@dataclass(frozen=True)
class Loudness:
    """How loud the film is (EBU R 128).

    Attributes:
        integrated: LUFS over the whole film; -70 or less is silence.
        peak: True peak in dBTP.
    """

    integrated: float
    peak: float


@dataclass(frozen=True)
class Report:
    """What the finished file shows and sounds.

    Attributes:
        video: The film.
        picture: When its frames are shown.
        sound: What is heard and when.
        luminance: How bright each frame is, and in which colours.
        loudness: How loud it is.
        flashes: The worst second of flashing.
    """

    video: Path
    picture: Picture
    sound: Sound
    luminance: Luminance
    loudness: Loudness
    flashes: Flashes

    def summary(self) -> str:
        """A few lines for people."""
        picture, sound = self.picture, self.sound
        rate = "constant" if picture.is_constant else "NOT constant"
        first, last = 1000 * (sound.start - picture.start), 1000 * (sound.end - picture.end)
        loudness = self.loudness
        red = " of red" if self.flashes.are_red else ""
        safe = "safe" if self.flashes.is_safe else f"NOT safe, at most {ALLOWED} are allowed"
        return "\n".join(
            (
                f"picture   {len(picture.ticks)} frames, {float(picture.fps):.6g} fps, {rate},"
                f" {picture.start:.3f} s to {picture.end:.3f} s",
                f"sound     {sound.codec}, {sound.sample_rate} Hz, {sound.layout},"
                f" {sound.start:.3f} s to {sound.end:.3f} s",
                f"together  sound starts {first:+.1f} ms and ends {last:+.1f} ms after the picture",
                f"loudness  {loudness.integrated:.1f} LUFS, true peak {loudness.peak:+.1f} dB",
                f"flashes   {self.flashes.most:g}{red} in the worst second"
                f" (from {self.flashes.second:.1f} s): {safe}",
            )
        )


def read_report(video: str | Path) -> Report:
    """Measures a finished film from its file alone.

    Raises:
        VisualizerError: The file is missing or is no film with sound.
    """
    video = Path(video)
    if not video.is_file():
        raise VisualizerError(f"{video}: no such file; give the path of a finished film")
    streams = read_streams(video)
    luminance = read_luminance(video, len(streams.picture.ticks))
    return Report(
        video=video,
        picture=streams.picture,
        sound=streams.sound,
        luminance=luminance,
        loudness=_loudness(video),
        flashes=count_flashes(luminance.regions, streams.picture.times),
    )


def _loudness(video: Path) -> Loudness:
    meter = ["-map", "0:a:0", "-af", "ebur128=peak=true:framelog=quiet", "-f", "null", "-"]
    output = ffmpeg.run([*ffmpeg.source(video), *meter], level="info")
    found = re.search(r"I: +(\S+) LUFS.*Peak: +(\S+) dBFS", output.log, re.DOTALL)
    if found is None:
        raise VisualizerError(f"{video}: its loudness cannot be read")
    return Loudness(float(found[1]), float(found[2]))
