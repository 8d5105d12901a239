"""Are picture and sound together, from the first second to the last?

Synthesises a click track, encodes it in every format, has `visualizer render` make films that flash
on every onset it hears, and reads everything else back from the finished films. With `--known` the
flashes are put where the decoded song clicks, which leaves the ear out and is faster.

    python tests/benchmarks/sync.py --seconds 600
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from clicktrack import click_times, clicks, command_film, flash_film, write_song
from visualizer import ffmpeg
from visualizer.report import Sync, sync_offsets
from visualizer.report.streams import Streams, read_streams
from visualizer.report.sync import click_times as heard_clicks
from visualizer.track import Track, load_track

FORMATS = (".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a")
LOSSLESS = (".wav", ".flac")
HEADER = (
    "song   fps  frames  first    last   median    p95    max   drift  missed"
    "   start   length  constant  packets  correlation"
)


@dataclass(frozen=True)
class Measured:
    """One film, read back."""

    sync: Sync
    streams: Streams
    keeps_packets: bool
    correlation: float


def measure(track: Track, film: Path) -> Measured:
    return Measured(
        sync_offsets(film),
        read_streams(film),
        packets(film) == packets(track.path),
        correlation(track, load_track(film)),
    )


def packets(path: Path) -> list[str]:
    """Size and checksum of every packet of sound."""
    listing = [*ffmpeg.source(path), "-map", "0:a:0", "-c", "copy", "-f", "framecrc", "-"]
    return re.findall(r"^0, +\S+, +\S+, +\S+, +(\d+, 0x\w+)", ffmpeg.run(listing).text, re.M)


def correlation(track: Track, film: Track) -> float:
    """Of the song's sound and the film's at lag zero, block by block."""
    sums = np.zeros(3)
    for song, heard in zip(track.blocks(48000), film.blocks(48000), strict=False):
        n = min(len(song), len(heard))
        x, y = song[:n].mean(axis=1, dtype=float), heard[:n].mean(axis=1, dtype=float)
        sums += x @ y, x @ x, y @ y
    return float(sums[0] / np.sqrt(sums[1] * sums[2]))


def row(track: Track, fps: int, measured: Measured) -> str:
    sync, picture, sound = measured.sync, measured.streams.picture, measured.streams.sound
    offsets = (sync.offsets[0], sync.offsets[-1], sync.median, sync.p95, sync.worst, sync.drift)
    ends = (sound.start - picture.start, sound.end - picture.end)
    return " ".join(
        (
            f"{track.path.suffix[1:]:<6}{fps:>4}{len(picture.ticks):>8}",
            "".join(f"{offset:>7.1f} " for offset in offsets),
            f"{sync.missed:>6}",
            "".join(f"{1000 * seconds:>+8.1f}" for seconds in ends),
            f"{'yes' if picture.is_constant and picture.fps == fps else 'NO':>8}",
            f"{'same' if measured.keeps_packets else 'encoded':>10}",
            f"{measured.correlation:>11.6f}",
        )
    )


def wrong(track: Track, fps: int, measured: Measured) -> Iterator[str]:
    """What does not hold, in words."""
    name = f"{track.path.name} at {fps} fps"
    frame = 1000 / fps
    picture, sound = measured.streams.picture, measured.streams.sound
    if measured.sync.worst > frame / 2 + 5 or measured.sync.missed:
        yield f"{name}: a flash misses its click"
    if abs(measured.sync.drift) > frame / 2:  # Less is the snapping of a few clicks.
        yield f"{name}: the picture drifts"
    if picture.start or sound.start or abs(sound.end - picture.end) > 1 / fps:
        yield f"{name}: picture and sound do not start and end together"
    if not picture.is_constant or picture.fps != fps:
        yield f"{name}: the frame rate is not constant"
    if track.codec in ("mp3", "aac") and not measured.keeps_packets:
        yield f"{name}: the packets are not the song's"
    if track.path.suffix in LOSSLESS and measured.correlation < 0.999:
        yield f"{name}: the sound is not the song's"


def made(track: Track, fps: int, known: bool) -> Path:
    if known:
        return flash_film(track.path.parent, track, heard_clicks(track), fps, (1, 20 * fps, 2))
    return command_film(track.path, fps)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60.0, help="length of the click track")
    parser.add_argument("--fps", type=int, nargs="+", default=[24, 25, 30, 60])
    parser.add_argument("--known", action="store_true", help="flash at the known clicks")
    parser.add_argument("--formats", nargs="+", default=FORMATS)
    options = parser.parse_args()

    song = clicks(click_times(options.seconds), options.seconds)
    complaints: list[str] = []
    print(f"{options.seconds:g} s, offsets in ms: flash minus click\n{HEADER}")
    for suffix in options.formats:
        for fps in options.fps:
            with tempfile.TemporaryDirectory() as folder:
                track = load_track(write_song(Path(folder) / f"clicks{suffix}", song))
                with redirect_stdout(None):
                    film = made(track, fps, options.known)
                measured = measure(track, film)
            print(row(track, fps, measured), flush=True)
            complaints += wrong(track, fps, measured)
    print("\n".join(complaints) or "all in step")
    sys.exit(bool(complaints))


if __name__ == "__main__":
    main()
