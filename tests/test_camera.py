import dataclasses

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from songs import known_song
from visualizer import camera
from visualizer.preset import parse_preset
from visualizer.score import Cue, FilmOptions, compose

FPS, ASPECT = 24, 16 / 9
SCORE = compose(known_song(), parse_preset(""), FilmOptions(160, 90, FPS))
STILL = next(iter(SCORE.cues(SCORE.shots[0])))


def moved(image: torch.Tensor, **controls: float) -> torch.Tensor:
    cue: Cue = dataclasses.replace(STILL, **controls)
    return camera.warp(image, camera.step(cue, FPS, ASPECT))


def spot(row: int, column: int) -> torch.Tensor:
    image = torch.zeros(1, 90, 160)
    image[0, row - 2 : row + 3, column - 2 : column + 3] = 1.0
    return image


def centre(image: torch.Tensor) -> tuple[float, float]:
    rows, columns = torch.meshgrid(torch.arange(90.0), torch.arange(160.0), indexing="ij")
    mass = image[0].sum()
    return float((image[0] * rows).sum() / mass), float((image[0] * columns).sum() / mass)


def test_a_still_camera_changes_nothing():
    image = torch.rand(3, 90, 160)
    assert torch.allclose(moved(image), image, atol=1e-4)


@pytest.mark.parametrize(
    ("controls", "rows", "columns"),
    [
        ({"pan": 0.6}, 0.0, -0.6 * 160 / FPS),  # The camera goes right, the picture goes left.
        ({"lift": 0.6}, 0.6 * 90 / FPS, 0.0),  # The camera goes up, the picture goes down.
    ],
)
def test_pan_and_lift_move_by_their_share_of_the_picture(controls, rows, columns):
    before = centre(spot(45, 80))
    after = centre(moved(spot(45, 80), **controls))
    assert after[0] - before[0] == pytest.approx(rows, abs=0.05)
    assert after[1] - before[1] == pytest.approx(columns, abs=0.05)


def test_zoom_in_moves_everything_outwards_by_its_rate():
    after = centre(moved(spot(45, 120), zoom=1.2))
    assert after[1] - 79.5 == pytest.approx((120 - 79.5) * np.exp(1.2 / FPS), rel=0.01)


def test_a_turn_is_clockwise_to_the_eye():
    after = centre(moved(spot(45, 120), rotate=96.0))  # 4 degrees in one frame.
    assert after[0] - 44.5 > 2
    reach = np.hypot(after[0] - 44.5, after[1] - 79.5)
    assert reach == pytest.approx(np.hypot(0.5, 40.5), rel=0.01)


def test_one_second_of_frames_adds_up_to_the_rate():
    matrix = np.eye(3)
    for _ in range(FPS):
        matrix = matrix @ camera.step(dataclasses.replace(STILL, zoom=0.3), FPS, ASPECT)
    assert matrix[0, 0] == pytest.approx(np.exp(-0.3), rel=1e-9)


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_enlarging_gives_what_torch_gives_on_other_devices(mode):
    image = torch.rand(3, 45, 80, generator=torch.Generator().manual_seed(1))
    expected = F.interpolate(image[None], size=(90, 160), mode=mode, align_corners=False)[0]
    assert torch.allclose(camera.enlarge(image, 90, 160, mode), expected, atol=1e-5)


def test_shrinking_takes_the_mean_of_what_a_pixel_covers() -> None:
    image = torch.rand(3, 90, 160, generator=torch.Generator().manual_seed(0))
    expected = F.avg_pool2d(image, 2)
    assert torch.allclose(camera.shrink(image, 45, 80), expected, atol=1e-5)
    uneven = camera.shrink(image, 48, 86)
    assert float(uneven.mean()) == pytest.approx(float(image.mean()), abs=1e-3)
