"""Parallax: what is near moves more; where nearness comes from."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import DepthAnythingForDepthEstimation

import tiny
from paintings import RED, film, make_score, save_picture
from visualizer import camera
from visualizer.cli import main
from visualizer.errors import VisualizerError
from visualizer.painters import ModelOptions, load_painter
from visualizer.painters.diffusion import DiffusionPainter
from visualizer.painters.diffusion.depth import Depth, Guess
from visualizer.painters.diffusion.depth_model import DepthModel, load_depth
from visualizer.painters.diffusion.model import Caps, Condition
from visualizer.painters.diffusion.noise import TravellingNoise
from visualizer.painters.diffusion.relief import FAR, NEAR, Move, Relief
from visualizer.score import Look, Paint, Score

HEIGHT, WIDTH = 96, 160


def panned(shift: float) -> Move:
    """The camera goes to the right by `shift`, in half heights."""
    return Move.of(lambda share: np.array([[1.0, 0, share * shift], [0, 1.0, 0], [0, 0, 1.0]]))


def zoomed(growth: float) -> Move:
    return Move.of(lambda share: np.diag([np.exp(-share * growth)] * 2 + [1.0]))


def halves() -> Relief:
    """Far above, near below, with a slope between."""
    rows = torch.linspace(-4.0, 4.0, HEIGHT).clamp(-0.5, 0.5) + 0.5
    return Relief(rows[:, None].expand(-1, WIDTH).contiguous())


def line(at: int) -> torch.Tensor:
    picture = torch.zeros(3, HEIGHT, WIDTH)
    picture[:, :, at - 2 : at + 3] = 1.0
    return picture


def centre(row: torch.Tensor) -> float:
    return float((row * torch.arange(len(row))).sum() / row.sum())


# --- How pictures move ---------------------------------------------------------------------------


def test_what_is_near_moves_more_than_what_is_far() -> None:
    shift = 12.0
    moved = halves().warp(line(80), panned(shift * 2.0 / HEIGHT))[0]
    assert 80 - centre(moved[5]) == pytest.approx(FAR * shift, abs=0.1)
    assert 80 - centre(moved[-5]) == pytest.approx(NEAR * shift, abs=0.1)
    assert 80 - centre(moved[HEIGHT // 2]) == pytest.approx(shift, abs=1.0)


def test_turning_moves_near_and_far_alike() -> None:
    turn = np.array([[np.cos(0.1), np.sin(0.1), 0], [-np.sin(0.1), np.cos(0.1), 0], [0, 0, 1.0]])
    move = Move.of(lambda share: turn)
    picture = torch.rand(3, HEIGHT, WIDTH, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(
        halves().warp(picture, move), Relief().warp(picture, move), rtol=0, atol=1e-4
    )


def test_a_flat_picture_moves_as_the_camera_says() -> None:
    picture = torch.nn.functional.avg_pool2d(torch.rand(1, 3, HEIGHT, WIDTH), 5, 1, 2)[0]
    move = zoomed(0.1)
    flat = Relief().warp(picture, move)
    torch.testing.assert_close(flat, camera.warp(picture, move.plane), rtol=0, atol=0.05)
    assert Relief().moved(move) == Relief()


def test_the_relief_travels_with_its_picture() -> None:
    relief, picture = halves(), line(80)
    picture[:] = relief.nearness[None]  # type: ignore[index]
    for _ in range(10):
        picture, relief = relief.warp(picture, zoomed(0.02)), relief.moved(zoomed(0.02))
    assert relief.nearness is not None
    torch.testing.assert_close(picture[0], relief.nearness, rtol=0, atol=0.03)


def test_there_and_back_is_nowhere() -> None:
    picture, move = line(80), panned(0.1)
    relief = halves()
    back = relief.moved(move).warp(relief.warp(picture, move), move.back())
    assert (back - picture)[:, 5:-5, 20:-20].abs().mean() < 0.01


def test_two_moves_are_one() -> None:
    once, twice = panned(0.1), panned(0.05) @ panned(0.05)
    for name in ("plane", "far", "near"):
        np.testing.assert_allclose(getattr(once, name), getattr(twice, name))


def test_moving_often_neither_blurs_nor_rings() -> None:
    generator = torch.Generator().manual_seed(0)
    noise = torch.rand(1, 3, HEIGHT // 6, WIDTH // 6, generator=generator)
    picture = torch.nn.functional.interpolate(noise, (HEIGHT, WIDTH), mode="bicubic")[0]
    picture = picture.clamp(0.0, 1.0)
    matrix = np.array([[1.0, 0, 0.007], [0, 1.0, 0.004], [0, 0, 1.0]])
    bicubic = moved = picture
    for _ in range(60):
        moved = Relief().warp(moved, Move.of(lambda share: matrix))
        bicubic = camera.warp(bicubic, matrix, "bicubic").clamp(0.0, 1.0)

    def structure(image: torch.Tensor) -> float:
        """Away from the edges, where the mirrored picture comes in."""
        return float(image[:, 15:-15, 5:-30].diff(dim=-1).std())

    assert 0.9 < structure(moved) / structure(picture) < 1.05
    assert structure(bicubic) > 1.2 * structure(picture)


def test_resampling_is_the_same_on_every_device() -> None:
    picture = torch.rand(3, HEIGHT, WIDTH)
    grid = camera.sampling_grid(zoomed(0.3).plane, HEIGHT, WIDTH, picture.device) * 1.2
    parts = [camera.sample(picture, grid, mode) for mode in ("bilinear", "bicubic")]
    expected = torch.lerp(*parts, 0.75)
    torch.testing.assert_close(camera.resample(picture, grid), expected, rtol=0, atol=2e-3)


def test_the_noise_travels_with_the_relief() -> None:
    noise, relief = TravellingNoise(4, 48, 80, seed=0), halves().coarse(48, 80)
    before, move = noise.field[0], panned(2.0 * 10 / 48)
    noise.advance(lambda points: relief.forward(points, move), 0.0)
    after = noise.field[0]
    far, near = round(FAR * 10), round(NEAR * 10)
    assert (before[:, :8, far:] * after[:, :8, :-far]).mean() > 0.8
    assert (before[:, -8:, near:] * after[:, -8:, :-near]).mean() > 0.8


def test_hills_are_wider_than_what_they_carry_and_half_way_on_average() -> None:
    near = torch.zeros(HEIGHT, WIDTH)
    near[40:60, 60:90] = 1.0
    relief = Relief.of(near)
    assert relief.nearness is not None
    assert float(relief.nearness.mean()) == pytest.approx(0.5, abs=1e-5)
    inside, outside = relief.nearness[40:60, 60:90], relief.nearness[:20]
    assert inside.min() - outside.max() > 0.9
    half = Relief.of(near, trust=0.5).nearness
    torch.testing.assert_close(half - 0.5, 0.5 * (relief.nearness - 0.5))  # type: ignore[operator]


# --- The guess -----------------------------------------------------------------------------------


def test_a_subject_before_a_plain_wall_is_near() -> None:
    picture = torch.full((3, 120, 200), 0.6)
    y, x = torch.meshgrid(torch.arange(120), torch.arange(200), indexing="ij")
    disc = (y - 50) ** 2 + (x - 100) ** 2 < 30**2
    picture[:, disc] = torch.tensor([0.8, 0.2, 0.1])[:, None]
    nearness = Guess().nearness(picture)
    assert nearness.shape == (120, 200)
    row = nearness[50]
    assert row[85:115].mean() > row[:30].mean() + 0.3


def test_the_ground_comes_nearer_down_the_picture() -> None:
    shade = torch.linspace(0.8, 0.3, 120)[None, :, None].expand(3, 120, 200)
    rows = Guess().nearness(shade.contiguous()).mean(dim=1)
    assert rows[100:].mean() > rows[50:70].mean() > rows[:20].mean()


@pytest.mark.parametrize("shade", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("size", [(64, 64), (400, 90), (48, 300)])
def test_a_blank_picture_of_any_shape_has_some_nearness(
    shade: float, size: tuple[int, int]
) -> None:
    nearness = Guess().nearness(torch.full((3, *size), shade))
    assert nearness.isfinite().all() and nearness.min() >= 0.0 and nearness.max() <= 1.0


# --- Depth models --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return tiny.build_depth(tmp_path_factory.mktemp("depth"))


CPU = torch.device("cpu")


def test_a_depth_model_answers_as_its_own_library_does(folder: str) -> None:
    picture = torch.rand(3, 112, 168, generator=torch.Generator().manual_seed(0))
    nearness = DepthModel.load(folder, CPU).nearness(picture)
    assert nearness.shape == (112, 168) and 0.0 <= nearness.min() < nearness.max() <= 1.0
    network = DepthAnythingForDepthEstimation.from_pretrained(folder)
    mean, deviation = (
        torch.tensor(v)[:, None, None] for v in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    )
    small = torch.nn.functional.interpolate(
        picture[None], (56, 84), mode="bicubic", antialias=True
    )[0]
    with torch.no_grad():
        answer = network(((small - mean) / deviation)[None]).predicted_depth
    there = torch.nn.functional.interpolate(answer[None], (112, 168), mode="bilinear")[0, 0]
    inside = (nearness > 0.02) & (nearness < 0.98)
    pairs = torch.stack([nearness[inside], there[inside]])
    assert torch.corrcoef(pairs)[0, 1] > 0.99


def test_a_metric_model_tells_distance_instead(tmp_path: Path) -> None:
    metric = tiny.build_depth(tmp_path, depth_estimation_type="metric", max_depth=20)
    model = DepthModel.load(metric, CPU)
    distance = torch.linspace(1.0, 10.0, 56 * 56).reshape(1, 56, 56)
    model._network.forward = lambda pixels: type("Answer", (), {"predicted_depth": distance})
    nearness = model.nearness(torch.rand(3, 56, 56))
    assert nearness[0].mean() > 0.8 and nearness[-1].mean() < 0.2


def edited(folder: str, to: Path, **changes: object) -> str:
    source = Path(folder)
    for file in source.iterdir():
        (to / file.name).write_bytes(file.read_bytes())
    config = json.loads((to / "config.json").read_text())
    (to / "config.json").write_text(json.dumps({**config, **changes}))
    return str(to)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"architectures": ["BertModel"]}, "BertModel"),
        ({"architectures": None}, "known are"),
        ({"auto_map": {"AutoModel": "theirs.Model"}}, "known are"),
    ],
)
def test_another_kind_of_model_is_one_line(
    folder: str, tmp_path: Path, change: dict[str, object], said: str
) -> None:
    with pytest.raises(VisualizerError, match=said) as caught:
        DepthModel.load(edited(folder, tmp_path, **change), CPU)
    assert "\n" not in str(caught.value)


def test_damaged_or_missing_weights_are_one_line(folder: str, tmp_path: Path) -> None:
    broken = Path(edited(folder, tmp_path)) / "model.safetensors"
    broken.write_bytes(broken.read_bytes()[:500])
    for place in (str(tmp_path), str(tmp_path / "absent"), str(broken)):
        with pytest.raises(VisualizerError) as caught:
            DepthModel.load(place, CPU)
        assert "\n" not in str(caught.value)


def test_what_is_asked_for_is_loaded(folder: str) -> None:
    assert load_depth("off", CPU) is None
    assert isinstance(load_depth("guess", CPU), Guess)
    assert isinstance(load_depth(folder, CPU), DepthModel)


# --- Films ---------------------------------------------------------------------------------------


class Still:
    """A model that leaves every picture as it is."""

    caps = Caps("still", HEIGHT * WIDTH, 8, 3, 1, 1, 1)
    device = CPU

    def embed(self, prompt: str, negative: str) -> Condition:
        return Condition(torch.ones(1, 1, 1, 1))

    def encode(self, picture: torch.Tensor) -> torch.Tensor:
        return picture

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        return latents.clamp(0.0, 1.0)

    def denoise(self, latents: torch.Tensor, *rest: object) -> torch.Tensor:
        return latents


class Halves:
    """Finds the lower half near."""

    name, trust = "halves", 1.0

    def nearness(self, picture: torch.Tensor) -> torch.Tensor:
        return torch.linspace(0.0, 1.0, picture.shape[1])[:, None].expand(picture.shape[1:]).round()


class Guessed(Halves):
    trust = 0.6


def columns(tmp_path: Path, mode: str, image: int | None = 0, **settings: float) -> Score:
    """A picture of one thin line, and a camera that goes to the right."""
    pixels = (line(80).permute(1, 2, 0).numpy() * 255).astype(np.uint8)
    path = save_picture(tmp_path / "line.png", pixels)
    score = make_score(13, (WIDTH, HEIGHT), **settings)
    look: Look = replace(RED, image=image)
    paint = Paint(mode, keys=(6, 12))  # type: ignore[arg-type]
    shot = replace(score.shots[0], looks=(look, look), paint=paint)
    return replace(score, shots=(shot,), images=(path,))


def positions(frames: Sequence[torch.Tensor]) -> list[tuple[float, float]]:
    """Of the line, far above and near below, in each frame."""
    return [(centre(frame[1, 6].square()), centre(frame[1, -6].square())) for frame in frames]


@pytest.mark.parametrize("mode", ["feedback", "keyframes", "walk"])
def test_the_users_picture_moves_in_parallax(tmp_path: Path, mode: str) -> None:
    score = columns(tmp_path, mode, pan=0.2, strength=0.1)
    flat, deep = (
        positions(film(DiffusionPainter(Still(), depth=depth), score))  # type: ignore[arg-type]
        for depth in (None, Halves())
    )
    assert all(above == pytest.approx(below, abs=0.3) for above, below in flat)
    far, near = (deep[12][i] - deep[0][i] for i in (0, 1))
    plain = flat[12][0] - flat[0][0]
    assert near < plain - 2.0 < plain < far - 2.0 < -2.0


def test_a_guess_is_made_for_the_users_pictures_only(tmp_path: Path) -> None:
    def bent(depth: Depth, image: int | None) -> bool:
        score = columns(tmp_path, "feedback", image, pan=0.2)
        flat, deep = (film(DiffusionPainter(Still(), depth=d), score) for d in (None, depth))  # type: ignore[arg-type]
        return not torch.equal(flat, deep)

    assert bent(Guessed(), 0) and not bent(Guessed(), None)


def test_a_model_finds_depth_in_every_first_picture(tmp_path: Path) -> None:
    class Striped(Still):
        def denoise(self, latents: torch.Tensor, *rest: object) -> torch.Tensor:
            return latents if latents.any() else line(80)[None]

    score = columns(tmp_path, "feedback", None, pan=0.2)
    deep = positions(film(DiffusionPainter(Striped(), depth=Halves()), score))
    assert deep[12][1] < deep[12][0] - 4.0


def test_depth_is_part_of_the_painters_name_and_repeats_to_the_bit(tmp_path: Path) -> None:
    score = columns(tmp_path, "feedback", zoom=0.3)
    painter = DiffusionPainter(Still(), depth=Guess())
    assert torch.equal(film(painter, score), film(painter, score))
    names = {DiffusionPainter(Still(), depth=d).identity for d in (None, Guess(), Halves())}
    assert len(names) == 3


def test_depth_is_guessed_unless_told_otherwise(tmp_path: Path, folder: str) -> None:
    model = tiny.build("turbo", tmp_path / "model")
    names = [
        load_painter("diffusion", model, "cpu", options).identity
        for options in (None, ModelOptions(depth="off"), ModelOptions(depth=folder))
    ]
    assert names[0].endswith("depth guess") and "depth" not in names[1] and len(set(names)) == 3


def test_depth_without_diffusion_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    song = str(tmp_path / "song.wav")
    assert main(["render", song, "--painter", "scenes", "--depth", "off"]) == 2
    said = capsys.readouterr().err
    assert "--depth" in said and said.count("\n") == 1
