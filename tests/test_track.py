from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from clicktrack import RATE, clicks, lag, noise, sound_of, write_song
from visualizer import ffmpeg
from visualizer.errors import VisualizerError
from visualizer.track import load_track
from visualizer.track.decode import Sound, excerpt

CODECS = {
    ".wav": "pcm", ".aiff": "pcm", ".flac": "flac", ".mp3": "mp3", ".m4a": "aac",
    ".ogg": "vorbis", ".opus": "opus", ".webm": "opus",
}  # fmt: skip


@pytest.mark.parametrize("suffix", CODECS)
def test_every_format_starts_where_the_music_starts(tmp_path: Path, suffix: str) -> None:
    song = noise(3.0)
    track = load_track(write_song(tmp_path / f"song{suffix}", song))

    assert track.codec == CODECS[suffix]
    assert track.channels == 2
    assert track.duration == pytest.approx(3.0, abs=0.002)
    sound = sound_of(track)
    assert len(sound) == pytest.approx(track.duration * RATE, abs=1)
    assert lag(sound, song.mean(axis=1)) == 0
    assert track.warnings == ()


def test_a_very_short_song_is_not_moved(tmp_path: Path) -> None:
    song = noise(0.3)
    track = load_track(write_song(tmp_path / "song.ogg", song))
    assert lag(sound_of(track), song.mean(axis=1)) == 0


def test_what_cannot_be_known_as_priming_stays(tmp_path: Path) -> None:
    song = noise(2.0)
    stream = load_track(write_song(tmp_path / "song.aac", song))
    bare = load_track(write_song(tmp_path / "bare.mp3", song, ["-write_xing", "0"]))

    assert lag(sound_of(stream), song.mean(axis=1)) == 1024
    assert lag(sound_of(bare), song.mean(axis=1)) == 1105


def test_sound_that_starts_late_in_a_film_starts_late_here(tmp_path: Path) -> None:
    song = noise(2.0)
    source = write_song(tmp_path / "song.wav", song)
    film = tmp_path / "film.mp4"
    black = ["-f", "lavfi", "-i", "color=black:s=64x64:r=25:d=3"]
    late = ["-itsoffset", "0.5", *ffmpeg.source(source), "-c:a", "aac", "-b:a", "256k"]
    assert ffmpeg.run([*black, *late, str(film)]).code == 0

    track = load_track(film)
    assert track.warnings == ()  # That the picture is longer is no damage.
    sound = sound_of(track)
    assert np.abs(sound[: round(0.45 * RATE)]).max() == 0
    assert lag(sound[round(0.5 * RATE) :], song.mean(axis=1)) == 0


@pytest.mark.parametrize("rate", [8000, 22050, 48000, 96000])
def test_resampling_does_not_move_the_sound(tmp_path: Path, rate: int) -> None:
    times = [0.25, 0.9, 1.6]
    path = tmp_path / "clicks.wav"
    soundfile.write(path, clicks(times, 2.0), RATE)

    sound = np.abs(sound_of(load_track(path), sample_rate=rate))
    assert len(sound) == pytest.approx(2.0 * rate, abs=1)
    for time in times:
        near = sound[round((time - 0.1) * rate) : round((time + 0.1) * rate)]
        assert np.argmax(near > 0.4) / rate == pytest.approx(0.1, abs=0.0005)


def test_blocks_are_an_excerpt_to_the_sample(tmp_path: Path) -> None:
    path = tmp_path / "noise.wav"
    song = noise(5.0)
    soundfile.write(path, song, RATE, subtype="FLOAT")
    blocks = list(load_track(path).blocks(seconds=0.5, start=1.25, duration=2.2))

    assert [len(block) for block in blocks] == [22050] * 4 + [8820]
    first = round(1.25 * RATE)
    np.testing.assert_array_equal(np.concatenate(blocks), song[first : first + 97020])


def test_a_song_that_has_gone_is_not_silence(tmp_path: Path) -> None:
    track = load_track(write_song(tmp_path / "song.wav", noise(0.5)))
    track.path.unlink()
    with pytest.raises(VisualizerError, match=r"song.wav: has gone"):
        next(track.blocks())


def test_nothing_is_decoded_past_an_excerpt() -> None:
    def blocks() -> Iterator[Sound]:
        yield noise(1.0)
        yield noise(1.0)
        raise AssertionError("decoded too far")

    kept = list(excerpt(blocks(), 100, RATE + 50))
    assert sum(len(block) for block in kept) == RATE - 50


def test_memory_does_not_grow_with_the_song(tmp_path: Path) -> None:
    def peak(seconds: int) -> int:
        path = tmp_path / f"{seconds}.wav"
        soundfile.write(path, np.zeros((seconds * 8000, 2), np.int16), 8000)
        tracemalloc.start()
        for _ in load_track(path).blocks(seconds=2.0):
            pass
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    peak(30)  # Whatever is imported on first use.
    assert peak(600) < 1.2 * peak(60)


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 6, 7, 10])
def test_any_number_of_channels_becomes_one_or_two(tmp_path: Path, channels: int) -> None:
    path = tmp_path / "many.wav"
    sound = np.zeros((RATE, channels), np.float32)
    sound[:, 0] = 0.5 * np.sin(np.arange(RATE))
    soundfile.write(path, sound, RATE)
    track = load_track(path)

    assert track.channels == channels
    block = next(track.blocks())
    assert block.shape == (RATE, min(channels, 2))
    assert np.abs(block[:, 0]).max() > 0.04
    if channels > 1:
        assert np.abs(block[:, 1]).max() < 1e-6


def test_what_ffmpeg_does_not_know_is_read_by_libsndfile(tmp_path: Path) -> None:
    path = tmp_path / "song.mat"
    song = noise(1.0, channels=4)
    soundfile.write(path, song, RATE, format="MAT5", subtype="FLOAT")
    track = load_track(path)

    assert track.decoder == "soundfile"
    assert track.duration == 1.0
    block = next(track.blocks())
    np.testing.assert_allclose(block[:, 1], song[:, 1::2].mean(axis=1), atol=1e-6)


def test_tags_and_artwork_are_read_and_the_cover_is_no_film(tmp_path: Path) -> None:
    cover = tmp_path / "cover.png"
    red = ["-f", "lavfi", "-i", "color=red:s=32x32", "-frames:v", "1", str(cover)]
    assert ffmpeg.run(red).code == 0
    picture = [*ffmpeg.source(cover), "-map", "0", "-map", "1", "-c:v", "copy"]
    tags = ["-disposition:v:0", "attached_pic", "-metadata", "title=Nacht – 夜"]
    path = write_song(tmp_path / "a song, ünï & 音.mp3", noise(1.0), [*picture, *tags])
    path = path.rename(path.with_suffix(".wav"))
    track = load_track(path)

    assert track.tags == {"title": "Nacht – 夜"}
    assert track.artwork == cover.read_bytes()
    assert track.warnings == ()


@pytest.mark.parametrize("name", ["song.wav", "-i", "50% %03d.ogg", "http:..x.mp3", "it's.flac"])
def test_the_name_says_nothing_about_the_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    write_song(tmp_path / "x.mp3", noise(1.0)).rename(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    assert load_track(name).codec == "mp3"


def test_the_fingerprint_follows_the_content_alone(tmp_path: Path) -> None:
    one = write_song(tmp_path / "one.wav", noise(0.5))
    same = tmp_path / "same.wav"
    same.write_bytes(one.read_bytes())
    other = write_song(tmp_path / "other.wav", noise(0.5, seed=8))

    assert load_track(one).fingerprint == load_track(same).fingerprint
    assert load_track(one).fingerprint != load_track(other).fingerprint


def test_silence_is_a_song(tmp_path: Path) -> None:
    path = tmp_path / "silence.flac"
    soundfile.write(path, np.zeros(RATE), RATE)
    track = load_track(path)
    assert track.duration == 1.0
    assert track.warnings == ()


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _text(path: Path) -> None:
    path.write_text("this is no music\n" * 200)


def _random(path: Path) -> None:
    path.write_bytes(np.random.default_rng(3).bytes(100_000))


def _picture_only(path: Path) -> None:
    black = ["-f", "lavfi", "-i", "color=black:s=64x64:d=1", "-f", "mp4", str(path)]
    assert ffmpeg.run(black).code == 0


def _too_short(path: Path) -> None:
    soundfile.write(path, np.zeros(441), RATE, format="WAV")


def _not_a_number(path: Path) -> None:
    sound = np.zeros((RATE, 2), np.float32)
    sound[RATE // 2, 1] = np.nan
    soundfile.write(path, sound, RATE, format="WAV", subtype="FLOAT")


def _infinite(path: Path) -> None:
    sound = np.zeros(RATE, np.float32)
    sound[RATE // 4] = np.inf
    soundfile.write(path, sound, RATE, format="WAV", subtype="FLOAT")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "no such file"),
        (Path.mkdir, "is not a file"),
        (_empty, "is empty"),
        (_text, "is not music that can be read"),
        (_random, "is not music that can be read"),
        (_picture_only, "has no sound in it"),
        (_too_short, "holds 10 ms of sound"),
        (_not_a_number, "the first at 0.50 s"),
        (_infinite, "the first at 0.25 s"),
    ],
)
def test_what_is_no_song_gets_one_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], make: Any, message: str
) -> None:
    path = tmp_path / "song.mp3"
    make(path)
    with pytest.raises(VisualizerError) as caught:
        load_track(path)
    assert message in str(caught.value)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
    assert capfd.readouterr().err == ""


def test_a_truncated_song_gives_what_is_there_and_a_warning(tmp_path: Path) -> None:
    whole = write_song(tmp_path / "whole.mp3", noise(4.0))
    cut = tmp_path / "cut.mp3"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    track = load_track(cut)

    assert 1.5 < track.duration < 2.5
    assert len(track.warnings) == 1
    assert "cut.mp3: damaged; " in track.warnings[0]
    assert "of 4.0 s could be read" in track.warnings[0]


def test_damage_in_the_middle_does_not_move_what_follows(tmp_path: Path) -> None:
    song = noise(4.0)
    path = write_song(tmp_path / "song.flac", song)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 600] = bytes(600)
    path.write_bytes(content)
    track = load_track(path)

    assert "damaged" in track.warnings[0]
    tail = sound_of(track, start=3.0)
    assert lag(tail, song[3 * RATE :].mean(axis=1)) == 0


def test_real_files_have_their_known_lag_and_length(
    music: Path, formats: dict[str, dict[str, Any]]
) -> None:
    reference = sound_of(load_track(music / "formats" / "music_s16.flac"), duration=3.0)
    for name, truth in formats.items():
        if truth["expect"] != "decode" or "music" not in name or "antiphase" in name:
            continue
        track = load_track(music / "formats" / name)
        late = lag(sound_of(track, duration=3.0), reference)
        assert late == pytest.approx(0.0441 * 1000 * truth["ffmpeg_lag_ms"], abs=2), name
        assert track.duration == pytest.approx(truth["ffmpeg_duration"], abs=0.03), name


@pytest.mark.parametrize("suffix", [".wav", ".aiff", ".ogg", ".opus", ".flac", ".mp3", ".aac"])
def test_no_cut_goes_unseen(tmp_path: Path, suffix: str) -> None:
    whole = write_song(tmp_path / f"whole{suffix}", noise(4.0))
    cut = tmp_path / f"cut{suffix}"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2 + 3])
    track = load_track(cut)

    assert track.duration < 3
    assert f"{track.duration:.1f} s" in track.warnings[0]
    assert load_track(whole).warnings == ()


def test_a_wav_file_that_was_streamed_is_not_called_cut(tmp_path: Path) -> None:
    path = write_song(tmp_path / "song.wav", noise(1.0))
    content = bytearray(path.read_bytes())
    data = content.index(b"data") + 4
    content[4:8] = content[data : data + 4] = b"\xff" * 4
    path.write_bytes(content)
    assert load_track(path).warnings == ()
