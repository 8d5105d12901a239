"""The analysis of sounds whose every event is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from visualizer.analysis import (
    CURVES,
    EVENTS,
    ROLES,
    Analysis,
    analyze,
    analyze_cached,
    load_analysis,
    save_analysis,
)
from visualizer.analysis.clicks import write_clicks
from visualizer.analysis.onsets import peak_times, usual_threshold
from visualizer.analysis.picture import draw_analysis
from visualizer.errors import VisualizerError
from visualizer.track import load_track

RATE = 44100
Sound = NDArray[np.float32]
Hear = Callable[..., Analysis]


@pytest.fixture
def hear(tmp_path: Path) -> Hear:
    """Writes a sound to disk and analyses it."""

    def hear(sound: Sound, rate: int = RATE) -> Analysis:
        path = tmp_path / "sound.wav"
        soundfile.write(path, sound, rate, subtype="FLOAT")
        return analyze(load_track(path))

    return hear


def burst(kind: str, rng: np.random.Generator) -> Sound:
    time = np.arange(RATE // 5) / RATE
    noise = rng.standard_normal(len(time))
    sweep = np.sin(2 * np.pi * (50 * time + 4 * (1 - np.exp(-time / 0.03))))
    sound = {
        "impulse": (time == 0) * 1.0,
        "click": np.cos(2 * np.pi * 2000 * time) * np.exp(-time / 0.004),
        "kick": sweep * np.exp(-time / 0.07),
        "snare": 0.5 * noise * np.exp(-time / 0.04)
        + 0.4 * np.sin(2 * np.pi * 190 * time) * np.exp(-time / 0.03),
        "hat": 0.3 * np.diff(noise, 2, prepend=0, append=0) * np.exp(-time / 0.015),
    }[kind]
    return (0.5 * sound).astype(np.float32)


def place(times: NDArray[np.float64], sound: Sound, seconds: float) -> Sound:
    out = np.zeros(round(seconds * RATE), np.float32)
    for time in times:
        part = out[round(time * RATE) :][: len(sound)]
        part += sound[: len(part)]
    return out


def pattern(bpm: float, bars: int, swing: float = 0.5, start: float = 0.5) -> tuple[Sound, float]:
    """Kick on 1 and 3, snare on 2 and 4, hats in eighths, a bass note per bar."""
    rng, beat = np.random.default_rng(1), 60 / bpm
    bar = start + np.arange(bars) * 4 * beat
    seconds = start + bars * 4 * beat + 0.5
    hats = np.concatenate([bar + (i + j) * beat for i in range(4) for j in (0.0, swing)])
    time = np.arange(round(3.8 * beat * RATE)) / RATE
    sound = (
        place(np.concatenate([bar, bar + 2 * beat]), burst("kick", rng), seconds)
        + place(np.concatenate([bar + beat, bar + 3 * beat]), burst("snare", rng), seconds)
        + place(hats, burst("hat", rng), seconds)
    )
    for index, first in enumerate(bar):
        pitch = 55.0 * 2 ** ([0, 5, 7, 3][index % 4] / 12)
        note = 0.15 * np.sign(np.sin(2 * np.pi * pitch * time)) * np.exp(-time / 1.5)
        sound += place(np.array([first]), note.astype(np.float32), seconds)
    return sound, seconds


def nearest(found: NDArray[np.float64], true: NDArray[np.float64]) -> NDArray[np.float64]:
    return found[np.abs(found[:, None] - true).argmin(axis=0)] - true


@pytest.mark.parametrize("kind", ["impulse", "click", "kick", "snare"])
def test_an_onset_is_heard_when_it_sounds(hear, kind):
    true = 0.4 + np.cumsum(np.resize([0.413, 0.557, 0.301, 0.649], 16))
    found = hear(place(true, burst(kind, np.random.default_rng(0)), 9.0)).events["onset"]
    assert len(found) == len(true)
    assert abs(np.median(nearest(found, true))) < 0.005
    assert np.abs(nearest(found, true)).max() < 0.012


@pytest.mark.parametrize("name", ["bass", "mid", "treble", "percussive", "loudness"])
def test_a_curve_rises_around_an_impulse_and_not_after_it(hear, name):
    sound = place(np.array([1.003, 2.517, 3.25]), burst("impulse", np.random.default_rng(0)), 5.0)
    heard = hear(sound)
    for true in (1.003, 2.517, 3.25):
        around = np.arange(round((true - 0.3) * heard.rate), round((true + 0.3) * heard.rate) + 1)
        weight = heard.curves[name][around].astype(float) ** 4
        assert abs(np.average(around / heard.rate, weights=weight) - true) < 0.005


def swell(name: str) -> Sound:
    """0.4 s, the same forwards and backwards, for the curves that an impulse leaves cold."""
    time = np.arange(-0.2, 0.2, 1 / RATE)
    bend = 0.4 * np.cos(2 * np.pi * 5.5 * time) if name == "vocals" else 0 * time
    pitch = 6000.0 if name == "brightness" else 262.0
    phase = 2 * np.pi * np.cumsum(pitch * 2 ** (bend / 12)) / RATE
    partials = range(1, 12 if name == "vocals" else 2)
    sound = sum(np.sin(k * phase) / k for k in partials) * np.hanning(len(time))
    return (0.2 * sound).astype(np.float32)


@pytest.mark.parametrize("name", ["harmonic", "brightness", "vocals"])
def test_a_curve_rises_around_a_swell_and_not_after_it(hear, name):
    true = np.array([1.503, 3.017, 4.25])
    low = 0.02 * np.sin(2 * np.pi * 200 * np.arange(6 * RATE) / RATE)
    heard = hear(place(true - 0.2, swell(name), 6.0) + (low if name == "brightness" else 0))
    for centre in true:
        around = np.arange(
            round((centre - 0.3) * heard.rate), round((centre + 0.3) * heard.rate) + 1
        )
        weight = heard.curves[name][around].astype(float) ** 4
        assert abs(np.average(around / heard.rate, weights=weight) - centre) < 0.005


@pytest.mark.parametrize("turn", [10.0, 11.37])
def test_novelty_peaks_where_the_sound_changes(hear, turn):
    time = np.arange(round(20 * RATE)) / RATE
    sound = 0.2 * np.sin(2 * np.pi * np.where(time < turn, 300, 900) * time)
    novelty = hear(sound.astype(np.float32)).curves["novelty"].astype(float)
    assert novelty[: round((turn - 3) * 100)].max() < 0.1
    assert abs(np.average(np.arange(len(novelty)) / 100, weights=novelty**4) - turn) < 0.005


def test_tone_bands_show_in_their_curves(hear):
    seconds = np.arange(3 * RATE) / RATE
    tones = [np.sin(2 * np.pi * hertz * seconds) for hertz in (60, 700, 6000)]
    heard = hear((0.3 * np.concatenate(tones)).astype(np.float32))
    for index, name in enumerate(("bass", "mid", "treble")):
        level = [heard.curves[name][300 * i + 50 : 300 * i + 250].mean() for i in range(3)]
        assert int(np.argmax(level)) == index
        assert max(level) > 0.8 > 0.4 > sorted(level)[1]


def test_held_notes_are_harmonic_and_hits_percussive(hear):
    time = np.arange(4 * RATE) / RATE
    chord = sum(np.sin(2 * np.pi * f * time) for f in (220.0, 277.2, 329.6)) * 0.1
    hits = place(np.arange(0.2, 4, 0.4), burst("snare", np.random.default_rng(0)), 4.0)
    heard = hear(np.concatenate([chord.astype(np.float32), hits]))
    half = len(heard.curves["harmonic"]) // 2
    assert heard.curves["harmonic"][50 : half - 50].mean() > 0.8
    assert heard.curves["harmonic"][half + 50 :].mean() < 0.3
    assert heard.curves["percussive"][half:].max() > 0.8
    assert heard.curves["percussive"][50 : half - 50].max() < 0.3


def test_the_key_is_named(hear):
    time = np.arange(RATE) / RATE
    chords = [(57, 60, 64), (50, 57, 65), (52, 56, 59), (57, 60, 64)]  # Am Dm E Am
    sound = np.concatenate(
        [
            sum(np.sin(2 * np.pi * 440 * 2 ** ((p - 69) / 12) * time) for p in chord)
            for chord in chords
        ]
    )
    tonal = hear((0.2 * sound).astype(np.float32))
    assert tonal.key == "A minor"
    glide = np.sin(2 * np.pi * np.cumsum(110 * 2 ** (time * 4)) / RATE)  # All pitches alike.
    assert hear((0.2 * glide).astype(np.float32)).key_confidence < tonal.key_confidence - 0.2


def test_bass_notes_are_heard_and_kicks_are_not(hear):
    starts = np.array([0.5, 1.3, 2.1, 2.5, 3.3])
    time = np.arange(int(0.38 * RATE)) / RATE
    note = 0.3 * np.sin(2 * np.pi * 55 * time) * np.minimum(1, np.minimum(time, time[::-1]) / 0.01)
    sound = place(np.arange(0.9, 4.5, 0.8), burst("kick", np.random.default_rng(0)), 5.0)
    sound = 0.5 * sound + place(starts, note.astype(np.float32), 5.0)
    found = hear(sound).events["bass_note"]
    assert np.abs(nearest(found, starts)).max() < 0.03
    assert len(found) == len(starts)


@pytest.mark.parametrize("swing", [0.5, 2 / 3])
@pytest.mark.parametrize("bpm", range(60, 201, 10))
def test_the_tempo_is_found_in_its_octave(hear, bpm, swing):
    sound, _ = pattern(bpm, bars=max(8, round(bpm / 8)), swing=swing)
    heard = hear(sound)
    assert heard.tempo_bpm == pytest.approx(bpm, rel=0.03)
    assert heard.meter == 4


def test_beats_and_downbeats_fall_where_the_drums_do(hear):
    sound, seconds = pattern(124, bars=12)
    heard = hear(sound)
    beats = 0.5 + np.arange(48) * 60 / 124
    inner = (beats > 2) & (beats < seconds - 2)
    assert np.abs(nearest(heard.events["beat"], beats[inner])).max() < 0.02
    bars = beats[::4]
    assert np.abs(nearest(heard.events["downbeat"], bars[1:-1])).max() < 0.02
    assert heard.confidence > 0.5


def test_drums_are_told_apart(hear):
    beat = 60 / 110
    rng, beats = np.random.default_rng(0), 0.5 + np.arange(32) * beat
    sound = (
        place(beats[::2], burst("kick", rng), 19.0)
        + place(beats[1::2], burst("snare", rng), 19.0)
        + place(beats + beat / 2, burst("hat", rng), 19.0)
    )
    events = hear(sound).events
    for name, true in (("kick", beats[::2]), ("snare", beats[1::2]), ("hat", beats + beat / 2)):
        hits = np.abs(nearest(events[name], true)) < 0.03
        assert hits.mean() > 0.9
        # A snare rattles like a hat: those may be reported as both.
        assert len(events[name]) < (1.6 if name == "hat" else 1.2) * len(true)


@pytest.mark.parametrize("height", [0.35, 0.7, 0.95])
def test_the_threshold_of_hits_follows_how_clear_they_are(height):
    chance = np.full(2000, 0.01, np.float32)
    chance[50::40] = height
    chance[70::40] = 0.3 * height  # What shines through of another drum.
    found = peak_times(chance, usual_threshold(chance, 0.16, 0.45), 0.06)
    np.testing.assert_allclose(found, np.arange(0.5, 20, 0.4), atol=0.006)


def test_sections_cover_the_song_and_turn_where_the_music_does(hear):
    calm = 0.2 * pattern(120, bars=8, start=0.0)[0][: 16 * RATE]
    full = pattern(120, bars=8, start=0.0)[0][: 16 * RATE]
    full += 0.1 * np.sign(np.sin(2 * np.pi * 660 * np.arange(len(full)) / RATE)).astype("f")
    heard = hear(np.concatenate([calm, full, calm, full]))
    starts = [section.start for section in heard.sections]
    for turn in (16.0, 32.0, 48.0):
        assert min(abs(start - turn) for start in starts) < 0.5
    assert heard.sections[0].start == 0 and heard.sections[-1].end == heard.duration
    for one, other in zip(heard.sections, heard.sections[1:], strict=False):
        assert one.end == other.start
    at = {
        turn: next(s for s in heard.sections if s.start <= turn < s.end)
        for turn in (20.0, 40.0, 56.0)
    }
    assert at[20.0].label == at[56.0].label != at[40.0].label


def assert_sane(heard: Analysis) -> None:
    n = len(heard.chroma)
    assert set(heard.events) == set(EVENTS) and set(heard.curves) == set(CURVES)
    for curve in heard.curves.values():
        assert curve.dtype == np.float32 and curve.shape == (n,)
        assert np.isfinite(curve).all() and curve.min() >= 0 and curve.max() <= 1
    for times in heard.events.values():
        assert times.dtype == np.float64 and (np.diff(times) >= 0).all()
        assert ((times >= 0) & (times <= heard.duration)).all()
    assert heard.sections[0].start == 0 and heard.sections[-1].end == heard.duration
    assert all(section.role in ROLES and section.start < section.end for section in heard.sections)
    assert 0 <= heard.confidence <= 1


@pytest.mark.parametrize("samples", [600, 2205, 13230])
def test_the_shortest_sounds_are_analysed(hear, samples, tmp_path):
    path = tmp_path / "short.wav"
    soundfile.write(path, 0.3 * np.random.default_rng(0).standard_normal(samples), RATE)
    track = replace(load_track_of_any_length(path), duration=samples / RATE)
    assert_sane(analyze(track))


def load_track_of_any_length(path: Path):
    """A short track: `load_track` refuses what is under 0.05 s."""
    long = path.with_name("long.wav")
    soundfile.write(long, np.full(RATE, 0.1), RATE)
    return replace(load_track(long), path=path)


def test_silence_has_no_events_and_zero_curves(hear):
    heard = hear(np.zeros((5 * RATE, 2), np.float32))
    assert_sane(heard)
    assert not any(len(times) for times in heard.events.values())
    assert not any(curve.any() for curve in heard.curves.values())
    assert heard.tempo_bpm == 0 and heard.key == "" and len(heard.sections) == 1


@pytest.mark.parametrize("name", ["noise", "offset", "clipped"])
def test_odd_sounds_stay_in_range(hear, name):
    noise = 0.1 * np.random.default_rng(0).standard_normal(6 * RATE).astype(np.float32)
    sound = {"noise": noise, "offset": noise + 0.5, "clipped": np.clip(40 * noise, -1, 1)}[name]
    assert_sane(hear(sound))


def test_noise_promises_no_grid(hear):
    noise = 0.1 * np.random.default_rng(0).standard_normal(10 * RATE).astype(np.float32)
    assert hear(noise).confidence < 0.4


def test_level_offset_and_phase_do_not_change_what_is_heard(hear):
    sound, _ = pattern(120, bars=6)
    plain = hear(sound)
    others = {
        "quiet": hear(0.005 * sound),
        "offset": hear(sound + 0.1),
        "antiphase": hear(np.stack([sound, -sound], axis=1)),
        "one side": hear(np.stack([sound, 0 * sound], axis=1)),
    }
    for name, heard in others.items():
        assert_sane(heard)
        assert heard.tempo_bpm == pytest.approx(plain.tempo_bpm, rel=0.01), name
        inner = plain.events["beat"][2:-2]
        assert np.abs(nearest(heard.events["beat"], inner)).max() < 0.02, name
        assert np.abs(heard.curves["treble"] - plain.curves["treble"]).mean() < 0.05, name


def test_a_low_sample_rate_is_heard_too(hear):
    sound, _ = pattern(120, bars=6)
    coarse = sound[: len(sound) // 6 * 6].reshape(-1, 6).mean(axis=1)
    heard = hear(coarse, 7350)
    assert_sane(heard)
    assert heard.tempo_bpm == pytest.approx(120, rel=0.02)


def test_the_same_sound_gives_the_same_analysis(hear):
    sound, _ = pattern(120, bars=4)
    one, two = hear(sound), hear(sound)
    assert one.sections == two.sections
    assert all(np.array_equal(one.events[name], two.events[name]) for name in EVENTS)
    assert all(np.array_equal(one.curves[name], two.curves[name]) for name in CURVES)


def test_an_analysis_comes_back_from_disk(hear, tmp_path):
    heard = hear(pattern(120, bars=4)[0])
    save_analysis(heard, tmp_path / "song.analysis.json")
    again = load_analysis(tmp_path / "song.analysis.json")
    assert again.sections == heard.sections and again.key == heard.key
    assert again.tempo_bpm == heard.tempo_bpm and again.rate == heard.rate
    for name in EVENTS:
        np.testing.assert_allclose(again.events[name], heard.events[name], atol=1e-5)
    for name in CURVES:
        np.testing.assert_array_equal(again.curves[name], heard.curves[name])
    assert sorted(p.name for p in tmp_path.glob("song*")) == [
        "song.analysis.json",
        "song.analysis.npz",
    ]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 0}', "no json"])
def test_a_damaged_analysis_is_refused_in_one_line(tmp_path, text):
    path = tmp_path / "song.json"
    path.write_text(text)
    with pytest.raises(VisualizerError, match="analyze the song again") as caught:
        load_analysis(path)
    assert "\n" not in str(caught.value) and "song.json" in str(caught.value)


def test_an_analysis_is_cached_by_content_and_survives_damage(tmp_path):
    path, folder = tmp_path / "song.wav", tmp_path / "cache"
    soundfile.write(path, pattern(120, bars=3)[0], RATE)
    track = load_track(path)
    first = analyze_cached(track, folder)
    (kept,) = folder.glob("*.json")
    kept.write_text(kept.read_text().replace('"meter": 4', '"meter": 7'))
    assert analyze_cached(track, folder).meter == 7
    kept.write_text("damaged")
    again = analyze_cached(track, folder)
    assert again.meter == first.meter and again.sections == first.sections


def test_a_cached_analysis_is_what_was_heard_to_the_bit(tmp_path):
    path, folder = tmp_path / "song.wav", tmp_path / "cache"
    soundfile.write(path, pattern(127, bars=3)[0], RATE)
    track = load_track(path)
    heard, kept = analyze_cached(track, folder), analyze_cached(track, folder)
    for name in EVENTS:
        np.testing.assert_array_equal(kept.events[name], heard.events[name])
    for name in CURVES:
        np.testing.assert_array_equal(kept.curves[name], heard.curves[name])
    assert (kept.tempo_bpm, kept.sections) == (heard.tempo_bpm, heard.sections)


def test_clicks_are_in_the_sound_at_the_beats(hear, tmp_path):
    sound, _ = pattern(120, bars=4)
    heard = hear(sound)
    track = load_track(tmp_path / "sound.wav")
    write_clicks(track, heard, tmp_path / "clicks.wav")
    clicked, rate = soundfile.read(tmp_path / "clicks.wav")
    assert rate == RATE and len(clicked) == len(sound)
    added = np.abs(clicked - 0.6 * sound)
    for beat in heard.events["beat"]:
        first = int(beat * RATE)
        assert added[first : first + 400].max() > 0.2
        assert added[max(0, first - 400) : first].max() < 0.01
    with pytest.raises(VisualizerError, match=r"\.wav or \.flac"):
        write_clicks(track, heard, tmp_path / "clicks.mp3")


def test_the_picture_is_drawn_for_songs_and_for_silence(hear, tmp_path):
    for name, sound in (("song", pattern(120, bars=3)[0]), ("silence", np.zeros(RATE, "f"))):
        draw_analysis(hear(sound), tmp_path / f"{name}.png", name)
        assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    sizes = [(tmp_path / f"{name}.png").stat().st_size for name in ("song", "silence")]
    assert sizes[0] > 1.5 * sizes[1]
