"""What a drawing shows, in words: a small grammar over the lexicon's vocabulary.

The same words choose scene, palette and mood for the scenes painter, so that a prompt means the
same to both painters.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np

from visualizer.lexicon import plain_prompt, vocabulary
from visualizer.palette import palettes, plain_colors, plain_names
from visualizer.pulse.drawings import Drawing, imagine

PLAIN = 0.4  # Captions in the words that the program itself asks in.
EMPTY = 0.1  # Captions that say nothing: the denoiser learns to paint without a prompt.
DROPPED = 0.1  # Words left out of the others.
PALETTE_WORDS = ("palette", "colors", "colours", "tones")
OWN_NAME = 0.5  # Of the captions call the family by its own name; the others by a word for it.


def caption(drawing: Drawing, rng: np.random.Generator) -> str:
    """Says what a drawing shows, each time in other words.

    Words come in any order, some are left out, and one caption in ten is empty.
    """
    if rng.random() < EMPTY:
        return ""
    if rng.random() < PLAIN:
        moods = [_one(_words()[mood.name], rng) for mood in drawing.moods]
        return plain_prompt(drawing.family, drawing.palette, moods)
    family = _one(_names(drawing.family), rng)
    colors = _colors(drawing, rng)
    moods = [_one(_words()[mood.name], rng) for mood in drawing.moods]
    if rng.random() < DROPPED:
        family = ""
    colors = [color for color in colors if rng.random() >= DROPPED]
    moods = [mood for mood in moods if rng.random() >= DROPPED]
    return _phrase(family, colors, moods, rng)


def corpus(count: int) -> list[str]:
    """Captions enough to learn the spelling of every word from, and every character alone."""
    rng = np.random.default_rng(0)
    words = [*vocabulary(), *palettes(), *plain_names()]
    return [*words, *(caption(imagine(k), rng) for k in range(count)), *map(chr, range(33, 127))]


def _phrase(family: str, colors: list[str], moods: list[str], rng: np.random.Generator) -> str:
    if rng.random() < 0.5:
        parts = [part for part in (family, *moods, " and ".join(colors)) if part]
        return ", ".join(rng.permutation(parts).tolist()) if parts else ""
    tinted = f"in {', '.join(colors)}" if rng.random() < 0.5 else ", ".join(colors)
    before = [*moods, family, tinted] if rng.random() < 0.5 else [tinted, *moods, family]
    return " ".join(part for part in before if part and part != "in ")


def _colors(drawing: Drawing, rng: np.random.Generator) -> list[str]:
    """Names as given, the palette's own name, or the plain names of what is in it."""
    named = len(drawing.colors) == 1
    if named and rng.random() < 0.4:
        return [f"{drawing.colors[0]} {PALETTE_WORDS[int(rng.integers(len(PALETTE_WORDS)))]}"]
    plain = list(plain_colors(drawing.palette) if named else drawing.colors)
    return plain if rng.random() < 0.7 else rng.permutation(plain).tolist()


@cache
def _names(family: str) -> tuple[str, ...]:
    """Words for a family, its own name as often as all others together."""
    others = [
        word for word, theme in vocabulary().items() if theme.scene == family and theme.weight > 1
    ]
    return (*others, *[family] * round(len(others) * OWN_NAME / (1.0 - OWN_NAME)))


@cache
def _words() -> Mapping[str, tuple[str, ...]]:
    """The words of each theme."""
    found: dict[str, list[str]] = defaultdict(list)
    for word, theme in vocabulary().items():
        found[theme.name].append(word)
    return {name: tuple(words) for name, words in found.items()}


def _one(choices: Sequence[str], rng: np.random.Generator) -> str:
    return choices[int(rng.integers(len(choices)))]
