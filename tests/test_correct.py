"""Corrections of songs whose every beat is known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import mido
import numpy as np
import pytest

from songs import known_song, silent_song
from visualizer.analysis import Analysis, Section
from visualizer.analysis.correct import Correction, correct
from visualizer.analysis.labels import GivenBeats, GivenSection
from visualizer.analysis.midi import read_midi
from visualizer.analysis.sections import snap
from visualizer.analysis.taps import follow_taps
from visualizer.errors import VisualizerError

RNG = np.random.default_rng
DRUM = 9


def shifted(bpm: float = 120.0, first: float = 0.37, duration: float = 60.0) -> Analysis:
    """A steady song in 4/4 that begins at `first`: kicks on 1 and 3, snares on 2 and 4."""
    beats = first + np.arange(0.0, duration - first, 60 / bpm)
    events = {
        **silent_song().events,
        "beat": beats,
        "downbeat": beats[::4],
        "onset": np.sort(np.concatenate([beats, beats + 30 / bpm])),
        "kick": beats[::2],
        "snare": beats[1::2],
    }
    events = {name: times[times <= duration] for name, times in events.items()}
    return replace(silent_song(duration), events=events, tempo_bpm=bpm, confidence=0.6)


def beats(analysis: Analysis) -> np.ndarray:
    return analysis.events["beat"]


def downbeats(analysis: Analysis) -> np.ndarray:
    return analysis.events["downbeat"]


def test_nothing_given_changes_nothing():
    song = shifted()
    assert correct(song, Correction()) == song


def test_a_given_tempo_finds_the_place_of_the_beats_and_bars():
    # The program heard the off-beats, at a wrong tempo.
    wrong = shifted()
    off = 0.37 + 0.25 + np.arange(100) * 0.5
    heard = replace(wrong, events={**wrong.events, "beat": off, "downbeat": off[1::4]})
    fixed = correct(heard, Correction(bpm=120.0))
    near = (beats(fixed) - 0.37 + 0.25) % 0.5 - 0.25
    assert np.abs(near).max() < 0.005
    assert np.diff(beats(fixed)) == pytest.approx(0.5, abs=1e-9)
    assert beats(fixed)[0] < 0.5 and beats(fixed)[-1] > 59.5
    assert fixed.confidence == 1.0 and fixed.tempo_bpm == 120.0


def test_a_given_tempo_keeps_the_heard_bar_lines():
    fixed = correct(shifted(), Correction(bpm=120.0))
    assert np.abs(downbeats(fixed)[:, None] - downbeats(shifted())).min(axis=1).max() < 0.005


def test_bars_begin_where_the_harmony_changes():
    song = replace(shifted(first=0.0), sections=known_song().sections[:1])
    chroma = np.zeros((6001, 12), np.float32)
    chord = (np.arange(6001) / 100 - 1.5) // 2  # A new one on the fourth beat of each heard bar.
    chroma[np.arange(6001), (5 * chord).astype(int) % 12] = 1.0
    unsure = {**song.events, "downbeat": beats(song)[::12]}
    fixed = correct(replace(song, events=unsure, chroma=chroma), Correction(bpm=120.0))
    np.testing.assert_allclose(downbeats(fixed), 1.5 + 2.0 * np.arange(30), atol=0.005)


def test_tempo_and_first_beat_are_exact_and_do_not_drift():
    fixed = correct(known_song(120), Correction(bpm=126.03, offset=1.234))
    expected = 1.234 + np.arange(len(beats(fixed))) * 60 / 126.03
    np.testing.assert_allclose(beats(fixed), expected, atol=1e-9)
    assert known_song(120).duration - beats(fixed)[-1] < 60 / 126.03
    np.testing.assert_array_equal(downbeats(fixed), beats(fixed)[::4])


def test_a_tempo_with_a_bar_line_counts_both_ways_from_it():
    fixed = correct(silent_song(20.0), Correction(bpm=100.0, downbeat=7.0, meter=3))
    assert beats(fixed)[0] == pytest.approx(7.0 % 0.6)
    assert np.abs(downbeats(fixed) - 7.0).min() < 1e-9
    np.testing.assert_allclose(np.diff(downbeats(fixed)), 1.8)
    assert fixed.meter == 3


def test_tempo_first_beat_and_bar_line_make_a_pickup():
    fixed = correct(silent_song(20.0), Correction(bpm=120.0, offset=0.5, downbeat=2.02, meter=4))
    np.testing.assert_allclose(beats(fixed)[:4], [0.5, 1.0, 1.5, 2.0])
    np.testing.assert_allclose(downbeats(fixed)[:2], [2.0, 4.0])


def test_tempo_first_beat_and_metre_count_bars_from_the_first_beat():
    fixed = correct(known_song(), Correction(bpm=90.0, offset=0.25, meter=7))
    np.testing.assert_array_equal(downbeats(fixed), beats(fixed)[::7])


def test_half_keeps_the_beats_on_which_bars_begin():
    song = shifted(174.0)
    pickup = {**song.events, "beat": beats(song), "downbeat": beats(song)[1::4]}
    fixed = correct(replace(song, events=pickup), Correction(bpm="half"))
    np.testing.assert_array_equal(beats(fixed), beats(song)[1::2])
    assert fixed.tempo_bpm == pytest.approx(87.0)
    assert np.isin(downbeats(fixed), downbeats(replace(song, events=pickup))).all()


def test_double_puts_a_beat_between_two_and_follows_the_tempo():
    times = np.cumsum(np.linspace(1.0, 0.5, 40))
    song = replace(
        silent_song(40.0),
        tempo_bpm=80.0,
        events={**silent_song().events, "beat": times, "downbeat": times[::4]},
    )
    fixed = correct(song, Correction(bpm="double"))
    np.testing.assert_allclose(beats(fixed)[::2], times)
    np.testing.assert_allclose(beats(fixed)[1::2], (times[1:] + times[:-1]) / 2)
    assert np.isin(times[::4], downbeats(fixed)).all()


def test_a_first_beat_moves_the_heard_grid_by_less_than_a_beat():
    song = shifted(120.0, first=0.37)
    fixed = correct(song, Correction(offset=1.45))
    assert beats(fixed)[0] == pytest.approx(1.45)
    np.testing.assert_allclose(np.diff(beats(fixed)), 0.5)
    # 1.37 became 1.45; the bar lines moved along.
    np.testing.assert_allclose(downbeats(fixed)[0], 2.45)


def test_a_first_beat_before_the_heard_ones_adds_beats():
    fixed = correct(shifted(120.0, first=3.37), Correction(offset=0.4))
    np.testing.assert_allclose(beats(fixed)[:3], [0.4, 0.9, 1.4])


def test_a_bar_line_turns_the_bars_and_leaves_the_beats():
    song = known_song()
    fixed = correct(song, Correction(downbeat=2.95))
    np.testing.assert_array_equal(beats(fixed), beats(song))
    np.testing.assert_array_equal(downbeats(fixed), beats(song)[2::4])
    assert fixed.confidence == song.confidence


def test_a_metre_is_counted_from_the_heard_bars():
    beat = 0.5 * np.arange(60)
    song = replace(
        silent_song(30.0),
        tempo_bpm=120.0,
        events={**silent_song().events, "beat": beat, "downbeat": beat[2::6]},
    )
    fixed = correct(song, Correction(meter=3))
    assert fixed.meter == 3
    np.testing.assert_array_equal(downbeats(fixed), beat[2::3])


def test_sections_move_to_the_new_bar_lines():
    song = known_song(120)  # Sections of 8 s.
    fixed = correct(song, Correction(bpm=120.0, offset=0.3))
    assert [s.start for s in fixed.sections] == pytest.approx([0.0, *(8.3 + 8 * np.arange(6))])
    assert fixed.sections[-1].end == song.duration
    assert [s.role for s in fixed.sections] == [s.role for s in song.sections]
    for one, other in zip(fixed.sections, fixed.sections[1:], strict=False):
        assert one.end == other.start


def test_sections_of_a_person_last_until_the_next_and_fill_what_is_missing():
    song = known_song(120)  # intro build drop break ..., 8 s each.
    given = [
        GivenSection(1.0, "", "verse"),
        GivenSection(16.0, "A", None),
        GivenSection(24.0, "", "verse"),
    ]
    fixed = correct(song, Correction(sections=given))
    assert fixed.sections == (
        Section(0.0, 16.0, "B", "verse"),
        Section(16.0, 24.0, "A", "drop"),
        Section(24.0, 56.0, "B", "verse"),
    )


def test_beats_without_bars_take_over_the_heard_bars():
    song = shifted()
    moved = beats(song) + 0.02
    fixed = correct(song, Correction(beats=GivenBeats(moved, np.zeros(0))))
    np.testing.assert_array_equal(beats(fixed), moved)
    np.testing.assert_array_equal(downbeats(fixed), moved[::4])


def test_a_beat_just_after_the_end_is_left_out():
    times = np.arange(0.55, 60.5, 0.5)
    fixed = correct(shifted(), Correction(beats=GivenBeats(times, times[::4])))
    np.testing.assert_array_equal(beats(fixed), times[:-1])


def test_beats_with_bars_bring_their_metre():
    times = np.arange(1.0, 40.0, 0.4)
    fixed = correct(shifted(), Correction(beats=GivenBeats(times, times[1::5])))
    assert fixed.meter == 5
    np.testing.assert_array_equal(downbeats(fixed), times[1::5])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (Correction(offset=99.0), "--offset 99"),
        (Correction(bpm=120.0, downbeat=6.0), "--downbeat 6"),
        (Correction(meter=3), "--meter: no beat"),
        (Correction(downbeat=1.0), "--downbeat: no beat"),
        (Correction(offset=1.0), "--offset: no beat"),
        (Correction(bpm="half"), "--bpm half: no beat"),
        (Correction(bpm=20.0, offset=4.0), "--bpm 20"),
        (Correction(beats=GivenBeats(np.array([1.0, 60.0]), np.zeros(0))), "60 s"),
        (Correction(beats=GivenBeats(np.arange(40) / 100, np.zeros(0))), "10 ms apart"),
        (Correction(taps=np.array([1.0, 2.0, 3.0])), "3 taps"),
        (Correction(taps=np.array([1.0, 1.05, 1.1, 1.15, 1.2])), "1 taps"),
        (
            Correction(sections=[GivenSection(0.0, "A", None), GivenSection(7.0, "B", None)]),
            "at 7 s",
        ),
        (Correction(sections=[GivenSection(0.0, "A", None), GivenSection(0.0, "B", None)]), "0.0"),
    ],
)
def test_what_does_not_fit_the_song_is_refused_in_one_line(given, said):
    with pytest.raises(VisualizerError) as caught:
        correct(silent_song(5.0), given)
    assert said in str(caught.value) and "\n" not in str(caught.value)


# Taps.


@pytest.mark.parametrize("bpm", [62.0, 97.3, 128.0, 186.0])
def test_unsteady_taps_give_a_steady_grid(bpm):
    true = 0.41 + np.arange(0, 118, 60 / bpm)
    tapped = true[8:] + RNG(0).normal(0, 0.025, len(true) - 8)
    found = follow_taps(tapped, 120.0)
    assert 60 / np.median(np.diff(found)) == pytest.approx(bpm, rel=0.001)
    assert np.ptp(np.diff(found)) < 1e-9
    assert np.abs(found[:, None] - true).min(axis=0).max() < 0.02
    assert found[0] < 60 / bpm and found[-1] > 120 - 60 / bpm


def test_missing_wrong_and_double_taps_do_not_matter():
    rng, true = RNG(1), 0.5 + np.arange(0, 60, 0.5)
    kept = true[rng.random(len(true)) > 0.25] + 0.01
    wrong = rng.uniform(0, 60, 8)
    bounced = kept[::9] + 0.06
    found = follow_taps(np.unique(np.concatenate([kept, wrong, bounced])), 61.0)
    assert np.abs(found[:, None] - true).min(axis=0).max() < 0.03
    assert len(found) == pytest.approx(len(true), abs=2)


def test_taps_that_slow_down_are_followed():
    true = 1.0 + np.cumsum(np.linspace(0.4, 0.7, 120))
    found = follow_taps(true + RNG(2).normal(0, 0.01, 120), float(true[-1]) + 1)
    assert np.abs(found[:, None] - true).min(axis=0).max() < 0.03
    assert np.diff(found)[-1] == pytest.approx(0.7, rel=0.05)
    assert np.diff(found)[0] == pytest.approx(0.4, rel=0.05)


def test_a_few_taps_are_enough_for_a_song():
    found = follow_taps(np.array([10.0, 10.5, 11.0, 11.5]), 30.0)
    np.testing.assert_allclose(found, np.arange(0.0, 30.25, 0.5), atol=1e-6)


def test_taps_without_a_beat_are_refused():
    chaos = np.cumsum(RNG(3).pareto(0.7, 40) + 0.15)
    with pytest.raises(VisualizerError, match="follow no beat"):
        follow_taps(chaos, float(chaos[-1]) + 1)


# MIDI.


def write_midi(path: Path, *messages: mido.Message | mido.MetaMessage, kind: int = 1) -> Path:
    file = mido.MidiFile(type=kind, ticks_per_beat=480)
    file.tracks.append(mido.MidiTrack(messages))
    file.save(path)
    return path


def hit(note: int, wait: int = 0, channel: int = DRUM) -> mido.Message:
    return mido.Message("note_on", channel=channel, note=note, velocity=90, time=wait)


def tempo(bpm: float, wait: int = 0) -> mido.MetaMessage:
    return mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(bpm), time=wait)


def sign(count: int, unit: int, wait: int = 0) -> mido.MetaMessage:
    return mido.MetaMessage("time_signature", numerator=count, denominator=unit, time=wait)


def test_midi_gives_beats_through_its_tempo_changes(tmp_path):
    path = write_midi(
        tmp_path / "song.mid", tempo(120), hit(36), tempo(60, 8 * 480), hit(38, 480), hit(42, 240)
    )
    midi = read_midi(path)
    np.testing.assert_allclose(midi.events["beat"][:12], [*np.arange(0, 4, 0.5), 4, 5, 6, 7])
    np.testing.assert_allclose(midi.events["downbeat"][:4], [0.0, 2.0, 4.0, 8.0])
    np.testing.assert_allclose(midi.events["onset"], [0.0, 5.0, 5.5])
    assert [midi.events[name].tolist() for name in ("kick", "snare", "hat")] == [[0], [5], [5.5]]


@pytest.mark.parametrize(
    ("count", "unit", "meter", "beat"),
    [(3, 4, 3, 0.5), (6, 8, 2, 0.75), (12, 8, 4, 0.75), (7, 8, 7, 0.25), (2, 2, 2, 1.0)],
)
def test_midi_metres_are_counted_in_their_beats(tmp_path, count, unit, meter, beat):
    path = write_midi(tmp_path / "song.mid", tempo(120), sign(count, unit), hit(60, 9999, 0))
    midi = read_midi(path)
    assert midi.meter == meter
    np.testing.assert_allclose(np.diff(midi.events["beat"][:9]), beat)
    np.testing.assert_allclose(np.diff(midi.events["downbeat"][:4]), beat * meter)


def test_midi_metres_may_change(tmp_path):
    path = write_midi(
        tmp_path / "song.mid", tempo(120), sign(4, 4), sign(3, 4, 8 * 480), hit(60, 300 * 480, 0)
    )
    midi = read_midi(path)
    np.testing.assert_allclose(midi.events["downbeat"][:5], [0.0, 2.0, 4.0, 5.5, 7.0])
    assert midi.meter == 3


def test_midi_drives_the_song_from_its_first_beat(tmp_path):
    notes = [hit(36), *(hit(note, 480) for note in (38, 36, 38) * 10)]
    midi = read_midi(write_midi(tmp_path / "song.mid", tempo(100), *notes))
    fixed = correct(shifted(duration=12.0), Correction(midi=midi, offset=0.25))
    np.testing.assert_allclose(beats(fixed), 0.25 + 0.6 * np.arange(20))
    np.testing.assert_allclose(fixed.events["kick"][:2], [0.25, 0.25 + 1.2])
    assert fixed.events["kick"][-1] <= 12.0
    assert fixed.events["hat"].size == 0
    assert fixed.tempo_bpm == pytest.approx(100.0) and fixed.confidence == 1.0


def test_midi_without_drums_leaves_the_heard_drums(tmp_path):
    path = write_midi(tmp_path / "song.mid", tempo(100), hit(60, 0, 0), hit(62, 480, 0))
    song = shifted()
    fixed = correct(song, Correction(midi=read_midi(path)))
    np.testing.assert_array_equal(fixed.events["kick"], song.events["kick"])
    np.testing.assert_allclose(fixed.events["onset"], [0.0, 0.6])


def test_wrong_midi_files_are_refused_in_one_line(tmp_path):
    whole = write_midi(tmp_path / "whole.mid", tempo(120), hit(60)).read_bytes()
    files = {
        "missing.mid": None,
        "empty.mid": b"",
        "text.mid": b"these are words\n",
        "cut.mid": whole[: len(whole) // 2],
        "silent.mid": write_midi(tmp_path / "s.mid", tempo(120)).read_bytes(),
        "apart.mid": write_midi(tmp_path / "a.mid", hit(60), kind=2).read_bytes(),
        "mad.mid": write_midi(
            tmp_path / "m.mid", mido.MetaMessage("set_tempo", tempo=0), hit(60)
        ).read_bytes(),
        "smpte.mid": whole.replace(b"\x01\xe0", b"\xe7\x28", 1),
    }
    for name, content in files.items():
        path = tmp_path / "wrong" / name
        path.parent.mkdir(exist_ok=True)
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(VisualizerError) as caught:
            read_midi(path)
        assert name in str(caught.value) and "\n" not in str(caught.value)


def test_a_midi_file_of_random_bytes_never_crashes(tmp_path):
    whole = bytearray(
        write_midi(
            tmp_path / "whole.mid", tempo(120), sign(3, 4), *(hit(36, 240) for _ in range(20))
        ).read_bytes()
    )
    rng = RNG(5)
    for _ in range(200):
        damaged = whole.copy()
        for place in rng.integers(8, len(whole), 3):
            damaged[place] = rng.integers(256)
        (tmp_path / "damaged.mid").write_bytes(damaged)
        try:
            midi = read_midi(tmp_path / "damaged.mid")
        except VisualizerError:
            continue
        assert (np.diff(midi.events["beat"]) > 0.09).all()


def test_a_turn_half_way_through_a_bar_goes_to_its_start():
    for noise in (-0.001, 0.001):
        sections = (
            Section(0.0, 34.0 + noise, "A", "verse"),
            Section(34.0 + noise, 45, "B", "outro"),
        )
        assert snap(sections, np.arange(0.0, 45.0, 4.0))[1].start == 32.0
