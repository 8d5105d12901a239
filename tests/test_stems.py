"""Stems whose sounds are known, and the guess of the voice without them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from scipy.signal import lfilter

from songs import known_song
from visualizer.analysis import analyze
from visualizer.analysis.levels import momentary_loudness
from visualizer.analysis.spectra import RATE as FRAMES
from visualizer.analysis.spectra import measure_sound
from visualizer.analysis.stems import use_stems
from visualizer.analysis.voice import vocal_activity
from visualizer.cli import main
from visualizer.errors import VisualizerError
from visualizer.track import load_track

RATE = 44100
Sound = NDArray[np.float32]


def tone(hertz: float, seconds: float, level_db: float = -23.0) -> Sound:
    time = np.arange(round(seconds * RATE)) / RATE
    return (10 ** (level_db / 20) * np.sin(2 * np.pi * hertz * time)).astype(np.float32)


def sung(hertz: float, seconds: float, vibrato: float = 0.4) -> Sound:
    """A vowel with vibrato (semitones): partials that move together under two formants."""
    time = np.arange(round(seconds * RATE)) / RATE
    glide = vibrato * np.sin(2 * np.pi * 5.5 * time)
    phase = 2 * np.pi * np.cumsum(hertz * 2 ** (glide / 12)) / RATE
    partials = np.arange(1, 16)
    gains = sum(1 / (1 + ((partials * hertz - f) / 90) ** 2) for f in (650, 1100, 2600))
    sound = sum(g * np.sin(k * phase) for k, g in zip(partials, gains, strict=True))
    return (0.1 * sound).astype(np.float32)


def hits(times: NDArray[np.float64], seconds: float) -> Sound:
    out = np.zeros(round(seconds * RATE), np.float32)
    time = np.arange(RATE // 10) / RATE
    burst = np.random.default_rng(0).standard_normal(len(time)) * np.exp(-time / 0.02)
    for first in np.rint(times * RATE).astype(int):
        part = out[first : first + len(burst)]
        part += 0.3 * burst[: len(part)].astype(np.float32)
    return out


def write(path: Path, sound: Sound) -> Path:
    soundfile.write(path, sound, RATE, subtype="FLOAT")
    return path


def k_weighted_level(sound: Sound) -> float:
    """BS.1770 by its own recipe: both filters in time at 48 kHz, mean square, -0.691."""
    shelf = [1.53512485958697, -2.69169618940638, 1.19839281085285]
    high_pass = [1.0, -2.0, 1.0]
    weighted = lfilter(shelf, [1.0, -1.69065929318241, 0.73248077421585], sound, axis=0)
    weighted = lfilter(high_pass, [1.0, -1.99004745483398, 0.99007225036621], weighted, axis=0)
    settled = weighted[len(weighted) // 2 :]
    return float(-0.691 + 10 * np.log10((settled**2).mean(axis=0).sum()))


def test_loudness_of_the_reference_tone_is_its_level():
    both = np.stack([tone(997, 2.0)] * 2, axis=1)
    assert momentary_loudness(measure_sound(both))[100] == pytest.approx(-23.0, abs=0.02)
    one = np.stack([tone(997, 2.0), np.zeros(2 * RATE, np.float32)], axis=1)
    assert momentary_loudness(measure_sound(one))[100] == pytest.approx(-26.01, abs=0.02)


@pytest.mark.parametrize("hertz", [40, 100, 400, 2000, 5000, 10000])
def test_loudness_is_weighted_as_the_standard_says(hertz):
    time = np.arange(2 * 48000) / 48000
    reference = np.stack([0.1 * np.sin(2 * np.pi * hertz * time)] * 2, axis=1)
    both = np.stack([tone(hertz, 2.0, -20.0)] * 2, axis=1)
    heard = momentary_loudness(measure_sound(both))[100]
    assert heard == pytest.approx(k_weighted_level(reference), abs=0.05)


def test_momentary_loudness_looks_as_far_ahead_as_back():
    sound = np.concatenate([np.zeros(RATE, np.float32), tone(997, 1.0), np.zeros(RATE, "f")])
    level = momentary_loudness(measure_sound(sound[:, None]))
    power = 10 ** (level / 10)
    full = power[150]
    # Half of the window of 0.4 s is filled where the tone begins and where it ends.
    for edge in (100, 200):
        assert power[edge] == pytest.approx(full / 2, rel=0.03)
    assert power[121] == pytest.approx(full, rel=0.01)
    assert power[78] < 0.01 * full < 0.03 * full < power[83]
    assert np.isneginf(level[20])


def test_a_voice_is_told_from_drums_and_held_notes():
    seconds = 4.0
    voice = np.concatenate([sung(f, 1.0) for f in (220.0, 262.0, 294.0, 247.0)])
    chord = sum(sung(f, seconds, vibrato=0.0) for f in (220.0, 277.2, 329.6)) / 3
    drums = hits(np.arange(0.1, seconds, 0.25), seconds)
    heard = vocal_activity(measure_sound(np.concatenate([drums, chord, voice])[:, None]))
    count = int(seconds * FRAMES)
    means = [float(heard[i * count + 30 : (i + 1) * count - 30].mean()) for i in range(3)]
    assert max(means[:2]) < 0.35 < 0.6 < means[2]


def test_stems_drive_what_they_hold(tmp_path):
    seconds, true = 8.0, 0.31 + np.arange(0, 7.5, 0.47)
    quiet, half = np.zeros(4 * RATE, np.float32), 4 * FRAMES
    stems = {
        "snare": hits(true, seconds),
        "vocals": np.concatenate([quiet, sung(262.0, 4.0)]),
        "bass": np.concatenate([tone(55.0, 4.0), quiet]),
        "other": np.concatenate([quiet, tone(440.0, 4.0)]),
    }
    mix = known_song()
    mix = replace(
        mix,
        duration=seconds,
        chroma=mix.chroma[: int(seconds * FRAMES) + 1],
        curves={name: curve[: int(seconds * FRAMES) + 1] for name, curve in mix.curves.items()},
    )
    heard = {
        name: analyze(load_track(write(tmp_path / f"{name}.wav", sound)))
        for name, sound in stems.items()
    }
    fixed = use_stems(mix, heard)
    np.testing.assert_allclose(fixed.events["snare"], true, atol=0.012)
    np.testing.assert_array_equal(fixed.events["bass_note"], heard["bass"].events["onset"])
    assert fixed.events["bass_note"][0] < 0.05
    for name, sounds_first in (("vocals", False), ("bass", True), ("harmonic", False)):
        curve = fixed.curves[name]
        assert curve.shape == (len(mix.chroma),) and curve.dtype == np.float32
        halves = curve[30 : half - 30].mean(), curve[half + 30 : -30].mean()
        assert (halves[0] > 0.5) == sounds_first and (halves[1] > 0.5) != sounds_first
        assert min(halves) < 0.1
    for name in ("kick", "hat", "beat"):
        np.testing.assert_array_equal(fixed.events[name], mix.events[name])
    for name in ("loudness", "percussive", "novelty"):
        np.testing.assert_array_equal(fixed.curves[name], mix.curves[name])


def test_a_drum_stem_gives_kick_snare_and_hat():
    mix, drums = known_song(), known_song()
    hits_of = {"kick": np.array([1.0]), "snare": np.array([2.0]), "hat": np.array([3.0, 99.0])}
    drums = replace(
        drums,
        events={**drums.events, **hits_of},
        curves={**drums.curves, "percussive": np.full(len(drums.chroma) - 3, 0.25, np.float32)},
    )
    fixed = use_stems(mix, {"kick": replace(drums, events=mix.events), "drums": drums})
    np.testing.assert_array_equal(fixed.events["kick"], mix.events["onset"])
    np.testing.assert_array_equal(fixed.events["snare"], [2.0])
    np.testing.assert_array_equal(fixed.events["hat"], [3.0])
    assert fixed.curves["percussive"][:-3] == pytest.approx(0.25)
    assert fixed.curves["percussive"][-1] == 0


def test_a_stem_of_another_length_is_refused():
    with pytest.raises(VisualizerError, match="--stem drums: lasts 50") as caught:
        use_stems(known_song(), {"drums": replace(known_song(), duration=50.0)})
    assert "\n" not in str(caught.value)


# The command.


@pytest.fixture
def song(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return write(tmp_path / "song.wav", hits(np.arange(0.25, 6.0, 0.5), 6.0))


def test_the_command_uses_what_it_is_given(song, capsys):
    folder = song.parent
    (folder / "taps.txt").write_text("\n".join(f"{t:.3f}" for t in np.arange(0.25, 5, 0.5)))
    (folder / "form.txt").write_text("0\t3\tA verse\n3\t6\tB drop\n")
    vocals = write(folder / "vocals.wav", np.concatenate([tone(440, 3.0), np.zeros(3 * RATE, "f")]))
    labels = folder / "labels.txt"
    flags = ["--tap", "taps.txt", "--meter", "3", "--sections", "form.txt", "--downbeat", "0.75"]
    flags = [str(folder / flag) if flag.endswith(".txt") else flag for flag in flags]
    command = ["analyze", str(song), *flags, "--stem", f"vocals={vocals}"]
    assert main([*command, "--export", str(labels)]) == 0
    said = capsys.readouterr().out
    assert "120.0 BPM in 3" in said and "drop" in said
    rows = [line.split("\t") for line in labels.read_text().splitlines()]
    assert [row[2] for row in rows if row[0] == "0.750000"] == ["1"]
    assert [row[2] for row in rows if row[0] != row[1]] == ["A verse", "B drop"]
    written = labels.read_text()
    assert main([*command, "--export", str(labels)]) == 2
    assert labels.read_text() == written


def test_a_doubtful_beat_is_said_and_a_given_one_is_not(song, capsys, monkeypatch):
    doubtful = replace(known_song(), confidence=0.2)
    monkeypatch.setattr("visualizer.cli.listen.analyze_cached", lambda track, **_: doubtful)
    assert main(["analyze", str(song)]) == 0
    assert "trusted 20%" in (said := capsys.readouterr().err) and "--tap" in said
    assert main(["analyze", str(song), "--bpm", "120"]) == 0
    assert "trusted" not in capsys.readouterr().err


WRONG = {
    "--bpm fast": "fast",
    "--bpm 10": "10",
    "--bpm 120 --tap taps.txt": "not allowed with",
    "--tap missing.txt": "missing.txt",
    "--beats song.wav": "song.wav",
    "--midi song.wav": "song.wav",
    "--sections missing.jams": "missing.jams",
    "--offset 99": "99",
    "--downbeat -1": "-1",
    "--meter 0": "0",
    "--stem drums": "NAME=FILE",
    "--stem cello=song.wav": "cello",
    "--stem drums=missing.wav": "missing.wav",
    "--stem drums=short.wav": "1.00 s",
    "--stem drums=song.wav --stem drums=song.wav": "twice",
    "--export labels.csv": ".jams",
    "--export nowhere/labels.txt": "nowhere",
}


@pytest.mark.parametrize("flags", WRONG)
def test_wrong_flags_are_refused_in_one_line(song, capsys, monkeypatch, flags):
    monkeypatch.chdir(song.parent)
    write(song.parent / "short.wav", tone(440, 1.0))
    before = {path.name for path in song.parent.iterdir()} | {"cache"}
    assert main(["analyze", "song.wav", *flags.split()]) == 2
    said = capsys.readouterr().err.strip()
    assert said.startswith("visualizer: ") and "\n" not in said
    assert WRONG[flags] in said
    assert {path.name for path in song.parent.iterdir()} <= before
