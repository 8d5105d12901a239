"""Beats, bars, sections and drums against songs whose truth is known, beside librosa's tracker.

    python tests/benchmarks/beats.py [name ...]

Songs: `VISUALIZER_MUSIC`, or `../shared/music/public` beside the repository. Beats are scored by
mir_eval after its `trim_beats`; drums and onsets within 50 ms. Every third song was kept aside
while the analysis was made, and is reported apart.
"""

from __future__ import annotations

import json
import os
import sys
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import librosa
import mir_eval
import numpy as np
from numpy.typing import NDArray

from visualizer.analysis import Analysis, analyze
from visualizer.track import Track, load_track

Times = NDArray[np.float64]
Truth = dict[str, Any]

COLUMNS = (
    "F",
    "CMLt",
    "AMLt",
    "downF",
    "acc1",
    "acc2",
    "late",
    "S.5",
    "S3",
    "kick",
    "snare",
    "hat",
    "conf",
    "libF",
    "libCMLt",
    "libAMLt",
    "sec",
)


def music_folder() -> Path:
    """Where the songs are."""
    beside = Path(__file__).resolve().parents[2].parent / "shared" / "music" / "public"
    return Path(os.environ.get("VISUALIZER_MUSIC", beside))


def score_beats(truth: Times, found: Times) -> list[float]:
    """F, CMLt and AMLt."""
    kept, heard = mir_eval.beat.trim_beats(truth), mir_eval.beat.trim_beats(found)
    continuity = mir_eval.beat.continuity(kept, heard)
    return [mir_eval.beat.f_measure(kept, heard), continuity[1], continuity[3]]


def score_tempo(song: Truth, found: float) -> list[float]:
    """Within 4 % of the tempo; within 4 % of it or of its double, half, triple or third."""
    ratios = found / song["tempo_bpm"] / np.array([1.0, 2.0, 0.5, 3.0, 1 / 3])
    right = np.abs(ratios - 1) < 0.04
    return [float(right[0]), float(right.any())]


def median_error(truth: Times, found: Times) -> float:
    """Median signed error in ms of the beats within 70 ms of one."""
    if not len(found) or not len(truth):
        return np.nan
    away = found[:, None] - truth
    nearest = away[np.arange(len(found)), np.abs(away).argmin(axis=1)]
    hits = nearest[np.abs(nearest) < 0.07]
    return 1000 * float(np.median(hits)) if len(hits) else np.nan


def score_sections(song: Truth, analysis: Analysis) -> list[float]:
    """Boundary F at 0.5 s and at 3 s."""
    if len(song.get("sections") or ()) < 2:
        return [np.nan, np.nan]
    truth = np.array([[s["start"], s["end"]] for s in song["sections"]])
    found = np.array([[s.start, s.end] for s in analysis.sections])
    return [
        mir_eval.segment.detection(truth, found, window=window, trim=True)[2]
        for window in (0.5, 3.0)
    ]


def score_drums(song: Truth, analysis: Analysis) -> list[float]:
    """F of kick, snare and hat where at least four are known."""
    known = song.get("drums") or {}
    return [
        mir_eval.onset.f_measure(np.array(known[name]), analysis.events[name], window=0.05)[0]
        if len(known.get(name, ())) > 3
        else np.nan
        for name in ("kick", "snare", "hat")
    ]


def librosa_beats(track: Track) -> Times:
    """The yardstick: `librosa.beat.beat_track` with its defaults, on a mono mix."""
    mono = np.concatenate(list(track.blocks(sample_rate=22050))).mean(axis=1)
    return np.asarray(librosa.beat.beat_track(y=mono, sr=22050, units="time")[1])


def score_song(folder: Path, song: Truth) -> list[float]:
    """One row of the table."""
    track = load_track(folder / song["file"])
    begin = time.perf_counter()
    analysis = analyze(track)
    seconds = time.perf_counter() - begin
    beats, downbeats = np.array(song["beats"] or []), np.array(song["downbeats"] or [])
    found = analysis.events
    down = score_beats(downbeats, found["downbeat"])[0] if len(downbeats) else np.nan
    return [
        *score_beats(beats, found["beat"]),
        down,
        *score_tempo(song, analysis.tempo_bpm),
        median_error(beats, found["beat"]),
        *score_sections(song, analysis),
        *score_drums(song, analysis),
        analysis.confidence,
        *score_beats(beats, librosa_beats(track)),
        seconds,
    ]


def print_row(name: str, row: Sequence[float]) -> None:
    """One line of the table."""
    cells = "".join(f"{'-' if np.isnan(value) else format(value, '.2f'):>8}" for value in row)
    print(f"{name[:28]:28}{cells}", flush=True)


def main() -> None:
    """Prints the table."""
    warnings.simplefilter("ignore")  # mir_eval warns of songs without beats.
    folder, wanted = music_folder(), sys.argv[1:]
    songs = json.loads((folder / "truth.json").read_text(encoding="utf-8"))["files"]
    print(f"{'':28}" + "".join(f"{name:>8}" for name in COLUMNS))
    rows: list[list[float]] = []
    aside: list[bool] = []
    for number, song in enumerate(songs, start=1):
        if not wanted or any(song["file"].startswith(name) for name in wanted):
            rows.append(score_song(folder, song))
            aside.append(number % 3 == 0)
            print_row(song["file"], rows[-1])
    table, kept = np.array(rows), np.array(aside)
    if len(table) > 2:
        trust = np.corrcoef(table[:, COLUMNS.index("conf")], table[:, COLUMNS.index("F")])[0, 1]
        print(f"confidence and F correlate by {trust:.2f}")
    for name, part in (
        ("mean", table),
        ("mean, worked on", table[~kept]),
        ("mean, kept aside", table[kept]),
    ):
        if len(part):
            print_row(
                name, [float(np.nanmean(c)) if not np.isnan(c).all() else np.nan for c in part.T]
            )


if __name__ == "__main__":
    main()
