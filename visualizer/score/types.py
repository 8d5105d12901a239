"""The film as data: what every frame must show, before anything is painted.

A `Score` holds shots, a `Shot` holds columns of numbers, and a `Cue` is one row of them, made on
demand. The columns are the controls of `visualizer.controls`; the pose of the camera and the
scene's clock are their running sums, so that every shot knows where it stands without painting
the shots before it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from visualizer.controls import NAMES
from visualizer.preset import Mode

FORMAT = 1  # Of the saved file; raised when an older file would paint another film.


@dataclass(frozen=True)
class Look:
    """What one stretch of the film shows, apart from its motion.

    Attributes:
        prompt: Text for diffusion.
        negative: Text that diffusion avoids.
        scene: Family name for the scenes painter (one of `visualizer.lexicon.SCENES`).
        palette: Colours from dark to light as "#rrggbb", at least two.
        seed: Seed of the composition: the same for every return of the same section.
        image: Index into `Score.images`, or None.
    """

    prompt: str
    negative: str
    scene: str
    palette: tuple[str, ...]
    seed: int = 0
    image: int | None = None


@dataclass(frozen=True)
class Pose:
    """Where the camera and the scene's clock have got to: running sums of the rates.

    Attributes:
        clock: Sum of `speed`, in scene seconds.
        travel: Sum of `zoom`; the picture has grown by exp(travel).
        x: Sum of `pan`, in picture widths.
        y: Sum of `lift`, in picture heights.
        angle: Sum of `rotate`, in degrees.
    """

    clock: float = 0.0
    travel: float = 0.0
    x: float = 0.0
    y: float = 0.0
    angle: float = 0.0


@dataclass(frozen=True)
class Cue:
    """All that one frame must show.

    Attributes:
        frame: Frame number in the film; negative or before the shot's first while it leads in.
        time: Seconds from the start of the song.
        weights: How much of each of the shot's looks shows; sums to 1, at most two above 0.
        fade: 0 is black, 1 is the full picture.
        pose: Camera and clock.
        zoom, pan, ...: The controls, in the units of `visualizer.controls`.
    """

    frame: int
    time: float
    weights: tuple[float, ...]
    fade: float
    pose: Pose
    zoom: float
    pan: float
    lift: float
    rotate: float
    tilt: float
    speed: float
    strength: float
    noise: float
    pulse: float
    warp: float
    detail: float
    glow: float
    morph: float
    light: float
    saturation: float
    palette_shift: float
    prompt_blend: float
    flash: float
    bloom: float
    shake: float
    split: float
    grain: float
    vignette: float


@dataclass(frozen=True)
class Paint:
    """How a model makes a shot of pictures; painters without one need none of it.

    Attributes:
        mode: See `visualizer.preset.schema.Paint`.
        picture: How the user's picture meets the frame, "fill" or "fit".
        keys: Film frames that the modes keyframes and restyle paint, rising, all inside the shot;
            the shot's first is always painted. Without any, restyle paints all.
    """

    mode: Mode = "feedback"
    picture: str = "fill"
    keys: tuple[int, ...] = ()


@dataclass(frozen=True)
class Shot:
    """A run of consecutive cues painted from one key image with one seed.

    Attributes:
        first: Film frame of the first cue that is shown.
        lead: Number of cues painted before it and not shown: they fill the trails, so that a soft
            join between shots leaves no seam. 0 at a hard cut.
        seed: Seed of everything random in the shot but the looks' compositions.
        section: Role and letter of the section it belongs to, such as "chorus B".
        looks: The looks it blends.
        weights: float32, shape (lead + shown, len(looks)).
        controls: float32, shape (lead + shown, len(NAMES)).
        fade: float32, shape (lead + shown,).
        origin: Pose at the first cue, the lead's.
        paint: How a model paints it.
    """

    first: int
    lead: int
    seed: int
    section: str
    looks: tuple[Look, ...]
    weights: NDArray[np.float32]
    controls: NDArray[np.float32]
    fade: NDArray[np.float32]
    origin: Pose = field(default_factory=Pose)
    paint: Paint = field(default_factory=Paint)

    def __len__(self) -> int:
        """Number of frames shown."""
        return len(self.controls) - self.lead

    def column(self, name: str) -> NDArray[np.float32]:
        """One control over the whole shot, its lead included."""
        return self.controls[:, NAMES.index(name)]


@dataclass(frozen=True)
class Title:
    """Text over the first seconds. Empty strings show nothing.

    Attributes:
        text: First line, large.
        artist: Second line, small.
        seconds: How long it stands, fades included.
    """

    text: str = ""
    artist: str = ""
    seconds: float = 6.0


@dataclass(frozen=True)
class Score:
    """The whole film as data.

    Attributes:
        fps: Frames per second, a whole number.
        width: Pixels, even.
        height: Pixels, even.
        start: Second of the song shown by frame 0.
        shots: In film order; their shown frames join without gap.
        title: Text over the first seconds.
        images: Paths of the user's pictures that looks refer to.
    """

    fps: int
    width: int
    height: int
    start: float
    shots: tuple[Shot, ...]
    title: Title = field(default_factory=Title)
    images: tuple[str, ...] = ()

    @cached_property
    def frames(self) -> int:
        """Number of frames in the film."""
        return sum(len(shot) for shot in self.shots)

    def cues(self, shot: Shot) -> Iterator[Cue]:
        """Yields the cues of a shot in order, its lead first."""
        walk = poses(shot, self.fps)
        for row in range(len(shot.controls)):
            frame = shot.first - shot.lead + row
            yield Cue(
                frame,
                self.start + frame / self.fps,
                tuple(shot.weights[row].tolist()),
                float(shot.fade[row]),
                walk[row],
                *shot.controls[row].tolist(),
            )


def poses(shot: Shot, fps: int) -> list[Pose]:
    """The pose at each cue of a shot, its lead included: its origin and the motion since."""
    rates = np.stack([shot.column(n) for n in ("speed", "zoom", "pan", "lift", "rotate")], axis=1)
    o = shot.origin
    steps = np.cumsum(rates.astype(np.float64), axis=0) / fps
    start = np.array([o.clock, o.travel, o.x, o.y, o.angle])
    return [Pose(*row) for row in np.vstack([start, start + steps[:-1]]).tolist()]
