"""The user's picture under the model's: in place, and less of it where it tells less."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import tiny
from paintings import BLUE, RED, film, make_score, save_picture, textured
from visualizer import camera
from visualizer.painters import oklab
from visualizer.painters.diffusion import DiffusionPainter
from visualizer.painters.diffusion.anchor import Anchor, Pull
from visualizer.painters.diffusion.easel import Easel
from visualizer.painters.diffusion.keepsake import Keepsake
from visualizer.painters.diffusion.loading import load_model
from visualizer.painters.diffusion.model import FrameModel
from visualizer.painters.diffusion.relief import Move, Relief, reach
from visualizer.preset import Mode
from visualizer.score import Paint


def smooth(height: int = 48, width: int = 80) -> torch.Tensor:
    noise = torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(0))
    return torch.nn.functional.avg_pool2d(noise, 9, 1, 4)[0]


def moved(matrix: np.ndarray) -> Move:
    return Move.of(lambda share: matrix)


CLOSER = np.diag([0.5, 0.5, 1.0])
ASIDE = np.array([[1.0, 0.0, 0.1], [0.0, 1.0, 0.05], [0.0, 0.0, 1.0]])


def test_what_the_camera_alone_did_is_left_as_it_is() -> None:
    picture = smooth()
    keepsake, now = Keepsake(picture, Relief(), share=0.5), picture
    for _ in range(3):
        keepsake.advance(moved(ASIDE))
        now = Relief().warp(now, moved(ASIDE))
    torch.testing.assert_close(keepsake.beneath(now), now, rtol=0, atol=0.02)


def test_a_picture_is_mixed_in_by_its_share_and_two_frames_are_one_twice_as_long() -> None:
    black, white = torch.zeros(3, 48, 80), torch.ones(3, 48, 80)
    keepsake = Keepsake(white, Relief(), share=0.25)
    once = keepsake.beneath(black)
    assert float(once[0, 24, 40]) == pytest.approx(0.25, abs=1e-6)
    torch.testing.assert_close(
        keepsake.beneath(once)[:, 10:-10, 10:-10],
        keepsake.beneath(black, frames=2.0)[:, 10:-10, 10:-10],
    )


def test_coming_closer_leaves_less_of_it() -> None:
    black, keepsake = torch.zeros(3, 48, 80), Keepsake(torch.ones(3, 48, 80), Relief(), share=0.4)
    keepsake.advance(moved(CLOSER))
    assert float(keepsake.beneath(black)[0, 24, 40]) == pytest.approx(0.1, abs=1e-4)
    keepsake.advance(Move.none(), weight=0.0)  # Its look has given way to another.
    assert torch.equal(keepsake.beneath(black), black)
    assert camera.scale(CLOSER) == pytest.approx(0.5)


def test_nothing_comes_in_from_beyond_its_edge() -> None:
    keepsake, black = Keepsake(torch.ones(3, 48, 80), Relief(), share=0.4), torch.zeros(3, 48, 80)
    keepsake.advance(moved(np.linalg.inv(CLOSER)))
    seen = keepsake.beneath(black)
    assert seen[0, 24, 40] > 0.3 and seen[:, :10].max() == 0.0 and seen[:, :, :18].max() == 0.0
    assert reach(np.eye(3), black)[24, 40] == 1.0


def test_rewarping_is_resampling_without_a_grid() -> None:
    picture = smooth()
    for lean in (0.0, 0.02):
        matrix = np.array([[0.97, 0.05, 0.03], [-0.05, 0.97, 0.01], [0.0, lean, 1.0]])
        grid = camera.sampling_grid(matrix, 48, 80, picture.device)
        torch.testing.assert_close(
            camera.rewarp(picture, matrix), camera.resample(picture, grid), rtol=0, atol=1e-4
        )


def test_oklab_by_opencv_is_oklab() -> None:
    picture = textured()
    picture[:, 0], picture[:, 1, :40] = 0.0, torch.linspace(0.0, 0.08, 40)
    exact = oklab.from_srgb(picture.double())
    torch.testing.assert_close(oklab.from_srgb(picture).double(), exact, rtol=0, atol=1e-4)
    back = oklab.to_srgb(exact.float()).double()
    torch.testing.assert_close(back, picture.double(), rtol=0, atol=1e-4)


class Melting:
    """A model that softens whatever it is given, a little more each time."""

    def __init__(self, model: FrameModel) -> None:
        self.caps, self.device, self.embed = model.caps, model.device, model.embed

    def encode(self, picture: torch.Tensor) -> torch.Tensor:
        self._picture = picture
        return torch.randn(1, self.caps.channels, 8, 12)

    def denoise(self, latents: torch.Tensor, *rest: object) -> torch.Tensor:
        return latents

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.avg_pool2d(self._picture, 9, 1, 4, count_include_pad=False)


@pytest.mark.parametrize("mode", ["feedback", "keyframes"])
def test_a_photograph_is_known_again_after_many_passes(
    mode: Mode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    painter = DiffusionPainter(Melting(load_model(tiny.build("turbo", tmp_path / "model"), "cpu")))
    pixels = (textured().permute(1, 2, 0).numpy() * 255).astype(np.uint8)
    score, weights = make_score(25), np.tile(np.float32([1.0, 0.0]), (25, 1))
    shot = replace(score.shots[0], looks=(replace(RED, image=0), BLUE), weights=weights)
    shot = replace(shot, paint=Paint(mode, keys=tuple(range(1, 25))))
    path = save_picture(tmp_path / "photo.png", pixels)
    score = replace(score, shots=(shot,), images=(path,))

    def likeness() -> float:
        first, last = (frame.flatten() for frame in film(painter, score)[[0, -1]])
        return float(torch.corrcoef(torch.stack([first, last]))[0, 1])

    held = likeness()
    monkeypatch.setattr(Easel, "keepsake", lambda *_: None)
    assert held > likeness() + 0.02


def test_what_comes_close_brings_its_own_colours() -> None:
    picture = torch.full((3, 48, 80), 0.2)
    picture[0, 12:36, 20:60] = 0.9
    lab, latents = oklab.from_srgb(picture), torch.randn(1, 4, 6, 10)
    anchor = Anchor.of(lab, latents, torch.zeros(2, 1, 1), Pull())
    keepsake = Keepsake(picture, Relief())
    torch.testing.assert_close(keepsake.hold(anchor).measures.mean, anchor.measures.mean)
    keepsake.advance(moved(np.diag([0.8, 0.8, 1.0])))
    closer = keepsake.hold(anchor).measures
    redder = oklab.from_srgb(keepsake.seen)[1].mean()
    assert anchor.measures.mean[1] < closer.mean[1] < redder
    assert torch.equal(closer.sharpness, anchor.measures.sharpness)
