"""Reading ahead: what is made one after another is made in a thread of its own."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import TypeVar

Item = TypeVar("Item")

_END = object()


def ahead(
    items: Iterable[Item], room: int, within: AbstractContextManager[object] | None = None
) -> Iterator[Item]:
    """Yields the same items, made a few ahead of whoever reads.

    What goes wrong while they are made is raised where they are read; when the reader leaves,
    nothing further is made.

    Args:
        items: Made one after another, in a thread of their own.
        room: How many may lie ready.
        within: Entered in that thread.

    >>> list(ahead(iter([1, 2, 3]), 2))
    [1, 2, 3]
    """
    ready: queue.Queue[object] = queue.Queue(room)
    left = threading.Event()

    def make() -> None:
        try:
            with within or nullcontext():
                for item in items:
                    _put(ready, item, left)
                    if left.is_set():
                        return
            _put(ready, _END, left)
        except BaseException as error:
            _put(ready, _Wrong(error), left)

    thread = threading.Thread(target=make, daemon=True)
    thread.start()
    try:
        while (item := ready.get()) is not _END:
            if isinstance(item, _Wrong):
                raise item.error
            yield item  # type: ignore[misc]
    finally:
        left.set()
        thread.join()


class _Wrong:
    """What stopped the making."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


def _put(ready: queue.Queue[object], item: object, left: threading.Event) -> None:
    """Waits for room, but not for a reader who has left."""
    while not left.is_set():
        try:
            return ready.put(item, timeout=0.1)
        except queue.Full:
            continue
