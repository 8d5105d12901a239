from __future__ import annotations

import numpy as np
import pytest

from visualizer.errors import VisualizerError
from visualizer.palette import (
    BRIGHT,
    DARK,
    complete,
    find_color,
    lightness,
    palettes,
    parse_colors,
    ramp,
)


@pytest.mark.parametrize("name", palettes())
def test_named_palette_runs_from_shadow_to_light(name: str) -> None:
    values = palettes()[name]
    levels = [lightness(value) for value in values]
    assert 4 <= len(values) <= 6
    assert levels == sorted(levels)
    assert levels[0] <= DARK
    assert levels[-1] >= BRIGHT


def test_named_palettes_differ_clearly() -> None:
    tables = np.stack([ramp(values, 16) for values in palettes().values()])
    apart = np.abs(tables[:, None] - tables[None]).mean(axis=(2, 3))
    assert apart[np.triu_indices(len(tables), k=1)].min() > 0.015


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("magenta", "#ff00ff"),
        ("Hot Pink", "#ff69b4"),
        ("hot-pink", "#ff69b4"),
        ("#ABC", "#aabbcc"),
        ("#0a1b2c", "#0a1b2c"),
        ("neon pink", "#ff2bb5"),
        ("loud", None),
        ("dark loud", None),
        ("#12345", None),
        ("#gggggg", None),
    ],
)
def test_find_color(name: str, value: str | None) -> None:
    assert find_color(name) == value


def test_modifier_changes_lightness() -> None:
    plain = lightness("#ee82ee")
    assert lightness(find_color("deep violet") or "") < plain
    assert lightness(find_color("pale violet") or "") > plain


def test_parse_sorts_and_keeps_colors() -> None:
    assert parse_colors(["white", "midnight", "magenta"]) == ("#0a1030", "#ff00ff", "#ffffff")
    assert parse_colors("cyan, navy") == ("#000080", "#00ffff")
    assert parse_colors("Night  Drive") == palettes()["night drive"]
    assert parse_colors("lo-fi") == palettes()["lo-fi"]


@pytest.mark.parametrize("alone", ["red", ["red"], ["red", "red"]])
def test_one_color_gets_shade_and_tint(alone: str | list[str]) -> None:
    values = parse_colors(alone)
    assert "#ff0000" in values
    assert lightness(values[0]) <= DARK
    assert lightness(values[-1]) >= BRIGHT


@pytest.mark.parametrize(
    ("value", "nearest"),
    [("sunsett", "sunset"), (["magneta", "red"], "magenta"), ("red, blu", "blue")],
)
def test_unknown_name_is_answered_with_the_nearest(value: str | list[str], nearest: str) -> None:
    with pytest.raises(VisualizerError, match=f'nearest is "{nearest}"') as caught:
        parse_colors(value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", ["", [], [" "], ","])
def test_no_color_is_refused(value: str | list[str]) -> None:
    with pytest.raises(VisualizerError, match="no colour"):
        parse_colors(value)


def test_complete_leaves_a_full_palette_alone() -> None:
    assert complete(("#000000", "#ffffff")) == ("#000000", "#ffffff")


def test_ramp_starts_and_ends_on_the_given_colors() -> None:
    table = ramp(("#101018", "#c03040", "#fff0d0"), 64)
    assert table.shape == (64, 3)
    assert table.dtype == np.float32
    np.testing.assert_allclose(table[[0, -1]] * 255, [[16, 16, 24], [255, 240, 208]], atol=0.01)


def test_ramp_begins_dark_whatever_is_given() -> None:
    assert ramp(("#ffc0cb", "#ffffff"))[0].max() < 0.2


@pytest.mark.parametrize("name", ["neon", "club", "metal"])
def test_ramp_is_smooth(name: str) -> None:
    steps = np.abs(np.diff(ramp(palettes()[name], 256), axis=0))
    assert steps.max() < 0.04


def test_ramp_of_greys_is_even_in_perceived_lightness() -> None:
    grey = ramp(("#000000", "#ffffff"), 5)[:, 0]
    linear = ((grey + 0.055) / 1.055) ** 2.4
    np.testing.assert_allclose(np.cbrt(linear[1:]), [0.25, 0.5, 0.75, 1.0], atol=0.02)
