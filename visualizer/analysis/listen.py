"""From a track to its analysis."""

from __future__ import annotations

from collections.abc import Callable

from visualizer.analysis.bass import bass_notes
from visualizer.analysis.form import find_form
from visualizer.analysis.grid import Grid, find_grid
from visualizer.analysis.levels import measure_curves
from visualizer.analysis.model import Analysis
from visualizer.analysis.observations import Observations, observe
from visualizer.analysis.onsets import Times, peak_times, usual_threshold
from visualizer.analysis.roles import name_sections
from visualizer.analysis.sections import snap
from visualizer.analysis.spectra import RATE, Spectra, measure_spectra
from visualizer.analysis.tonality import find_key, normalize_chroma
from visualizer.stopwatch import stage
from visualizer.track import Track


def analyze(track: Track, on_progress: Callable[[float], None] | None = None) -> Analysis:
    """Hears a track: beats, sections, drums, curves and key.

    Args:
        track: The song; read once, block by block.
        on_progress: Called with the share of the song that has been read, in [0, 1].

    Returns:
        The analysis; a silent track has no events, no key, zero curves and one section.
    """
    with stage("spectra"):
        spectra = measure_spectra(track, on_progress)
    with stage("network"):
        observed = observe(spectra)
    with stage("grid"):
        grid = find_grid(observed)
    with stage("sections"):
        form = find_form(spectra, grid, track.duration)
    with stage("curves"):
        chroma, curves = normalize_chroma(spectra.chroma), measure_curves(spectra)
        key = find_key(chroma)
    return Analysis(
        duration=track.duration,
        tempo_bpm=grid.tempo_bpm,
        meter=grid.meter,
        confidence=grid.confidence,
        events=_events(grid, observed, spectra, track.duration),
        sections=snap(name_sections(form), grid.downbeats),
        rate=float(RATE),
        curves=curves,
        chroma=chroma,
        key=key.name,
        key_confidence=key.confidence,
    )


def _events(
    grid: Grid, observed: Observations, spectra: Spectra, duration: float
) -> dict[str, Times]:
    events = {
        "beat": grid.beats,
        "downbeat": grid.downbeats,
        "onset": peak_times(observed.strength, 0.15, 0.05),
        "kick": peak_times(observed.kick, 0.35, 0.06),
        "snare": peak_times(observed.snare, 0.25, 0.06),
        "hat": peak_times(observed.hat, usual_threshold(observed.hat, 0.16, 0.45), 0.06),
        "bass_note": bass_notes(spectra.mel),
    }
    return {name: times[times <= duration] for name, times in events.items()}
