"""From the words of a prompt to a scene, a palette, light and mood; no model, no network.

The words stand in `lexicon.toml`, by theme; colours in `palettes.toml`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from visualizer.palette import Palette, colors, complete, find_color, palettes, plain_colors

SCENES: Mapping[str, str] = {
    "nebula": "folded clouds of glowing gas between stars",
    "tunnel": "flight down a lit, ribbed tunnel towards a far light",
    "kaleidoscope": "jewelled glass folded into turning symmetry",
    "ocean": "a moving swell under a low sun or moon",
    "galaxy": "spiral arms of stars and dust around a bright core",
    "ink": "ink and smoke billowing in clear water",
    "aurora": "curtains of light above a night landscape",
    "mandala": "a breathing flower of petals and fine ornament",
    "mountains": "ranges in layered mist below a sun or moon",
    "crystal": "a cave of cut facets round an inner light",
    "lava": "glowing veins in dark, broken rock below a volcano",
    "grid": "a neon floor running to a banded sun on the horizon",
    "city": "a night skyline of lit windows and its reflection",
    "stars": "flight through streaking stars, bokeh and dust",
    "waves": "stacked luminous lines, a landscape of sound",
    "rings": "broken rings of light round an eclipse, crossed by ripples",
}

LIMIT = 0.5  # No heap of adjectives may take a control further from its value than this.
LONGEST = 4  # Words in the longest phrase worth trying.


@dataclass(frozen=True)
class Reading:
    """What a prompt says to the scenes painter.

    Attributes:
        scene: Family name, or None where no word chose one.
        palette: "#rrggbb" dark to light, or None where no word chose one.
        offsets: Control name to what is to be added to its value.
        unknown: Words without effect, in the order they stand.
    """

    scene: str | None = None
    palette: Palette | None = None
    offsets: Mapping[str, float] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True)
class Theme:
    """Words that mean the same to a scene.

    Attributes:
        name: For people.
        weight: 3 names the thing itself, 1 is a hint.
        scene: Family they choose, or None.
        palette: Palette's name they choose, or None.
        controls: Offsets they add.
    """

    name: str
    weight: int = 1
    scene: str | None = None
    palette: str | None = None
    controls: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Sense:
    """What one word or phrase of a prompt stands for."""

    text: str
    theme: Theme | None = None
    color: str | None = None
    known: bool = True


def read_prompt(text: str) -> Reading:
    """Reads a prompt, in whatever order its words stand.

    Scene and palette go to the theme with the most weight behind it, the first mentioned among
    equals; plain colour words overrule palettes, and several of them are mixed.

    >>> reading = read_prompt("neon tunnel, wet chrome, xyzzy")
    >>> reading.scene, reading.unknown
    ('tunnel', ('xyzzy',))
    """
    text = re.sub(r"'s\b", "", text.lower().replace("\u2019", "'"))
    senses = list(_senses(re.findall(r"#[0-9a-f]{6}\b|[\w&'-]+", text)))
    themes = [sense.theme for sense in senses if sense.theme]
    return Reading(
        scene=_elect([(theme.scene, theme.weight) for theme in themes]),
        palette=_palette(senses),
        offsets=_offsets(themes),
        unknown=tuple(dict.fromkeys(sense.text for sense in senses if not sense.known)),
    )


def plain_prompt(scene: str, palette: Palette, moods: Sequence[str] = ()) -> str:
    """The plainest words for a picture: what it shows, its colours, its mood.

    >>> plain_prompt("ocean", ("#000000", "#0000ff", "#ffffff"), ["calm"])
    'ocean, black, blue, white, calm'
    """
    return ", ".join([scene, *plain_colors(palette), *moods])


def moods(text: str) -> tuple[str, ...]:
    """The words of a prompt that say only how things look, not what or in which colours.

    >>> moods("a calm ocean, glowing")
    ('calm', 'glowing')
    """
    senses = _senses(re.findall(r"[\w&'-]+", text.lower()))
    felt = (s for s in senses if s.theme and s.theme.scene is None and s.theme.palette is None)
    return tuple(dict.fromkeys(sense.text for sense in felt))


def _senses(words: Sequence[str]) -> Iterator[Sense]:
    """Takes the longest phrase that is known, again and again."""
    place = 0
    while place < len(words):
        for length in range(min(LONGEST, len(words) - place), 0, -1):
            phrase = " ".join(words[place : place + length])
            sense = _sense(phrase)
            if sense:
                yield sense
                break
        else:
            length = 1
            yield from _unhyphenated(words[place])
        place += length


def _sense(phrase: str) -> Sense | None:
    """A hint that is also a colour's name is taken for its theme if that has a palette."""
    if phrase in _ignored():
        return Sense(phrase)
    theme = vocabulary().get(phrase)
    color = _color(phrase)
    if theme is None and color is None:
        theme = _stems().get(_stem(phrase)) or _palette_theme(phrase)
        color = _color(phrase.removesuffix("s"))
    if theme is None and color is None:
        return None
    return Sense(phrase, theme, None if theme and theme.palette else color)


def _color(phrase: str) -> str | None:
    """A dark forest is not the colour forest, darkened: it is a forest, and dark."""
    if phrase not in colors():
        rest = vocabulary().get(phrase.partition(" ")[2])
        if rest and rest.palette:
            return None
    return find_color(phrase)


def _unhyphenated(word: str) -> Iterator[Sense]:
    parts = [part for part in re.split(r"[-'&]", word) if part]
    if len(parts) > 1:
        yield from _senses(parts)
    else:
        yield Sense(word, known=word.isdigit())


def _palette(senses: Sequence[Sense]) -> Palette | None:
    said = {s.color: s.text for s in senses if s.color}
    if len(said) == 1 and set(said.values()) <= palettes().keys():
        return palettes()[next(iter(said.values()))]
    if said:
        return complete(list(said))
    name = _elect([(s.theme.palette, s.theme.weight) for s in senses if s.theme])
    return palettes()[name] if name else None


def _elect(votes: Sequence[tuple[str | None, int]]) -> str | None:
    """The choice with most weight; a dictionary keeps the first of equals in front."""
    count: dict[str, int] = {}
    for choice, weight in votes:
        if choice:
            count[choice] = count.get(choice, 0) + weight
    return max(count, key=lambda choice: count[choice]) if count else None


def _offsets(themes: Sequence[Theme]) -> dict[str, float]:
    """A theme counts once however many of its words are said."""
    total: dict[str, float] = {}
    for theme in {theme.name: theme for theme in themes}.values():
        for control, offset in theme.controls.items():
            total[control] = total.get(control, 0.0) + offset
    return {name: round(max(-LIMIT, min(LIMIT, value)), 6) for name, value in total.items()}


def _palette_theme(phrase: str) -> Theme | None:
    return Theme(phrase, 2, palette=phrase) if phrase in palettes() else None


@cache
def _tables() -> dict[str, Any]:
    return tomllib.loads(files("visualizer").joinpath("lexicon.toml").read_text("utf-8"))


def _split(words: str) -> list[str]:
    return [word.strip() for word in words.replace("\n", " ").split(",") if word.strip()]


@cache
def _ignored() -> frozenset[str]:
    return frozenset(_split(_tables()["ignored"]) + _split(_tables()["quality"]))


@cache
def vocabulary() -> dict[str, Theme]:
    """Every word and phrase as written, and what it means."""
    found: dict[str, Theme] = {}
    for row in _tables()["theme"]:
        theme = Theme(**{key: value for key, value in row.items() if key != "words"})
        found.update(dict.fromkeys(_split(row["words"]), theme))
    return found


@cache
def _stems() -> dict[str, Theme]:
    """The first word written for a stem decides it."""
    stems: dict[str, Theme] = {}
    for word, theme in vocabulary().items():
        stems.setdefault(_stem(word), theme)
    return stems


@cache
def _stemmer() -> Any:
    import snowballstemmer

    return snowballstemmer.stemmer("english")


def _stem(phrase: str) -> str:
    return " ".join(_stemmer().stemWords(phrase.split()))
