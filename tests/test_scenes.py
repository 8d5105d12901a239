from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.nn.functional import avg_pool2d

from visualizer import camera
from visualizer.controls import CONTROLS, NAMES
from visualizer.errors import VisualizerError
from visualizer.lexicon import SCENES
from visualizer.painters.scenes import ScenesPainter, families
from visualizer.painters.scenes.canvas import Canvas, layers
from visualizer.painters.scenes.families import DRIFT, FAMILIES, STEADY
from visualizer.painters.scenes.inks import Inks, mix_inks
from visualizer.painters.scenes.skyline import skyline
from visualizer.painters.scenes.tiles import cell_tile, fbm, flow, kept, numbers, sample, star_tile
from visualizer.palette import palettes, ramp
from visualizer.score import Cue, Look, Pose, Score, Shot

CPU = torch.device("cpu")
HEIGHT, WIDTH = 90, 160
CANVAS = Canvas(HEIGHT, WIDTH, CPU)
RAMP = torch.tensor(ramp(palettes()["nebula"]))
NAMES_OF_SCENES = sorted(FAMILIES)
TILES = (fbm, flow, star_tile, cell_tile, numbers, skyline)
# What a scene has to show by itself; the other look controls are in the inks.
SHAPES = ("pulse", "warp", "detail", "glow", "morph")


def cue(pose: Pose | None = None, **controls: Any) -> Cue:
    values = {control.name: control.neutral for control in CONTROLS} | controls
    return Cue(0, 0.0, (1.0,), 1.0, pose or Pose(clock=5.0), **values)


def draw(name: str, moment: Cue, seed: int = 1, canvas: Canvas = CANVAS) -> torch.Tensor:
    return FAMILIES[name](canvas, moment, seed, mix_inks(RAMP, moment))


def film(
    scenes: tuple[str, ...] = ("nebula",),
    frames: int = 3,
    fps: int = 24,
    weights: NDArray[np.float32] | None = None,
    palette: str = "nebula",
    **columns: Any,
) -> Score:
    controls = np.tile(np.array([c.neutral for c in CONTROLS], np.float32), (frames, 1))
    for name, values in columns.items():
        controls[:, NAMES.index(name)] = values
    if weights is None:
        weights = np.eye(len(scenes), dtype=np.float32)[np.zeros(frames, int)]
    looks = tuple(Look("", "", scene, palettes()[palette]) for scene in scenes)
    shot = Shot(0, 0, 1, "verse A", looks, weights, controls, np.ones(frames, np.float32))
    return Score(fps, WIDTH, HEIGHT, 0.0, (shot,))


def paint(score: Score) -> list[torch.Tensor]:
    return list(ScenesPainter().paint(score, score.shots[0]))


def difference(a: torch.Tensor, b: torch.Tensor) -> float:
    return float((a - b).abs().mean())


def test_every_scene_of_the_lexicon_can_be_painted() -> None:
    assert set(FAMILIES) == set(SCENES)
    assert set(DRIFT) <= set(FAMILIES)
    assert set(FAMILIES) >= STEADY


@pytest.mark.parametrize("name", NAMES_OF_SCENES)
@pytest.mark.parametrize(("height", "width"), [(90, 160), (160, 90), (64, 64), (51, 123), (16, 16)])
def test_scene_fills_any_size(name: str, height: int, width: int) -> None:
    picture = draw(name, cue(), canvas=Canvas(height, width, CPU))
    assert picture.shape == (3, height, width)
    assert picture.dtype == torch.float32
    assert picture.isfinite().all()
    assert picture.min() >= 0.0 and picture.max() <= 1.0


@pytest.mark.parametrize("name", NAMES_OF_SCENES)
def test_scene_has_shadow_light_and_texture(name: str) -> None:
    luminance = draw(name, cue()).mean(0)
    dark, bright = torch.quantile(luminance.flatten(), torch.tensor([0.05, 0.995])).tolist()
    assert dark < 0.25
    assert bright > dark + 0.25


@pytest.mark.parametrize("name", NAMES_OF_SCENES)
def test_scene_is_the_same_to_the_bit_on_two_runs(name: str) -> None:
    first = draw(name, cue(pulse=0.4))
    for make in TILES:
        make.__wrapped__.cache_clear()
    assert torch.equal(first, draw(name, cue(pulse=0.4), canvas=Canvas(HEIGHT, WIDTH, CPU)))


@pytest.mark.parametrize("name", NAMES_OF_SCENES)
def test_the_tiles_of_two_looks_are_kept_and_no_more(name: str) -> None:
    for make in TILES:
        make.__wrapped__.cache_clear()
    draw(name, cue(**dict.fromkeys(SHAPES, 0.9)))
    for make in TILES:
        known = make.__wrapped__.cache_info()
        assert 2 * known.currsize <= known.maxsize <= 10


@pytest.mark.parametrize("name", NAMES_OF_SCENES)
def test_scene_keeps_its_composition_at_another_size(name: str) -> None:
    """Compared from afar: fine lines may fall on other pixels."""
    small, other = (avg_pool2d(draw(name, cue(), seed=seed), 3) for seed in (1, 2))
    large = avg_pool2d(draw(name, cue(), canvas=Canvas(2 * HEIGHT, 2 * WIDTH, CPU)), 6)
    large = large[:, : small.shape[1], : small.shape[2]]
    assert difference(small, large) < 0.5 * difference(small, other)


@pytest.mark.parametrize("name", NAMES_OF_SCENES)
def test_seed_changes_the_composition(name: str) -> None:
    assert difference(draw(name, cue(), seed=1), draw(name, cue(), seed=2)) > 0.01


@pytest.mark.parametrize("name", NAMES_OF_SCENES)
def test_clock_moves_the_picture_without_jumps(name: str) -> None:
    start, soon, later = (draw(name, cue(Pose(clock=t))) for t in (5.0, 5.0 + 1 / 480, 9.0))
    assert difference(start, later) > 0.004
    assert difference(start, soon) < 0.1 * difference(start, later)


@pytest.mark.parametrize("name", NAMES_OF_SCENES)
@pytest.mark.parametrize("control", SHAPES)
def test_control_changes_the_picture_without_jumps(name: str, control: str) -> None:
    low, step, high = (draw(name, cue(None, **{control: value})) for value in (0.0, 0.005, 1.0))
    assert difference(low, high) > 0.004
    assert difference(low, step) < 0.2 * difference(low, high)


@pytest.mark.parametrize("name", NAMES_OF_SCENES)
def test_pulse_brings_light(name: str) -> None:
    still, hit = draw(name, cue(pulse=0.0)), draw(name, cue(pulse=1.0))
    assert hit.mean() > 1.04 * still.mean()


@pytest.mark.parametrize("name", NAMES_OF_SCENES)
@pytest.mark.parametrize("motion", ["travel", "x", "y", "angle"])
def test_camera_moves_every_scene(name: str, motion: str) -> None:
    amount = {"travel": 0.3, "x": 0.2, "y": 0.2, "angle": 10.0}[motion]
    still = draw(name, cue(Pose(clock=5.0)))
    if motion == "angle" and name in STEADY:
        pytest.skip("its horizon stays level")
    assert difference(still, draw(name, cue(Pose(clock=5.0, **{motion: amount})))) > 0.002


@pytest.mark.parametrize("name", sorted(set(FAMILIES) - STEADY))
@pytest.mark.parametrize(("rate", "pose"), [("zoom", "travel"), ("rotate", "angle")])
def test_scene_and_trails_move_alike(name: str, rate: str, pose: str) -> None:
    amount = {"zoom": 0.06, "rotate": 4.0}[rate]
    before = draw(name, cue(Pose(clock=5.0)))
    after = draw(name, cue(Pose(clock=5.0, **{pose: amount})))
    with_it = camera.warp(before, camera.step(cue(None, **{rate: amount}), 1, CANVAS.aspect))
    against = camera.warp(before, camera.step(cue(None, **{rate: -amount}), 1, CANVAS.aspect))
    assert difference(with_it, after) < difference(against, after)


def test_full_strength_forgets_the_last_frame() -> None:
    clock = np.array([9.0, 0.0, 1.0])
    alone = film(frames=1, strength=1.0, noise=0.0)
    shot = replace(alone.shots[0], origin=Pose(clock=9.0 / 24))
    alone = replace(alone, shots=(shot,))
    assert torch.equal(paint(film(strength=1.0, noise=0.0, speed=clock))[1], paint(alone)[0])


@pytest.fixture
def spark(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., torch.Tensor]]:
    """A scene that shows one white square to the right of the centre in its first moment."""

    def family(canvas: Canvas, moment: Cue, seed: int, inks: Inks) -> torch.Tensor:
        near = (canvas.x - 0.8).abs().clamp_min(canvas.y.abs()) < 0.12
        return (near & (moment.pose.clock == 0.0)).float().expand(3, -1, -1)

    monkeypatch.setitem(families.FAMILIES, "spark", family)
    yield family


def place(picture: torch.Tensor) -> tuple[float, float]:
    """Centre of the light, in canvas units."""
    light = picture.mean(0)
    x, y = (light * CANVAS.x).sum() / light.sum(), (light * CANVAS.y).sum() / light.sum()
    return float(x), float(y)


@pytest.mark.usefixtures("spark")
@pytest.mark.parametrize(
    ("control", "rate", "expected"),
    [
        ("zoom", 1.2, (0.8 * np.exp(0.05), 0.0)),
        ("pan", 0.6, (0.8 - 2.0 * CANVAS.aspect * 0.025, 0.0)),
        ("lift", 0.6, (0.8, 2.0 * 0.025)),
        ("rotate", 90.0, (0.8 * np.cos(np.pi / 48), 0.8 * np.sin(np.pi / 48))),
    ],
)
def test_trails_move_with_the_camera(
    control: str, rate: float, expected: tuple[float, float]
) -> None:
    moves: dict[str, Any] = {control: rate}
    score = film(("spark",), 2, strength=0.1, noise=0.0, **moves)
    assert place(paint(score)[1]) == pytest.approx(expected, abs=0.5 * CANVAS.pixel)


@pytest.mark.usefixtures("spark")
def test_low_strength_leaves_light_and_full_strength_none() -> None:
    left = [
        float(paint(film(("spark",), 4, strength=s, noise=0.0))[3].sum()) for s in (0.1, 0.5, 1.0)
    ]
    assert left[0] > 2.0 * left[1] > 0.0
    assert left[2] == 0.0


@pytest.mark.usefixtures("spark")
def test_trails_last_equally_long_at_every_frame_rate() -> None:
    left = [
        float(paint(film(("spark",), 1 + fps // 8, fps, strength=0.2, noise=0.0))[-1].sum())
        for fps in (24, 48, 96)
    ]
    assert left == pytest.approx([left[0]] * 3, rel=0.25)


def test_light_comes_at_once_and_goes_slowly() -> None:
    light = np.array([0.2, 1.0, 0.2], np.float32)
    dark, bright, after = (
        float(f.mean()) for f in paint(film(strength=0.3, noise=0.0, speed=0.0, light=light))
    )
    assert bright - dark > bright - after
    assert after > dark


def test_restless_texture_is_new_in_every_frame_and_absent_at_zero() -> None:
    calm = paint(film(frames=2, strength=1.0, speed=0.0, noise=0.0))
    rough = paint(film(frames=2, strength=1.0, speed=0.0, noise=1.0))
    assert torch.equal(calm[0], calm[1])
    assert difference(rough[0], rough[1]) > 0.003


def test_film_is_the_same_to_the_bit_on_two_runs() -> None:
    score = film(("tunnel",), 4, zoom=0.3, rotate=20.0, pulse=np.array([0, 1, 0.5, 0.2]))
    assert all(torch.equal(a, b) for a, b in zip(paint(score), paint(score), strict=True))


def test_two_scenes_cross_from_one_to_the_other() -> None:
    ways = np.array([[1, 0], [0.5, 0.5], [0, 1]], np.float32)
    steady: dict[str, Any] = {"strength": 1.0, "noise": 0.0, "speed": 0.0}
    first, both, last = paint(film(("ocean", "galaxy"), 3, weights=ways, **steady))
    assert torch.equal(first, paint(film(("ocean",), 1, **steady))[0])
    assert torch.equal(last, paint(film(("galaxy",), 1, **steady))[0])
    assert difference(both, first) < difference(first, last)
    assert difference(both, last) < difference(first, last)


def test_one_scene_in_two_palettes_mixes_colours() -> None:
    ways = np.array([[1, 0], [0.5, 0.5], [0, 1]], np.float32)
    score = film(("nebula", "nebula"), 3, weights=ways, strength=1.0, noise=0.0, speed=0.0)
    shot = score.shots[0]
    looks = (shot.looks[0], replace(shot.looks[1], palette=palettes()["ember"]))
    first, both, last = paint(replace(score, shots=(replace(shot, looks=looks),)))
    assert difference(both, first) < difference(first, last) > difference(both, last)


def test_unknown_scene_is_refused_by_name() -> None:
    with pytest.raises(VisualizerError, match=r"'nebulla'.*known are aurora"):
        paint(film(("nebulla",), 1))


def test_inks_follow_the_palette_from_dark_to_light() -> None:
    tone = torch.linspace(0.0, 2.0, 200)[None]
    painted = mix_inks(RAMP, cue()).paint(tone)
    assert torch.allclose(painted[:, 0, 0], RAMP[0], atol=2 / 255)
    assert (painted.sum(0)[0].diff() > -0.02).all()
    assert painted[:, 0, -1].min() > 0.85


def test_saturation_zero_is_grey_and_light_zero_is_black() -> None:
    tone = torch.linspace(0.0, 1.5, 50)[None]
    grey = mix_inks(RAMP, cue(saturation=0.0)).paint(tone)
    assert float((grey.amax(0) - grey.amin(0)).max()) < 2 / 255
    assert float(mix_inks(RAMP, cue(light=0.0)).paint(tone).max()) < 2 / 255
    levels = [float(mix_inks(RAMP, cue(light=v)).paint(tone).mean()) for v in (0.5, 1.0, 1.5)]
    assert levels == sorted(levels)


def test_palette_shift_and_lean_change_colour_and_hardly_lightness() -> None:
    tone = torch.linspace(0.1, 0.9, 50)[None]
    plain = mix_inks(RAMP, cue()).paint(tone)
    for painted in (
        mix_inks(RAMP, cue(palette_shift=0.4)).paint(tone),
        mix_inks(RAMP, cue()).paint(tone, torch.full_like(tone, 0.8)),
    ):
        assert difference(plain, painted) > 0.03
        luma = torch.tensor([0.299, 0.587, 0.114])[:, None, None]
        assert float(((plain - painted) * luma).sum(0).abs().mean()) < 0.06


@pytest.mark.parametrize("make", [fbm, flow])
def test_noise_repeats_without_a_seam(make: Callable[..., torch.Tensor]) -> None:
    tile = make(3, CPU)
    assert torch.equal(tile[..., 0], tile[..., -1])
    assert torch.equal(tile[:, 0], tile[:, -1])
    assert float(tile[:, :-1, :-1].mean()) == pytest.approx(0.0, abs=1e-4)
    assert float(tile[:, :-1, :-1].std()) == pytest.approx(1.0, abs=0.01)
    u, v = torch.rand(2, 9, 9, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(sample(tile, u, v), sample(tile, u - 3.0, v + 2.0), atol=2e-3)


def test_eddies_neither_gather_nor_spread() -> None:
    across, down = flow(3, CPU)[:, :-1, :-1]
    spread = (across.roll(-1, 1) - across.roll(1, 1)) + (down.roll(-1, 0) - down.roll(1, 0))
    turning = (down.roll(-1, 1) - down.roll(1, 1)) - (across.roll(-1, 0) - across.roll(1, 0))
    assert float(spread.std()) < 0.1 * float(turning.std())


def test_cells_own_their_numbers_and_meet_at_edges() -> None:
    edge, _, own, _ = cell_tile(1, CPU, 40)
    assert len(own.unique()) == 40
    assert edge.min() >= 0.0
    boundary = own[:, 1:] != own[:, :-1]
    assert float(edge[:, 1:][boundary].max()) < 2.0 * 40**0.5 / 512


def test_threads_that_want_the_same_tile_make_it_once() -> None:
    made = []

    @kept(1)
    def slow(seed: int) -> torch.Tensor:
        made.append(seed)
        time.sleep(0.05)
        return torch.full((1,), float(seed))

    with ThreadPoolExecutor(4) as pool:
        tiles = list(pool.map(slow, [7] * 4))
    assert made == [7] and all(tile is tiles[0] for tile in tiles)


def test_endless_zoom_has_no_seam() -> None:
    for travel in np.linspace(-3.0, 3.0, 50):
        before = {p.generation: p for p in layers(float(travel), 3)}
        after = {p.generation: p for p in layers(float(travel) + 1e-4, 3)}
        assert sum(p.weight for p in before.values()) == pytest.approx(1.5)
        for generation in before.keys() ^ after.keys():
            planes = before if generation in before else after
            assert planes[generation].weight < 1e-6
        for generation in before.keys() & after.keys():
            assert after[generation].scale < before[generation].scale
