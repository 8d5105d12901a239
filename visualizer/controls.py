"""Every number that moves a frame, described once.

The preset schema, the columns of a score, the reference page and the painters all read this
list, so a control exists when it stands here and nowhere else.

Conventions: rates are per second of film, never per frame; a control at its `neutral` value does
nothing. Values outside `low`..`high` are clipped by `compose` and refused in a preset's `base`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Group = Literal["motion", "look", "effects"]


@dataclass(frozen=True)
class Control:
    """One controllable parameter.

    Attributes:
        name: Key in presets and column in scores.
        group: The preset section it is written in.
        neutral: Value when nothing drives it.
        low: Smallest value.
        high: Largest value.
        unit: Unit of the value, "" for a plain amount.
        meaning: One sentence for the reference page.
    """

    name: str
    group: Group
    neutral: float
    low: float
    high: float
    unit: str
    meaning: str


CONTROLS: tuple[Control, ...] = (
    # Motion: the camera, the scene's clock, and how much of the last frame survives.
    Control(
        "zoom",
        "motion",
        0.0,
        -2.0,
        2.0,
        "1/s",
        "Camera moves in: 0.2 enlarges the picture by about 20 % each second.",
    ),
    Control("pan", "motion", 0.0, -1.0, 1.0, "picture widths/s", "Camera moves to the right."),
    Control("lift", "motion", 0.0, -1.0, 1.0, "picture heights/s", "Camera moves up."),
    Control("rotate", "motion", 0.0, -180.0, 180.0, "degrees/s", "Camera turns clockwise."),
    Control(
        "tilt",
        "motion",
        0.0,
        -45.0,
        45.0,
        "degrees",
        "Picture plane leans back (a lean, not a rate).",
    ),
    Control("speed", "motion", 1.0, 0.0, 4.0, "x", "How fast the scene's own clock runs."),
    Control(
        "strength",
        "motion",
        0.5,
        0.02,
        1.0,
        "",
        "How much of each frame is painted anew; the rest is the last frame, moved by the"
        " camera. Low leaves trails, high follows the music at once.",
    ),
    Control(
        "noise",
        "motion",
        0.2,
        0.0,
        1.0,
        "",
        "How restless the texture is: 0 flows with the camera, 1 is new in every frame.",
    ),
    # Look: what the scene draws. Every scene family gives each of these a visible meaning.
    Control("pulse", "look", 0.0, 0.0, 1.0, "", "The main shape swells: made for kicks and beats."),
    Control("warp", "look", 0.3, 0.0, 1.0, "", "How far space is bent, folded or stirred."),
    Control("detail", "look", 0.5, 0.0, 1.0, "", "How much fine structure is drawn."),
    Control("glow", "look", 0.3, 0.0, 1.0, "", "How strongly the bright parts emit light."),
    Control(
        "morph", "look", 0.0, 0.0, 1.0, "", "Slow change of shape: one form at 0, another at 1."
    ),
    Control("light", "look", 1.0, 0.0, 2.0, "x", "Exposure of the scene."),
    Control("saturation", "look", 1.0, 0.0, 2.0, "x", "Chroma of all colours."),
    Control(
        "palette_shift", "look", 0.0, -1.0, 1.0, "turns", "Slides all colours along the palette."
    ),
    Control(
        "prompt_blend",
        "look",
        0.0,
        0.0,
        1.0,
        "",
        "Leans the picture towards the prompt written under `prompts: accent:`.",
    ),
    # Effects: put on the finished frame, never fed back into the next one.
    Control("flash", "effects", 0.0, 0.0, 1.0, "", "Light over the whole frame."),
    Control("bloom", "effects", 0.15, 0.0, 1.0, "", "Bright parts bleed light."),
    Control("shake", "effects", 0.0, 0.0, 1.0, "", "Hand-held jolt: 1 moves the frame by 4 %."),
    Control("split", "effects", 0.0, 0.0, 1.0, "", "Red and blue part at the edges of the lens."),
    Control("grain", "effects", 0.05, 0.0, 1.0, "", "Film grain."),
    Control("vignette", "effects", 0.2, 0.0, 1.0, "", "Corners fall into shadow."),
)

BY_NAME: dict[str, Control] = {control.name: control for control in CONTROLS}
NAMES: tuple[str, ...] = tuple(BY_NAME)
