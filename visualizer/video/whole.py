"""Whole files or none: write beside, then rename."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from visualizer.errors import VisualizerError


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Gives the path to write to; it becomes `path` at the end, or nothing remains.

    Yields:
        A hidden file beside `path`, on the same file system.

    Raises:
        VisualizerError: The folder is missing or closed to us, or `path` is a folder.
    """
    _check(path)
    growing = path.with_name(f".{path.stem}.part{path.suffix}")
    try:
        yield growing
        growing.replace(path)
    finally:
        growing.unlink(missing_ok=True)


def _check(path: Path) -> None:
    folder = path.parent
    if not folder.is_dir():
        raise VisualizerError(f"{path}: there is no folder {folder}; make it first")
    if not os.access(folder, os.W_OK):
        raise VisualizerError(f"{path}: the folder {folder} cannot be written to; choose another")
    if path.is_dir():
        raise VisualizerError(f"{path}: is a folder; give the name of a file")
