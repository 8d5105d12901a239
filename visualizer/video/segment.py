"""A run of frames as H.264, encoded beside the painter."""

from __future__ import annotations

import queue
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from visualizer import ffmpeg
from visualizer.errors import VisualizerError
from visualizer.video.whole import whole

WAITING = 4  # Frames between painter and encoder: they overlap, and memory stays small.

# Players take HD for BT.709, and ffmpeg neither converts to it nor says so unless told; as output
# flags the primaries and the transfer get lost, so they are set on the frames.
BT709 = (
    "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p,"
    "setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709"
)


class SegmentWriter:
    """Writes frames to an MP4 file without sound: H.264 High, BT.709, constant frame rate.

    A context manager. The file appears under its name when the block ends well, and not at all
    when it does not. The groups of pictures are closed and last half a second, with two B-frames
    between the others, as the platforms ask.

    Attributes:
        frames: Number of frames given so far.
        waited: Seconds that `write` was held up by the encoder.
    """

    def __init__(
        self,
        path: str | Path,
        width: int,
        height: int,
        fps: int,
        *,
        crf: int = 18,
        preset: str = "medium",
    ) -> None:
        """Prepares; nothing is written before the block begins.

        Args:
            path: The file; its folder must exist.
            width: Pixels, even.
            height: Pixels, even.
            fps: Frames per second, a whole number.
            crf: x264's constant rate factor, 1 to 51: 18 looks like the original, 28 is a draft.
            preset: x264's: "veryfast" for drafts, "medium", "slow".
        """
        self.path = Path(path)
        self.frames = 0
        self.waited = 0.0
        self._shape = (height, width, 3)
        self._fps = fps
        self._options = ["-crf", str(crf), "-vf", BT709, *_pictures(fps), "-f", "mp4"]
        self._preset = preset
        self._queue: queue.Queue[NDArray[np.uint8] | None] = queue.Queue(WAITING)
        self._thread = threading.Thread(target=self._encode, daemon=True)
        self._error: Exception | None = None
        self._process: Any = None

    def __enter__(self) -> Self:
        """Starts the encoder.

        Raises:
            VisualizerError: The folder cannot be written to.
        """
        with ExitStack() as stack:
            growing = stack.enter_context(whole(self.path))
            self._log = stack.enter_context(tempfile.TemporaryFile("w+", errors="replace"))
            stack.callback(self._stop)
            # Ctrl-C only reaches the main thread: here it cannot fall into the start and lose hold
            # of a process that is about to write.
            with ThreadPoolExecutor(1) as starting:
                starting.submit(self._start, growing).result()
            self._thread.start()
            self._stack = stack.pop_all()
        return self

    def _start(self, growing: Path) -> None:
        from moviepy.video.io.ffmpeg_writer import FFMPEG_VideoWriter

        self._writer: Any = FFMPEG_VideoWriter(
            str(growing.absolute()),
            (self._shape[1], self._shape[0]),
            self._fps,
            preset=self._preset,
            logfile=self._log,
            ffmpeg_params=["-hide_banner", "-v", "error", *self._options],
        )
        self._process = self._writer.proc

    def write(self, frame: NDArray[np.uint8]) -> None:
        """Hands one frame over; the caller may reuse its memory.

        Args:
            frame: uint8, shape (height, width, 3), sRGB.

        Raises:
            VisualizerError: The encoder has failed.
        """
        if frame.shape != self._shape or frame.dtype != np.uint8:
            raise ValueError(f"frame is {frame.dtype} {frame.shape}, not uint8 {self._shape}")
        began = time.perf_counter()
        self._queue.put(frame.copy())
        self.waited += time.perf_counter() - began
        self.frames += 1
        if self._error is not None:
            raise self._failure() from self._error

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Finishes the file, or removes what there is of it."""
        if error is not None:
            self._process.kill()
        try:
            code = self._finish()
        except BaseException:  # Ctrl-C while the last frames are encoded.
            self._process.kill()
            with self._stack:
                self._finish()
                raise
        if error is None and (code or self._error):
            with self._stack:
                raise self._failure() from self._error
        self._stack.__exit__(kind, error, trace)

    def _finish(self) -> int:
        """Waits for the encoder, and tells how it ended."""
        self._queue.put(None)
        self._thread.join()
        return int(self._process.wait())

    def _stop(self) -> None:
        """Ends the encoder where it still runs, so that what it writes can be removed."""
        if self._process is None:
            return
        self._process.kill()
        with suppress(BrokenPipeError, ValueError):  # Bytes not taken yet; or closed already.
            self._process.stdin.close()
        self._process.wait()

    def _encode(self) -> None:
        """Runs in its own thread; after a failure it goes on emptying the queue."""
        frames = self._queued()
        try:
            for frame in frames:
                self._writer.write_frame(frame)
            self._writer.close()
        except Exception as error:
            self._error = error
            self._process.kill()
            for _ in frames:
                pass

    def _queued(self) -> Iterator[NDArray[np.uint8]]:
        while (frame := self._queue.get()) is not None:
            yield frame

    def _failure(self) -> VisualizerError:
        self._process.wait()  # It has said everything.
        self._log.seek(0)
        why = ffmpeg.reason(self._log.read())
        return VisualizerError(f"{self.path}: the encoder stopped ({why})")


def _pictures(fps: int) -> list[str]:
    half_a_second = str(max(1, fps // 2))
    return ["-profile:v", "high", "-g", half_a_second, "-bf", "2", "-flags", "+cgop"]
