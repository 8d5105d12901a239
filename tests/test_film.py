import dataclasses
from collections.abc import Iterator

import numpy as np
import pytest
import soundfile
import torch

from songs import known_song
from visualizer.effects import Finish
from visualizer.errors import VisualizerError
from visualizer.film import check_output, make_film, parts_folder
from visualizer.painters.scenes import ScenesPainter
from visualizer.preset import parse_preset
from visualizer.render import render
from visualizer.report import read_report
from visualizer.score import FilmOptions, Score, Shot, compose
from visualizer.track import load_track

SONG = known_song(bars_per_section=1)  # Seven sections of two seconds.
SCORE = compose(SONG, parse_preset("scene: rings"), FilmOptions(64, 36, 24))


class Counting:
    """A painter that paints flat frames, counts shots, and may stop in one."""

    identity = "counting"
    device = torch.device("cpu")

    def __init__(self, stop_in: int | None = None) -> None:
        self.painted: list[int] = []
        self._stop_in = stop_in

    def paint(self, score: Score, shot: Shot) -> Iterator[torch.Tensor]:
        self.painted.append(shot.first)
        for row in range(len(shot.controls)):
            if len(self.painted) - 1 == self._stop_in and row == 10:
                raise KeyboardInterrupt
            yield torch.full((3, score.height, score.width), 0.1 + 0.001 * row)


@pytest.fixture
def track(tmp_path):
    path = tmp_path / "song.wav"
    noise = np.random.default_rng(0).normal(0, 0.1, (round(SONG.duration * 44100), 2))
    soundfile.write(path, noise, 44100)
    return load_track(path)


def test_a_film_has_every_frame_and_leaves_nothing_behind(track, tmp_path):
    out = tmp_path / "film.mp4"
    seen = []
    making = make_film(
        SCORE, Counting(), track, out, on_frame=lambda done, total: seen.append((done, total))
    )
    report = read_report(out)
    assert making.frames == SCORE.frames == len(report.picture.ticks)
    assert seen[-1] == (SCORE.frames, SCORE.frames)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["film.mp4", "song.wav"]


def test_an_interrupted_film_goes_on_with_the_shot_that_was_lost(track, tmp_path):
    out = tmp_path / "film.mp4"
    with pytest.raises(KeyboardInterrupt):
        make_film(SCORE, Counting(stop_in=3), track, out)
    assert not out.exists()
    assert len(list(parts_folder(out).glob("*.mp4"))) == 3
    second = Counting()
    making = make_film(SCORE, second, track, out)
    assert second.painted == [shot.first for shot in SCORE.shots[3:]]
    assert making.kept == sum(len(shot) for shot in SCORE.shots[:3])
    assert len(read_report(out).picture.ticks) == SCORE.frames
    assert not parts_folder(out).exists()


def test_another_score_does_not_take_over_the_shots_of_the_first(track, tmp_path):
    out = tmp_path / "film.mp4"
    with pytest.raises(KeyboardInterrupt):
        make_film(SCORE, Counting(stop_in=3), track, out)
    other = compose(SONG, parse_preset("scene: rings\nlook: {glow: 0.9}"), FilmOptions(64, 36, 24))
    assert make_film(other, Counting(), track, out).kept == 0


def test_two_runs_give_the_same_frames_to_the_bit():
    painter = ScenesPainter(torch.device("cpu"))
    shot = dataclasses.replace(
        SCORE.shots[1],
        controls=SCORE.shots[1].controls[:8],
        weights=SCORE.shots[1].weights[:8],
        fade=SCORE.shots[1].fade[:8],
    )
    runs = [
        [f.tobytes() for f in render(SCORE, shot, painter, Finish(SCORE, painter.device))]
        for _ in range(2)
    ]
    assert runs[0] == runs[1]
    assert len(set(runs[0])) == 8


def test_leaving_early_stops_the_painter():
    frames = render(SCORE, SCORE.shots[0], Counting(), Finish(SCORE, torch.device("cpu")))
    next(frames)
    frames.close()


def test_outputs_that_cannot_be_written_are_refused_before_any_work(tmp_path):
    there = tmp_path / "there.mp4"
    there.touch()
    refused = {
        there: "exists already",
        tmp_path / "no" / "film.mp4": "no such folder",
        tmp_path: "is a folder|as .mp4",
        tmp_path / "film.avi": "as .mp4",
    }
    for out, said in refused.items():
        with pytest.raises(VisualizerError, match=said):
            check_output(out, overwrite=False)
    check_output(there, overwrite=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["there.mp4"]
