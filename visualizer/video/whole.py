"""Whole files or none: write beside, then rename."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def partial(path: Path) -> Path:
    """Where `path` grows until it is whole: hidden, beside it, on the same file system."""
    return path.with_name(f".{path.stem}.part{path.suffix}")


def discard(path: Path) -> None:
    """Removes a file that may not be there."""
    path.unlink(missing_ok=True)


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Gives the path to write to; it becomes `path` at the end, or nothing remains."""
    growing = partial(path)
    try:
        yield growing
        growing.replace(path)
    finally:
        discard(growing)
