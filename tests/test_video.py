from __future__ import annotations

import os
import re
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from moviepy.video.io import ffmpeg_writer

from clicktrack import RATE, lag, noise, sound_of, write_segments, write_song
from visualizer import ffmpeg
from visualizer.errors import VisualizerError
from visualizer.report import read_report
from visualizer.report.streams import read_streams
from visualizer.track import Track, load_track
from visualizer.video import SegmentWriter, join

COLOURS = [(200, 40, 60), (30, 180, 90), (20, 60, 210), (128, 128, 128), (250, 240, 20)]


def packets(path: Path) -> list[str]:
    """Size and checksum of every packet of sound."""
    listing = [*ffmpeg.source(path), "-map", "0:a:0", "-c", "copy", "-f", "framecrc", "-"]
    return re.findall(r"^0, +\S+, +\S+, +\S+, +(\d+, 0x\w+)", ffmpeg.run(listing).text, re.M)


def decoded_frames(path: Path, size: int) -> np.ndarray:
    """Every frame of a film as a player shows it, uint8, shape (frames, size, size, 3)."""
    raw = ["-fps_mode", "passthrough", "-pix_fmt", "rgb24", "-f", "rawvideo", "pipe:1"]
    with ffmpeg.pipe([*ffmpeg.source(path), "-map", "0:v:0", *raw]) as running:
        data = running.output.read()
    return np.frombuffer(data, np.uint8).reshape(-1, size, size, 3)


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> Track:
    return load_track(write_song(tmp_path_factory.mktemp("song") / "song.wav", noise(2.03)))


def grey(folder: Path, frames: int, fps: int, lengths: tuple[int, ...]) -> list[Path]:
    return write_segments(folder, np.arange(frames).astype(np.uint8) * 3, fps, lengths)


@pytest.mark.parametrize("fps", [24, 25, 30, 60])
def test_frame_k_is_shown_at_k_over_fps(tmp_path: Path, song: Track, fps: int) -> None:
    frames = int(np.ceil(song.duration * fps))
    film = tmp_path / "film.mp4"
    join(grey(tmp_path, frames, fps, (1, 1, 2, 40)), song, film, fps=fps, frames=frames)

    picture = read_streams(film).picture
    assert [tick * picture.tick * fps for tick in picture.ticks.tolist()] == list(range(frames))
    assert picture.last * picture.tick * fps == 1


def test_hundreds_of_segments_stay_on_the_grid(tmp_path: Path, song: Track) -> None:
    few = grey(tmp_path, 6, 30, (1, 2, 3))
    film = tmp_path / "film.mp4"
    join(few * 150, song, film, fps=30, frames=900)

    picture = read_streams(film).picture
    assert len(picture.ticks) == 900
    assert picture.ticks[-1] * picture.tick * 30 == 899
    assert picture.is_constant


def test_frames_come_in_order_and_none_is_lost(tmp_path: Path, song: Track) -> None:
    folder = tmp_path / "it's 100 % -ü: x"
    folder.mkdir()
    film = folder / "-a: film %d.mp4"
    join(grey(folder, 61, 30, (1, 7, 2)), song, film, fps=30, frames=61)
    shown = decoded_frames(film, 64).mean(axis=(1, 2, 3))
    np.testing.assert_allclose(shown, 3 * np.arange(61), atol=2)


def test_colours_come_back_as_they_went_in(tmp_path: Path) -> None:
    path = tmp_path / "segment.mp4"
    with SegmentWriter(path, 64, 64, 30, crf=10) as writer:
        for colour in COLOURS:
            writer.write(np.full((64, 64, 3), colour, np.uint8))
    shown = decoded_frames(path, 64)[:, 32, 32].astype(int)
    assert np.abs(shown - np.array(COLOURS)).max() <= 4


def test_the_stream_is_what_the_platforms_ask_for(tmp_path: Path, song: Track) -> None:
    film = tmp_path / "film.mp4"
    segments = write_segments(tmp_path, np.full(61, 99, np.uint8), 30, (61,), preset="medium")
    join(segments, song, film, fps=30, frames=61, title="Tïtle", artist="A=B")
    log = ffmpeg.run([*ffmpeg.source(film), "-t", "0", "-f", "null", "-"], level="info").log
    content = film.read_bytes()

    assert "h264 (High)" in log
    assert "yuv420p(tv, bt709, progressive)" in log
    assert "aac (LC)" in log
    assert "48000 Hz, stereo" in log
    assert re.search(r"title +: Tïtle\n", log)
    assert re.search(r"artist +: A=B\n", log)
    assert content.index(b"moov") < content.index(b"mdat")


def test_key_frames_are_half_a_second_apart(tmp_path: Path) -> None:
    (segment,) = write_segments(tmp_path, np.full(60, 99, np.uint8), 30, (60,))
    listing = [*ffmpeg.source(segment), "-c", "copy", "-f", "framecrc", "-"]
    lines = [line for line in ffmpeg.run(listing).text.splitlines() if line[0] != "#"]
    assert [i for i, line in enumerate(lines) if "F=0x" not in line] == [0, 15, 30, 45]


@pytest.mark.parametrize("suffix", [".mp3", ".m4a"])
@pytest.mark.parametrize("fps", [25, 60])
def test_a_whole_song_keeps_its_packets_and_its_time(tmp_path: Path, suffix: str, fps: int) -> None:
    track = load_track(write_song(tmp_path / f"song{suffix}", noise(2.03)))
    frames = int(np.ceil(track.duration * fps))
    film = tmp_path / "film.mp4"
    join(grey(tmp_path, frames, fps, (frames,)), track, film, fps=fps, frames=frames)

    assert packets(film) == packets(track.path)
    assert lag(sound_of(load_track(film)), sound_of(track)) == 0
    assert load_track(film).duration == track.duration
    streams = read_streams(film)
    assert streams.picture.start == streams.sound.start == 0
    assert abs(streams.picture.end - streams.sound.end) <= 1 / fps


def test_a_raw_stream_lags_in_the_film_as_it_does_in_the_analysis(tmp_path: Path) -> None:
    track = load_track(write_song(tmp_path / "song.aac", noise(2.0)))
    film = tmp_path / "film.mp4"
    join(grey(tmp_path, 51, 25, (51,)), track, film, fps=25, frames=51)

    header = 7  # Bytes before each packet of a raw stream; MP4 keeps them elsewhere.
    sizes = [int(packet.split(",")[0]) for packet in packets(film)]
    assert [size + header for size in sizes] == [int(p.split(",")[0]) for p in packets(track.path)]
    assert lag(sound_of(load_track(film)), sound_of(track)) == 0


def test_an_excerpt_starts_and_ends_on_the_sample(tmp_path: Path) -> None:
    source = noise(4.0)
    track = load_track(write_song(tmp_path / "song.mp3", source, ["-compression_level", "0"]))
    film = tmp_path / "film.mp4"
    segments = grey(tmp_path, 45, 30, (45,))
    join(segments, track, film, fps=30, frames=45, start=1.2345, duration=1.5)

    sound = sound_of(load_track(film), sample_rate=RATE)
    expected = source[round(1.2345 * RATE) :].mean(axis=1)
    assert lag(sound, expected) == 0
    streams = read_streams(film)
    assert streams.sound.codec == "aac"
    assert streams.picture.start == streams.sound.start == 0
    assert streams.sound.end == pytest.approx(streams.picture.end, abs=1e-4)


@pytest.mark.parametrize("seconds", [1.0, 3.0])
def test_a_picture_longer_or_shorter_than_the_song_rules(tmp_path: Path, seconds: float) -> None:
    track = load_track(write_song(tmp_path / "song.wav", noise(2.0)))
    frames = round(seconds * 24)
    film = tmp_path / "film.mp4"
    join(grey(tmp_path, frames, 24, (frames,)), track, film, fps=24, frames=frames)
    assert read_streams(film).sound.end == pytest.approx(seconds, abs=1e-4)


def test_lossless_sound_is_delivered_unmoved_and_unchanged(tmp_path: Path, song: Track) -> None:
    film = tmp_path / "film.mp4"
    join(grey(tmp_path, 61, 30, (61,)), song, film, fps=30, frames=61)
    heard = sound_of(load_track(film), duration=song.duration)
    played = sound_of(song)[: len(heard)]
    assert np.corrcoef(heard, played)[0, 1] > 0.999


def test_sound_that_starts_late_in_its_file_stays_where_the_analysis_heard_it(
    tmp_path: Path,
) -> None:
    source = write_song(tmp_path / "song.wav", noise(2.0))
    late = tmp_path / "late.mp4"
    black = ["-f", "lavfi", "-i", "color=black:s=64x64:r=25:d=3", "-itsoffset", "0.5"]
    assert ffmpeg.run([*black, *ffmpeg.source(source), "-c:a", "aac", str(late)]).code == 0
    track = load_track(late)
    frames = int(np.ceil(track.duration * 25))
    film = tmp_path / "film.mp4"
    join(grey(tmp_path, frames, 25, (frames,)), track, film, fps=25, frames=frames)

    assert packets(film) == packets(late)
    assert lag(sound_of(load_track(film)), sound_of(track)) == 0


def test_packets_with_rounded_times_are_encoded_anew(tmp_path: Path) -> None:
    whole = write_song(tmp_path / "whole.m4a", noise(2.0))
    copy = tmp_path / "copy.mkv"
    assert ffmpeg.run([*ffmpeg.source(whole), "-c", "copy", str(copy)]).code == 0
    track = load_track(copy)
    film = tmp_path / "film.mp4"
    join(grey(tmp_path, 48, 24, (48,)), track, film, fps=24, frames=48)
    assert lag(sound_of(load_track(film), sample_rate=RATE), sound_of(track)) == 0


def test_a_song_that_is_damaged_inside_is_encoded_anew(tmp_path: Path) -> None:
    path = write_song(tmp_path / "song.mp3", noise(2.0))
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 2000] = bytes(2000)
    path.write_bytes(content)
    track = load_track(path)
    film = tmp_path / "film.mp4"
    join(grey(tmp_path, 30, 24, (30,)), track, film, fps=24, frames=30)
    assert track.warnings
    assert read_streams(film).sound.codec == "aac"


@pytest.mark.parametrize(
    "junk", [b"LYRICSBEGINLYR00011hello world000046LYRICS200", bytes(4096), b"0123456789abcdef"]
)
def test_junk_behind_the_music_stays_out_of_the_film(tmp_path: Path, junk: bytes) -> None:
    clean = write_song(tmp_path / "clean.mp3", noise(2.0))
    song = tmp_path / "song.mp3"
    song.write_bytes(clean.read_bytes() + junk)
    track, film = load_track(song), tmp_path / "film.mp4"
    frames = int(np.ceil(track.duration * 24))
    join(grey(tmp_path, frames, 24, (frames,)), track, film, fps=24, frames=frames)
    assert "damaged" in track.warnings[0]
    assert packets(film) == packets(clean)
    assert load_track(film).duration == track.duration
    assert lag(sound_of(load_track(film)), sound_of(track)) == 0
    assert read_streams(film).sound.end == pytest.approx(track.duration, abs=1e-4)


def test_the_report_finds_nothing_wrong(tmp_path: Path, song: Track) -> None:
    film = tmp_path / "film.mp4"
    join(grey(tmp_path, 61, 30, (20, 1)), song, film, fps=30, frames=61)
    report = read_report(film)
    assert report.picture.is_constant
    assert float(report.picture.fps) == 30
    assert report.flashes.is_safe


def test_the_encoder_works_beside_the_painter(tmp_path: Path) -> None:
    painted = threading.Event()

    class Slow:
        """Stands for an encoder that is busy until everything it can take is painted."""

        def write_frame(self, frame: np.ndarray) -> None:
            assert painted.wait(10), "the painter waited for the encoder"

        def close(self) -> None:
            pass

    with SegmentWriter(tmp_path / "a.mp4", 64, 64, 30, preset="ultrafast") as writer:
        true, writer._writer = writer._writer, Slow()
        for _ in range(4):
            writer.write(np.zeros((64, 64, 3), np.uint8))
        painted.set()
        true.close()


def test_the_caller_may_reuse_its_frame(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    frame = np.zeros((64, 64, 3), np.uint8)
    with SegmentWriter(path, 64, 64, 30, preset="ultrafast") as writer:
        for level in range(0, 200, 10):
            frame[:] = level
            writer.write(frame)
    shown = decoded_frames(path, 64).mean(axis=(1, 2, 3))
    np.testing.assert_allclose(shown, np.arange(0, 200, 10), atol=2)


@pytest.mark.parametrize("stop", [KeyboardInterrupt, RuntimeError])
def test_nothing_remains_of_a_segment_that_was_stopped(
    tmp_path: Path, stop: type[BaseException]
) -> None:
    path = tmp_path / "a.mp4"
    with pytest.raises(stop), SegmentWriter(path, 64, 64, 30) as writer:
        for _ in range(30):
            writer.write(np.zeros((64, 64, 3), np.uint8))
        raise stop
    assert list(tmp_path.iterdir()) == []


def test_control_c_during_the_start_leaves_no_encoder_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = []

    class Interrupted(ffmpeg_writer.FFMPEG_VideoWriter):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            started.append(self.proc)
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(ffmpeg_writer, "FFMPEG_VideoWriter", Interrupted)
    with pytest.raises(KeyboardInterrupt), SegmentWriter(tmp_path / "a.mp4", 64, 64, 30):
        pass
    assert [process.returncode for process in started] == [-signal.SIGKILL]
    assert list(tmp_path.iterdir()) == []


def test_control_c_before_the_start_is_over_leaves_no_encoder_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupted(ThreadPoolExecutor):
        def submit(self, *work: Any, **more: Any) -> Any:
            super().submit(*work, **more)
            raise KeyboardInterrupt

    monkeypatch.setattr("visualizer.video.segment.ThreadPoolExecutor", Interrupted)
    writer = SegmentWriter(tmp_path / "a.mp4", 64, 64, 30)
    with pytest.raises(KeyboardInterrupt), writer:
        pass
    assert writer._process.returncode == -signal.SIGKILL
    assert list(tmp_path.iterdir()) == []


def test_control_c_during_the_last_frames_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupted(ffmpeg_writer.FFMPEG_VideoWriter):
        def close(self) -> None:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.2)  # The main thread is waiting for this one.
            super().close()

    monkeypatch.setattr(ffmpeg_writer, "FFMPEG_VideoWriter", Interrupted)
    with pytest.raises(KeyboardInterrupt), SegmentWriter(tmp_path / "a.mp4", 64, 64, 30) as writer:
        writer.write(np.zeros((64, 64, 3), np.uint8))
    assert writer._process.returncode is not None
    assert list(tmp_path.iterdir()) == []


def test_an_encoder_that_fails_says_why_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with (
        pytest.raises(VisualizerError, match=r"a.mp4: .*invalid preset 'swift'") as caught,
        SegmentWriter(path, 64, 64, 30, preset="swift") as writer,
    ):
        for _ in range(500):
            writer.write(np.zeros((64, 64, 3), np.uint8))
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_an_encoder_that_is_killed_leaves_nothing(tmp_path: Path) -> None:
    writer = SegmentWriter(tmp_path / "a.mp4", 64, 64, 30)
    with pytest.raises(VisualizerError, match="the encoder stopped"), writer:
        writer.write(np.zeros((64, 64, 3), np.uint8))
        writer._process.kill()
        writer._process.wait()
    assert list(tmp_path.iterdir()) == []


def test_a_frame_of_the_wrong_shape_is_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(ValueError, match=r"float64 \(64, 64, 3\)"),
        SegmentWriter(tmp_path / "a.mp4", 64, 64, 30) as writer,
    ):
        writer.write(np.zeros((64, 64, 3)))


@pytest.mark.parametrize(
    ("name", "message"),
    [("no/film.mp4", "there is no folder"), ("folder", "is a folder")],
)
def test_a_film_that_cannot_be_placed_gets_one_line(
    tmp_path: Path, song: Track, name: str, message: str
) -> None:
    (tmp_path / "folder").mkdir()
    segments = grey(tmp_path, 3, 24, (3,))
    with pytest.raises(VisualizerError, match=message) as caught:
        join(segments, song, tmp_path / name, fps=24, frames=3)
    assert "\n" not in str(caught.value)


def test_a_film_that_fails_leaves_the_old_one_and_nothing_else(tmp_path: Path, song: Track) -> None:
    film = tmp_path / "film.mp4"
    film.write_bytes(b"the film of yesterday")
    with pytest.raises(VisualizerError, match=r"film.mp4: cannot be written \(Impossible to open"):
        join([tmp_path / "missing.mp4"], song, film, fps=24, frames=3)
    assert [path.name for path in tmp_path.iterdir()] == ["film.mp4"]
    assert film.read_bytes() == b"the film of yesterday"


def test_a_copy_that_would_not_be_exact_is_refused(tmp_path: Path, song: Track) -> None:
    with pytest.raises(VisualizerError, match="its sound cannot be copied"):
        join([], song, tmp_path / "film.mp4", fps=24, frames=3, audio="copy")
