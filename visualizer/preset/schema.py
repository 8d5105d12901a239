"""The one schema of a preset: what may be written, what it means, and what it must not be.

Field descriptions are the reference page and the JSON Schema; write them for musicians.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    model_validator,
)

from visualizer.controls import BY_NAME
from visualizer.errors import VisualizerError
from visualizer.lexicon import SCENES
from visualizer.palette import palettes, parse_colors
from visualizer.preset.routes import (
    DrivenRoute,
    EffectControls,
    LengthField,
    LookControls,
    Motion,
    Pace,
    Route,
    Strict,
)
from visualizer.preset.units import PLACE_PATTERN, Length, Place


class TitleCard(Strict):
    """Text over the first seconds; the song's own tags where left empty."""

    show: bool = True
    """Whether it is shown."""
    text: str = ""
    """First line; the song's title when empty."""
    artist: str = ""
    """Second line; the song's artist when empty."""
    lasts: LengthField = Length(6.0, "s")
    """How long it stands."""


class Effects(EffectControls):  # type: ignore[misc, valid-type]
    """Put on the finished frame, never fed back into the next one."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    fade_in: LengthField = Length(0.5, "s")
    """From black at the start."""
    fade_out: LengthField = Length(2.0, "s")
    """To black at the end."""
    title: TitleCard = TitleCard(show=False)
    """Title and artist over the first seconds; off unless written."""


class Cuts(Strict):
    """How the song is divided into shots."""

    join: Literal["cut", "blend"] = "cut"
    """At a new section: "cut" on its downbeat, or "blend" across it."""
    blend: LengthField = Length(1.0, "bar")
    """How long a blend, or a change of prompt inside a section, takes."""
    every: LengthField | None = None
    """Also cut inside sections, this often: "8 bars"."""


Mode = Literal["feedback", "walk", "keyframes", "restyle"]


_PACE = {"base": 0.05, "percussive": {"gain": 1.2}}


class Paint(Strict):
    """How diffusion makes a film of pictures; the `scenes` painter needs none of it."""

    mode: Mode = "feedback"
    """How frames follow each other: "feedback" moves the last one with the camera and paints part
    of it anew; "walk" wanders from picture to picture on what hits, without memory and so without
    drift; "keyframes" paints on beats or bars only and moves and blends what lies between, for
    slow machines; "restyle" paints over the film of the `scenes` painter, and is what Pulse does
    where no mode is named."""
    every: Literal["beat", "bar"] = "bar"
    """In the mode keyframes: where a picture is painted."""
    rate: float = Field(default=12.0, gt=0.0, le=240.0)
    """In the mode restyle: how many pictures are painted in a second, and one on each beat besides;
    between them, what was painted rides on the film below, as animators draw on twos. 60 paints
    every frame of most films, in half as much time again."""
    pace: Pace = Field(default_factory=lambda: DrivenRoute.model_validate(_PACE))
    """In the mode walk: pictures passed in a second, in the place of `motion: speed:`; written
    like any control, such as `{base: 0.05, percussive: 1.2}`, which is the default."""
    picture: Literal["fill", "fit"] = "fill"
    """How a picture of yours meets the frame: "fill" cuts what is too much, "fit" shows all of it
    and blurs it into what is left."""


def _place_keys(value: object) -> object:
    return value if isinstance(value, Mapping) else {"always": value}


def _known_places(value: dict[str, Any]) -> dict[str, Any]:
    for key in value:
        Place.parse(key)
    return value


def _scene(name: str) -> str:
    if name != "auto" and name not in SCENES:
        near = difflib.get_close_matches(name, SCENES, 1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise ValueError(f"{hint}should be auto or one of {', '.join(SCENES)}")
    return name


def _palette(value: object) -> object:
    if value == "auto":
        return ("auto",)
    if isinstance(value, tuple):
        return value
    if not isinstance(value, str | list) or not all(isinstance(v, str) for v in value):
        raise ValueError("should be auto, a palette's name, or a list of colours")
    try:
        return parse_colors(value)
    except VisualizerError as error:
        raise ValueError(str(error)) from None


_SCENE_SCHEMA: dict[str, Any] = {"enum": ["auto", *SCENES]}
_PALETTE_SCHEMA: dict[str, Any] = {
    "anyOf": [
        {"enum": ["auto", *palettes()]},
        {"type": "array", "items": {"type": "string"}, "minItems": 2},
    ]
}
_ANYWHERE = (BeforeValidator(_place_keys), AfterValidator(_known_places))


def _by_place(one: dict[str, Any]) -> WithJsonSchema:
    """The JSON Schema of a value that may also be written once per place."""
    places = {
        "type": "object",
        "patternProperties": {PLACE_PATTERN: one},
        "additionalProperties": False,
    }
    return WithJsonSchema({"anyOf": [one, places]})


SceneName = Annotated[str, AfterValidator(_scene)]
Palette = Annotated[tuple[str, ...], BeforeValidator(_palette)]
Prompts = Annotated[dict[str, str], *_ANYWHERE, _by_place({"type": "string"})]
Scenes = Annotated[dict[str, SceneName], *_ANYWHERE, _by_place(_SCENE_SCHEMA)]
Palettes = Annotated[dict[str, Palette], *_ANYWHERE, _by_place(_PALETTE_SCHEMA)]


class Preset(Strict):
    """A look: prompts, palette, and which sound moves what, by how much."""

    scene: Scenes = Field(default={"always": "auto"})
    """Scene family for the `scenes` painter: one name, or one per place in the song; "auto" lets
    the words of the prompt choose."""
    palette: Palettes = Field(default={"always": ("auto",)})
    """Colours from dark to light: a palette's name, or a list of colour names and #rrggbb; one for
    all, or one per place in the song; "auto" lets the words of the prompt choose."""
    prompts: Prompts = Field(default_factory=dict)
    """What to paint: `always` is part of every prompt; section roles, numbered sections, bars,
    beats and seconds add to it; a prompt at a bar, beat or second holds to the end of its section.
    `accent` is what `look: prompt_blend:` leans towards."""
    negative: str = ""
    """What diffusion should avoid."""
    evolve: float = Field(default=0.25, ge=0.0, le=1.0)
    """How much a section that returns has changed: 0 repeats it exactly."""
    cuts: Cuts = Cuts()
    """How the song is divided into shots."""
    paint: Paint = Field(default_factory=Paint)
    """How diffusion makes a film of pictures."""
    motion: Motion = Field(default_factory=Motion)  # type: ignore[valid-type]
    """The camera, the scene's clock, and how much of each frame is painted anew."""
    look: LookControls = Field(default_factory=LookControls)  # type: ignore[valid-type]
    """What the scene draws."""
    effects: Effects = Field(default_factory=Effects)
    """Put on the finished frame, never fed back into the next one."""

    @model_validator(mode="after")
    def _accent_exists(self) -> Preset:
        if self.route("prompt_blend").drives() and "accent" not in self.prompts:
            raise ValueError("look.prompt_blend needs a prompt under prompts: accent:")
        return self

    def route(self, control: str) -> Route:
        """What moves one control; a walk has a clock of its own."""
        if control == "speed" and self.paint.mode == "walk":
            return self.paint.pace
        route: Route = getattr(getattr(self, BY_NAME[control].group), control)
        return route
