"""The loop: a painter's frames, finished and ready for the encoder; no input or output here."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from visualizer.ahead import ahead
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
    frames = ahead(painter.paint(score, shot), AHEAD, torch.inference_mode())
    for cue, painted in zip(score.cues(shot), frames, strict=True):
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
