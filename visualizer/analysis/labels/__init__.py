"""Beats and sections as labels: written for other programs, read back corrected by hand.

An Audacity label track (`.txt`), JSON, or JAMS. Beats are points whose text is the position in the
bar, 1 on the downbeat; sections are regions such as "A verse".
"""

from visualizer.analysis.labels.files import (
    check_format,
    read_beats,
    read_sections,
    read_times,
    write_labels,
)
from visualizer.analysis.labels.model import GivenBeats, GivenSection

__all__ = [
    "GivenBeats",
    "GivenSection",
    "check_format",
    "read_beats",
    "read_sections",
    "read_times",
    "write_labels",
]
