"""The registry of scene families: one name, one pure function."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch

from visualizer.painters.scenes.canvas import Canvas
from visualizer.painters.scenes.city import city
from visualizer.painters.scenes.crystal import crystal
from visualizer.painters.scenes.grid import grid
from visualizer.painters.scenes.inks import Inks
from visualizer.painters.scenes.lava import lava
from visualizer.painters.scenes.mandala import mandala
from visualizer.painters.scenes.mountains import mountains
from visualizer.painters.scenes.nebula import nebula
from visualizer.painters.scenes.radial import kaleidoscope, tunnel
from visualizer.painters.scenes.rings import rings
from visualizer.painters.scenes.sky import aurora, galaxy
from visualizer.painters.scenes.stars import stars
from visualizer.painters.scenes.water import ink, ocean
from visualizer.painters.scenes.waves import waves
from visualizer.score import Cue

# (canvas, cue, seed, inks) -> float32, shape (3, height, width), sRGB-encoded, in [0, 1].
# All motion comes from `cue.pose`; the seed decides the composition; light, saturation and
# palette_shift are already in the inks.
Family = Callable[[Canvas, Cue, int, Inks], torch.Tensor]

FAMILIES: Mapping[str, Family] = {
    "nebula": nebula,
    "tunnel": tunnel,
    "kaleidoscope": kaleidoscope,
    "ocean": ocean,
    "galaxy": galaxy,
    "ink": ink,
    "aurora": aurora,
    "mandala": mandala,
    "mountains": mountains,
    "crystal": crystal,
    "lava": lava,
    "grid": grid,
    "city": city,
    "stars": stars,
    "waves": waves,
    "rings": rings,
}

# Families that fly inwards by their own clock: growth per scene second (logarithm). It is added to
# the zoom of the camera before they are painted, so that their trails fly with them.
DRIFT: Mapping[str, float] = {
    "nebula": 0.035,
    "tunnel": 0.25,
    "kaleidoscope": 0.04,
    "galaxy": 0.02,
    "ink": 0.03,
    "mandala": 0.05,
    "mountains": 0.03,
    "crystal": 0.05,
    "lava": 0.05,
    "stars": 0.25,
}

# Scenes that keep their horizon level and their ground in place whatever the camera does: their
# trails stay where the light was.
STEADY: frozenset[str] = frozenset(
    {"ocean", "aurora", "mountains", "lava", "grid", "city", "waves"}
)
