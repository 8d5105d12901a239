"""Paints procedural scenes: no model, no downloads; the picture the program shows by default."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial

import numpy as np
import torch

from visualizer import camera
from visualizer.errors import VisualizerError
from visualizer.painters.scenes.canvas import Canvas
from visualizer.painters.scenes.families import DRIFT, FAMILIES, STEADY, Family
from visualizer.painters.scenes.inks import mix_inks
from visualizer.painters.scenes.threads import in_order
from visualizer.painters.scenes.tiles import fbm
from visualizer.palette import ramp
from visualizer.score import Cue, Look, Score, Shot

VERSION = 1  # Raised when the same score would paint other pixels.
GRAIN = 512  # Pixels along the edge of the tile of restless texture.


@dataclass(frozen=True)
class ScenesPainter:
    """Implements `visualizer.painters.Painter` with the scene families.

    Attributes:
        device: Where it paints; the formulas are the same on all of them.
    """

    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    @property
    def identity(self) -> str:
        """Names the painter, its version and the kind of device."""
        return f"scenes {VERSION} {self.device.type}"

    def paint(self, score: Score, shot: Shot) -> Iterator[torch.Tensor]:
        """Yields one frame for each cue of the shot, its lead included.

        Yields:
            float32, shape (3, height, width), sRGB-encoded, in [0, 1].

        Raises:
            VisualizerError: A look names a scene that does not exist.
        """
        canvas = Canvas(score.height, score.width, self.device)
        previous = None
        for fresh in in_order(partial(_fresh, canvas, shot), score.cues(shot), self._threads()):
            frame = fresh.frame
            if previous is not None:
                move = _trail(fresh, score.fps, canvas.aspect)
                strength = fresh.cue.strength
                frame = _with_trails(frame, previous, move, strength, score.fps)
            yield frame
            previous = frame

    def _threads(self) -> int:
        """Scenes know nothing of the frames before them, so that cores can paint side by side."""
        return max(1, os.cpu_count() or 1) if self.device.type == "cpu" else 1


def still(canvas: Canvas, look: Look, cue: Cue) -> torch.Tensor:
    """Paints one picture of a look, with nothing before it.

    Returns:
        float32, shape (3, height, width), sRGB-encoded, in [0, 1].
    """
    with torch.inference_mode():
        return _picture(canvas, cue, [(look, 1.0)])


@dataclass(frozen=True)
class _Fresh:
    """A frame without trails, and what it was painted from."""

    cue: Cue
    shown: list[tuple[Look, float]]
    frame: torch.Tensor


def _fresh(canvas: Canvas, shot: Shot, cue: Cue) -> _Fresh:
    shown = [(look, w) for look, w in zip(shot.looks, cue.weights, strict=True) if w > 0]
    flying = _with_drift(cue, shown)
    with torch.inference_mode():
        frame = _restless(_picture(canvas, flying, shown), cue, shot.seed)
    return _Fresh(flying, shown, frame)


def _with_drift(cue: Cue, shown: list[tuple[Look, float]]) -> Cue:
    """Adds the families' own flight to the camera's, for the scene and for its trails."""
    drift = sum(weight * DRIFT.get(look.scene, 0.0) for look, weight in shown)
    pose = replace(cue.pose, travel=cue.pose.travel + drift * cue.pose.clock)
    return replace(cue, pose=pose, zoom=cue.zoom + drift * cue.speed)


def _picture(canvas: Canvas, cue: Cue, shown: list[tuple[Look, float]]) -> torch.Tensor:
    """Paints the cue anew, without trails; one composition in two palettes is painted once."""
    looks = [look for look, _ in shown]
    if len({(look.scene, look.seed) for look in looks}) == 1:
        colours = torch.stack([w * _ramp(look, canvas.device) for look, w in shown]).sum(0)
        return _family(looks[0].scene)(canvas, cue, looks[0].seed, mix_inks(colours, cue))
    pictures = [
        _family(look.scene)(canvas, cue, look.seed, mix_inks(_ramp(look, canvas.device), cue))
        for look in looks
    ]
    return _dissolve(pictures[0], pictures[1], shown[1][1])


def _dissolve(old: torch.Tensor, new: torch.Tensor, weight: float) -> torch.Tensor:
    """Crosses two pictures: the lights of the new one come first, those of the old one go last."""
    swing = 2.0 * weight * (1.0 - weight)  # Nothing at the ends, so that both pictures stay whole.
    lead = (new.mean(0) - old.mean(0)).mul_(swing).add_(weight)
    return torch.lerp(old, new, lead.clamp_(0.0, 1.0))


def _restless(frame: torch.Tensor, cue: Cue, seed: int) -> torch.Tensor:
    """Roughens the picture with a texture that is new in every frame."""
    height, width = frame.shape[1:]
    left, top = np.random.default_rng([seed, cue.frame & 0xFFFFFFFF]).integers(0, GRAIN, 2)
    grain = _grain(height, width, frame.device)[top : top + height, left : left + width]
    return torch.addcmul(frame, frame, grain, value=0.12 * cue.noise**1.5)


@lru_cache(maxsize=4)
def _grain(height: int, width: int, device: torch.device) -> torch.Tensor:
    """Fine noise that can be cut out at any place up to `GRAIN` pixels from its corner."""
    tile = fbm(0, device, 0.5, size=GRAIN)[0, :GRAIN, :GRAIN]
    copies = (height // GRAIN + 2, width // GRAIN + 2)
    return tile.tile(copies)


def _trail(fresh: _Fresh, fps: int, aspect: float) -> camera.Matrix:
    """How the last frame moves: with the camera, but not where the ground stays in place."""
    moving = sum(weight for look, weight in fresh.shown if look.scene not in STEADY)
    return np.eye(3) + moving * (camera.step(fresh.cue, fps, aspect) - np.eye(3))


def _with_trails(
    frame: torch.Tensor, previous: torch.Tensor, move: camera.Matrix, strength: float, fps: int
) -> torch.Tensor:
    """Blends in the last frame, moved by the camera: light lingers, darkness gives way at once."""
    slow = (1.0 - strength) ** (24.0 / fps)
    fast = slow**3
    if slow == 0.0:
        return frame
    old = camera.warp(previous, move)
    gone = old - frame
    linger = old.mul_(gone.clamp(min=0.0))
    return torch.add(frame, gone, alpha=fast).add_(linger, alpha=slow - fast).clamp_(0.0, 1.0)


def _family(name: str) -> Family:
    if name not in FAMILIES:
        raise VisualizerError(f"scene {name!r}: not known; known are {', '.join(sorted(FAMILIES))}")
    return FAMILIES[name]


def _ramp(look: Look, device: torch.device) -> torch.Tensor:
    return torch.tensor(ramp(look.palette), device=device)
