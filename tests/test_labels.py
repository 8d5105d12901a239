"""Labels leave the program and come back as they were, in every format."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from songs import known_song, silent_song
from visualizer.analysis import Analysis, Section, save_analysis
from visualizer.analysis.correct import Correction, correct
from visualizer.analysis.labels import read_beats, read_sections, read_times, write_labels
from visualizer.errors import VisualizerError


def pickup_song() -> Analysis:
    """A waltz of uneven beats whose first two beats lead into the first bar."""
    beats = 0.731 + np.cumsum(np.resize([0.51, 0.493, 0.487], 42))
    known = replace(known_song(), duration=24.0, meter=3)
    sections = (
        Section(0.0, float(beats[2]), "A", "intro"),
        Section(float(beats[2]), float(beats[20]), "B", "verse"),
        Section(float(beats[20]), 24.0, "C", "chorus"),
    )
    events = {**known.events, "beat": beats, "downbeat": beats[2::3]}
    return replace(known, events=events, sections=sections)


def other_hearing() -> Analysis:
    """What a program might have heard instead: another grid, one section."""
    return replace(
        silent_song(24.0), meter=4, sections=(Section(0.0, 24.0, "A", "verse"),), tempo_bpm=0.0
    )


@pytest.mark.parametrize("suffix", [".txt", ".json", ".jams"])
def test_a_grid_and_its_sections_survive_the_round_trip(tmp_path, suffix):
    song, path = pickup_song(), tmp_path / f"labels{suffix}"
    write_labels(song, path, "Title", "Artist")
    given = Correction(beats=read_beats(path), sections=read_sections(path))
    again = correct(other_hearing(), given)
    np.testing.assert_allclose(again.events["beat"], song.events["beat"], atol=1e-6)
    np.testing.assert_allclose(again.events["downbeat"], song.events["downbeat"], atol=1e-6)
    assert again.meter == 3
    assert again.confidence == 1.0
    for one, other in zip(again.sections, song.sections, strict=True):
        assert (one.label, one.role) == (other.label, other.role)
        assert one.start == pytest.approx(other.start, abs=1e-6)
        assert one.end == pytest.approx(other.end, abs=1e-6)


def test_a_saved_analysis_is_a_label_file_too(tmp_path):
    song = pickup_song()
    save_analysis(song, tmp_path / "song.analysis.json")
    beats = read_beats(tmp_path / "song.analysis.json")
    np.testing.assert_allclose(beats.downbeats, song.events["downbeat"], atol=1e-5)
    assert [s.role for s in read_sections(tmp_path / "song.analysis.json")] == [
        "intro",
        "verse",
        "chorus",
    ]


def test_an_audacity_track_holds_points_and_regions_in_order(tmp_path):
    write_labels(pickup_song(), tmp_path / "labels.txt")
    rows = [line.split("\t") for line in (tmp_path / "labels.txt").read_text().splitlines()]
    assert all(len(row) == 3 for row in rows)
    starts = [float(row[0]) for row in rows]
    assert starts == sorted(starts)
    points = [row[2] for row in rows if row[0] == row[1]]
    assert points[:6] == ["2", "3", "1", "2", "3", "1"]
    assert [row[2] for row in rows if row[0] != row[1]] == ["A intro", "B verse", "C chorus"]


def test_a_jams_file_has_the_fields_of_its_schema(tmp_path):
    write_labels(pickup_song(), tmp_path / "song.jams", "Title", "Artist")
    document = json.loads((tmp_path / "song.jams").read_text())
    assert document["file_metadata"]["title"] == "Title"
    assert document["file_metadata"]["duration"] == 24.0
    beat, segment = document["annotations"]
    assert (beat["namespace"], segment["namespace"]) == ("beat", "segment_open")
    assert beat["data"][2] == {
        "time": pytest.approx(pickup_song().events["beat"][2]),
        "duration": 0.0,
        "value": 1,
        "confidence": None,
    }


@pytest.mark.parametrize(
    ("text", "downbeats"),
    [
        ("0.5\n1.0\n1.5\n2.0\n2.5\n", []),
        ("0.5\t1\n1.0\t2\n1.5\t3\n2.0\t1\n2.5\t2\n", [0.5, 2.0]),
        ("0.5,1\n1.0,2\n1.5,3\n2.0,1\n2.5,2\n", [0.5, 2.0]),
        (
            "# by ear\n0.500000\t0.500000\t1.1\n\\\t200\t400\n1.0\t1.0\t1.2\n1.5\t1.53\t1.3\n"
            "2.0\t2.0\tdownbeat\n2.5\t2.5\t\n",
            [0.5, 2.0],
        ),
        ("2.5 2\n2.0 1\n1.5 3\n1.0 2\n0.5 1\n", [0.5, 2.0]),
    ],
    ids=["times", "positions", "commas", "audacity", "out of order"],
)
def test_beat_lists_of_other_programs_are_read(tmp_path, text, downbeats):
    path = tmp_path / "beats.txt"
    path.write_text(text)
    given = read_beats(path)
    assert given.beats.tolist() == [0.5, 1.0, 1.5, 2.0, 2.5]
    assert given.downbeats.tolist() == downbeats


def test_jams_of_other_programs_are_read(tmp_path):
    beats = [
        {"time": t, "duration": 0.0, "value": {"position": i % 4 + 1, "measure": 1}}
        for i, t in enumerate((1.0, 1.5, 2.0, 2.5, 3.0))
    ]
    parts = [{"time": 1.0, "duration": 2.0, "value": "Verse"}]
    document = {
        "annotations": [
            {"namespace": "chord", "data": [{"time": 0, "duration": 1, "value": "C"}]},
            {"namespace": "beat_position", "data": beats},
            {"namespace": "segment_salami_function", "data": parts},
        ]
    }
    path = tmp_path / "song.jams"
    path.write_text(json.dumps(document))
    assert read_beats(path).downbeats.tolist() == [1.0, 3.0]
    assert read_sections(path)[0].role == "verse"


@pytest.mark.parametrize(
    ("text", "label", "role"),
    [
        ("chorus", "", "chorus"),
        ("B", "B", None),
        ("B chorus", "B", "chorus"),
        ("chorus, b", "B", "chorus"),
        ("Verse 2", "", "verse"),
        ("Bridge", "", "break"),
        ("A'", "A", None),
        ("b2", "B", None),
    ],
)
def test_section_texts_are_understood(tmp_path, text, label, role):
    path = tmp_path / "sections.txt"
    path.write_text(f"0.0\t10.0\t{text}\n")
    (section,) = read_sections(path)
    assert (section.label, section.role) == (label, role)


WRONG = {
    "nothing": ("", "0 beats"),
    "one beat": ("1.0\n", "1 beats"),
    "words": ("one two three\n", "line 1"),
    "backwards": ("2.0\t1.0\tA\n", "line 1"),
    "negative": ("1.0\n-2.0\n", "line 2"),
    "not finite": ("nan\n1\n", "line 1"),
    "no labels": ('{"a": 1}', "0 beats"),
    "broken json": ('{"events": {"beat": [1,', "no labels"),
    "wrong types": ('{"events": {"beat": "abc"}}', "no labels"),
    "wrong jams": ('{"annotations": [{"namespace": "beat", "data": [1]}]}', "no labels"),
    "infinite": ('{"events": {"beat": [1.0, Infinity]}}', "no time in a song"),
    "deep": ('{"a":' * 100_000, "no labels"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_beat_files_are_refused_in_one_line(tmp_path, name):
    path = tmp_path / "labels.txt"
    path.write_text(WRONG[name][0])
    with pytest.raises(VisualizerError) as caught:
        read_beats(path)
    assert WRONG[name][1] in str(caught.value)
    assert "labels.txt" in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1.0\t1.0\t1\n", "no sections"),
        ("0.0\t9.0\tchrous\n", "did you mean chorus"),
        ("0.0\t9.0\t\n", "names no section"),
        ("0.0\t9.0\tA B\n", "names no section"),
    ],
)
def test_wrong_sections_are_refused_in_one_line(tmp_path, text, said):
    path = tmp_path / "sections.txt"
    path.write_text(text)
    with pytest.raises(VisualizerError, match=said) as caught:
        read_sections(path)
    assert "\n" not in str(caught.value)


def test_unreadable_files_are_refused_in_one_line(tmp_path):
    (tmp_path / "binary.txt").write_bytes(bytes(range(128, 256)))
    for path in (tmp_path / "missing.txt", tmp_path, tmp_path / "binary.txt"):
        with pytest.raises(VisualizerError) as caught:
            read_times(path)
        assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_other_formats_and_folders_are_refused(tmp_path):
    with pytest.raises(VisualizerError, match="change the ending"):
        write_labels(pickup_song(), tmp_path / "labels.csv")
    with pytest.raises(VisualizerError, match="cannot be written"):
        write_labels(pickup_song(), tmp_path / "nowhere" / "labels.txt")


def test_a_song_without_beats_exports_its_sections(tmp_path):
    write_labels(silent_song(), tmp_path / "labels.txt")
    assert (tmp_path / "labels.txt").read_text() == "0.000000\t5.000000\tA verse\n"


@pytest.mark.parametrize("suffix", [".txt", ".json", ".jams"])
def test_damaged_labels_never_crash(tmp_path, suffix):
    path, rng = tmp_path / f"labels{suffix}", np.random.default_rng(5)
    write_labels(pickup_song(), path)
    whole = path.read_bytes()[-1500:] if suffix == ".txt" else path.read_bytes()
    for _ in range(60):
        damaged = bytearray(whole)
        for place in rng.integers(0, len(whole), 4):
            damaged[place] = rng.choice(list(b'0129.,:-"{}[]eE\t\n xN'))
        path.write_bytes(damaged)
        for read in (read_beats, read_sections):
            try:
                read(path)
            except VisualizerError as error:
                assert "\n" not in str(error)
