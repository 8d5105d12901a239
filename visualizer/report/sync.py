"""Do picture and sound agree? Flashes against clicks, both found in the finished file.

Conventions: an offset is the time of the flash minus the time of the sound, in milliseconds:
positive where the picture is late.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from visualizer.errors import VisualizerError
from visualizer.report.luminance import Luminance, read_luminance
from visualizer.report.streams import read_streams
from visualizer.track import Track, load_track

Seconds = NDArray[np.float64]

RISE = 0.3  # Of the steepest rise of brightness in the film: less is no flash.
LOUD = 0.3  # Of the loudest peak of the song: less is no click.
RATE = 48000  # Hz at which clicks are looked for,
HOP = 24  # samples at a time: half a millisecond.
APART = 0.06  # Seconds; what follows sooner belongs to the same flash or click.
RECENT = 5  # Offsets whose median says where the next flash is looked for.


@dataclass(frozen=True)
class Sync:
    """Offsets between flashes and sounds.

    Attributes:
        times: float64, shape (n,): seconds of the sounds that have their flash.
        offsets: float64, shape (n,): milliseconds, positive where the picture is late.
        missed: Number of sounds without a flash.
    """

    times: Seconds
    offsets: Seconds
    missed: int

    @property
    def median(self) -> float:
        """Of all offsets, in ms."""
        return float(np.median(self.offsets))

    @property
    def p95(self) -> float:
        """95 % of all offsets are no larger, in ms, sign left out."""
        return float(np.percentile(np.abs(self.offsets), 95))

    @property
    def worst(self) -> float:
        """The largest offset, in ms, sign left out."""
        return float(np.abs(self.offsets).max())

    @property
    def drift(self) -> float:
        """By how much the offset grows from the first sound to the last, in ms (a fitted line)."""
        if len(self.times) < 2:
            return 0.0
        slope = np.polyfit(self.times - self.times[0], self.offsets, 1)[0]
        return float(slope * (self.times[-1] - self.times[0]))


def sync_offsets(video: str | Path, times: Seconds | None = None) -> Sync:
    """Finds the flashes of a film and says how far each is from its sound.

    Args:
        video: The film.
        times: Seconds, increasing, at which the picture should flash; where omitted, the clicks
            in the film's own sound, which suits click tracks and not music.

    Raises:
        VisualizerError: Not a film, or nothing in it flashes or clicks.
    """
    video = Path(video)
    streams = read_streams(video)
    luminance = read_luminance(video, len(streams.picture.ticks))
    shown = flash_times(luminance, streams.picture.times)
    if times is None:
        # A track begins where its file begins, be it with the picture or with the sound.
        times = click_times(load_track(video)) + min(streams.picture.start, streams.sound.start)
    heard = np.asarray(times, np.float64)
    sync = match(heard, shown)
    if len(sync.offsets) == 0:
        raise VisualizerError(f"{video}: no flash in it meets a click; nothing can be compared")
    return sync


def flash_times(luminance: Luminance, times: Seconds) -> Seconds:
    """Presentation times of the frames on which the picture suddenly turns brighter."""
    rises = np.diff(luminance.whole, prepend=luminance.whole[:1])
    steepest = rises.max(initial=0.0)
    return _apart(times[(rises > RISE * steepest) & (rises > 0)])


def click_times(track: Track) -> Seconds:
    """Seconds at which the sound suddenly turns loud, to half a millisecond."""
    peaks = [
        np.abs(block).max(axis=1)[: len(block) // HOP * HOP].reshape(-1, HOP).max(axis=1)
        for block in track.blocks(RATE)
    ]
    loudness = np.concatenate(peaks)
    loud = np.flatnonzero(loudness > max(LOUD * float(loudness.max()), 1e-4))
    return _apart(loud * HOP / RATE)


def match(heard: Seconds, shown: Seconds) -> Sync:
    """Pairs every sound with the flash nearest to where the last few offsets expect it.

    So a constant lag of up to half the distance between two sounds is read as one, and a drift is
    followed however far it goes.
    """
    times: list[float] = []
    offsets: list[float] = []
    reach = float(np.median(np.diff(heard))) / 2 if len(heard) > 1 else np.inf
    for time in heard.tolist():
        expected = time + (float(np.median(offsets[-RECENT:])) if offsets else 0.0)
        nearest = _nearest(shown, expected)
        if nearest is not None and abs(nearest - expected) <= reach:
            times.append(time)
            offsets.append(nearest - time)
    return Sync(np.array(times), 1000 * np.array(offsets), len(heard) - len(times))


def _nearest(times: Seconds, time: float) -> float | None:
    return float(times[np.argmin(np.abs(times - time))]) if len(times) else None


def _apart(times: Seconds) -> Seconds:
    """Keeps the first of every group of times that follow each other within APART."""
    return times[np.diff(times, prepend=-np.inf) > APART]
