"""The loop: a painter's frames, finished and ready for the encoder; no input or output here."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from visualizer.effects import Finish
from visualizer.painters import Painter
from visualizer.score import Score, Shot

Frame = NDArray[np.uint8]

AHEAD = 2  # Frames painted while the last one is being finished.


def render(score: Score, shot: Shot, painter: Painter, finish: Finish) -> Iterator[Frame]:
    """Yields the shown frames of one shot; the next is painted while one is finished.

    Yields:
        uint8, shape (height, width, 3), RGB.
    """
    leaving: _Leaving | None = None
    for cue, painted in zip(score.cues(shot), _paint_ahead(score, shot, painter), strict=True):
        if cue.frame < shot.first:
            continue
        with torch.inference_mode():
            frame = finish(painted, cue)
            # While one frame is on its way from a GPU, it finishes the next.
            before, leaving = leaving, _Leaving(frame) if frame.is_cuda else None
        if leaving is None:
            yield to_uint8(frame)
        elif before is not None:
            yield before.arrived()
    if leaving is not None:
        yield leaving.arrived()


def to_uint8(frame: torch.Tensor) -> Frame:
    """A float frame, shape (3, height, width) in [0, 1], as interleaved bytes on the CPU."""
    if frame.is_cuda:
        return _Leaving(frame).arrived()
    # OpenCV scales, rounds and interleaves in 0.3 ms at 1280x720, torch in 9 ms.
    planes = [cv2.convertScaleAbs(plane, alpha=255.0) for plane in frame.cpu().numpy()]
    return np.asarray(cv2.merge(planes), np.uint8)


class _Leaving:
    """A frame on its way from a GPU, a quarter of its size as bytes."""

    def __init__(self, frame: torch.Tensor) -> None:
        """Sends it off without waiting for it; torch puts it into page-locked memory."""
        bytes_ = (frame * 255.0 + 0.5).to(torch.uint8).permute(1, 2, 0).contiguous()
        self._here = bytes_.to("cpu", non_blocking=True)
        self._there: torch.cuda.Event = torch.cuda.Event()  # type: ignore[no-untyped-call]
        self._there.record()

    def arrived(self) -> Frame:
        """The frame, once it is whole."""
        self._there.synchronize()
        return np.asarray(self._here.numpy(), np.uint8)


def _paint_ahead(score: Score, shot: Shot, painter: Painter) -> Iterator[torch.Tensor]:
    """Runs the painter in a thread of its own, a few frames ahead of whoever reads."""
    ready: queue.Queue[torch.Tensor | BaseException | None] = queue.Queue(AHEAD)
    left = threading.Event()

    def paint() -> None:
        try:
            with torch.inference_mode():
                for frame in painter.paint(score, shot):
                    _put(ready, frame, left)
                    if left.is_set():
                        return
            _put(ready, None, left)
        except BaseException as error:
            _put(ready, error, left)

    thread = threading.Thread(target=paint, daemon=True)
    thread.start()
    try:
        while (item := ready.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        left.set()
        thread.join()


def _put(
    ready: queue.Queue[torch.Tensor | BaseException | None],
    item: torch.Tensor | BaseException | None,
    left: threading.Event,
) -> None:
    """Waits for room, but not for a reader who has left."""
    while not left.is_set():
        try:
            return ready.put(item, timeout=0.1)
        except queue.Full:
            continue
