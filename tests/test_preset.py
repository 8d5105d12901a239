import json

import pytest

from visualizer.errors import VisualizerError
from visualizer.preset import (
    Length,
    Place,
    describe,
    find_preset,
    load_preset,
    parse_preset,
    preset_dir,
    preset_names,
)
from visualizer.preset.reference import json_schema, reference

# What is written, and what the one line about it must say: place, key and remedy.
MISTAKES = {
    "scenes: tunnel": ["x.yaml:1:1", "scenes", "did you mean scene?"],
    "scene: tunel": ["x.yaml:1:1", "scene", "did you mean tunnel?", "'tunel'"],
    "palette: [reed, blue]": ["x.yaml:1", "palette", "reed", "red"],
    "palette: 7": ["x.yaml:1", "palette", "name", "7"],
    "motion: {zoom: {bas: 1}}": ["x.yaml:1:17", "motion.zoom.bas", "did you mean bass?"],
    "motion: {zoomm: 1}": ["motion.zoomm", "did you mean zoom?"],
    "motion: {zoom: fast}": ["motion.zoom", "number", "'fast'"],
    "motion: {zoom: true}": ["motion.zoom", "number", "True"],
    "motion: {zoom: {base: 9}}": ["motion.zoom", "between -2 and 2"],
    "motion: {strength: {limits: [0.9, 0.2]}}": ["motion.strength", "[low, high]"],
    "motion: {zoom: {kick: {gian: 2}}}": ["motion.zoom.kick.gian", "did you mean gain?"],
    "motion:\n  zoom: {release: 3 parsecs}": ["x.yaml:2:10", "motion.zoom.release", "1/2 beat"],
    "motion: 3": ["motion", "mapping", "3"],
    "prompts: {refrain: x}": ["prompts", "refrain", "chorus"],
    "prompts: {chorus: [a]}": ["prompts.chorus", "string"],
    "look: {prompt_blend: {kick: 1}}": ["prompt_blend", "accent"],
    "effects: {title: {show: 'yes'}}": ["effects.title.show", "boolean"],
    "cuts: {join: wipe}": ["cuts.join", "'cut' or 'blend'", "'wipe'"],
    "evolve: 7": ["evolve", "less than or equal to 1", "7"],
    "scene: tunnel\nscene: grid": ["x.yaml:2:1", "duplicate key"],
    "a: [": ["x.yaml:1", "not valid YAML"],
    "- tunnel": ["x.yaml:1", "key: value"],
    "!!python/object/apply:os.system [ls]": ["x.yaml:1", "key: value"],
    "scene: &a tunnel\nnegative: *a": ["x.yaml", "anchors"],
}


@pytest.mark.parametrize("text", MISTAKES)
def test_a_mistake_is_told_in_one_line_with_place_and_remedy(text):
    with pytest.raises(VisualizerError) as error:
        parse_preset(text, "x.yaml")
    line = str(error.value)
    assert "\n" not in line
    assert [part for part in MISTAKES[text] if part not in line] == [], line


def test_two_mistakes_are_told_in_two_lines():
    with pytest.raises(VisualizerError) as error:
        parse_preset("evolve: 7\nscene: tunel", "x.yaml")
    assert len(str(error.value).splitlines()) == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("motion.zoom", "key=value"),
        ("motion.zoom.bas=3", "did you mean bass?"),
        ("motion.zoom.bass=[", "not valid YAML"),
        ("motion.zoom.bass=x", "number"),
        ("=3", "key=value"),
    ],
)
def test_an_override_with_a_mistake_is_named(text, said):
    with pytest.raises(VisualizerError) as error:
        load_preset("night-drive", [text])
    assert str(error.value).startswith(f"--set {text}")
    assert said in str(error.value)


def test_overrides_reach_into_short_and_long_forms():
    preset = parse_preset(
        "motion: {zoom: 0.2, pan: {kick: 0.1}}\nprompts: stars",
        "x.yaml",
        [
            "motion.zoom.bass=0.03",
            "motion.pan.kick.release=1 bar",
            "prompts.chorus=red, blue",
            "scene=grid",
            "look.glow=0.5",
            "prompts.bar 3=dawn",
        ],
    )
    zoom = preset.route("zoom")
    assert (zoom.base, zoom.drives()["bass"].gain) == (0.2, 0.03)
    pan = preset.route("pan").drives()["kick"]
    assert (pan.gain, pan.release) == (0.1, Length(1.0, "bar"))
    assert preset.prompts == {"always": "stars", "chorus": "red, blue", "bar 3": "dawn"}
    assert preset.scene == {"always": "grid"}
    assert preset.route("glow").base == 0.5


def test_yaml_1_2_has_no_traps():
    preset = parse_preset("prompts: {1:30: on, 2 s: no, always: off}")
    assert preset.prompts == {"1:30": "on", "2 s": "no", "always": "off"}


@pytest.mark.parametrize(
    "name",
    [
        "night-driv",
        "../night-drive",
        "/etc/passwd",
        "../../etc/passwd",
        "",
        "night-drive/../forge",
        "missing.yaml",
        "../../missing.yaml",
    ],
)
def test_no_name_leads_out_of_the_presets(name):
    with pytest.raises(VisualizerError, match="no such preset"):
        find_preset(name)


def test_a_preset_file_that_cannot_be_one_is_refused(tmp_path):
    binary, large = tmp_path / "binary.yaml", tmp_path / "large.yaml"
    binary.write_bytes(bytes(range(128, 256)))
    large.write_text("# " + "x" * 300_000)
    for path, said in ((binary, "UTF-8"), (large, "too large")):
        with pytest.raises(VisualizerError, match=said):
            load_preset(str(path))


def test_there_are_ten_looks_and_each_says_what_it_looks_like():
    names = preset_names()
    assert len(names) >= 10
    texts = [describe(name) for name in names]
    assert all(len(text) > 40 and text.endswith(".") for text in texts)
    assert len(set(texts)) == len(names)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("200 ms", 0.2),
        ("0.5 s", 0.5),
        ("1/2 beat", 0.25),
        ("2 bars", 4.0),
        (3, 3.0),
        ("1 beat", 0.5),
    ],
)
def test_lengths(text, seconds):
    assert Length.parse(text).seconds(beat=0.5, bar=2.0) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["bar", "bar x", "chorus -1", "1:5", "verse2", "Chorus", ""])
def test_no_place(text):
    with pytest.raises(ValueError, match="no place"):
        Place.parse(text)


def test_the_reference_page_and_the_schema_are_current():
    folder = preset_dir()
    remedy = "run `visualizer presets reference > presets/REFERENCE.md` (and `schema`)"
    assert (folder / "REFERENCE.md").read_text(encoding="utf-8") == reference(), remedy
    assert (folder / "preset.schema.json").read_text(encoding="utf-8") == json_schema(), remedy


def test_the_schema_knows_every_preset_key():
    schema = json.loads(json_schema())
    assert set(schema["properties"]) == {
        "scene",
        "palette",
        "prompts",
        "negative",
        "evolve",
        "cuts",
        "paint",
        "motion",
        "look",
        "effects",
    }
    assert schema["additionalProperties"] is False
