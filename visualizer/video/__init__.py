"""Frames into segments, segments and the song into the film."""

from visualizer.video.mux import join
from visualizer.video.segment import SegmentWriter

__all__ = ["SegmentWriter", "join"]
