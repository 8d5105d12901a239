"""Songs whose onsets are known to the sample, and films that flash at them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from visualizer import ffmpeg
from visualizer.cli import main
from visualizer.track import Track
from visualizer.video import SegmentWriter, join

RATE = 44100
DARK, BRIGHT = 20, 235
ENCODERS = {
    ".wav": ["-c:a", "pcm_s16le"],
    ".flac": ["-c:a", "flac"],
    ".aiff": ["-c:a", "pcm_s16be"],
    ".mp3": ["-c:a", "libmp3lame", "-b:a", "192k"],
    ".m4a": ["-c:a", "aac", "-b:a", "192k"],
    ".aac": ["-c:a", "aac", "-b:a", "192k"],
    ".ogg": ["-c:a", "libvorbis", "-q:a", "6"],
    ".opus": ["-c:a", "libopus", "-b:a", "160k"],
    ".webm": ["-c:a", "libopus", "-b:a", "160k"],
}


def click_times(seconds: float) -> NDArray[np.float64]:
    """Irregular on purpose: a shifted rhythm must not fit itself."""
    steps = np.resize([0.413, 0.557, 0.301, 0.649, 0.358, 0.497, 0.452], int(seconds / 0.46))
    times = 0.35 + np.cumsum(steps)
    return times[times < seconds - 0.2]


def clicks(times: Sequence[float] | NDArray[np.float64], seconds: float) -> NDArray[np.float32]:
    """Bursts of 2 kHz that start at full level on the sample nearest to each time."""
    sound = np.zeros(round(seconds * RATE), np.float32)
    at = np.arange(round(0.02 * RATE))
    burst = 0.8 * np.cos(2 * np.pi * 2000 * at / RATE) * np.exp(-at / (0.004 * RATE))
    for time in times:
        first = round(time * RATE)
        part = sound[first : first + len(burst)]
        part += burst[: len(part)]
    return sound


def noise(seconds: float, channels: int = 2, seed: int = 7) -> NDArray[np.float32]:
    """Smooth noise: every moment of it is unlike every other."""
    white = np.random.default_rng(seed).standard_normal((round(seconds * RATE), channels))
    kernel = np.hanning(9) / np.hanning(9).sum()
    smooth = np.apply_along_axis(np.convolve, 0, white, kernel, mode="same")
    return (0.2 * smooth).astype(np.float32)


def write_song(path: Path, sound: NDArray[np.float32], extra: Sequence[str] = ()) -> Path:
    """Encodes by the name's suffix; `extra` goes to ffmpeg."""
    source = path.with_name(path.name + ".source.wav")
    soundfile.write(source, sound, RATE, subtype="FLOAT")
    arguments = [*ffmpeg.source(source), *extra, *ENCODERS[path.suffix], "-y", str(path)]
    output = ffmpeg.run(arguments)
    assert output.code == 0, output.log
    source.unlink()
    return path


def flash_frames(times: NDArray[np.float64], fps: int, frames: int) -> NDArray[np.uint8]:
    """Grey level of each frame: bright on the frame nearest to each time and the one after."""
    levels = np.full(frames + 2, DARK, np.uint8)
    nearest = np.rint(times * fps).astype(int)
    nearest = nearest[nearest < frames]
    levels[nearest] = levels[nearest + 1] = BRIGHT
    return levels[:frames]


def write_segments(
    folder: Path,
    levels: NDArray[np.uint8],
    fps: int,
    lengths: Sequence[int] = (1, 2, 47),
    preset: str = "ultrafast",
) -> list[Path]:
    """Grey frames in segments whose lengths repeat."""
    segments = []
    first = 0
    while first < len(levels):
        count = lengths[len(segments) % len(lengths)]
        segments.append(folder / f"segment-{len(segments):04}.mp4")
        with SegmentWriter(segments[-1], 64, 64, fps, preset=preset) as writer:
            for level in levels[first : first + count]:
                writer.write(np.full((64, 64, 3), level, np.uint8))
        first += count
    return segments


def flash_film(
    folder: Path, track: Track, times: NDArray[np.float64], fps: int, lengths: Sequence[int]
) -> Path:
    """A film of the whole song that flashes at `times`."""
    frames = int(np.ceil(track.duration * fps))
    segments = write_segments(folder, flash_frames(times, fps, frames), fps, lengths)
    film = folder / f"{track.path.stem}-{track.path.suffix[1:]}-{fps}.mp4"
    join(segments, track, film, fps=fps, frames=frames)
    return film


def sound_of(track: Track, **options: float) -> NDArray[np.float32]:
    """The whole sound as mono: only for songs that are short."""
    return np.concatenate(list(track.blocks(**options))).mean(axis=1)  # type: ignore[arg-type]


def lag(sound: NDArray[np.float32], reference: NDArray[np.float32], reach: int = 4000) -> int:
    """Samples by which `sound` is late, from the peak of the cross-correlation."""
    n = min(len(sound), len(reference))
    spectrum = np.fft.rfft(sound[:n], 2 * n) * np.conj(np.fft.rfft(reference[:n], 2 * n))
    correlation = np.fft.irfft(spectrum)
    near = np.concatenate([correlation[-reach:], correlation[: reach + 1]])
    return int(np.argmax(near)) - reach


# Black, and white where something begins: what is seen is what was heard.
FLASHING = """# Black, and a flash on every {event}.
scene: rings
look: {{light: 0, glow: 0}}
effects:
  flash: {{{event}: 1, release: 40 ms}}
  bloom: 0
  grain: 0
  vignette: 0
  fade_in: 0
  fade_out: 0
"""


def command_film(song: Path, fps: int, event: str = "onset") -> Path:
    """The film that `visualizer render` makes of a song, flashing on one kind of event."""
    preset = song.with_name("flashing.yaml")
    preset.write_text(FLASHING.format(event=event), encoding="utf-8")
    film = song.with_suffix(f".{fps}.mp4")
    flags = ["--preset", str(preset), "--size", "64x36", "--fps", str(fps), "-o", str(film)]
    assert main(["render", str(song), "--painter", "scenes", *flags]) == 0
    return film
