"""The pictures Pulse learns from: the scenes painter's families in every palette, light and mood.

A drawing is a handful of numbers, chosen by a generator with a seed of its own, so that a gallery
of any size can be drawn again anywhere and no picture has to be kept or shipped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np
import torch

from visualizer.controls import BY_NAME, CONTROLS
from visualizer.lexicon import SCENES, Theme, vocabulary
from visualizer.painters.scenes import still
from visualizer.painters.scenes.canvas import Canvas
from visualizer.palette import Palette, complete, find_color, palettes, plain_names
from visualizer.score import Cue, Look, Pose

FAMILIES = tuple(SCENES)
HELD_OUT = 1 << 40  # Drawings from here on are for measuring and are never shown in a lesson.
MOOD = 1.5  # How many times the lexicon's own offset a mood moves a control, to be plainly seen.

GROUP = 8  # Neighbouring drawings share a composition, whose tiles are costly, and pairs a palette.

# What a drawing varies in by itself; the other controls stay neutral.
SPREAD = {
    "pulse": (0.0, 0.6),
    "warp": (0.1, 0.65),
    "detail": (0.25, 0.85),
    "glow": (0.1, 0.6),
    "morph": (0.0, 1.0),
    "light": (0.85, 1.15),
    "saturation": (0.85, 1.15),
    "palette_shift": (-0.08, 0.08),
}


@dataclass(frozen=True)
class Drawing:
    """All that decides one picture.

    Attributes:
        family: One of `FAMILIES`.
        palette: Its colours, "#rrggbb", dark to light.
        colors: The names of the colours, or the one name of the palette.
        moods: Themes of the lexicon that lean on its controls.
        controls: Control name to value, moods included.
        pose: Where camera and clock stand.
        seed: Of the composition.
    """

    family: str
    palette: Palette
    colors: tuple[str, ...]
    moods: tuple[Theme, ...]
    controls: Mapping[str, float] = field(default_factory=dict)
    pose: Pose = field(default_factory=Pose)
    seed: int = 0

    def cue(self) -> Cue:
        """The drawing as the cue of a film."""
        neutral = {control.name: control.neutral for control in CONTROLS}
        values = {**neutral, "split": 0.0, "noise": 0.2, **self.controls}
        return Cue(frame=0, time=0.0, weights=(1.0,), fade=1.0, pose=self.pose, **values)

    def moved(self, seconds: float, zoom: float, turn: float) -> Drawing:
        """The same composition a little later, seen by a camera that has moved on."""
        pose = replace(
            self.pose,
            clock=self.pose.clock + seconds,
            travel=self.pose.travel + zoom,
            angle=self.pose.angle + turn,
        )
        return replace(self, pose=pose)


def imagine(number: int, family: str | None = None, palette: str | None = None) -> Drawing:
    """Chooses a drawing; the same number always gives the same one.

    Args:
        number: At least 0; from `HELD_OUT` on it belongs to no lesson.
        family: One of `FAMILIES`; chosen by the number when omitted.
        palette: A palette's name; chosen by the number when omitted.
    """
    group, pair, rng = (np.random.default_rng([number // n, n]) for n in (GROUP, 2, 1))
    colors, values = _colors(pair) if palette is None else ((palette,), palettes()[palette])
    moods = tuple(_moods()[k] for k in rng.permutation(len(_moods()))[: rng.choice(4, p=MOODS)])
    return Drawing(
        family=family or FAMILIES[int(group.integers(len(FAMILIES)))],
        palette=values,
        colors=colors,
        moods=moods,
        controls=_controls(rng, moods),
        pose=_pose(rng),
        seed=int(group.integers(1 << 31)),
    )


def imagine_later(number: int) -> Drawing:
    """The drawing of this number a frame of a film later: small moves of camera and clock."""
    rng = np.random.default_rng([number, 3])
    return imagine(number).moved(
        seconds=float(rng.uniform(0.02, 0.1)),
        zoom=float(rng.normal(0.0, 0.012)),
        turn=float(rng.normal(0.0, 0.3)),
    )


MOODS = (0.35, 0.35, 0.2, 0.1)  # Shares of drawings with none, one, two and three moods.


def draw(drawing: Drawing, height: int, width: int) -> torch.Tensor:
    """Paints a drawing.

    Returns:
        uint8, shape (3, height, width), sRGB-encoded.
    """
    look = Look("", "", drawing.family, drawing.palette, drawing.seed)
    frame = still(Canvas(height, width, torch.device("cpu")), look, drawing.cue())
    return (frame.clamp(0.0, 1.0) * 255.0).round().to(torch.uint8)


def _colors(rng: np.random.Generator) -> tuple[tuple[str, ...], Palette]:
    """Half of the palettes have a name; the others are two to four colours put together."""
    if rng.random() < 0.5:
        name = list(palettes())[int(rng.integers(len(palettes())))]
        return (name,), palettes()[name]
    names = rng.permutation(plain_names())[: rng.integers(2, 5)].tolist()
    values = [value for name in names if (value := find_color(name))]
    return tuple(names), complete(values)


def _controls(rng: np.random.Generator, moods: tuple[Theme, ...]) -> dict[str, float]:
    values = {name: float(rng.uniform(*ends)) for name, ends in SPREAD.items()}
    for mood in moods:
        for name, offset in mood.controls.items():
            base = values.get(name, BY_NAME[name].neutral)
            values[name] = base + MOOD * offset
    return {n: min(max(v, BY_NAME[n].low), BY_NAME[n].high) for n, v in values.items()}


def _pose(rng: np.random.Generator) -> Pose:
    return Pose(
        clock=float(rng.uniform(0.0, 200.0)),
        travel=float(rng.uniform(0.0, 12.0)),
        x=float(rng.uniform(-0.3, 0.3)),
        y=float(rng.uniform(-0.2, 0.2)),
        angle=float(rng.normal(0.0, 12.0)),
    )


@cache
def _moods() -> tuple[Theme, ...]:
    """Themes that say only how something looks, not what or in which colours."""
    return tuple(
        theme
        for theme in {theme.name: theme for theme in vocabulary().values()}.values()
        if theme.scene is None and theme.palette is None and set(theme.controls) - {"speed"}
    )
