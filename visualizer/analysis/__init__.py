"""Hears a song: beats, bars, sections, drums, curves and key, all in seconds and in [0, 1].

`visualizer.analysis.picture` draws an analysis, `visualizer.analysis.clicks` makes it audible.
"""

from visualizer.analysis.files import analyze_cached, load_analysis, save_analysis
from visualizer.analysis.listen import analyze
from visualizer.analysis.model import (
    ANALYSIS_VERSION,
    CURVES,
    EVENTS,
    ROLES,
    Analysis,
    Role,
    Section,
)

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
