"""Music becomes film: analysis and preset in, score out.

Pure, and the one place where seconds become frames.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from visualizer.controls import BY_NAME, NAMES
from visualizer.errors import VisualizerError
from visualizer.preset import Preset
from visualizer.score.drivers import Drivers
from visualizer.score.flashes import limit_flashes
from visualizer.score.looks import Span, lay_out, stable_seed
from visualizer.score.types import Look, Paint, Pose, Score, Shot, Title

if TYPE_CHECKING:
    from visualizer.analysis import Analysis

LONGEST_SHOT = 20.0  # Seconds: what a killed render may lose.
DECIMALS = 4  # So that a score read back from its file is the same to the bit.
LEAD = 0.5  # Seconds painted before a soft join, until the trails have filled.


@dataclass(frozen=True)
class FilmOptions:
    """What the user asks of a film apart from its look.

    Attributes:
        width: Pixels, even.
        height: Pixels, even.
        fps: Frames per second, a whole number.
        start: Second of the song where the film begins.
        duration: Seconds, or None for the rest of the song.
        seed: Another seed, another film of the same preset.
        title: The song's title, from its tags.
        artist: The song's artist, from its tags.
        images: Paths of the user's pictures.
    """

    width: int = 1280
    height: int = 720
    fps: int = 30
    start: float = 0.0
    duration: float | None = None
    seed: int = 0
    title: str = ""
    artist: str = ""
    images: tuple[str, ...] = ()


def compose(analysis: Analysis, preset: Preset, options: FilmOptions) -> Score:
    """Writes the score of a film.

    Frame k shows second `start + k / fps` of the song; events fall on the nearest frame. An
    excerpt shows exactly what the whole film shows there, to within one frame.

    Raises:
        VisualizerError: The excerpt lies outside the song, or has no length.
    """
    duration = excerpt_length(analysis.duration, options)
    frames = max(1, math.ceil(duration * options.fps - 1e-6))
    before = math.floor(options.start * options.fps)
    total = before + max(frames, math.ceil((analysis.duration - options.start) * options.fps))
    times = options.start + (np.arange(total) - before) / options.fps
    spans = lay_out(preset, analysis, options.seed, len(options.images))
    drivers = Drivers(analysis, times)
    film = _Film(times, spans, drivers, preset, options)
    shown = slice(before, before + frames)
    return Score(
        options.fps,
        options.width,
        options.height,
        options.start,
        tuple(film.shots(shown, _fade(frames, preset, drivers, options.fps))),
        _title(preset, drivers, options),
        options.images,
    )


def excerpt_length(song: float, options: FilmOptions) -> float:
    """Seconds the film lasts.

    Raises:
        VisualizerError: The excerpt lies outside the song, or has no length.
    """
    if not 0 <= options.start < song:
        raise VisualizerError(
            f"--start {options.start:g}: the song lasts {song:.2f} s; start between 0 and its end"
        )
    rest = song - options.start
    if options.duration is None:
        return rest
    if not options.duration > 0:
        raise VisualizerError(f"--duration {options.duration:g}: must be above 0 seconds")
    return min(options.duration, rest)


class _Film:
    """Columns over the whole song, from which shots are cut."""

    def __init__(
        self,
        times: NDArray[np.float64],
        spans: list[Span],
        drivers: Drivers,
        preset: Preset,
        options: FilmOptions,
    ) -> None:
        self.times, self.spans, self.drivers = times, spans, drivers
        self.preset, self.options = preset, options
        self.shares = _shares(times, spans, preset, drivers)
        self.controls = self._controls()
        self.poses = self._poses()

    def shots(self, shown: slice, fade: NDArray[np.float32]) -> list[Shot]:
        """Cuts the shown frames into shots; frame numbers count from the first shown one."""
        joints = [
            (frame, hard) for frame, hard in self._joints() if shown.start < frame < shown.stop
        ]
        starts = [(shown.start, True), *joints]
        ends = [frame for frame, _ in joints] + [shown.stop]
        return [
            self._shot(start, end, hard, shown.start, fade)
            for (start, hard), end in zip(starts, ends, strict=True)
        ]

    def _shot(self, start: int, end: int, hard: bool, zero: int, fade: NDArray[np.float32]) -> Shot:
        lead = 0 if hard else min(round(LEAD * self.options.fps), start)
        rows = slice(start - lead, end)
        looks, weights = self._looks(rows)
        span = self.spans[self._span_at(start)]
        section = self.drivers.section(span.section)
        shade = np.interp(np.arange(rows.start, end) - zero, np.arange(len(fade)), fade)
        return Shot(
            start - zero,
            lead,
            stable_seed(self.options.seed, section, start),
            section,
            looks,
            weights,
            self.controls[rows],
            shade.astype(np.float32),
            Pose(*self.poses[rows.start].tolist()),
            self._paint(rows, zero),
        )

    def _paint(self, rows: slice, zero: int) -> Paint:
        """How a model paints these frames; film frames count from `zero`."""
        paint = self.preset.paint
        keys: list[int] = []
        if paint.mode == "keyframes":
            grid = {self._frame(time) for time in self.drivers.grid(paint.every)}
            keys = sorted(key for key in grid if rows.start < key < rows.stop)
        elif paint.mode == "restyle":
            keys = self._in_time(rows, paint.rate)
        return Paint(paint.mode, paint.picture, tuple(key - zero for key in keys))

    def _in_time(self, rows: slice, rate: float) -> list[int]:
        """So many frames a second, and those of beats; none where that would be all of them."""
        hold, beats = round(self.options.fps / rate), map(self._frame, self.drivers.grid("beat"))
        if hold <= 1:
            return []
        keys, on_beat = [rows.start], set(beats)
        for frame in range(rows.start + 1, rows.stop):
            if frame >= keys[-1] + hold or frame in on_beat:
                keys.append(frame)
        return keys

    def _looks(self, rows: slice) -> tuple[tuple[Look, ...], NDArray[np.float32]]:
        """The looks that show in these frames, and how much of each."""
        blend = self.controls[rows, NAMES.index("prompt_blend")]
        columns: dict[Look, NDArray[np.float32]] = {}
        shares = self.shares[rows]
        alone = np.clip(2.0 * shares.max(axis=1) - 1.0, 0.0, 1.0)
        for index in np.flatnonzero(shares.any(axis=0)):
            span, share = self.spans[index], shares[:, index]
            lean = blend * alone if span.accent else np.zeros_like(share)
            for look, part in ((span.look, share * (1 - lean)), (span.accent, share * lean)):
                if look is not None and part.any():
                    columns[look] = columns.get(look, np.zeros_like(share)) + part
        weights = np.stack(list(columns.values()), axis=1)
        return tuple(columns), np.round(weights, DECIMALS).astype(np.float32)

    def _joints(self) -> list[tuple[int, bool]]:
        """Frames where a new shot begins, and whether it is a hard cut."""
        opens = [span for span in self.spans if span.opens != "prompt"]
        ends = [span.start for span in opens[1:]] + [float(self.times[-1])]
        joints: dict[int, bool] = {}
        for span, end in zip(opens, ends, strict=True):
            joints[self._frame(span.start)] = span.opens == "cut"
            for time in self._divide(span.start, end):
                joints.setdefault(self._frame(time), False)
        return sorted(joints.items())

    def _divide(self, start: float, end: float) -> list[float]:
        """Soft joins inside a long stretch, on its bars."""
        pieces = math.ceil((end - start) / LONGEST_SHOT)
        bars = max(1, round((end - start) / pieces / self.drivers.bar))
        step = bars * self.drivers.bar
        return [float(t) for t in np.arange(start + step, end - 0.5 * step, step)]

    def _frame(self, time: float) -> int:
        return round((time - float(self.times[0])) * self.options.fps)

    def _span_at(self, frame: int) -> int:
        starts = [self._frame(span.start) for span in self.spans]
        return max(0, int(np.searchsorted(starts, frame, side="right")) - 1)

    def _controls(self) -> NDArray[np.float32]:
        columns = [self._column(name) for name in NAMES]
        flash = NAMES.index("flash")
        columns[flash] = np.round(limit_flashes(columns[flash], self.options.fps), DECIMALS)
        return np.stack(columns, axis=1)

    def _column(self, name: str) -> NDArray[np.float32]:
        """One control: its base, what drives it, what the words add, kept inside its limits."""
        route, control = self.preset.route(name), BY_NAME[name]
        value = np.full(len(self.times), control.neutral if route.base is None else route.base)
        for driver, drive in route.drives().items():
            attack = self.drivers.seconds(drive.attack or route.attack)
            release = self.drivers.seconds(drive.release or route.release)
            value += drive.gain * self.drivers.shaped(driver, attack, release)
        value += self.shares @ np.array([span.offsets.get(name, 0.0) for span in self.spans])
        value += self._evolution(name)
        low, high = route.limits or (control.low, control.high)
        return np.round(value.clip(low, high), DECIMALS).astype(np.float32)

    def _evolution(self, name: str) -> NDArray[np.float64]:
        """What a returning section has become: another form, and colours further along."""
        step = {"morph": 0.5, "palette_shift": 0.1}.get(name, 0.0) * self.preset.evolve
        visits = [self.drivers.visit(span.section) for span in self.spans]
        return self.shares @ (step * np.array(visits, np.float64))

    def _poses(self) -> NDArray[np.float64]:
        rates = self.controls[
            :, [NAMES.index(n) for n in ("speed", "zoom", "pan", "lift", "rotate")]
        ]
        steps = np.cumsum(rates.astype(np.float64), axis=0) / self.options.fps
        return np.vstack([np.zeros(5), steps[:-1]])


def _shares(
    times: NDArray[np.float64], spans: list[Span], preset: Preset, drivers: Drivers
) -> NDArray[np.float32]:
    """Shape (frames, spans): how much of each span shows; rows sum to 1, at most two above 0."""
    arrived = np.ones((len(times), len(spans) + 1), np.float32)
    arrived[:, -1] = 0.0
    half_frame = 0.5 * (times[1] - times[0]) if len(times) > 1 else 0.0
    for index, span in enumerate(spans[1:], start=1):
        width = (
            0.0
            if span.opens == "cut"
            else min(drivers.seconds(preset.cuts.blend), _room(spans, index))
        )
        if width <= 0:
            arrived[:, index] = times >= span.start - half_frame
        else:
            ramp = np.clip((times - span.start) / width + 0.5, 0.0, 1.0)
            arrived[:, index] = ramp * ramp * (3.0 - 2.0 * ramp)
    shares = arrived[:, :-1]
    shares -= np.minimum(shares, arrived[:, 1:])
    return shares


def _room(spans: list[Span], index: int) -> float:
    """A blend may not reach into the blends beside it."""
    before = spans[index].start - spans[index - 1].start
    after = spans[index + 1].start - spans[index].start if index + 1 < len(spans) else before
    return min(before, after)


def _fade(frames: int, preset: Preset, drivers: Drivers, fps: int) -> NDArray[np.float32]:
    """Shape (frames,): from black at the start, to black at the end."""
    rise, fall = (
        # Half of a short film must remain in full light.
        min(max(drivers.seconds(length) * fps, 1e-9), 0.25 * frames)
        for length in (preset.effects.fade_in, preset.effects.fade_out)
    )
    k = np.arange(frames)
    fade = np.clip(np.minimum((k + 1) / rise, (frames - k) / fall), 0.0, 1.0)
    return np.round(fade, DECIMALS).astype(np.float32)


def _title(preset: Preset, drivers: Drivers, options: FilmOptions) -> Title:
    card = preset.effects.title
    if not card.show:
        return Title(seconds=0.0)
    return Title(
        card.text or options.title, card.artist or options.artist, drivers.seconds(card.lasts)
    )
