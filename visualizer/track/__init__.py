"""The song: what it is, how long it lasts, and its sound, block by block."""

from visualizer.track.load import load_track
from visualizer.track.model import Track

__all__ = ["Track", "load_track"]
