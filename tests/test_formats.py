"""Every container and codec a musician may bring, and files that only look like one."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from clicktrack import FLASHING
from visualizer.cli import main
from visualizer.report import read_report

FOLDER = (
    Path(
        os.environ.get(
            "VISUALIZER_MUSIC", Path(__file__).resolve().parents[2] / "shared" / "music" / "public"
        )
    )
    / "formats"
)
TRUTH = FOLDER / "truth.json"
FILES = json.loads(TRUTH.read_text(encoding="utf-8"))["files"] if TRUTH.is_file() else []

FPS = 24


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.mark.skipif(not FILES, reason="no test music: set VISUALIZER_MUSIC to its folder")
@pytest.mark.parametrize("entry", FILES, ids=lambda entry: entry["file"])
def test_a_file_is_rendered_in_sync_or_refused_in_one_line(entry, tmp_path, capsys):
    song = Path(shutil.copy(FOLDER / entry["file"], tmp_path))
    film = tmp_path / "film.mp4"
    flashing = tmp_path / "flashing.yaml"
    flashing.write_text(FLASHING.format(event="kick"), encoding="utf-8")
    status = main(
        [
            "render",
            str(song),
            "-o",
            str(film),
            "--size",
            "64x36",
            "--fps",
            str(FPS),
            "--preset",
            str(flashing),
            "--painter",
            "scenes",
        ]
    )
    said = capsys.readouterr().err
    assert "Traceback" not in said
    if status == 2:
        assert entry["expect"] not in ("decode", "decode-partial"), said
        assert len([line for line in said.splitlines() if not line.startswith("note: ")]) == 1
        assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
            [song.name, flashing.name]
        )
        return
    assert entry["expect"] != "clear error"
    report = read_report(film)
    assert report.picture.is_constant
    assert abs(report.picture.end - report.sound.end) <= 1 / FPS
    if entry["expect"] == "decode" and "kicks" in entry:
        lag = entry.get("ffmpeg_lag_ms", 0.0) / 1000
        _assert_flashes_at(np.array(entry["kicks"]) + lag, report)


def _assert_flashes_at(kicks: np.ndarray, report) -> None:
    """Flashes are at kicks; the limiter leaves kicks out, and a bass note may pass for one."""
    light = report.luminance.whole
    rises = np.flatnonzero((light[1:] - light[:-1]) > 0.25) + 1
    times = report.picture.times[rises]
    assert len(times) >= 0.25 * np.sum(kicks < report.picture.end)
    distance = np.abs(times[:, None] - kicks[None]).min(axis=1)
    assert np.median(distance) <= 0.5 / FPS + 0.005
    assert np.mean(distance <= 1 / FPS) >= 0.6
