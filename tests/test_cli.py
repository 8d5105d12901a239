"""The command as a user types it: real files in, real files out, one line for every mistake."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile

from visualizer.cli import main
from visualizer.cli.make import DEMO_TRACK
from visualizer.cli.painting import choose_painter
from visualizer.cli.parser import parse
from visualizer.painters import load_painter
from visualizer.painters.diffusion import DiffusionPainter
from visualizer.painters.diffusion.key import painting_size
from visualizer.painters.diffusion.pace import PICTURES
from visualizer.report import read_report

TINY = ["--size", "64x36", "--fps", "24"]
SCENES = ["--painter", "scenes"]
SMALL = [*TINY, *SCENES]
SECOND = ["--start", "12", "--duration", "1"]


@pytest.fixture
def song(tmp_path: Path) -> Path:
    return Path(shutil.copy(DEMO_TRACK, tmp_path / "my song.ogg"))


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    """Analyses are kept for the test run and not in the user's cache."""
    home = tmp_path_factory.getbasetemp() / "cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(home))


def refused(capsys, *arguments: object) -> str:
    """Runs a command that must fail; returns its one line."""
    assert main([str(a) for a in arguments]) == 2
    said = capsys.readouterr()
    lines = said.err.strip().splitlines()
    errors = [line for line in lines if not line.startswith("note: ")]
    assert len(errors) == 1, said.err
    assert errors[0].startswith("visualizer: ")
    assert "Traceback" not in said.err
    return errors[0]


def test_render_writes_film_score_and_report_beside_the_song(song):
    assert main(["render", str(song), *SMALL, *SECOND]) == 0
    film = song.with_suffix(".mp4")
    report = read_report(film)
    assert len(report.picture.ticks) == 24
    assert report.picture.is_constant
    names = {path.name for path in song.parent.iterdir()}
    assert names == {song.name, "my song.mp4", "my song.score.json", "my song.report.txt"}


def test_a_saved_score_paints_the_same_film(song, tmp_path):
    main(["render", str(song), *SMALL, *SECOND, "-o", str(tmp_path / "one.mp4")])
    score = tmp_path / "one.score.json"
    main(["render", str(song), *SCENES, "--score", str(score), "-o", str(tmp_path / "two.mp4")])
    assert (tmp_path / "one.mp4").read_bytes() == (tmp_path / "two.mp4").read_bytes()


def test_an_edited_score_paints_another_film(song, tmp_path):
    steady = ["--set", "effects.fade_in=0", "--set", "effects.fade_out=0"]
    main(["render", str(song), *SMALL, *SECOND, *steady, "-o", str(tmp_path / "one.mp4")])
    score = tmp_path / "one.score.json"
    edited = json.loads(score.read_text())
    flash = edited["columns"].index("flash") - 2  # After "fade" and "weights".
    for shot in edited["shots"]:
        for row in shot["rows"]:
            row[1 + len(shot["looks"]) + flash] = 1.0
    score.write_text(json.dumps(edited))
    main(["render", str(song), *SCENES, "--score", str(score), "-o", str(tmp_path / "two.mp4")])
    one, two = (read_report(tmp_path / f"{name}.mp4").luminance for name in ("one", "two"))
    assert two.whole.min() > one.whole.max()


def test_an_edited_score_is_not_written_over(song, capsys):
    score = song.with_suffix(".score.json")
    score.write_text("{}")
    assert "--score" in refused(capsys, "render", song, *SMALL, *SECOND)
    assert score.read_text() == "{}"


def test_a_score_of_a_longer_song_is_refused(song, tmp_path, capsys):
    main(["render", str(song), *SMALL, *SECOND, "-o", str(tmp_path / "one.mp4")])
    short = tmp_path / "short.wav"
    soundfile.write(short, np.zeros(44100), 44100)
    capsys.readouterr()
    said = refused(capsys, "render", short, *SCENES, "--score", tmp_path / "one.score.json")
    assert "one.score.json" in said


def test_a_prompt_may_hold_any_text(song):
    out = song.with_name("out.mp4")
    prompt = 'neon: "rain", # city\'s {light}'
    assert main(["render", str(song), *SMALL, *SECOND, "-o", str(out), "--prompt", prompt]) == 0
    score = json.loads(out.with_suffix(".score.json").read_text())
    assert prompt in score["shots"][0]["looks"][0]["prompt"]


@pytest.mark.parametrize(("asked", "mode"), [((), "restyle"), (("walk",), "walk")])
def test_pulse_paints_over_scenes_unless_another_mode_is_asked_for(song, asked, mode):
    out = song.with_name("out.mp4")
    wanted = [word for name in asked for word in ("--set", f"paint.mode={name}")]
    assert main(["render", str(song), *TINY, "--duration", "0.25", *wanted, "-o", str(out)]) == 0
    assert modes(out) == {mode}
    assert len(read_report(out).luminance.whole) > 1


def modes(film: Path) -> set[str]:
    score = json.loads(film.with_suffix(".score.json").read_text())
    return {shot["paint"]["mode"] for shot in score["shots"]}


def test_a_machine_too_slow_for_every_frame_paints_on_bars_and_says_so(song, capsys, monkeypatch):
    monkeypatch.setattr(DiffusionPainter, "pace", lambda *_: 0.25)
    out = song.with_name("out.mp4")
    assert main(["render", str(song), *TINY, "--duration", "0.25", "-o", str(out)]) == 0
    assert "0.25 frames per second: one on each bar" in capsys.readouterr().err
    assert modes(out) == {"keyframes"}


def test_the_pace_of_a_model_is_that_of_its_pictures(monkeypatch):
    painter = load_painter("diffusion", device="cpu")
    began = time.perf_counter()
    pace = painter.pace(640, 360)
    assert PICTURES / pace <= 1.001 * (time.perf_counter() - began)
    seen, decode = [], type(painter.model).decode
    monkeypatch.setattr(
        type(painter.model), "decode", lambda self, z: seen.append(z.shape) or decode(self, z)
    )
    painter.pace(640, 360)
    size = painting_size(painter.model.caps, 640, 360)
    assert set(seen) == {(1, 8, size.height // 8, size.width // 8)} and len(seen) == PICTURES


def test_a_draft_is_painted_by_scenes_unless_a_model_is_asked_for():
    def chosen(*flags: str) -> tuple[str, str | None]:
        options = parse(["render", "song.mp3", *flags])
        choose_painter(options)
        return options.painter, options.model

    assert chosen() == ("diffusion", "pulse")
    assert chosen("--draft") == ("scenes", None)
    assert chosen("--draft", "--model", "pulse") == ("diffusion", "pulse")
    assert chosen("--draft", "--image", "a.jpg") == ("diffusion", "pulse")
    assert chosen("--painter", "scenes") == ("scenes", None)


def test_the_demo_is_painted_by_pulse_without_any_network(tmp_path):
    code = (
        "import socket, sys\n"
        "def refuse(*_, **__): raise OSError('no network')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        "from visualizer.cli import main\n"
        "sys.exit(main(['demo', '--size', '64x36', '--duration', '0.2']))"
    )
    running = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert running.returncode == 0, running.stderr
    assert modes(tmp_path / "visualizer-demo.mp4") == {"restyle"}


def test_storyboard_is_a_picture_with_a_frame_per_section(song):
    assert main(["storyboard", str(song), *SMALL]) == 0
    sheet = cv2.imread(str(song.with_name("my song.storyboard.png")))
    assert sheet is not None
    assert sheet.std() > 5


def test_analyze_writes_numbers_picture_and_clicks(song, capsys):
    assert main(["analyze", str(song), "--click"]) == 0
    said = capsys.readouterr().out
    assert "BPM" in said
    assert "chorus" in said
    names = {path.name for path in song.parent.iterdir()}
    assert names == {
        song.name,
        "my song.analysis.json",
        "my song.analysis.npz",
        "my song.analysis.png",
        "my song.click.wav",
    }
    assert soundfile.info(song.with_name("my song.click.wav")).duration == pytest.approx(
        50, abs=0.01
    )


def test_presets_are_listed_shown_and_copied(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["presets"]) == 0
    assert "night-drive" in capsys.readouterr().out
    assert main(["presets", "show", "night-drive"]) == 0
    shown = capsys.readouterr().out
    assert main(["presets", "copy", "night-drive", "mine.yaml"]) == 0
    assert Path("mine.yaml").read_text() == shown
    assert "exists already" in refused(capsys, "presets", "copy", "night-drive", "mine.yaml")
    assert "no such preset" in refused(capsys, "presets", "copy", "../night-drive")


def test_flags_tweak_the_preset(song):
    out = song.with_name("out.mp4")
    assert (
        main(
            [
                "render",
                str(song),
                *SMALL,
                *SECOND,
                "-o",
                str(out),
                "--preset",
                "outrun",
                "--set",
                "motion.zoom.bass=0.03",
                "--set",
                "scene=rings",
                "--seed",
                "7",
            ]
        )
        == 0
    )
    score = json.loads(out.with_suffix(".score.json").read_text())
    assert score["shots"][0]["looks"][0]["scene"] == "rings"


# What is typed after the song, and what the one line must name.
WRONG_FLAGS = {
    "--size 63x36": "63x36",
    "--size 0x0": "0x0",
    "--size big": "big",
    "--size 64": "64",
    "--fps 0": "fps",
    "--fps 29.97": "29.97",
    "--start 999": "--start 999",
    "--start -3": "-3",
    "--duration -1": "-1",
    "--duration 0": "above 0",
    "--duration soon": "soon",
    "--preset nightdrive": "did you mean night-drive?",
    "--preset ../../etc/passwd": "no such preset",
    "--set zoom": "key=value",
    "--set motion.zoom.bas=1": "did you mean bass?",
    "--painter oils": "oils",
    "--painter scenes --model x": "--painter diffusion",
    "--device abacus": "abacus",
    "--image nothing.jpg": "nothing.jpg",
    "--score nothing.json": "nothing.json",
    "-o nowhere/film.mp4": "nowhere",
    "-o film.avi": ".mp4",
    "--sed 3": "--sed",
    "--quality 99": "99",
    "--seed x": "x",
}


@pytest.mark.parametrize("flags", WRONG_FLAGS)
def test_a_wrong_flag_is_named_in_one_line(song, capsys, monkeypatch, flags):
    monkeypatch.chdir(song.parent)
    assert WRONG_FLAGS[flags] in refused(capsys, "render", song, *flags.split())
    assert [path.name for path in song.parent.iterdir()] == [song.name], "something was left behind"


def test_wrong_songs_are_refused_in_one_line_and_leave_nothing(tmp_path, capsys):
    rng = np.random.default_rng(0)
    (tmp_path / "empty.mp3").touch()
    (tmp_path / "text.mp3").write_text("these are words, not sound\n" * 100)
    (tmp_path / "random.wav").write_bytes(rng.bytes(50_000))
    soundfile.write(tmp_path / "blink.wav", np.zeros(441), 44100)
    broken = np.zeros(44100, np.float32)
    broken[100] = np.nan
    soundfile.write(tmp_path / "nan.wav", broken, 44100, subtype="FLOAT")
    broken[100] = np.inf
    soundfile.write(tmp_path / "infinite.wav", broken, 44100, subtype="FLOAT")
    (tmp_path / "folder.wav").mkdir()
    before = sorted(tmp_path.rglob("*"))
    for name in ["missing.wav", *(path.name for path in before)]:
        assert name in refused(capsys, "render", tmp_path / name, *SMALL)
        assert sorted(tmp_path.rglob("*")) == before


def test_an_existing_film_is_kept_unless_told(song, capsys):
    film = song.with_suffix(".mp4")
    film.write_bytes(b"precious")
    assert "--overwrite" in refused(capsys, "render", song, *SMALL, *SECOND)
    assert film.read_bytes() == b"precious"
    assert main(["render", str(song), *SMALL, *SECOND, "--overwrite"]) == 0
    assert read_report(film).picture.is_constant


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_refused(song, capsys):
    song.parent.chmod(0o500)
    assert "cannot be written" in refused(capsys, "render", song, *SMALL)
    song.parent.chmod(0o700)


def test_a_silent_song_makes_a_calm_film(tmp_path):
    path = tmp_path / "silence.wav"
    soundfile.write(path, np.zeros((44100 * 2, 2)), 44100)
    assert main(["render", str(path), *SMALL, "--preset", "night-drive"]) == 0
    report = read_report(path.with_suffix(".mp4"))
    assert report.flashes.is_safe


def test_a_damaged_song_is_rendered_as_far_as_it_goes(formats, music, tmp_path, capsys):
    path = Path(shutil.copy(music / "formats" / "truncated.mp3", tmp_path))
    assert main(["render", str(path), *SMALL, "--duration", "1"]) == 0
    assert "note: " in capsys.readouterr().err


def test_control_c_says_how_to_go_on_and_the_next_run_goes_on(song):
    command = [
        sys.executable,
        "-m",
        "visualizer",
        "render",
        str(song),
        "--size",
        "320x180",
        "--fps",
        "24",
        "--preset",
        "jungle-run",
        *SCENES,
        "--set",
        "cuts.every=1 s",
    ]
    running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    parts = song.with_name(".my song.mp4.parts")
    deadline = time.monotonic() + 120
    while not list(parts.glob("[!.]*.mp4")) and time.monotonic() < deadline:
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=60)
    assert running.returncode == 130
    assert said.strip().splitlines()[-1].startswith("visualizer: stopped")
    assert "Traceback" not in said
    assert list(parts.glob("[!.]*.mp4"))
    assert not list(parts.glob(".*"))


def test_benchmark_prints_what_it_measured(song, capsys):
    assert main(["benchmark", str(song), "--size", "64x36", "--seconds", "0.25"]) == 0
    said = capsys.readouterr().out
    for row in ("analysis", "painting aurora", "encoding", "whole render by Pulse"):
        assert row in said


def test_check_reads_a_film_back_and_refuses_what_is_none(song, capsys):
    main(["render", str(song), *SMALL, *SECOND])
    capsys.readouterr()
    assert main(["check", str(song.with_suffix(".mp4"))]) == 0
    assert "24 fps, constant" in capsys.readouterr().out
    assert "nothing.mp4" in refused(capsys, "check", "nothing.mp4")
    text = song.with_name("text.mp4")
    text.write_text("no film")
    assert "text.mp4" in refused(capsys, "check", text)


def test_help_names_every_command(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    assert stop.value.code == 0
    said = capsys.readouterr().out
    for command in ("render", "demo", "storyboard", "analyze", "presets", "check", "benchmark"):
        assert command in said
