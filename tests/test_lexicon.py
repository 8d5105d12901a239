from __future__ import annotations

import tomllib
from collections import Counter
from importlib.resources import files

import pytest

from visualizer.controls import BY_NAME
from visualizer.lexicon import LIMIT, SCENES, Reading, read_prompt
from visualizer.palette import find_color, lightness, palettes

TABLES = tomllib.loads(files("visualizer").joinpath("lexicon.toml").read_text("utf-8"))
THEMES = TABLES["theme"]


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.replace("\n", " ").split(",") if word.strip()]


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: str(theme["name"]))
def test_theme_names_things_that_exist(theme: dict[str, object]) -> None:
    assert theme.get("scene") in {None, *SCENES}
    assert theme.get("palette") in {None, *palettes()}
    controls = theme.get("controls", {})
    assert isinstance(controls, dict)
    assert controls.keys() <= BY_NAME.keys()
    assert theme.keys() & {"scene", "palette", "controls"}


def test_no_word_stands_twice() -> None:
    words = [word for theme in THEMES for word in _words(theme["words"])]
    ignored = _words(TABLES["ignored"]) + _words(TABLES["quality"])
    assert [word for word, n in Counter(words).items() if n > 1] == []
    assert set(words) & set(ignored) == set()
    assert len(words) > 1000


def test_every_word_of_the_lexicon_is_understood() -> None:
    words = [word for theme in THEMES for word in _words(theme["words"])]
    assert [word for word in words if read_prompt(word).unknown] == []


@pytest.mark.parametrize(
    ("prompt", "scene", "palette"),
    [
        ("neon tunnel, wet chrome, volumetric light", "tunnel", "neon"),
        ("northern lights over a frozen lake, masterpiece, 8k", "aurora", "aurora"),
        ("dawn over the city", "city", "dawn"),
        ("a cathedral of lasers, radiant", "kaleidoscope", "stained glass"),
        ("misty mountains at sunrise", "mountains", "dawn"),
        ("retro 80s synthwave sunset with palm trees", "grid", "synthwave"),
        ("melancholic rainy Tokyo street at night, lo-fi", "city", "tokyo rain"),
        ("brutal death metal, blood and fire", "lava", "blood"),
        ("Joy Division pulsar lines, monochrome", "waves", "noir"),
        ("calm minimalist ripples, black and white", "rings", "noir"),
        ("psychedelic mandala, sacred geometry", "mandala", "psychedelic"),
        ("spiral galaxies and stardust", "galaxy", "galaxy"),
        ("a dark forest", "mountains", "forest"),
        ("stormy seas", "ocean", "ocean"),
        ("crystals glowing in an ice cave", "crystal", "ice"),
        ("ink billowing in milk", "ink", None),
        ("nebulae", "nebula", "nebula"),
        ("shooting stars", "stars", "midnight"),
    ],
)
def test_prompt_chooses_scene_and_palette(prompt: str, scene: str, palette: str | None) -> None:
    reading = read_prompt(prompt)
    assert reading.scene == scene
    if palette is not None:
        assert reading.palette == palettes()[palette]
    assert reading.unknown == ()


@pytest.mark.parametrize("scene", SCENES)
def test_a_scene_is_chosen_by_its_own_name(scene: str) -> None:
    assert read_prompt(f"A {scene}!").scene == scene


@pytest.mark.parametrize("name", palettes())
def test_a_palette_is_chosen_by_its_own_name(name: str) -> None:
    assert read_prompt(name).palette is not None


def test_colors_are_mixed_dark_to_light() -> None:
    palette = read_prompt("gold dust on deep violet and teal").palette
    assert palette is not None
    assert {find_color("gold"), find_color("deep violet"), find_color("teal")} <= set(palette)
    levels = [lightness(color) for color in palette]
    assert levels == sorted(levels)


def test_color_words_overrule_the_palette_of_a_place() -> None:
    palette = read_prompt("crimson ocean").palette
    assert palette is not None
    assert "#dc143c" in palette
    assert read_prompt("crimson ocean").scene == "ocean"


def test_hex_colors_are_read() -> None:
    palette = read_prompt("smoke in #12AB34 and white").palette
    assert palette is not None
    assert "#12ab34" in palette


@pytest.mark.parametrize(
    ("prompt", "control", "sign"),
    [
        ("radiant", "glow", 1),
        ("dark", "light", -1),
        ("bright", "light", 1),
        ("calm", "speed", -1),
        ("frantic", "speed", 1),
        ("intricate", "detail", 1),
        ("minimal, empty", "detail", -1),
        ("desaturated", "saturation", -1),
        ("twisted", "warp", 1),
        ("glitch", "noise", 1),
    ],
)
def test_mood_leans_on_a_control(prompt: str, control: str, sign: int) -> None:
    assert read_prompt(prompt).offsets[control] * sign > 0


def test_offsets_are_limited_and_a_theme_counts_once() -> None:
    once = read_prompt("glowing").offsets
    assert read_prompt("glow, glowing, shimmering, radiant").offsets == once
    heap = read_prompt("dark, midnight, gloomy storm, violent, sad, haunted, noir, velvet dusk")
    assert max(abs(offset) for offset in heap.offsets.values()) == LIMIT


@pytest.mark.parametrize(
    "forms", [("wave", "waves"), ("city", "cities"), ("glow", "glowing"), ("drift", "drifts")]
)
def test_inflections_mean_the_same(forms: tuple[str, str]) -> None:
    first, second = (read_prompt(form) for form in forms)
    assert first == second


def test_words_without_effect_are_told_once() -> None:
    reading = read_prompt("a wombat and the WOMBAT, xyzzy's tunnel, highly detailed, 4k")
    assert reading.unknown == ("wombat", "xyzzy")


@pytest.mark.parametrize("prompt", ["", "  ,, !", "the and of", "masterpiece, best quality, 8k"])
def test_empty_words_say_nothing(prompt: str) -> None:
    assert read_prompt(prompt) == Reading()
