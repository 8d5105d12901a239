import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from visualizer import curves

RATE = 100.0
unit = st.floats(0.0, 1.0, width=32)


def impulse(at: int, n: int = 400) -> np.ndarray:
    curve = np.zeros(n)
    curve[at] = 1.0
    return curve


def test_an_envelope_peaks_on_the_hit_and_not_after_it():
    envelope = curves.attack_release(impulse(200), RATE, attack=0.1, release=0.4)
    assert int(np.argmax(envelope)) == 200
    assert envelope[200] == pytest.approx(1.0)


def test_attack_and_release_are_the_times_to_63_percent():
    envelope = curves.attack_release(impulse(200), RATE, attack=0.1, release=0.4)
    assert envelope[200 + 40] == pytest.approx(np.exp(-1.0), rel=1e-3)
    assert envelope[200 - 10] == pytest.approx(np.exp(-1.0), rel=1e-3)


@given(arrays(np.float64, st.integers(1, 60), elements=unit))
def test_an_envelope_never_falls_below_its_curve_nor_rises_above_one(curve):
    envelope = curves.attack_release(curve, RATE, 0.05, 0.3)
    assert np.all(envelope >= curve.astype(np.float32) - 1e-6)
    assert np.all(envelope <= 1.0 + 1e-6)


def test_zero_attack_and_release_change_nothing():
    curve = np.random.default_rng(1).random(50)
    assert np.array_equal(curves.attack_release(curve, RATE, 0, 0), curve.astype(np.float32))


def test_smoothing_is_not_late():
    smooth = curves.smooth(impulse(200), RATE, 0.2)
    assert int(np.argmax(smooth)) == 200
    assert smooth[190] == pytest.approx(smooth[210], rel=1e-6)


@pytest.mark.parametrize("fps", [24, 25, 30, 60])
def test_pulses_fall_on_the_nearest_frame(fps):
    events = np.array([0.513, 1.0, 2.249])
    times = np.arange(4 * fps) / fps
    hits = curves.pulses(events, times, attack=0.0, release=0.0)
    assert np.flatnonzero(hits).tolist() == np.rint(events * fps).astype(int).tolist()


def test_pulses_of_an_hour_do_not_drift():
    fps, events = 30, np.arange(0.0, 3600.0, 0.5)
    times = np.arange(3600 * fps) / fps
    hits = np.flatnonzero(curves.pulses(events, times, 0.0, 0.0))
    assert np.abs(times[hits] - events).max() <= 0.5 / fps + 1e-9


def test_pulses_outside_the_film_are_left_out():
    assert not curves.pulses(np.array([-1.0, 9.0]), np.arange(10) / 10, 0, 0).any()


def test_normalize_ignores_one_outlier_and_a_constant():
    curve = np.concatenate([np.linspace(0, 1, 200), [100.0]])
    assert curves.normalize(curve)[199] > 0.9
    assert not curves.normalize(np.full(10, 3.0)).any()


def test_empty_curves_stay_empty():
    empty = np.zeros(0)
    assert curves.normalize(empty).size == 0
    assert curves.attack_release(empty, RATE, 0.1, 0.1).size == 0
    assert not curves.sample(empty, RATE, np.arange(3.0)).any()
