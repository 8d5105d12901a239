"""The one schema of a preset: what may be written, what it means, and what it must not be.

Field descriptions are the reference page and the JSON Schema; write them for musicians.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    WithJsonSchema,
    create_model,
    model_validator,
)
from pydantic_core import CoreSchema

from visualizer.controls import CONTROLS, Control, Group
from visualizer.errors import VisualizerError
from visualizer.lexicon import SCENES
from visualizer.palette import palettes, parse_colors
from visualizer.preset.units import LENGTH_PATTERN, PLACE_PATTERN, Length, Place

CURVES = {
    "loudness": "how loud the song is",
    "bass": "the low end: kick and bass",
    "mid": "voices, guitars, keys",
    "treble": "hats, cymbals, air",
    "percussive": "everything that hits",
    "harmonic": "everything that sounds on",
    "brightness": "how high the sound's centre lies: filters opening",
    "novelty": "how much the sound is changing",
    "energy": "the weight of the whole section, smooth: verses low, choruses high",
    "build": "rises from 0 to 1 through a build, and is 0 at its drop",
    "progress": "rises from 0 to 1 through the song",
    "sway": "swings slowly between -1 and 1, once in four bars",
}
EVENTS = {
    "beat": "every beat",
    "downbeat": "the first beat of every bar",
    "onset": "every note or hit that begins",
    "kick": "bass drum",
    "snare": "snare or clap",
    "hat": "hi-hat",
    "section": "where a new section begins",
    "drop": "where a drop begins",
}
DRIVERS = {**CURVES, **EVENTS}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True)


class _Short(_Strict):
    """A mapping that may also be written as one bare number."""

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"anyOf": [{"type": "number"}, handler(core_schema)]}


def _length(value: object) -> Length:
    if isinstance(value, Length):
        return value
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError('should be a length such as "200 ms", "0.5 s", "1/2 beat" or "2 bars"')
    return Length.parse(value)


LengthField = Annotated[
    Length,
    BeforeValidator(_length),
    WithJsonSchema({"anyOf": [{"type": "string", "pattern": LENGTH_PATTERN},
                              {"type": "number", "minimum": 0}]}),
]


def _gain(value: object) -> object:
    """A bare number is short for a gain with the route's own shape."""
    return {"gain": value} if _is_number(value) else _mapping(value, "{gain: 0.5, release: 1 beat}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _mapping(value: object, example: str) -> object:
    if not isinstance(value, Mapping | BaseModel):
        raise ValueError(f"should be a number, or a mapping such as {example}")
    return value


class Drive(_Short):
    """How strongly one curve or event moves a control, where it needs a shape of its own."""

    gain: float = Field(ge=-360.0, le=360.0)
    """Amount added when the driver is at 1, in the control's unit."""
    attack: LengthField | None = None
    """Time to rise; it ends on the hit, not after it."""
    release: LengthField | None = None
    """Time to fall."""


DriveField = Annotated[Drive, BeforeValidator(_gain)]


class Route(_Short):
    """What moves one control: a base, and any number of drivers with their gains."""

    base: float | None = None
    """Value when nothing drives it; the control's neutral value when left out."""
    attack: LengthField = Length(0.0, "s")
    """Time to rise; it ends on the hit, not after it, since a film may look ahead."""
    release: LengthField = Length(0.2, "s")
    """Time to fall."""
    limits: tuple[float, float] | None = None
    """Lowest and highest value; the control's own range when left out."""

    def drives(self) -> dict[str, Drive]:
        """The drivers that are written, by name."""
        named = {name: getattr(self, name) for name in DRIVERS}
        return {name: drive for name, drive in named.items() if drive is not None}


_DrivenRoute = create_model(
    "Route",
    __base__=Route,
    __doc__=Route.__doc__,
    **{  # type: ignore[call-overload]
        name: (DriveField | None, Field(default=None, description=f"Gain of {meaning}."))
        for name, meaning in DRIVERS.items()
    },
)


def _check_range(control: Control, route: Route) -> Route:
    low, high = control.low, control.high
    for name, value in (("base", route.base), ("limits", route.limits)):
        numbers = value if isinstance(value, tuple) else (value,)
        if any(n is not None and not low <= n <= high for n in numbers):
            raise ValueError(f"{name} should lie between {low:g} and {high:g}")
    if route.limits and route.limits[0] > route.limits[1]:
        raise ValueError("limits should be written as [low, high]")
    return route


def _limits(value: object) -> object:
    if isinstance(value, Mapping) and isinstance(value.get("limits"), list):
        return {**value, "limits": tuple(value["limits"])}
    return value


def _base(value: object) -> object:
    """A bare number is short for a base."""
    if _is_number(value):
        return {"base": value}
    return _limits(_mapping(value, "{base: 0.2, bass: 0.5}"))


def _group(group: Group, title: str, text: str) -> type[BaseModel]:
    fields: dict[str, Any] = {}
    for control in (c for c in CONTROLS if c.group == group):
        check = AfterValidator(lambda route, c=control: _check_range(c, route))
        kind = Annotated[_DrivenRoute, BeforeValidator(_base), check]
        unit = f" Unit: {control.unit}." if control.unit else ""
        span = f"{control.low:g} to {control.high:g}, {control.neutral:g} when not written."
        fields[control.name] = (kind, Field(
            default_factory=_DrivenRoute, description=f"{control.meaning} {span}{unit}"))
    return create_model(title, __base__=_Strict, __doc__=text, **fields)


Motion = _group("motion", "Motion", "The camera, the scene's clock, and how much is painted anew.")
LookControls = _group("look", "LookControls", "What the scene draws.")
_EffectControls = _group("effects", "EffectControls", "Put on the finished frame.")


class TitleCard(_Strict):
    """Text over the first seconds; the song's own tags where left empty."""

    show: bool = True
    """Whether it is shown."""
    text: str = ""
    """First line; the song's title when empty."""
    artist: str = ""
    """Second line; the song's artist when empty."""
    lasts: LengthField = Length(6.0, "s")
    """How long it stands."""


class Effects(_EffectControls):  # type: ignore[misc, valid-type]
    """Put on the finished frame, never fed back into the next one."""

    fade_in: LengthField = Length(0.5, "s")
    """From black at the start."""
    fade_out: LengthField = Length(2.0, "s")
    """To black at the end."""
    title: TitleCard = TitleCard(show=False)
    """Title and artist over the first seconds; off unless written."""


class Cuts(_Strict):
    """How the song is divided into shots."""

    join: Literal["cut", "blend"] = "cut"
    """At a new section: "cut" on its downbeat, or "blend" across it."""
    blend: LengthField = Length(1.0, "bar")
    """How long a blend, or a change of prompt inside a section, takes."""
    every: LengthField | None = None
    """Also cut inside sections, this often: "8 bars"."""


def _place_keys(value: object) -> object:
    if isinstance(value, str | list) or value is None:
        return {"always": value}
    return value


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


SceneName = Annotated[str, AfterValidator(_scene),
                      WithJsonSchema({"enum": ["auto", *SCENES]})]
PaletteField = Annotated[
    tuple[str, ...],
    BeforeValidator(_palette),
    WithJsonSchema({"anyOf": [{"enum": ["auto", *palettes()]},
                              {"type": "array", "items": {"type": "string"}, "minItems": 2}]}),
]


def _by_place(kind: object, one: dict[str, Any]) -> object:
    schema = {"anyOf": [one, {"type": "object", "patternProperties": {PLACE_PATTERN: one},
                              "additionalProperties": False}]}
    return Annotated[dict[str, kind], BeforeValidator(_place_keys),  # type: ignore[valid-type]
                     AfterValidator(_known_places), WithJsonSchema(schema)]


Prompts = _by_place(str, {"type": "string"})
Scenes = _by_place(SceneName, {"enum": ["auto", *SCENES]})
Palettes = _by_place(PaletteField, {"anyOf": [
    {"enum": ["auto", *palettes()]}, {"type": "array", "items": {"type": "string"}, "minItems": 2}]})


class Preset(_Strict):
    """A look: prompts, palette, and which sound moves what, by how much."""

    scene: Scenes = {"always": "auto"}  # type: ignore[valid-type]
    """Scene family for the `scenes` painter: one name, or one per place in the song; "auto" lets
    the words of the prompt choose."""
    palette: Palettes = {"always": ("auto",)}  # type: ignore[valid-type]
    """Colours from dark to light: a palette's name, or a list of colour names and #rrggbb; one for
    all, or one per place in the song; "auto" lets the words of the prompt choose."""
    prompts: Prompts = Field(default_factory=dict)  # type: ignore[valid-type]
    """What to paint: `always` is part of every prompt; section roles, numbered sections, bars,
    beats and seconds add to it; a prompt at a bar, beat or second holds to the end of its section.
    `accent` is what `look: prompt_blend:` leans towards."""
    negative: str = ""
    """What diffusion should avoid."""
    evolve: float = Field(default=0.25, ge=0.0, le=1.0)
    """How much a section that returns has changed: 0 repeats it exactly."""
    cuts: Cuts = Cuts()
    """How the song is divided into shots."""
    motion: Motion = Field(default_factory=Motion)  # type: ignore[valid-type]
    """The camera, the scene's clock, and how much of each frame is painted anew."""
    look: LookControls = Field(default_factory=LookControls)  # type: ignore[valid-type]
    """What the scene draws."""
    effects: Effects = Field(default_factory=Effects)
    """Put on the finished frame, never fed back into the next one."""

    @model_validator(mode="after")
    def _accent_exists(self) -> Preset:
        blend = getattr(self.look, "prompt_blend", Route())
        if blend.drives() and "accent" not in self.prompts:  # type: ignore[attr-defined]
            raise ValueError("look.prompt_blend needs a prompt under prompts: accent:")
        return self

    def route(self, control: str) -> Route:
        """What moves one control."""
        groups = (self.motion, self.look, self.effects)
        return next(route for g in groups if (route := getattr(g, control, None)) is not None)
