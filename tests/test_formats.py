"""Every container and codec a musician may bring, and files that only look like one."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from visualizer.cli import main
from visualizer.report import read_report

FOLDER = Path(
    os.environ.get(
        "VISUALIZER_MUSIC", Path(__file__).resolve().parents[2] / "shared" / "music" / "public"
    )
) / "formats"
TRUTH = FOLDER / "truth.json"
FILES = json.loads(TRUTH.read_text(encoding="utf-8"))["files"] if TRUTH.is_file() else []

FPS = 24

# A black picture that lights up on the kick: what is seen is what was heard.
FLASHING = """# Black, and white on every kick.
scene: rings
look: {light: 0, glow: 0}
effects:
  {flash: {kick: 1, release: 40 ms}, bloom: 0, grain: 0, vignette: 0, fade_in: 0, fade_out: 0}
"""


@pytest.fixture(scope="module")
def flashing(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("presets") / "flashing.yaml"
    path.write_text(FLASHING)
    return path


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.mark.skipif(not FILES, reason="no test music: set VISUALIZER_MUSIC to its folder")
@pytest.mark.parametrize("entry", FILES, ids=lambda entry: entry["file"])
def test_a_file_is_rendered_in_sync_or_refused_in_one_line(entry, flashing, tmp_path, capsys):
    song = Path(shutil.copy(FOLDER / entry["file"], tmp_path))
    film = tmp_path / "film.mp4"
    status = main(["render", str(song), "-o", str(film), "--size", "64x36", "--fps", str(FPS),
                   "--preset", str(flashing)])
    said = capsys.readouterr().err
    assert "Traceback" not in said
    if status == 2:
        assert entry["expect"] not in ("decode", "decode-partial"), said
        assert len([line for line in said.splitlines() if not line.startswith("note: ")]) == 1
        assert sorted(path.name for path in tmp_path.iterdir()) == [song.name]
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
