"""The musician's units: lengths such as "1/2 beat" and places such as "bar 64" or "chorus 2".

They stay symbolic in a preset, because only the song knows how long a beat is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

ROLES = ("intro", "verse", "chorus", "build", "drop", "break", "outro")

_NUMBER = r"(?:\d+\s*/\s*\d+|\d+(?:\.\d+)?|\.\d+)"
LENGTH_PATTERN = rf"^\s*({_NUMBER})\s*(ms|s|seconds?|beats?|bars?)\s*$"
PLACE_PATTERN = (
    r"^(always|accent|(?:intro|verse|chorus|build|drop|break|outro)(?: \d+)?"
    r"|section \d+|bar \d+|beat \d+|\d+(?:\.\d+)? s|\d+:\d{2}(?:\.\d+)?)$"
)
_LENGTH = re.compile(LENGTH_PATTERN)
_PLACE = re.compile(PLACE_PATTERN)

LengthUnit = Literal["s", "beat", "bar"]
PlaceKind = Literal["always", "accent", "role", "section", "bar", "beat", "s"]


@dataclass(frozen=True)
class Length:
    """A stretch of time that may depend on the song's tempo.

    >>> Length.parse("200 ms")
    Length(amount=0.2, unit='s')
    >>> Length.parse("1/2 beat").seconds(beat=0.5, bar=2.0)
    0.25
    """

    amount: float
    unit: LengthUnit

    @classmethod
    def parse(cls, text: str | float) -> Length:
        """Reads "200 ms", "0.5 s", "1/2 beat" or "2 bars"; a bare number is seconds.

        Raises:
            ValueError: The text is none of these.
        """
        match = _LENGTH.match(f"{text} s" if isinstance(text, int | float) else text)
        if not match:
            raise ValueError('should be a length such as "200 ms", "0.5 s", "1/2 beat" or "2 bars"')
        amount = float(Fraction(match[1].replace(" ", "")))
        unit = match[2].rstrip("s") if match[2] not in ("ms", "s") else match[2]
        if unit == "ms":
            return cls(amount / 1000.0, "s")
        return cls(amount, "s" if unit in ("s", "second") else "beat" if unit == "beat" else "bar")

    def seconds(self, beat: float, bar: float) -> float:
        """Length in seconds where a beat and a bar last as long as given (seconds)."""
        return self.amount * {"s": 1.0, "beat": beat, "bar": bar}[self.unit]


@dataclass(frozen=True)
class Place:
    """Where in a song something holds.

    Attributes:
        kind: What is counted.
        role: The section role, for kind "role".
        number: Which one, counted from 1 as musicians count; 0 means every one. Seconds for "s".
    """

    kind: PlaceKind
    role: str = ""
    number: float = 0.0

    @classmethod
    def parse(cls, text: str) -> Place:
        """Reads "always", "accent", "chorus", "chorus 2", "section 3", "bar 64", "45 s" or "1:30".

        Raises:
            ValueError: The text is none of these.

        >>> Place.parse("chorus 2")
        Place(kind='role', role='chorus', number=2.0)
        >>> Place.parse("1:30")
        Place(kind='s', role='', number=90.0)
        """
        if not _PLACE.match(text):
            raise ValueError(f"{text!r} is no place in a song; write {PLACES}")
        word, _, number = text.partition(" ")
        if word in ("always", "accent"):
            return cls("always" if word == "always" else "accent")
        if word in ROLES:
            return cls("role", word, float(number or 0))
        if ":" in word:
            minutes, _, seconds = word.partition(":")
            return cls("s", number=int(minutes) * 60 + float(seconds))
        if number == "s":
            return cls("s", number=float(word))
        return cls(
            "section" if word == "section" else "bar" if word == "bar" else "beat",
            number=float(number),
        )


PLACES = (
    f'always, accent, {", ".join(ROLES)}, "chorus 2", "section 3", "bar 64", "beat 9",'
    ' "45 s" or "1:30"'
)
