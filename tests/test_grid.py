"""Which pulse, which tempo and which bars: grids over sounds that leave one right answer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from test_analysis import RATE, burst, hear, pattern, place
from visualizer.analysis.bars import find_bars
from visualizer.analysis.grid import find_grid
from visualizer.analysis.judge import rivals
from visualizer.analysis.lattice import find_pulse, fit_pulse
from visualizer.analysis.observations import Observations

__all__ = ["hear"]  # The fixture.

SECONDS = 40.0


def impulses(times, height=1.0, width=2.0):
    """A curve at 100 Hz with a narrow bump at each time."""
    frames = np.arange(round(SECONDS * 100))[:, None]
    bumps = np.exp(-0.5 * ((frames - 100 * np.asarray(times)) / width) ** 2).max(axis=1)
    return (height * bumps).astype(np.float32)


def observations(beats, **others) -> Observations:
    """What would be heard if only the beats were."""
    nothing = np.full(round(SECONDS * 100), 0.01, np.float32)
    curve = np.clip(impulses(beats, 0.9), 0.01, 0.99)
    heard = Observations(
        beat=curve,
        downbeat=nothing,
        strength=curve,
        kick=nothing,
        snare=nothing,
        hat=nothing,
        harmony=np.zeros((len(nothing), 12), np.float32),
        low=np.zeros((len(nothing), 14), np.float32),
        attacks=np.repeat(curve[:, None], 24, axis=1),
    )
    return replace(heard, **others)


def test_even_beats_share_a_pulse_though_a_passage_is_off_the_beat():
    beats = 0.3 + 0.5 * np.arange(76)
    beats[:30] += 0.25
    pulse = fit_pulse(beats + np.random.default_rng(0).normal(0, 0.004, len(beats)))
    assert pulse is not None and pulse.interval == pytest.approx(0.25, rel=1e-4)
    off = (0.3 - pulse.first + 0.125) % 0.25 - 0.125
    assert abs(off) < 0.004


def test_a_passage_of_late_notes_does_not_tilt_the_pulse():
    true = 0.3 + 0.5 * np.arange(76)
    beats = true + np.random.default_rng(0).normal(0, 0.002, len(true))
    beats[:8] += 0.018
    pulse = fit_pulse(beats)
    assert pulse is not None
    off = (true - pulse.first + 0.125) % 0.25 - 0.125
    assert np.abs(off).max() < 0.004


@pytest.mark.parametrize("change", ["bend", "jump"])
def test_changing_tempo_has_no_even_pulse(change):
    tempo = np.linspace(90, 150, 80) if change == "bend" else np.repeat([92, 120], 40)
    assert fit_pulse(np.cumsum(60 / tempo)) is None


def test_a_weak_pulse_is_found_by_adding_it_up():
    rng = np.random.default_rng(3)
    beats = np.arange(0.4, SECONDS, 60 / 132)
    noise = 0.15 * rng.uniform(size=round(SECONDS * 100)).astype(np.float32)
    weak = noise + impulses(beats, 0.08)
    pulse = find_pulse(observations(beats, beat=weak, strength=weak))
    assert pulse is not None and 60 / pulse.interval == pytest.approx(132, rel=0.002)
    assert find_pulse(observations(beats, beat=noise, strength=noise)) is None


def test_all_levels_and_places_of_a_pulse_are_rivals():
    beats = 0.5 + 0.5 * np.arange(78)
    found = rivals(beats, observations(beats))
    for first, step in ((0.5, 0.5), (0.75, 0.5), (0.5, 1.0), (1.0, 1.0)):
        true = np.arange(first + 2 * step, 38, step)
        gaps = [np.abs(grid[:, None] - true).min(axis=0).max() for grid in found]
        same = [abs(np.diff(grid).mean() - step) < 0.01 for grid in found]
        assert any(gap < 0.01 and fits for gap, fits in zip(gaps, same, strict=True))
    tempi = [60 / np.diff(grid).mean() for grid in found]
    assert min(tempi) > 46 and max(tempi) < 230


@pytest.mark.parametrize("meter", [3, 4, 5, 7])
def test_bars_are_counted_by_the_chords(meter):
    beats = 0.5 + 0.5 * np.arange(78)
    first = 2
    bar = np.clip(np.arange(round(SECONDS * 100)) / 50 - 1 - first, -1, None) // meter
    chord = (7 * bar.astype(int) % 12)[:, None] == np.arange(12)
    rng = np.random.default_rng(meter)
    harmony = (chord + 0.1 * rng.uniform(size=chord.shape)).astype(np.float32)
    bars = find_bars(beats, observations(beats, harmony=harmony))
    assert bars.meter == meter
    assert (np.flatnonzero(bars.positions == 0) % meter == first % meter).all()


def test_beats_laid_through_a_pause_have_no_say_in_the_tempo():
    played = np.concatenate([0.5 + 0.65 * np.arange(17), 25.9 + 0.5 * np.arange(26)])
    grid = find_grid(observations(played))
    paused = (grid.beats > 11.5) & (grid.beats < 25.5)
    assert paused.sum() > 16
    assert grid.tempo_bpm == pytest.approx(120, abs=1)


def test_a_grid_that_loses_its_beats_is_trusted_less():
    steady = 0.5 + 0.5 * np.arange(78)
    lost = np.concatenate([0.5 + 0.65 * np.arange(17), 25.9 + 0.5 * np.arange(26)])
    trusted = [find_grid(observations(beats)).confidence for beats in (steady, lost)]
    assert 0 <= trusted[1] < trusted[0] - 0.1 <= 0.9


def test_a_syncopated_passage_does_not_move_the_beat(hear):
    sound, _ = pattern(125, bars=12)
    beat = 60 / 125
    first, last = round((0.5 + 16 * beat) * RATE), round((0.5 + 24 * beat) * RATE)
    between = 0.5 + (16.5 + np.arange(8)) * beat
    lone = place(between, burst("kick", np.random.default_rng(0)), len(sound) / RATE)
    sound[first:last] = lone[first:last]
    found = hear(sound).events["beat"]
    true = 0.5 + np.arange(2, 46) * beat
    assert np.abs(found[:, None] - true).min(axis=0).max() < 0.02


def test_clicks_alone_are_trusted_less_than_drums(hear):
    clicks = place(0.5 + 0.5 * np.arange(40), burst("click", np.random.default_rng(0)), 21.0)
    drums, _ = pattern(120, bars=10)
    assert hear(clicks).confidence < hear(drums).confidence
