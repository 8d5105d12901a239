"""What moves a control: drivers with gains, attack, release and limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    WithJsonSchema,
    create_model,
)
from pydantic_core import CoreSchema

from visualizer.controls import BY_NAME, CONTROLS, Control, Group
from visualizer.preset.units import LENGTH_PATTERN, Length

CURVES = {
    "loudness": "how loud the song is",
    "bass": "the low end: kick and bass",
    "mid": "voices, guitars, keys",
    "treble": "hats, cymbals, air",
    "percussive": "everything that hits",
    "harmonic": "everything that sounds on",
    "brightness": "how high the sound's centre lies: filters opening",
    "novelty": "how much the sound is changing",
    "vocals": "somebody singing: guessed from the mix, or heard in --stem vocals=FILE",
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
    "bass_note": "every note of the bass",
    "section": "where a new section begins",
    "drop": "where a drop begins",
}
DRIVERS = {**CURVES, **EVENTS}


class Strict(BaseModel):
    """A frozen mapping that refuses unknown keys and wrong types."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True
    )


class _Short(Strict):
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
    WithJsonSchema(
        {"anyOf": [{"type": "string", "pattern": LENGTH_PATTERN}, {"type": "number", "minimum": 0}]}
    ),
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


# Their fields are described where they are made, and not in any source text.
_DESCRIBED = {"use_attribute_docstrings": False}
_DRIVES: dict[str, Any] = {
    name: (DriveField | None, Field(default=None, description=f"Gain of {meaning}."))
    for name, meaning in DRIVERS.items()
}
DrivenRoute = create_model(
    "Route", __base__=Route, __cls_kwargs__=_DESCRIBED, __doc__=Route.__doc__, **_DRIVES
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


Pace = Annotated[
    DrivenRoute,  # type: ignore[valid-type]
    BeforeValidator(_base),
    AfterValidator(lambda route: _check_range(BY_NAME["speed"], route)),
]


def _group(group: Group, title: str, text: str) -> type[BaseModel]:
    fields: dict[str, Any] = {}
    for control in (c for c in CONTROLS if c.group == group):
        check = AfterValidator(lambda route, c=control: _check_range(c, route))
        kind: Any = Annotated[DrivenRoute, BeforeValidator(_base), check]
        unit = f" Unit: {control.unit}." if control.unit else ""
        span = f"{control.low:g} to {control.high:g}, {control.neutral:g} when not written."
        fields[control.name] = (
            kind,
            Field(default_factory=DrivenRoute, description=f"{control.meaning} {span}{unit}"),
        )
    return create_model(title, __base__=Strict, __cls_kwargs__=_DESCRIBED, __doc__=text, **fields)


Motion = _group("motion", "Motion", "The camera, the scene's clock, and how much is painted anew.")
LookControls = _group("look", "LookControls", "What the scene draws.")
EffectControls = _group("effects", "EffectControls", "Put on the finished frame.")
