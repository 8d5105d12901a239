"""Hears a song: beats, bars, sections, drums, curves and key, all in seconds and in [0, 1].

`visualizer.analysis.picture` draws an analysis, `visualizer.analysis.clicks` makes it audible.
"""

from typing import TYPE_CHECKING

from visualizer.analysis.files import analyze_cached, load_analysis, save_analysis
from visualizer.analysis.model import (
    ANALYSIS_VERSION,
    CURVES,
    EVENTS,
    ROLES,
    Analysis,
    Role,
    Section,
)

if TYPE_CHECKING:
    from visualizer.analysis.listen import analyze

__all__ = [
    "ANALYSIS_VERSION",
    "CURVES",
    "EVENTS",
    "ROLES",
    "Analysis",
    "Role",
    "Section",
    "analyze",
    "analyze_cached",
    "load_analysis",
    "save_analysis",
]


def __getattr__(name: str) -> object:
    """Imports `analyze` when it is asked for: a song that has been heard before needs none of it.

    Raises:
        AttributeError: There is no such name.
    """
    if name != "analyze":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from visualizer.analysis.listen import analyze

    return analyze
