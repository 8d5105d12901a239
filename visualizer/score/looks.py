"""Which look shows when: a preset's prompts, scenes and palettes laid out over a song."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from visualizer.lexicon import Reading, read_prompt
from visualizer.palette import parse_colors
from visualizer.preset import Place, Preset
from visualizer.score.types import Look

if TYPE_CHECKING:
    from visualizer.analysis import Analysis, Section

FALLBACK_SCENE = "nebula"
FALLBACK_PALETTE = "nebula"


Opening = Literal["cut", "blend", "prompt"]


@dataclass(frozen=True)
class Span:
    """One look from its start to the start of the next span.

    Attributes:
        start: Seconds.
        section: Index of the song's section.
        opens: "cut" and "blend" begin a shot, hard or softly; "prompt" changes what is painted.
        look: What shows.
        accent: What `prompt_blend` leans towards, or None.
        offsets: What the prompt's words add to the controls.
    """

    start: float
    section: int
    opens: Opening
    look: Look
    accent: Look | None
    offsets: Mapping[str, float]


def stable_seed(*parts: object) -> int:
    """A 31-bit seed that depends on nothing but its parts."""
    text = "\x1f".join(map(str, parts))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1


def lay_out(preset: Preset, analysis: Analysis, seed: int, images: int = 0) -> list[Span]:
    """Places every look of the preset in the song, in order.

    Args:
        preset: Prompts, scenes and palettes by place.
        analysis: Sections and grid.
        seed: The film's seed.
        images: Number of the user's pictures, spread over the section letters.
    """
    letters = list(dict.fromkeys(section.label for section in analysis.sections))
    spans: list[Span] = []
    for index, section in enumerate(analysis.sections):
        image = letters.index(section.label) % images if images else None
        here = _Layer(preset, analysis, index, image)
        take = 0
        for start, opens in _openings(preset, analysis, section):
            take += opens == "cut" and start > section.start
            # The takes of a section alternate between two compositions of its letter.
            spans.append(here.span(start, opens, stable_seed(seed, section.label, take % 2)))
    return spans


def _openings(preset: Preset, analysis: Analysis, section: Section) -> list[tuple[float, Opening]]:
    """When something else begins to show inside a section, its own start first."""
    found: dict[float, Opening] = {}
    for moment in _moments(preset, analysis):
        found[moment] = "prompt"
    if preset.cuts.every is not None:
        beat = beat_seconds(analysis)
        step = max(0.5, preset.cuts.every.seconds(beat, beat * max(analysis.meter, 1)))
        for cut in np.arange(section.start + step, section.end - 0.5 * step, step):
            found[float(cut)] = "cut"
    inside = sorted((t, how) for t, how in found.items() if section.start < t < section.end)
    return [(section.start, preset.cuts.join), *inside]


def beat_seconds(analysis: Analysis) -> float:
    """How long a beat lasts; half a second where none was heard."""
    return 60.0 / analysis.tempo_bpm if analysis.tempo_bpm > 0 else 0.5


def unknown_words(preset: Preset) -> list[str]:
    """Words of the prompts that mean nothing to the scenes painter, each once, in order."""
    found = [word for prompt in preset.prompts.values() for word in read_prompt(prompt).unknown]
    return list(dict.fromkeys(found))


class _Layer:
    """One section of the song with the preset written over it."""

    def __init__(self, preset: Preset, analysis: Analysis, index: int, image: int | None) -> None:
        self._preset, self._analysis, self._index = preset, analysis, index
        self._image = image

    def span(self, start: float, opens: Opening, seed: int) -> Span:
        words = self._specific(self._preset.prompts, start)
        always = self._preset.prompts.get("always", "")
        accent = self._preset.prompts.get("accent")
        look, offsets = self._look(words, always, start, seed)
        leaning = self._look(accent, always, start, seed)[0] if accent else None
        return Span(start, self._index, opens, look, leaning, offsets)

    def _look(
        self, words: str | None, always: str, start: float, seed: int
    ) -> tuple[Look, dict[str, float]]:
        prompt = ", ".join(part for part in (words, always) if part)
        read = _merge(read_prompt(words or ""), read_prompt(always))
        scene = self._value(self._preset.scene, start)
        palette = self._value(self._preset.palette, start)
        return Look(
            prompt,
            self._preset.negative,
            (read.scene or FALLBACK_SCENE) if scene == "auto" else scene,
            (read.palette or parse_colors(FALLBACK_PALETTE)) if palette == ("auto",) else palette,
            seed,
            self._image,
        ), dict(read.offsets)

    def _value(self, by_place: Mapping[str, Any], start: float) -> Any:
        specific = self._specific(by_place, start)
        fallback = ("auto",) if by_place is self._preset.palette else "auto"
        return specific if specific is not None else by_place.get("always", fallback)

    def _specific(self, by_place: Mapping[str, Any], start: float) -> Any:
        """The value written for this place: a moment before a section, a number before a role."""
        section = self._analysis.sections[self._index]
        nth = sum(s.role == section.role for s in self._analysis.sections[: self._index + 1])
        best: tuple[float, Any] | None = None
        for key, value in by_place.items():
            place = Place.parse(key)
            rank = _rank(place, section.role, nth, self._index + 1)
            if place.kind in ("bar", "beat", "s"):
                moment = place_time(place, self._analysis)
                inside = section.start <= moment <= start + 1e-6
                rank = 10.0 + moment if inside else None
            if rank is not None and (best is None or rank >= best[0]):
                best = (rank, value)
        return best[1] if best else None


def _rank(place: Place, role: str, nth: int, index: int) -> float | None:
    if place.kind == "section":
        return 3.0 if place.number == index else None
    if place.kind == "role" and place.role == role:
        return 1.0 if place.number == 0 else 2.0 if place.number == nth else None
    return None


def _merge(first: Reading, then: Reading) -> Reading:
    """The words for a place decide; the words for always fill in."""
    offsets = dict(then.offsets)
    for name, value in first.offsets.items():
        offsets[name] = offsets.get(name, 0.0) + value
    return Reading(
        first.scene or then.scene,
        first.palette or then.palette,
        offsets,
        (*first.unknown, *then.unknown),
    )


def _moments(preset: Preset, analysis: Analysis) -> set[float]:
    keys = {*preset.prompts, *preset.scene, *preset.palette}
    places = [place for key in keys if (place := Place.parse(key)).kind in ("bar", "beat", "s")]
    return {place_time(place, analysis) for place in places}


def place_time(place: Place, analysis: Analysis) -> float:
    """Second of a numbered bar, beat or second; beyond the grid it is counted on at its tempo."""
    if place.kind == "s":
        return place.number
    events: Sequence[float] | NDArray[np.float64] = analysis.events[
        "downbeat" if place.kind == "bar" else "beat"
    ]
    step = beat_seconds(analysis) * (max(analysis.meter, 1) if place.kind == "bar" else 1)
    index = int(place.number) - 1
    if 0 <= index < len(events):
        return float(events[index])
    last = float(events[-1]) if len(events) else -step
    return last + (index - max(len(events) - 1, 0) + (0 if len(events) else 1)) * step
