from __future__ import annotations

import pytest
import torch

from visualizer.painters.scenes.canvas import Canvas
from visualizer.painters.scenes.skyline import skyline
from visualizer.painters.scenes.strokes import discs, rules, splat

CANVAS = Canvas(60, 100, torch.device("cpu"))


def _at(x: float, y: float) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.tensor([x]), torch.tensor([y])


def test_splat_keeps_all_light_and_its_centre() -> None:
    x, y = _at(0.123, -0.456)
    field = splat(CANVAS, x, y, torch.tensor([0.8]))
    assert float(field.sum()) == pytest.approx(0.8, abs=1e-3)
    assert float((field * CANVAS.x).sum() / field.sum()) == pytest.approx(0.123, abs=1e-3)
    assert float((field * CANVAS.y).sum() / field.sum()) == pytest.approx(-0.456, abs=1e-3)


def test_splat_leaves_out_what_is_outside() -> None:
    x, y = _at(5.0, 0.0)
    assert float(splat(CANVAS, x, y, torch.ones(1)).sum()) == 0.0


def test_splat_does_not_depend_on_the_order_of_points() -> None:
    x, y, light = torch.rand(3, 5000, generator=torch.Generator().manual_seed(1)) * 2.0 - 1.0
    turned = splat(CANVAS, x.flip(0), y.flip(0), light.flip(0))
    assert torch.equal(splat(CANVAS, x, y, light), turned)


def test_disc_is_round_lit_inside_and_dark_outside() -> None:
    field = CANVAS.blank()
    discs(field, CANVAS, *_at(0.2, 0.1), torch.tensor([0.5]), torch.tensor([0.4]))
    distance = torch.hypot(CANVAS.x - 0.2, CANVAS.y - 0.1)
    assert float(field[distance > 0.55].max()) == 0.0
    assert float(field[distance < 0.4].min()) > 0.2
    assert float(field.max()) <= 0.4


def test_disc_outside_the_picture_changes_nothing() -> None:
    field = CANVAS.blank()
    discs(field, CANVAS, *_at(4.0, 0.0), torch.tensor([0.5]), torch.tensor([1.0]))
    assert float(field.abs().sum()) == 0.0


def test_rules_stand_at_multiples_and_nowhere_else() -> None:
    count = torch.tensor([[0.0, 1.0, -3.0, 0.5, 2.5]])
    light = rules(count, 1.0, 0.05, 0.001)
    assert (light[0, :3] > 0.9).all()
    assert (light[0, 3:] < 1e-3).all()


def test_rules_fade_before_they_alias() -> None:
    count = torch.linspace(0.0, 50.0, 500)[None]
    near, far = rules(count, 1.0, 0.05, 0.01), rules(count, 1.0, 0.05, 1.0)
    assert float(near.max()) > 0.9
    assert float(far.max()) == 0.0


@pytest.mark.parametrize("rows", [64, 200])
def test_skyline_has_windows_only_in_buildings_and_repeats(rows: int) -> None:
    cover, windows, phase, own = skyline(3, torch.device("cpu"), rows, 0.8)
    assert float(windows[cover == 0.0].abs().sum()) == 0.0
    assert 0.02 < float(windows.mean()) < 0.5
    assert float(cover[-2].mean()) > 0.9
    assert float(cover[0].max()) == 0.0
    assert torch.equal(cover[:, 0], cover[:, -1])
    assert phase.min() >= 0.0 and phase.max() <= 1.0
    assert own.min() >= 0.0 and own.max() <= 1.0


def test_skyline_is_the_same_street_at_every_size() -> None:
    small, large = (skyline(3, torch.device("cpu"), rows, 0.8)[0, :-1, :-1] for rows in (100, 200))
    shrunk = torch.nn.functional.avg_pool2d(large[None, None], 2)[0, 0]
    assert float((small - shrunk).abs().mean()) < 0.03
