"""Where the time of a command goes, and what a song that is known need not wait for."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile

from clicktrack import RATE, click_times, clicks
from visualizer import stopwatch
from visualizer.stopwatch import each, measuring, stage

NOT_FOR_A_KNOWN_SONG = ("torch", "librosa", "numba", "scipy", "cv2", "pydantic", "visualizer.film")


@pytest.fixture
def clock(monkeypatch):
    """Shows the seconds it is set to, and no time passes by itself."""
    now = [0.0]
    monkeypatch.setattr(stopwatch.time, "perf_counter", lambda: now[0])
    return now


def test_the_innermost_stage_gets_the_time(clock):
    with measuring() as watch:
        clock[0] += 1
        with stage("outer"):
            clock[0] += 2
            with stage("inner"):
                clock[0] += 4
            clock[0] += 8
        watch.add("before", 16)
        assert watch.summary() == "31.0 s: outer 10.0, inner 4.0, before 16.0, rest 1.0"


def test_what_gives_items_and_what_takes_them_are_apart(clock):
    def slow() -> Iterator[int]:
        for item in range(3):
            clock[0] += 1
            yield item

    with measuring() as watch, stage("taking"):
        for _ in each("giving", slow()):
            clock[0] += 10
    assert watch.seconds["giving"] == 3
    assert watch.seconds["taking"] == 30


def test_a_stage_that_fails_is_left(clock):
    with measuring() as watch:
        with pytest.raises(ValueError), stage("failing"):
            clock[0] += 1
            raise ValueError
        clock[0] += 2
        assert watch.summary() == "3.0 s: failing 1.0, rest 2.0"


def test_nothing_is_measured_unless_asked(clock):
    with measuring() as watch:
        pass
    with stage("unheard"):
        clock[0] += 1
    assert list(each("unheard", [1, 2])) == [1, 2]
    assert "unheard" not in watch.seconds


def analyze(song: Path, home: Path) -> tuple[dict[str, float], list[str]]:
    """The printed stages of `visualizer analyze`, and which slow imports it needed."""
    code = (
        "import sys; from visualizer.cli import main\n"
        "assert main(['analyze', sys.argv[1]]) == 0\n"
        f"print(*[m for m in {NOT_FOR_A_KNOWN_SONG} if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(song)],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"XDG_CACHE_HOME": str(home), "HOME": str(home)},
    )
    took, stages = done.stderr.splitlines()[-1].split(": ", 1)
    assert re.fullmatch(r"took \d+\.\d s", took)
    seconds = {name: float(text) for name, text in (s.split() for s in stages.split(", "))}
    assert abs(sum(seconds.values()) - float(took.split()[1])) < 0.05 * (len(seconds) + 1) + 1e-6
    return seconds, done.stdout.splitlines()[-1].split()


def test_analyze_says_where_its_time_went_and_hears_a_song_once(tmp_path):
    song = tmp_path / "song.wav"
    soundfile.write(song, clicks(click_times(20.0), 20.0), RATE)
    first, needed = analyze(song, tmp_path / "home")
    assert {"imports", "picture", "rest"} <= first.keys()
    assert "scipy" in needed
    assert "torch" not in needed
    _, needed = analyze(song, tmp_path / "home")
    assert needed == []
