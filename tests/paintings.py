"""Scores and pictures to paint in tests of diffusion."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import torch

from visualizer.controls import BY_NAME, CONTROLS
from visualizer.painters import Painter
from visualizer.score import Look, Score, Shot

RED = Look("red fire", "grey", "tunnel", ("#100010", "#ff4020"))
BLUE = Look("blue sea", "grey", "ocean", ("#000510", "#20a0ff"))


def make_score(frames: int, size: tuple[int, int] = (96, 64), **settings: float) -> Score:
    """One shot from red to blue; `settings` are controls, and `seed`."""
    seed = int(settings.pop("seed", 1))
    assert settings.keys() <= BY_NAME.keys()
    row = np.array([settings.get(c.name, c.neutral) for c in CONTROLS], np.float32)
    blend = np.linspace(0.0, 1.0, frames, dtype=np.float32)
    shot = Shot(
        first=0,
        lead=0,
        seed=seed,
        section="verse A",
        looks=(RED, BLUE),
        weights=np.stack([1.0 - blend, blend], axis=1),
        controls=np.tile(row, (frames, 1)),
        fade=np.ones(frames, np.float32),
    )
    return Score(fps=24, width=size[0], height=size[1], start=0.0, shots=(shot,))


def in_red(score: Score) -> Score:
    """The same shot without its change of prompt and palette."""
    return replace(score, shots=(replace(score.shots[0], looks=(RED, RED)),))


def film(painter: Painter, score: Score) -> torch.Tensor:
    return torch.stack(list(painter.paint(score, score.shots[0])))


def textured(seed: int = 0) -> torch.Tensor:
    noise = torch.rand(1, 3, 9, 9, generator=torch.Generator().manual_seed(seed)) * 0.7 + 0.1
    return torch.nn.functional.interpolate(noise, (64, 96), mode="bilinear")[0]


def save_picture(path: Path, pixels: np.ndarray) -> str:
    cv2.imwrite(str(path), cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))
    return str(path)
