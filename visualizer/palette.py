"""Named colours and palettes, and the ramp a scene looks its colours up in.

Conventions: a palette is a tuple of "#rrggbb", the shadow first and the brightest light last.
Everything perceptual happens in OKLab (Ottosson 2020, https://bottosson.github.io/posts/oklab/).
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from visualizer.errors import VisualizerError

if TYPE_CHECKING:
    from coloraide import Color

Palette = tuple[str, ...]

DARK = 0.22  # OKLab lightness below which a colour can be the shadow of a picture.
BRIGHT = 0.80  # And above which it can be its highlight.


@cache
def palettes() -> Mapping[str, Palette]:
    """The named palettes, dark to light, in the order they are listed."""
    return {name: tuple(colors) for name, colors in _tables()["palettes"].items()}


@cache
def colors() -> Mapping[str, str]:
    """Every single colour that has a name, CSS's and ours, as "#rrggbb"."""
    from coloraide.css.color_names import name2val_map

    css = {name: f"#{bytes(map(int, v[:3])).hex()}" for name, v in name2val_map.items() if v[3]}
    return {**css, **_tables()["colors"]}


def find_color(name: str) -> str | None:
    """Looks up one colour: "#rrggbb", a CSS name, a name of ours, or one with a modifier.

    >>> find_color("Neon Pink"), find_color("pale violet"), find_color("loud")
    ('#ff2bb5', '#fdc6fc', None)
    """
    key = _key(name)
    if key.startswith("#"):
        return _hex(key)
    known = colors().get(key) or colors().get(key.replace(" ", ""))
    if known:
        return known
    modifier, _, rest = key.partition(" ")
    base = find_color(rest) if rest else None
    change = _tables()["modifiers"].get(modifier)
    return _modify(base, **change) if base and change else None


def parse_colors(value: str | Sequence[str]) -> Palette:
    """Reads a palette as people write it.

    Args:
        value: The name of a palette, or colours: CSS names, names of ours, or "#rrggbb". A string
            may hold several, with commas between. One colour alone is given its shade and tint.

    Returns:
        "#rrggbb", dark to light, at least two.

    Raises:
        VisualizerError: If a name is unknown, with the nearest known one.
    """
    if isinstance(value, str) and _key(value) in palettes():
        return palettes()[_key(value)]
    parts = value.split(",") if isinstance(value, str) else value
    names = [part.strip() for part in parts if part.strip()]
    if not names:
        raise VisualizerError("palette: no colour given; write a palette's name or some colours")
    found = [_require(name, alone=len(names) == 1) for name in names]
    return from_dark_to_light(found) if len(set(found)) > 1 else complete(found)


def from_dark_to_light(values: Sequence[str]) -> Palette:
    """Sorts colours by perceived lightness and drops repeats."""
    return tuple(sorted(dict.fromkeys(values), key=lambda value: (lightness(value), value)))


def complete(values: Sequence[str]) -> Palette:
    """Adds a dark shade below and a light tint above where the colours lack them."""
    ordered = from_dark_to_light(values)
    if lightness(ordered[-1]) < BRIGHT:
        ordered = (*ordered, _tint(ordered[-1]))
    if lightness(ordered[0]) > DARK:
        ordered = (_shade(ordered[0]), *ordered)
    return ordered


def lightness(value: str) -> float:
    """OKLab lightness of a colour: 0 is black, 1 is white."""
    return float(_oklch(value)["lightness"])


@cache
def plain_names() -> tuple[str, ...]:
    """Names of colours that people give alike, and that differ enough to be told apart."""
    return tuple(_tables()["plain"])


def plain_colors(palette: Palette) -> tuple[str, ...]:
    """The everyday names of a palette's colours, without repeats.

    >>> plain_colors(("#000000", "#f01010", "#ff1515"))
    ('black', 'red')
    """
    return tuple(dict.fromkeys(_plain_color(value) for value in palette))


@cache
def _plain_color(value: str) -> str:
    from coloraide import Color

    there = Color(value)
    names = plain_names()
    return min(names, key=lambda name: there.delta_e(find_color(name) or name, method="2000"))


@lru_cache(maxsize=64)
def ramp(values: Palette, n: int = 256) -> NDArray[np.float32]:
    """The colours as one smooth gradient, dark end first.

    Stops lie half evenly and half by their perceived distance, so that no colour is squeezed to
    nothing and no step is abrupt. A palette without a dark colour starts with a shade of its
    first one, because every scene needs shadow.

    Args:
        values: "#rrggbb", at least two, in the order they shall appear.
        n: Number of entries.

    Returns:
        float32, shape (n, 3), sRGB-encoded, in [0, 1]; read-only.
    """
    from coloraide import Color

    stops = values if lightness(values[0]) <= DARK else (_shade(values[0]), *values)
    gradient = Color.interpolate(
        list(stops), space="oklab", method="monotone", domain=_positions(stops)
    )
    entries = [gradient(t).convert("srgb").coords() for t in np.linspace(0.0, 1.0, n).tolist()]
    table = np.clip(np.array(entries, dtype=np.float32), 0.0, 1.0)
    table.flags.writeable = False
    return table


def _positions(stops: Palette) -> list[float]:
    labs = np.array([_oklch(value).convert("oklab").coords() for value in stops])
    distance = np.linalg.norm(np.diff(labs, axis=0), axis=1)
    steps = 0.5 / len(distance) + 0.5 * distance / max(float(distance.sum()), 1e-9)
    places = np.concatenate([[0.0], np.cumsum(steps)])
    return [float(place) for place in places / places[-1]]


def _require(name: str, *, alone: bool) -> str:
    found = find_color(name)
    if found is None:
        known = [*colors(), *(palettes() if alone else ())]
        near = difflib.get_close_matches(_key(name), known, n=1, cutoff=0.0)[0]
        kind = "colour or palette" if alone else "colour"
        raise VisualizerError(
            f'palette: "{name}" is no {kind}; nearest is "{near}" (or write "#rrggbb")'
        )
    return found


def _key(name: str) -> str:
    """A palette's hyphen is part of its name ("lo-fi"); elsewhere it stands for a space."""
    key = " ".join(name.lower().replace("_", " ").split())
    return key if key in palettes() else " ".join(key.replace("-", " ").split())


def _hex(key: str) -> str | None:
    digits = key[1:]
    if len(digits) == 3:
        digits = "".join(digit * 2 for digit in digits)
    is_hex = len(digits) == 6 and all(digit in "0123456789abcdef" for digit in digits)
    return f"#{digits}" if is_hex else None


def _modify(value: str, lightness: float, chroma: float) -> str:
    color = _oklch(value)
    old = color["lightness"]
    color["lightness"] = old * lightness if lightness < 1 else 1 - (1 - old) / lightness
    color["chroma"] *= chroma
    return _to_hex(color)


def _shade(value: str) -> str:
    color = _oklch(value)
    color["lightness"] = 0.13
    color["chroma"] *= 0.35
    return _to_hex(color)


def _tint(value: str) -> str:
    color = _oklch(value)
    color["lightness"] = 0.93
    color["chroma"] *= 0.35
    return _to_hex(color)


def _oklch(value: str) -> Color:
    from coloraide import Color

    return Color(value).convert("oklch")


def _to_hex(color: Color) -> str:
    return str(color.convert("srgb").fit(method="oklch-chroma").to_string(hex=True))


@cache
def _tables() -> dict[str, Any]:
    return tomllib.loads(files("visualizer").joinpath("palettes.toml").read_text("utf-8"))
