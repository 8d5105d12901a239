"""What the user sees while a command runs.

Results go to standard output and the rest to the error stream, so that output can be piped.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

# Tables that are piped or printed in a narrow window keep their model ids and names whole.
WIDE = 160

console = Console(soft_wrap=True)
if not console.is_terminal:
    console.width = WIDE
_aside = Console(stderr=True, soft_wrap=True)


def note(text: str) -> None:
    """Says something the user should know that stops nothing."""
    aside(f"note: {text}")


def aside(text: str) -> None:
    """Says something about the run itself, apart from its results."""
    _aside.print(text, highlight=False, markup=False)


@contextmanager
def song_progress(seconds: float, doing: str = "listening") -> Iterator[Callable[[float], None]]:
    """Shows a bar while a song is read; gives a function that takes the share read so far."""
    with _bar(TextColumn(doing)) as progress:
        task = progress.add_task("", total=seconds)
        yield lambda share: progress.update(task, completed=share * seconds)


@contextmanager
def film_progress(frames: int) -> Iterator[Callable[[int, int], None]]:
    """Shows a bar while a film is painted, with frames per second and time left."""
    began = time.perf_counter()
    with _bar(TextColumn("painting"), TextColumn("{task.fields[fps]:.1f} frames/s")) as progress:
        task = progress.add_task("", total=frames, fps=0.0)

        def on_frame(done: int, total: int) -> None:
            rate = done / max(time.perf_counter() - began, 1e-9)
            progress.update(task, completed=done, total=total, fps=rate)

        yield on_frame


def _bar(name: TextColumn, *columns: TextColumn) -> Progress:
    return Progress(
        name,
        BarColumn(),
        TaskProgressColumn(),
        *columns,
        TimeRemainingColumn(),
        TextColumn("left"),
        console=_aside,
        transient=True,
        disable=not _aside.is_terminal,
    )
