"""A preset: the look of a film as data that a musician can read and tweak."""

from visualizer.preset.load import (
    DEFAULT,
    describe,
    find_preset,
    load_preset,
    parse_preset,
    preset_dir,
    preset_names,
)
from visualizer.preset.routes import DRIVERS, Route
from visualizer.preset.schema import Mode, Preset
from visualizer.preset.units import Length, Place

__all__ = [
    "DEFAULT",
    "DRIVERS",
    "Length",
    "Mode",
    "Place",
    "Preset",
    "Route",
    "describe",
    "find_preset",
    "load_preset",
    "parse_preset",
    "preset_dir",
    "preset_names",
]
