from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from clicktrack import write_segments, write_song
from visualizer import ffmpeg
from visualizer.errors import VisualizerError
from visualizer.report import read_report
from visualizer.report.flashes import count_flashes
from visualizer.report.luminance import read_luminance
from visualizer.report.streams import read_streams
from visualizer.report.sync import match
from visualizer.track import load_track
from visualizer.video import SegmentWriter, join

FPS = 30


def mux(folder: Path, name: str, *arguments: str) -> Path:
    """A film made by ffmpeg itself: 2 s of picture and of a tone, with `arguments` in between."""
    path = folder / name
    black = ["-f", "lavfi", "-i", f"color=black:s=64x64:r={FPS}:d=2"]
    tone = ["-f", "lavfi", "-i", "sine=1000:r=48000:d=2"]
    output = ffmpeg.run([*black, *tone, *arguments, str(path)])
    assert output.code == 0, output.log
    return path


def shifted(film: Path, times: str) -> Path:
    """The same packets at other times."""
    path = film.with_name("shifted.mp4")
    copy = [*ffmpeg.source(film), "-c", "copy", "-bsf:v", f"setts={times}", str(path)]
    assert ffmpeg.run(copy).code == 0
    return path


def test_a_plain_film_is_read_as_it_is(tmp_path: Path) -> None:
    streams = read_streams(mux(tmp_path, "film.mp4", "-c:a", "aac"))
    assert len(streams.picture.ticks) == 2 * FPS
    assert streams.picture.fps == FPS
    assert streams.picture.is_constant
    assert streams.picture.start == streams.sound.start == 0
    assert streams.picture.end == 2
    assert streams.sound.end == pytest.approx(2, abs=0.001)
    assert (streams.sound.codec, streams.sound.sample_rate) == ("aac", 48000)
    assert streams.sound.layout == "mono"


def test_a_picture_that_starts_late_is_seen_to(tmp_path: Path) -> None:
    film = mux(tmp_path, "film.mp4", "-bsf:v", "setts=pts=PTS+0.2/TB:dts=DTS+0.2/TB")
    streams = read_streams(film)
    assert streams.picture.start == pytest.approx(0.2, abs=1e-4)
    assert streams.sound.start == 0


def test_sound_that_starts_late_is_seen_to(tmp_path: Path) -> None:
    film = mux(tmp_path, "film.mkv", "-bsf:a", "setts=pts=PTS+0.2/TB:dts=DTS+0.2/TB")
    assert read_streams(film).sound.start == pytest.approx(0.2, abs=0.001)


def test_a_film_that_starts_late_as_a_whole_is_seen_to(tmp_path: Path) -> None:
    shift = "setts=pts=PTS+0.2/TB:dts=DTS+0.2/TB"
    streams = read_streams(mux(tmp_path, "film.mkv", "-bsf:v", shift, "-bsf:a", shift))
    assert streams.picture.start == pytest.approx(0.2, abs=0.001)
    assert streams.sound.start == pytest.approx(0.2, abs=0.001)


def test_frames_that_are_never_shown_do_not_count(tmp_path: Path) -> None:
    film = mux(tmp_path, "film.mp4")
    cut = tmp_path / "cut.mp4"  # At a second without key frame: what comes before is only decoded.
    assert ffmpeg.run(["-ss", "1", *ffmpeg.source(film), "-c", "copy", str(cut)]).code == 0
    picture = read_streams(cut).picture
    assert len(picture.ticks) == FPS
    assert picture.start == pytest.approx(0, abs=1e-3)


def test_a_rate_that_is_one_percent_wrong_is_seen(tmp_path: Path) -> None:
    slow = "pts=PTS*1.01:dts=DTS*1.01:duration=DURATION*1.01"
    film = shifted(mux(tmp_path, "film.mp4"), slow)
    assert float(read_streams(film).picture.fps) == pytest.approx(FPS / 1.01, rel=1e-3)


def test_one_frame_out_of_step_is_seen(tmp_path: Path) -> None:
    film = shifted(mux(tmp_path, "film.mp4"), "pts=PTS+eq(N\\,40)*0.01/TB")
    assert not read_streams(film).picture.is_constant


def test_luminance_is_linear_light(tmp_path: Path) -> None:
    greys = np.array([0, 64, 128, 188, 255], np.uint8)
    (segment,) = write_segments(tmp_path, greys, FPS, (5,))
    encoded = greys / 255
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    np.testing.assert_allclose(read_luminance(segment, 5).whole, linear, atol=0.025)


def test_regions_are_corners_and_middle(tmp_path: Path) -> None:
    path = tmp_path / "corner.mp4"
    frame = np.zeros((64, 64, 3), np.uint8)
    frame[:32, 32:] = 255
    with SegmentWriter(path, 64, 64, FPS) as writer:
        writer.write(frame)
    luminance = read_luminance(path, 1)
    np.testing.assert_allclose(luminance.regions[0], grey([0, 1, 0, 0, 0.25]), atol=0.05)
    np.testing.assert_allclose(luminance.whole, 0.25, atol=0.02)


def grey(levels: object) -> np.ndarray:
    """The same light of red, green and blue."""
    return np.repeat(np.asarray(levels, float)[..., None], 3, axis=-1)


@pytest.mark.parametrize(("hertz", "safe"), [(1, True), (3, True), (4, False), (10, False)])
def test_flashes_are_counted_per_second(hertz: int, safe: bool) -> None:
    times = np.arange(5 * 60) / 60
    square = ((times * hertz) % 1 < 0.5).astype(float)
    flashes = count_flashes(grey(square[:, None]), times)
    assert flashes.most == pytest.approx(hertz, abs=0.5)
    assert flashes.is_safe == safe


@pytest.mark.parametrize(("low", "high"), [(0.4, 0.49), (0.81, 1.0)])
def test_small_changes_and_bright_ones_are_no_flashes(low: float, high: float) -> None:
    times = np.arange(120) / 30
    levels = np.where(np.arange(120) % 2, high, low)
    assert count_flashes(grey(levels[:, None]), times).most == 0


def test_a_slow_fade_is_one_change_and_noise_on_it_none() -> None:
    times = np.arange(300) / 30
    ripple = 0.04 * (np.arange(300) % 2)
    assert count_flashes(grey((times / 10 * 0.9 + ripple)[:, None]), times).most == 0.5


def test_the_worst_region_counts() -> None:
    times = np.arange(60) / 30
    still = np.full(60, 0.5)
    flicker = (np.arange(60) // 3 % 2).astype(float)
    flashes = count_flashes(grey(np.stack([still, flicker], axis=1)), times)
    assert flashes.most == pytest.approx(5, abs=0.5)
    assert not flashes.are_red


@pytest.mark.parametrize(
    ("other", "red"),
    [
        ((0.0, 0.3, 0.1), True),  # A green as bright as the red.
        ((0.0, 0.0, 0.0), True),
        ((0.28, 0.28, 0.28), True),
        ((1.0, 0.08, 0.0), False),  # An orange nearby.
        ((0.93, 0.0, 0.0), False),  # The same red, hardly darker.
    ],
)
def test_flashes_of_red_count_where_light_hardly_changes(
    other: tuple[float, float, float], red: bool
) -> None:
    times = np.arange(120) / 30
    colors = np.where((np.arange(120) // 3 % 2)[:, None], other, (1.0, 0.0, 0.0))
    flashes = count_flashes(colors[:, None], times)
    assert flashes.most == pytest.approx(5.0 if red else 0.0, abs=0.5)
    assert flashes.is_safe != red


def test_between_two_colours_without_red_nothing_flashes_red() -> None:
    times = np.arange(120) / 30
    colors = np.where((np.arange(120) // 3 % 2)[:, None], (0.0, 0.28, 0.1), (0.1, 0.2, 1.0))
    assert count_flashes(colors[:, None], times).most == 0


def test_the_report_says_that_a_film_flashes_red(tmp_path: Path) -> None:
    frames = np.zeros((2 * FPS, 32, 32, 3), np.uint8)
    frames[..., 1] = 110
    frames[np.arange(2 * FPS) // 3 % 2 == 0] = 220, 0, 0
    path = tmp_path / "red.mp4"
    with SegmentWriter(path, 32, 32, FPS) as writer:
        for frame in frames:
            writer.write(frame)
    flashes = count_flashes(read_luminance(path, 2 * FPS).regions, np.arange(2 * FPS) / FPS)
    assert flashes.are_red
    assert not flashes.is_safe


def test_loudness_of_a_known_tone(tmp_path: Path) -> None:
    # EBU Tech 3341: a 1 kHz sine at -20 dBFS in both channels reads -20 LUFS.
    both = ["-af", "volume=-2dB,pan=stereo|c0=c0|c1=c0"]
    tone = ["-f", "lavfi", "-i", "sine=1000:r=48000:d=5", *both]
    film = tmp_path / "film.mp4"
    black = ["-f", "lavfi", "-i", "color=black:s=64x64:r=30:d=5"]
    assert ffmpeg.run([*black, *tone, "-c:a", "aac", "-b:a", "256k", str(film)]).code == 0
    loudness = read_report(film).loudness
    assert loudness.integrated == pytest.approx(-20, abs=0.3)
    assert loudness.peak == pytest.approx(-20, abs=0.3)


def test_the_summary_says_what_is_wrong(tmp_path: Path) -> None:
    levels = np.where(np.arange(60) // 2 % 2, 255, 0).astype(np.uint8)
    segments = write_segments(tmp_path, levels, FPS, (60,))
    track = load_track(write_song(tmp_path / "song.wav", np.zeros((96000, 2), np.float32)))
    film = tmp_path / "film.mp4"
    join(segments, track, film, fps=FPS, frames=60)

    summary = read_report(film).summary()
    assert "60 frames, 30 fps, constant" in summary
    assert "starts +0.0 ms and ends +0.0 ms after the picture" in summary
    assert "NOT safe" in summary
    assert len(summary.splitlines()) <= 8


def test_a_film_that_breaks_off_is_not_measured(tmp_path: Path) -> None:
    film = mux(tmp_path, "film.mp4", "-movflags", "+faststart")
    film.write_bytes(film.read_bytes()[:-8000])
    with pytest.raises(VisualizerError, match=r"film.mp4: is damaged \(.*partial file"):
        read_report(film)


def test_frames_that_cannot_be_shown_are_missed(tmp_path: Path) -> None:
    (segment,) = write_segments(tmp_path, np.full(30, 99, np.uint8), FPS, (30,))
    with pytest.raises(VisualizerError, match=r"damaged; 30 of 31 frames can be shown"):
        read_luminance(segment, 31)


@pytest.mark.parametrize("lag", [-0.19, 0.0, 0.12])
def test_a_constant_lag_is_read_as_one(lag: float) -> None:
    heard = np.cumsum(np.resize([0.4, 0.5, 0.45], 40))
    sync = match(heard, heard + lag)
    assert sync.median == pytest.approx(1000 * lag)
    assert sync.drift == pytest.approx(0, abs=1e-6)
    assert sync.missed == 0


def test_a_drift_is_followed_past_the_next_beat() -> None:
    heard = np.arange(1, 200) * 0.5
    sync = match(heard, heard * 1.01)
    assert sync.missed == 0
    assert sync.drift == pytest.approx(990, abs=1)


def test_missing_flashes_are_counted() -> None:
    heard = np.arange(1, 21) * 0.5
    assert match(heard, np.delete(heard, [4, 9])).missed == 2


@pytest.mark.parametrize("content", [b"", b"no film", None])
def test_what_is_no_film_gets_one_line(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "film.mp4"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(VisualizerError) as caught:
        read_report(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
