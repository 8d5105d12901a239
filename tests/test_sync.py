"""Picture and sound agree in the finished file, and where they do not, it is seen.

Everything is read back from the film: presentation times, brightness, decoded sound.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from clicktrack import (
    click_times,
    clicks,
    command_film,
    flash_film,
    flash_frames,
    write_segments,
    write_song,
)
from visualizer import ffmpeg
from visualizer.report import sync_offsets
from visualizer.report.sync import click_times as heard_clicks
from visualizer.track import load_track
from visualizer.video import join

SECONDS = 8.0


def film_of(folder: Path, suffix: str, fps: int) -> Path:
    """A film that flashes where the decoded song clicks, as an analysis without error would."""
    song = clicks(click_times(SECONDS), SECONDS)
    track = load_track(write_song(folder / f"clicks{suffix}", song))
    return flash_film(folder, track, heard_clicks(track), fps, (1, 29, 60))


@pytest.mark.parametrize(
    ("suffix", "fps"),
    [(".wav", 24), (".flac", 25), (".mp3", 30), (".m4a", 60), (".ogg", 30), (".opus", 24),
     (".aac", 30)],
)  # fmt: skip
def test_flashes_meet_their_clicks(tmp_path: Path, suffix: str, fps: int) -> None:
    sync = sync_offsets(film_of(tmp_path, suffix, fps))

    assert sync.missed == 0
    assert len(sync.offsets) == len(click_times(SECONDS))
    assert sync.worst <= 500 / fps + 2  # Half a frame of snapping, and the clicks' rise.
    assert abs(sync.drift) < 500 / fps


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return film_of(tmp_path_factory.mktemp("film"), ".wav", 30)


def altered(film: Path, folder: Path, *arguments: str) -> Path:
    path = folder / "altered.mp4"
    output = ffmpeg.run([*ffmpeg.source(film), "-c", "copy", *arguments, str(path)])
    assert output.code == 0, output.log
    return path


@pytest.mark.parametrize("late", [0.12, -0.12])
def test_a_shift_of_the_picture_is_seen(film: Path, tmp_path: Path, late: float) -> None:
    true = sync_offsets(film).median
    stream = "v" if late > 0 else "a"
    shift = f"setts=pts=PTS+{abs(late)}/TB:dts=DTS+{abs(late)}/TB"
    shifted = altered(film, tmp_path, f"-bsf:{stream}", shift)
    assert sync_offsets(shifted).median - true == pytest.approx(1000 * late, abs=1)


def test_a_shift_of_both_is_none(film: Path, tmp_path: Path) -> None:
    shift = "setts=pts=PTS+0.2/TB:dts=DTS+0.2/TB"
    both = sync_offsets(altered(film, tmp_path, "-bsf:v", shift, "-bsf:a", shift))
    assert both.median == pytest.approx(sync_offsets(film).median, abs=1)


def test_a_picture_that_runs_one_percent_slow_is_seen(film: Path, tmp_path: Path) -> None:
    slow = sync_offsets(altered(film, tmp_path, "-bsf:v", "setts=pts=PTS*1.01:dts=DTS*1.01"))
    span = slow.times[-1] - slow.times[0]
    assert slow.drift == pytest.approx(10 * span, abs=10)


def test_beats_given_from_outside_are_compared_with_the_flashes(film: Path) -> None:
    beats = click_times(SECONDS)
    assert abs(sync_offsets(film, beats).median) <= 17
    assert sync_offsets(film, beats - 0.1).median == pytest.approx(
        sync_offsets(film, beats).median + 100, abs=1
    )


def test_an_excerpt_is_as_well_in_step(tmp_path: Path) -> None:
    times = click_times(SECONDS)
    track = load_track(write_song(tmp_path / "clicks.mp3", clicks(times, SECONDS)))
    start, fps, frames = 2.345, 30, 120
    shown = times[(times > start) & (times < start + 4)] - start
    film = tmp_path / "film.mp4"
    segments = write_segments(tmp_path, flash_frames(shown, fps, frames), fps)
    join(segments, track, film, fps=fps, frames=frames, start=start, duration=4.0)

    sync = sync_offsets(film)
    assert sync.missed == 0
    assert sync.worst <= 500 / fps + 2
    assert len(sync.offsets) == len(shown)
    assert np.median(sync.times - shown) == pytest.approx(0, abs=0.002)


@pytest.mark.parametrize(("suffix", "fps"), [(".wav", 30), (".mp3", 60), (".m4a", 25)])
def test_the_command_flashes_where_it_clicks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, fps: int
) -> None:
    """The whole way: what the program hears, composes, paints and muxes."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    song = write_song(tmp_path / f"clicks{suffix}", clicks(click_times(SECONDS), SECONDS))

    sync = sync_offsets(command_film(song, fps))
    assert sync.missed == 0
    assert len(sync.offsets) == len(click_times(SECONDS))
    assert sync.worst <= 500 / fps + 5  # Half a frame of snapping, and the ear's own error.
    assert abs(sync.median) <= 5 + 250 / fps
