"""What is painted over a film stays on what it was painted on."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from visualizer import camera
from visualizer.painters.diffusion.coat import Coat, fineness, motion

HEIGHT, WIDTH, STEP = 96, 160, 3


def smooth(seed: int, channels: int = 3, width: int = 320, cells: int = 8) -> torch.Tensor:
    """A picture of blots, some `cells` pixels wide."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.rand(1, channels, HEIGHT // cells, width // cells, generator=generator)
    return F.interpolate(noise, (HEIGHT, width), mode="bicubic")[0]


def passing(picture: torch.Tensor, frames: int) -> list[torch.Tensor]:
    """Seen by a camera that goes to the right."""
    return [picture[:, :, STEP * k : STEP * k + WIDTH] for k in range(frames)]


def lab(seed: int) -> torch.Tensor:
    """Textured, and of little colour."""
    return smooth(seed) * torch.tensor([0.8, 0.1, 0.1])[:, None, None] + 0.1


@pytest.mark.parametrize("fresh", [0.5, 0.2])
def test_on_a_still_film_boiling_calms_as_far_as_the_coat_is_kept(fresh: float) -> None:
    film, coat = lab(0)[:, :, :WIDTH], Coat()
    generator = torch.Generator().manual_seed(1)
    noises = [0.02 * torch.randn(film.shape, generator=generator) for _ in range(40)]
    steady = [coat.over(film, film + noise, fresh) for noise in noises]
    # A first-order filter leaves so much of white noise.
    expected = 0.02 * (fresh / (2.0 - fresh)) ** 0.5
    found = torch.stack(steady[20:]) - film
    assert float(found[:, 1:].std()) == pytest.approx(expected, rel=0.1)
    assert float(found[:, 0].std()) == pytest.approx(expected, rel=0.15)


def test_strokes_ride_on_a_film_that_moves() -> None:
    films, strokes = passing(lab(0), 8), passing(0.1 * smooth(3) - 0.05, 8)
    coat = Coat()
    coat.over(films[0], films[0] + strokes[0], 0.0)
    for film in films[1:]:
        shown = coat.over(film, film + 0.06 * torch.sign(film - 0.5), 0.0)
    inner = (slice(None), slice(16, -16), slice(16, -16 - 8 * STEP))
    found, moved, stuck = (x[inner].flatten() for x in (shown - films[7], strokes[7], strokes[0]))
    assert float(torch.corrcoef(torch.stack([found, moved]))[0, 1]) > 0.9
    assert float(torch.corrcoef(torch.stack([found, stuck]))[0, 1]) < 0.6


def test_what_is_new_in_the_film_is_painted_at_once() -> None:
    coat = Coat()
    before, after = torch.full((3, HEIGHT, WIDTH), 0.1), torch.full((3, HEIGHT, WIDTH), 0.8)
    coat.over(before, before + 0.1, 0.1)
    torch.testing.assert_close(coat.over(after, after - 0.05, 0.1), after - 0.05)


def test_all_is_fresh_where_that_is_asked_for() -> None:
    coat, film = Coat(), lab(0)[:, :, :WIDTH]
    for seed in range(3):
        painted = lab(seed)[:, :, :WIDTH]
        torch.testing.assert_close(coat.over(film, painted, 1.0), painted)


def test_a_star_that_goes_out_leaves_no_hole() -> None:
    sky = torch.zeros(3, HEIGHT, WIDTH)
    sky[0] = 0.3
    starry, coat = sky.clone(), Coat()
    starry[0, 40:42, 60:62] = 0.5
    for _ in range(5):
        coat.over(starry, sky, 0.1)
    assert float(coat.over(sky, sky, 0.1)[0].min()) > 0.299


def test_motion_is_found_where_the_film_shows_any() -> None:
    films = passing(lab(0), 2)
    moved = motion(films[0], films[1]) - camera.sampling_grid(
        np.eye(3), HEIGHT, WIDTH, films[0].device
    )
    inner = moved[0, 16:-16, 16:-16] * torch.tensor([WIDTH / 2.0, HEIGHT / 2.0])
    assert float(inner[..., 0].median()) == pytest.approx(STEP, abs=0.3)
    assert float(inner[..., 1].median()) == pytest.approx(0.0, abs=0.3)


def test_windows_of_a_city_are_fine_and_its_sky_is_not() -> None:
    city = torch.full((3, HEIGHT, WIDTH), 0.1)
    city[0, 48:, ::4] = 0.8
    fine = fineness(city)
    assert fine.shape == (1, HEIGHT, WIDTH)
    assert float(fine[:, :32].max()) == 0.0
    assert float(fine[:, 64:].min()) > 0.95
