"""Reading ahead: the same items, made in another thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from visualizer.ahead import ahead


def counted(made: list[int], count: int = 100) -> Iterator[int]:
    for k in range(count):
        made.append(threading.get_ident())
        yield k


def test_items_come_in_order_from_another_thread() -> None:
    made: list[int] = []
    assert list(ahead(counted(made), 2)) == list(range(100))
    assert set(made) == {made[0]} != {threading.get_ident()}


def test_no_more_lie_ready_than_there_is_room_for() -> None:
    made: list[int] = []
    reading = ahead(counted(made), 3)
    assert next(reading) == 0
    time.sleep(0.3)
    assert len(made) <= 5  # One was read, three lie ready, one waits for room.
    reading.close()


def test_an_error_is_raised_where_it_is_read() -> None:
    def failing() -> Iterator[int]:
        yield 1
        raise ValueError("no second")

    reading = ahead(failing(), 2)
    assert next(reading) == 1
    with pytest.raises(ValueError, match="no second"):
        next(reading)


def test_a_reader_who_leaves_stops_the_making() -> None:
    made: list[int] = []
    before = threading.active_count()
    reading = ahead(counted(made, 10**9), 2)
    next(reading)
    reading.close()
    assert threading.active_count() == before
    assert len(made) <= 6
