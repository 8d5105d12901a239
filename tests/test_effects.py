import dataclasses

import numpy as np
import pytest
import torch

from songs import known_song
from visualizer.controls import BY_NAME
from visualizer.effects import Finish, bloom
from visualizer.effects.title import title_overlay
from visualizer.errors import VisualizerError
from visualizer.preset import parse_preset
from visualizer.render import to_uint8
from visualizer.score import FilmOptions, Title, compose

EFFECTS = ("flash", "bloom", "shake", "split", "grain", "vignette")
CPU = torch.device("cpu")
SCORE = compose(known_song(), parse_preset(""), FilmOptions(96, 54, 24))
PLAIN = dataclasses.replace(
    list(SCORE.cues(SCORE.shots[0]))[30], fade=1.0, **dict.fromkeys(EFFECTS, 0.0)
)


@pytest.fixture
def picture() -> torch.Tensor:
    x = torch.linspace(0, 1, 96).expand(54, 96)
    y = torch.linspace(0, 1, 54)[:, None].expand(54, 96)
    return torch.stack([x, y, (x * 40).sin().abs()])


def finish(picture: torch.Tensor, **controls: float) -> torch.Tensor:
    return Finish(SCORE, CPU)(picture, dataclasses.replace(PLAIN, **controls))


def test_no_effect_changes_nothing(picture):
    assert torch.equal(finish(picture), picture)


@pytest.mark.parametrize("name", EFFECTS)
def test_every_effect_grows_with_its_control_and_stays_in_range(picture, name):
    assert name in BY_NAME
    some, much = finish(picture, **{name: 0.3}), finish(picture, **{name: 1.0})
    assert 0 < (some - picture).abs().mean() < (much - picture).abs().mean()
    for frame in (some, much):
        assert frame.shape == picture.shape
        assert frame.min() >= 0
        assert frame.max() <= 1


def test_a_full_flash_is_white_and_half_a_fade_is_half_as_bright(picture):
    assert torch.equal(finish(picture, flash=1.0), torch.ones_like(picture))
    assert torch.allclose(finish(picture, fade=0.5), picture * 0.5)


def test_the_vignette_darkens_corners_and_spares_the_middle():
    white = torch.ones(3, 54, 96)
    shaded = finish(white, vignette=1.0)
    assert shaded[0, 27, 48] > 0.98
    assert shaded[0, 0, 0] < 0.3


def test_bloom_carries_light_into_the_dark_and_leaves_the_dark_alone():
    lamp = torch.zeros(3, 180, 320)
    assert torch.equal(bloom(lamp, 1.0), lamp)
    lamp[:, 80:100, 150:170] = 1.0
    lit = bloom(lamp, 1.0)
    assert lit[0, 90, 180] > lit[0, 90, 220] > lit[0, 90, 10]


def test_shake_is_another_place_in_another_frame_and_the_same_on_two_runs(picture):
    one = finish(picture, shake=1.0, time=1.0)
    assert torch.equal(one, finish(picture, shake=1.0, time=1.0))
    assert not torch.equal(one, finish(picture, shake=1.0, time=1.04))


def test_split_parts_red_from_blue_at_the_edge_and_not_in_the_middle():
    line = torch.zeros(3, 54, 96)
    line[:, :, 4] = 1.0
    parted = finish(line, split=1.0)
    red, blue = parted[0, 27], parted[2, 27]
    assert int(red.argmax()) < int(blue.argmax())


def test_bytes_are_rounded_and_interleaved(picture):
    frame = to_uint8(picture)
    assert frame.shape == (54, 96, 3)
    assert frame.dtype == np.uint8
    expected = np.rint(picture.permute(1, 2, 0).numpy() * 255)
    assert np.abs(frame - expected).max() <= 1


def test_the_title_stands_lower_left_and_goes_after_its_time(picture):
    overlay = title_overlay(Title("Night Drive", "Somebody", 4.0), 320, 180)
    assert overlay is not None
    coverage = overlay[3]
    assert coverage[90:, :160].max() > 0.9
    assert coverage[:60].max() < 0.05
    titled = dataclasses.replace(SCORE, title=Title("Night", "Somebody", 4.0))
    black = torch.zeros(3, 54, 96)
    laid = Finish(titled, CPU)
    during, after = (dataclasses.replace(PLAIN, frame=k) for k in (48, 97))
    assert laid(black, during).max() > 0.5
    assert torch.equal(laid(black, after), black)


@pytest.mark.parametrize("text", ["Ünïcødé", "Привет", "Ωμέγα", "naïve – café & ☆"])
def test_titles_in_many_scripts(text):
    assert title_overlay(Title(text, "", 3.0), 320, 180) is not None


def test_a_title_no_font_can_write_says_what_to_do():
    with pytest.raises(VisualizerError, match="title: no font"):
        title_overlay(Title("\U000e0041\U0001fbff", "", 3.0), 320, 180)


def test_a_long_title_is_made_to_fit():
    overlay = title_overlay(Title("A very long title " * 8, "", 3.0), 320, 180)
    assert overlay is not None
    assert overlay[3][:, -8:].max() < 0.5
