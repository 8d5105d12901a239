"""Where the time of a command goes.

The code that takes the time names itself with `stage`; only a command that asks, by `measuring`,
learns of it. Threads that begin meanwhile are not measured.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

T = TypeVar("T")

SHORT = 0.05  # Seconds: shorter stages are summed up.


class Stopwatch:
    """Shares time among named stages: of nested ones the innermost gets it.

    Attributes:
        seconds: Of each stage, in the order of their beginnings; what no stage claims is "rest".
    """

    def __init__(self) -> None:
        """Starts."""
        self.seconds: dict[str, float] = {}
        self._names = ["rest"]
        self._since = time.perf_counter()

    def enter(self, name: str) -> None:
        """Begins a stage."""
        self._turn()
        self._names.append(name)
        self.seconds.setdefault(name, 0.0)

    def leave(self) -> None:
        """Ends the innermost stage."""
        self._turn()
        self._names.pop()

    def add(self, name: str, seconds: float) -> None:
        """Counts time that has passed before."""
        self.seconds[name] = self.seconds.get(name, 0.0) + seconds

    def summary(self) -> str:
        """One line: the whole, and its stages."""
        self._turn()
        long = {n: s for n, s in self.seconds.items() if s >= SHORT and n != "rest"}
        total = sum(self.seconds.values())
        long["rest"] = total - sum(long.values())
        return f"{total:.1f} s: " + ", ".join(f"{n} {s:.1f}" for n, s in long.items())

    def _turn(self) -> None:
        now = time.perf_counter()
        self.add(self._names[-1], now - self._since)
        self._since = now


_running: ContextVar[Stopwatch | None] = ContextVar("running", default=None)


@contextmanager
def measuring() -> Iterator[Stopwatch]:
    """Measures the stages of what is done inside."""
    watch = Stopwatch()
    token = _running.set(watch)
    try:
        yield watch
    finally:
        _running.reset(token)


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Names what is done inside; costs nothing where nobody measures."""
    watch = _running.get()
    if watch is None:
        yield
        return
    watch.enter(name)
    try:
        yield
    finally:
        watch.leave()


def each(name: str, source: Iterable[T]) -> Iterator[T]:
    """Passes the items of `source` on; the time it takes to give them is a stage."""
    items = iter(source)
    while True:
        with stage(name):
            item = next(items, _END)
        if item is _END:
            return
        yield item  # type: ignore[misc]


_END = object()
