"""What a painter saw of its own work, beside the film."""

from __future__ import annotations

import csv
from pathlib import Path

from visualizer.painters import Curves


def write_curves(curves: Curves, path: Path) -> None:
    """Writes a painter's curves as CSV, one film frame to a row.

    Frames taken over from an interrupted run are missing: they were not painted again.
    """
    names = list(next(iter(curves.values())))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["frame", *names])
        for frame, values in sorted(curves.items()):
            writer.writerow([frame, *(f"{values[name]:.4f}" for name in names)])


def summarize(curves: Curves) -> str:
    """One line: the span of each curve over the film."""
    names = list(next(iter(curves.values())))
    spans = []
    for name in names:
        seen = [values[name] for values in curves.values()]
        spans.append(f"{name} {min(seen):.2f} to {max(seen):.2f}")
    return f"painted: against the first frame of each shot, {', '.join(spans)}"
