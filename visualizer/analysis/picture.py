"""The analysis as one picture: form, sound, a close look at the beat, curves and harmony."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray

from visualizer.analysis.model import CURVES, PITCHES, Analysis
from visualizer.errors import VisualizerError

INK, FAINT, PAPER = "#e8e6f0", "#6d6a80", "#0d0c14"
BANDS = {"bass": "#3b5bff", "mid": "#ff4f8b", "treble": "#ffd36b"}
DRUMS = {"kick": "#3b5bff", "snare": "#ff4f8b", "hat": "#ffd36b"}
LETTERS = ("#5b8cff", "#ff6b9d", "#ffb454", "#6fe3c1", "#b78bff", "#ff8466", "#8fd14f", "#4fd1e8")
CLOSE_BARS = 4
WIDTH, HEIGHT, DPI = 16.0, 10.0, 120


def draw_analysis(analysis: Analysis, path: Path, title: str = "") -> None:
    """Draws an analysis as a PNG of 1920 x 1200 pixels.

    Args:
        analysis: What to draw.
        path: Where to; an existing file is replaced.
        title: Written at the top.

    Raises:
        VisualizerError: The folder cannot be written.
    """
    figure = Figure(figsize=(WIDTH, HEIGHT), dpi=DPI, facecolor=PAPER)
    rows = figure.add_gridspec(
        5,
        1,
        height_ratios=[0.5, 2.4, 1.5, 2.6, 1.3],
        hspace=0.28,
        left=0.075,
        right=0.975,
        top=0.9,
        bottom=0.05,
    )
    _write_head(figure, analysis, title)
    painters = (_draw_sections, _draw_sound, _draw_close, _draw_curves, _draw_chroma)
    for row, paint in enumerate(painters):
        paint(_make_axes(figure, rows[row]), analysis)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        FigureCanvasAgg(figure).print_png(part)  # type: ignore[no-untyped-call]
        part.replace(path)
    except OSError as error:
        raise VisualizerError(f"{path}: cannot be written; choose another folder") from error
    finally:
        part.unlink(missing_ok=True)


def _make_axes(figure: Figure, place: object) -> Axes:
    axes = figure.add_subplot(place)  # type: ignore[call-overload]
    axes.set_facecolor(PAPER)
    axes.tick_params(colors=FAINT, labelsize=9, length=0)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda s, _: f"{int(s // 60)}:{s % 60:02.0f}"))
    for spine in axes.spines.values():
        spine.set_visible(False)
    return axes  # type: ignore[no-any-return]


def _write_head(figure: Figure, analysis: Analysis, title: str) -> None:
    beat = (
        f"{analysis.tempo_bpm:.1f} bpm   {analysis.meter} beats per bar"
        if len(analysis.events["beat"])
        else "no beat found"
    )
    facts = "   ".join(filter(None, [beat, analysis.key, f"grid {analysis.confidence:.0%} sure"]))
    figure.text(0.075, 0.945, title, color=INK, fontsize=22, weight="bold")
    figure.text(0.975, 0.945, facts, color=INK, fontsize=13, ha="right")


def _span(axes: Axes, analysis: Analysis) -> None:
    axes.set_xlim(0, max(analysis.duration, 0.01))


def _draw_sections(axes: Axes, analysis: Analysis) -> None:
    for section in analysis.sections:
        colour = LETTERS[(ord(section.label) - ord("A")) % len(LETTERS)]
        axes.axvspan(section.start, section.end, color=colour, alpha=0.85, lw=0)
        axes.axvline(section.start, color=PAPER, lw=3)
        if section.end - section.start > 0.04 * analysis.duration:
            axes.text(
                (section.start + section.end) / 2,
                0.5,
                f"{section.label}  {section.role}",
                color=PAPER,
                fontsize=12,
                weight="bold",
                ha="center",
                va="center",
                clip_on=True,
            )
    axes.set(ylim=(0, 1), yticks=[], xticks=[])
    _span(axes, analysis)


def _draw_sound(axes: Axes, analysis: Analysis) -> None:
    """The three bands as one mirrored shape, downbeats as fine lines."""
    step = max(1, len(analysis.curves["bass"]) // 1800)
    for (name, colour), height in zip(BANDS.items(), (1.0, 0.72, 0.42), strict=True):
        curve = height * _peaks(analysis.curves[name], step)
        times = np.arange(len(curve)) * step / analysis.rate
        axes.fill_between(times, -curve, curve, color=colour, lw=0, alpha=0.9)
    axes.vlines(analysis.events["downbeat"], 1.02, 1.12, color=INK, lw=0.8)
    for section in analysis.sections[1:]:
        axes.axvline(section.start, color=INK, lw=1, alpha=0.7)
    axes.set(ylim=(-1.05, 1.15), yticks=[])
    _span(axes, analysis)


def _peaks(curve: NDArray[np.float32], step: int) -> NDArray[np.float32]:
    """Highest value of every `step` points."""
    padded = np.pad(curve, (0, -len(curve) % step))
    return np.asarray(padded.reshape(-1, step).max(axis=1))


def _draw_close(axes: Axes, analysis: Analysis) -> None:
    """A few bars of the loudest section: beats, onsets and drums, near enough to check."""
    start, end = _close_span(analysis)
    curve = analysis.curves["percussive"]
    times = np.arange(len(curve)) / analysis.rate
    shown = (times >= start) & (times <= end)
    axes.fill_between(times[shown], 0, curve[shown], color=FAINT, lw=0, alpha=0.45)
    for name, colour, width in (("beat", FAINT, 1.0), ("downbeat", INK, 2.2)):
        hits = analysis.events[name]
        axes.vlines(hits[(hits >= start) & (hits <= end)], 0, 1, color=colour, lw=width)
    for height, (name, colour) in zip((1.1, 1.25, 1.4), DRUMS.items(), strict=True):
        hits = analysis.events[name]
        hits = hits[(hits >= start) & (hits <= end)]
        axes.plot(hits, np.full(len(hits), height), "o", color=colour, ms=6)
    axes.set(
        xlim=(start, max(end, start + 0.01)),
        ylim=(0, 1.5),
        yticks=[0.5, 1.1, 1.25, 1.4],
        yticklabels=["beats", *DRUMS],
    )


def _close_span(analysis: Analysis) -> tuple[float, float]:
    loud = max(analysis.sections, key=lambda s: _mean(analysis, s.start, s.end))
    bars = analysis.events["downbeat"]
    inside = bars[bars >= loud.start]
    if len(inside) > CLOSE_BARS:
        return float(inside[0]) - 0.05, float(inside[CLOSE_BARS]) + 0.05
    return loud.start, min(loud.start + 8.0, analysis.duration)


def _mean(analysis: Analysis, start: float, end: float) -> float:
    piece = analysis.curves["loudness"][int(start * analysis.rate) : int(end * analysis.rate) + 1]
    return float(piece.mean()) if len(piece) else 0.0


def _draw_curves(axes: Axes, analysis: Analysis) -> None:
    step = max(1, len(analysis.curves["bass"]) // 1800)
    for row, name in enumerate(reversed(CURVES)):
        curve = _peaks(analysis.curves[name], step)
        times = np.arange(len(curve)) * step / analysis.rate
        colour = BANDS.get(name, LETTERS[row % len(LETTERS)])
        axes.fill_between(times, row, row + 0.88 * curve, color=colour, lw=0, alpha=0.75)
    axes.set(
        ylim=(0, len(CURVES)),
        yticks=np.arange(len(CURVES)) + 0.35,
        yticklabels=list(reversed(CURVES)),
        xticks=[],
    )
    _span(axes, analysis)


def _draw_chroma(axes: Axes, analysis: Analysis) -> None:
    step = max(1, len(analysis.chroma) // 1800)
    axes.imshow(
        analysis.chroma[::step].T,
        aspect="auto",
        origin="lower",
        cmap="magma",
        extent=(0, max(analysis.duration, 0.01), -0.5, 11.5),
        interpolation="nearest",
    )
    axes.set(yticks=np.arange(12)[::2], yticklabels=PITCHES[::2])
    _span(axes, analysis)
