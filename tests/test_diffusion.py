"""The diffusion painter on tiny pipelines with random weights, through the real loading code."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import pytest
import torch
from diffusers import DiffusionPipeline, FluxPipeline, LCMScheduler, UNet2DConditionModel
from huggingface_hub.errors import LocalEntryNotFoundError, RepositoryNotFoundError
from torch.nn.modules.module import register_module_forward_hook

import tiny
from paintings import BLUE, RED, film, in_red, make_score, save_picture, textured
from visualizer import camera
from visualizer.camera import step, warp
from visualizer.errors import VisualizerError
from visualizer.painters import ModelOptions, oklab
from visualizer.painters.diffusion import DiffusionPainter
from visualizer.painters.diffusion.anchor import Anchor, Pull, grade, measure, tint
from visualizer.painters.diffusion.key import Size, load_picture, painting_size
from visualizer.painters.diffusion.levels import NoiseLevel, NoiseLevels
from visualizer.painters.diffusion.loading import load_model
from visualizer.painters.diffusion.model import Condition, FrameModel, mix
from visualizer.painters.diffusion.noise import TravellingNoise
from visualizer.score import Score, Shot


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    root = tmp_path_factory.mktemp("pipelines")
    return {family: tiny.build(family, root / family) for family in tiny.FAMILIES}


@pytest.fixture(scope="session")
def models(folders: dict[str, str]) -> dict[str, FrameModel]:
    return {f: load_model(folder, "cpu", precision="float32") for f, folder in folders.items()}


@pytest.fixture(params=tiny.FAMILIES)
def model(request: pytest.FixtureRequest, models: dict[str, FrameModel]) -> FrameModel:
    return models[request.param]


@pytest.fixture
def painter(models: dict[str, FrameModel]) -> DiffusionPainter:
    return DiffusionPainter(models["turbo"])


@pytest.fixture
def calls() -> Iterator[list[int]]:
    """The batch sizes of all calls of a denoiser."""
    sizes: list[int] = []

    def count(module: Any, inputs: tuple[Any, ...], options: dict[str, Any], output: Any) -> None:
        if isinstance(module, tiny.DENOISERS):
            sizes.append(len(options.get("hidden_states", inputs and inputs[0])))

    hook = register_module_forward_hook(count, with_kwargs=True)
    yield sizes
    hook.remove()


def latents_and_noise(model: FrameModel, batch: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    shape = (batch, model.caps.channels, 8, 12)
    return torch.randn(shape, generator=generator), torch.randn(shape, generator=generator)


# --- What every model must keep to -------------------------------------------------------------


def test_pictures_and_latents_have_the_promised_shapes(model: FrameModel) -> None:
    picture = torch.rand(2, 3, 64, 96)
    latents = model.encode(picture)
    assert latents.shape == (
        2,
        model.caps.channels,
        64 // model.caps.downscale,
        96 // model.caps.downscale,
    )
    decoded = model.decode(latents)
    assert decoded.shape == picture.shape
    assert latents.dtype == decoded.dtype == torch.float32
    assert decoded.min() >= 0.0 and decoded.max() <= 1.0


def test_encoding_has_no_chance_in_it(model: FrameModel) -> None:
    picture = torch.rand(1, 3, 64, 64)
    assert torch.equal(model.encode(picture), model.encode(picture))


@pytest.mark.parametrize("steps", [1, 2, 3])
@pytest.mark.parametrize("strength", [0.05, 0.4, 1.0])
def test_the_denoiser_runs_exactly_as_often_as_asked(
    model: FrameModel, calls: list[int], steps: int, strength: float
) -> None:
    latents, noise = latents_and_noise(model)
    condition = model.embed("red fire", "grey")
    model.denoise(latents, noise, torch.tensor([strength]), condition, steps)
    assert len(calls) == steps


def test_a_guided_model_computes_both_branches_in_one_call(
    models: dict[str, FrameModel], calls: list[int]
) -> None:
    latents, noise = latents_and_noise(models["guided"])
    condition = models["guided"].embed("red fire", "grey")
    models["guided"].denoise(latents, noise, torch.tensor([0.5]), condition, 1)
    assert calls == [2]


def test_hardly_any_strength_returns_the_input(model: FrameModel) -> None:
    latents, noise = latents_and_noise(model)
    condition = model.embed("red fire", "")
    painted = model.denoise(latents, noise, torch.tensor([0.001]), condition, 1)
    assert (painted - latents).abs().max() < 0.02


def test_more_strength_changes_more(model: FrameModel) -> None:
    latents, noise = latents_and_noise(model)
    condition = model.embed("red fire", "")
    changes = [
        float((model.denoise(latents, noise, torch.tensor([s]), condition, 1) - latents).norm())
        for s in (0.05, 0.2, 0.35, 0.5, 0.65, 0.8)
    ]
    assert changes == sorted(changes)
    assert changes[0] < 0.3 * changes[-1]


def test_a_batch_of_strengths_equals_one_at_a_time(model: FrameModel) -> None:
    latents, noise = latents_and_noise(model, batch=3)
    strengths = torch.tensor([0.2, 0.5, 0.9])
    condition = model.embed("red fire", "grey")
    together = model.denoise(latents, noise, strengths, condition, 2)
    for i in range(3):
        part = slice(i, i + 1)
        alone = model.denoise(latents[part], noise[part], strengths[part], condition, 2)
        torch.testing.assert_close(together[part], alone, rtol=1e-3, atol=1e-3)


def test_prompts_matter(model: FrameModel) -> None:
    latents, noise = latents_and_noise(model)
    red, blue = model.embed("red fire", ""), model.embed("blue sea", "")
    half = torch.tensor([0.5])
    painted = [model.denoise(latents, noise, half, c, 1) for c in (red, blue)]
    assert not torch.equal(*painted)


def test_the_negative_prompt_matters_where_the_model_is_guided(
    models: dict[str, FrameModel],
) -> None:
    tokens = {
        family: [models[family].embed("fire", text).tokens for text in ("grey", "mud")]
        for family in ("guided", "turbo")
    }
    assert not torch.equal(*tokens["guided"])
    assert torch.equal(*tokens["turbo"])


# diffusers' own Euler scheduler converts a tensor in a way that numpy 2 warns of.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize(
    ("family", "guidance"), [("turbo", 0), ("v", 0), ("xl", 0), ("lcm", 8), ("pulse", 0)]
)
def test_one_step_from_noise_agrees_with_the_stock_pipeline(
    models: dict[str, FrameModel], folders: dict[str, str], family: str, guidance: float
) -> None:
    stock = DiffusionPipeline.from_pretrained(folders[family])
    stock.set_progress_bar_config(disable=True)
    noise = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(5))
    expected = stock(
        "red fire",
        height=64,
        width=64,
        num_inference_steps=1,
        guidance_scale=guidance,
        latents=noise,
        output_type="latent",
    ).images
    condition = models[family].embed("red fire", "")
    painted = models[family].denoise(torch.zeros_like(noise), noise, torch.ones(1), condition, 1)
    scale = expected.abs().mean()
    assert (painted - expected).abs().mean() < 0.01 * scale


@pytest.mark.parametrize("family", tiny.FLOWS)
@pytest.mark.parametrize("steps", [1, 3])
def test_a_flow_from_noise_agrees_with_the_stock_pipeline(
    models: dict[str, FrameModel], folders: dict[str, str], family: str, steps: int
) -> None:
    stock = DiffusionPipeline.from_pretrained(folders[family])
    stock.set_progress_bar_config(disable=True)
    model = models[family]
    cells = 64 // model.caps.downscale
    noise = torch.randn(1, model.caps.channels, cells, cells, generator=torch.manual_seed(5))
    given = FluxPipeline._pack_latents(noise, 1, 4, 8, 8) if family == "flux" else noise
    expected = stock(
        prompt="red fire",
        height=64,
        width=64,
        num_inference_steps=steps,
        guidance_scale=0.0,
        latents=given,
        output_type="pt",
    ).images
    condition = model.embed("red fire", "")
    latents = model.denoise(torch.zeros_like(noise), noise, torch.ones(1), condition, steps)
    torch.testing.assert_close(model.decode(latents), expected, rtol=0, atol=2e-3)


def test_half_precision_paints_nearly_the_same(folders: dict[str, str]) -> None:
    exact, rough = (
        film(DiffusionPainter(load_model(folders["turbo"], "cpu", precision=p)), make_score(2))
        for p in ("float32", "bfloat16")
    )
    assert 0.0 < (exact - rough).abs().mean() < 0.03


def test_every_family_paints_a_film_that_repeats_to_the_bit(model: FrameModel) -> None:
    score = make_score(3, zoom=0.5)
    frames = film(DiffusionPainter(model), score)
    assert frames.shape == (3, 3, 64, 96) and frames.dtype == torch.float32
    assert frames.isfinite().all() and frames.min() >= 0.0 and frames.max() <= 1.0
    assert torch.equal(frames, film(DiffusionPainter(model), score))


# --- Strength and noise ------------------------------------------------------------------------


def descent(strength: float, steps: int) -> list[NoiseLevel]:
    """Of Stable Diffusion."""
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
    levels = NoiseLevels(torch.cumprod(1.0 - betas, 0))
    return levels.descent(torch.tensor([strength]), steps, torch.device("cpu"))


@pytest.mark.parametrize("strength", [0.1, 0.25, 0.5, 0.7, 0.9])
def test_strength_is_the_share_of_noise(strength: float) -> None:
    (level,) = descent(strength, 1)
    alpha, sigma = float(level.alpha), float(level.sigma)
    assert sigma / (alpha + sigma) == pytest.approx(strength, abs=1e-5)
    assert alpha**2 + sigma**2 == pytest.approx(1.0, abs=1e-5)


def test_as_much_noise_as_picture_is_where_training_had_it() -> None:
    betas = np.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2
    kept = np.cumprod(1.0 - betas)
    (level,) = descent(0.5, 1)
    below = math.floor(float(level.time))
    assert kept[below] >= 0.5 >= kept[below + 1]


def test_strength_is_never_rounded() -> None:
    times = [float(descent(s, 1)[0].time) for s in np.linspace(0.3, 0.31, 11)]
    assert len(set(times)) == 11 and times == sorted(times)


def test_steps_descend_evenly_in_time() -> None:
    levels = descent(1.0, 4)
    assert [float(level.time) for level in levels] == pytest.approx([999, 749.25, 499.5, 249.75])


def zero_terminal() -> torch.Tensor:
    """Alpha squared of a schedule whose last level is nothing but noise."""
    scheduler = LCMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        prediction_type="v_prediction",
        rescale_betas_zero_snr=True,
    )
    return scheduler.alphas_cumprod


@pytest.mark.parametrize("time", [20, 250, 500, 900, 990, 998, 999])
def test_each_time_of_a_schedule_that_ends_in_noise_is_found_again(time: int) -> None:
    kept = float(zero_terminal()[time])
    assert (kept == 0.0) == (time == 999)
    alpha, sigma = math.sqrt(kept), math.sqrt(1.0 - kept)
    strength = torch.tensor([sigma / (alpha + sigma)], dtype=torch.float64)
    (level,) = NoiseLevels(zero_terminal()).descent(strength, 1, torch.device("cpu"))
    assert float(level.time) == pytest.approx(time, abs=0.02)
    assert float(level.alpha) == pytest.approx(alpha, abs=5e-4)
    assert float(level.sigma) == pytest.approx(sigma, abs=5e-4)


def test_strength_is_the_share_of_noise_up_to_the_end_of_such_a_schedule() -> None:
    strengths = torch.linspace(0.05, 0.999, 50)
    (level,) = NoiseLevels(zero_terminal()).descent(strengths, 1, torch.device("cpu"))
    shares = (level.sigma / (level.alpha + level.sigma)).flatten()
    torch.testing.assert_close(shares, strengths, rtol=0, atol=1e-5)
    assert (level.time.diff() > 0.0).all() and 0.0 < level.time[0] < level.time[-1] < 999.0
    last = NoiseLevels(zero_terminal()).descent(torch.ones(1), 4, torch.device("cpu"))
    assert [float(each.time) for each in last] == pytest.approx([999, 749.25, 499.5, 249.75])


@pytest.mark.parametrize("family", ["v", "pulse"])
@pytest.mark.parametrize("time", [20, 250, 500, 900, 999])
def test_a_velocity_becomes_the_clean_picture(
    models: dict[str, FrameModel], family: str, time: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, kept = models[family], float(models[family]._pipe.scheduler.alphas_cumprod[time])  # type: ignore[attr-defined]
    alpha, sigma = math.sqrt(kept), math.sqrt(1.0 - kept)
    clean, noise = latents_and_noise(model)
    heard: list[float] = []

    def knowing(noisy: torch.Tensor, times: torch.Tensor, **options: object) -> tuple[torch.Tensor]:
        """A network that has learned this one picture."""
        heard.append(float(times[0]))
        torch.testing.assert_close(noisy, alpha * clean + sigma * noise, rtol=0, atol=2e-3)
        return (alpha * noise - sigma * clean,)

    monkeypatch.setattr(model._denoiser, "forward", knowing)  # type: ignore[attr-defined]
    strength = torch.tensor([sigma / (alpha + sigma)], dtype=torch.float64)
    found = model.denoise(clean, noise, strength, model.embed("red fire", ""), 1)
    assert heard == [pytest.approx(time, abs=0.02)]
    torch.testing.assert_close(found, clean, rtol=0, atol=5e-3)


def test_the_projects_own_kind_of_model_is_known(folders: dict[str, str]) -> None:
    index = json.loads((Path(folders["pulse"]) / "model_index.json").read_text())
    parts = {name: kind[1] for name, kind in index.items() if isinstance(kind, list)}
    assert index["_class_name"] == "StableDiffusionPipeline"
    assert parts["unet"] == "UNet2DConditionModel" and parts["vae"] == "AutoencoderTiny"
    assert parts["text_encoder"] == "CLIPTextModel" and parts["scheduler"] == "LCMScheduler"
    model = load_model(folders["pulse"], "cpu", precision="float32")
    assert (model.caps.steps, model.caps.key_steps, model.caps.channels) == (2, 4, 4)


MOVES = {"zoom": {"zoom": 0.4}, "out": {"zoom": -0.4}, "pan": {"pan": 0.1}, "turn": {"rotate": 9.0}}


def carried(move: np.ndarray) -> Callable[[torch.Tensor], torch.Tensor]:
    return partial(camera.forward, matrix=move)


def move_of(**settings: float) -> np.ndarray:
    score = make_score(2, (96, 64), **settings)
    return step(next(score.cues(score.shots[0])), score.fps, 86 / 48)


@pytest.mark.parametrize("move", MOVES)
def test_noise_stays_white_over_a_long_shot(move: str) -> None:
    noise, matrix = TravellingNoise(4, 48, 86, seed=0), move_of(**MOVES[move])
    neighbours = []
    for _ in range(600):
        noise.advance(carried(matrix), 0.1)
        field = noise.field[0]
        assert 0.98 < field.std() < 1.02
        across = (field[:, :, 1:] * field[:, :, :-1]).mean()
        down = (field[:, 1:] * field[:, :-1]).mean()
        neighbours.append(float(across + down) / 2.0)
    # One white field of this size strays by 0.0055; the mean of many must not.
    assert abs(np.mean(neighbours)) < 0.004
    assert np.abs(neighbours).max() < 5 * 0.0055


def test_noise_moves_with_a_slow_camera_though_each_move_is_less_than_a_cell() -> None:
    noise = TravellingNoise(4, 48, 86, seed=0)
    before = noise.field[0]
    move = move_of(pan=0.1)
    for _ in range(20):
        noise.advance(carried(move), 0.0)
    cells = round(20 * 0.1 / 24 * 86)
    after = noise.field[0]
    moved = (before[:, :, cells:] * after[:, :, :-cells]).mean()
    stuck = (before * after).mean()
    assert moved > 0.8 and abs(stuck) < 0.05


def test_still_noise_is_kept_and_renewed_noise_forgets() -> None:
    still = TravellingNoise(4, 16, 16, seed=0)
    first = still.field
    still.advance(carried(np.eye(3)), 0.0)
    assert torch.allclose(still.field, first, atol=1e-5)
    still.advance(carried(np.eye(3)), 0.3)
    assert float((still.field * first).mean()) == pytest.approx(0.7, abs=0.05)
    still.advance(carried(np.eye(3)), 1.0)
    assert abs(float((still.field * first).mean())) < 0.1


# --- Colour ------------------------------------------------------------------------------------


def test_oklab_has_the_published_values_and_comes_back() -> None:
    colours = torch.tensor([[1.0, 1.0, 1.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]).T[:, None]
    lab = oklab.from_srgb(colours)[:, 0].T
    published = [[1.0, 0.0, 0.0], [0.628, 0.225, 0.126], [0.452, -0.032, -0.312]]
    torch.testing.assert_close(lab, torch.tensor(published), rtol=0, atol=1e-3)
    picture = torch.rand(3, 20, 30)
    torch.testing.assert_close(oklab.to_srgb(oklab.from_srgb(picture)), picture, rtol=0, atol=1e-3)


@pytest.mark.parametrize(
    "drift",
    [
        lambda p: p * 0.97,
        lambda p: (p - 0.5) * 1.04 + 0.5,
        lambda p: p * torch.tensor([1.02, 0.98, 1.02])[:, None, None],
        lambda p: torch.nn.functional.avg_pool2d(p[None], 3, 1, 1, count_include_pad=False)[0],
    ],
    ids=["darker", "harsher", "magenta", "softer"],
)
def test_the_anchor_stops_a_drift_that_would_run_away(drift) -> None:  # type: ignore[no-untyped-def]
    picture = textured()
    first = oklab.from_srgb(picture)
    anchor = Anchor.of(first, torch.randn(1, 4, 8, 8), torch.zeros(2, 1, 1), Pull())
    free = held = picture
    for _ in range(200):
        free = drift(free).clamp(0.0, 1.0)
        held = oklab.to_srgb(anchor.hold(oklab.from_srgb(drift(held)), torch.zeros(2, 1, 1)))
    wanted = measure(first)
    ran, stayed = measure(oklab.from_srgb(free)), measure(oklab.from_srgb(held))
    assert stayed.mean[0].item() == pytest.approx(wanted.mean[0].item(), rel=0.15)
    assert stayed.contrast.item() == pytest.approx(wanted.contrast.item(), rel=0.15)
    assert stayed.chroma.item() == pytest.approx(wanted.chroma.item(), rel=0.15)
    assert max(
        abs(math.log((getattr(ran, n).mean() / getattr(wanted, n).mean()).clamp_min(1e-3).item()))
        for n in ("mean", "contrast", "chroma")
    ) > math.log(1.3)


def test_a_model_that_adds_detail_to_every_frame_does_not_make_a_shot_harsh() -> None:
    first = oklab.from_srgb(textured())
    anchor = Anchor.of(first, torch.randn(1, 4, 8, 8), torch.zeros(2, 1, 1), Pull())
    dots = 0.01 * torch.randn(1, *first.shape[1:], generator=torch.Generator().manual_seed(0))
    lab = first
    for _ in range(60):
        lab = anchor.hold(torch.cat([lab[:1] + dots, lab[1:]]), torch.zeros(2, 1, 1))
        dots = dots.roll(1, dims=2)
    assert measure(lab).sharpness < 1.15 * anchor.measures.sharpness


def test_the_held_colours_follow_the_palette() -> None:
    cpu = torch.device("cpu")
    lab = oklab.from_srgb(textured())
    red, blue = (tint((RED, BLUE), w, cpu) for w in ((1.0, 0.0), (0.0, 1.0)))
    anchor = Anchor.of(lab, torch.randn(1, 4, 8, 8), red, Pull())
    for _ in range(20):
        lab = anchor.hold(lab, blue)
    bluer = lab[2].mean() < oklab.from_srgb(textured())[2].mean()
    assert bluer


@pytest.mark.parametrize("share", [0.3, 0.5, 1.0])
def test_colours_stay_as_vivid_where_the_palette_changes(share: float) -> None:
    cpu = torch.device("cpu")
    lab = oklab.from_srgb(textured())
    red, mixed = (tint((RED, BLUE), w, cpu) for w in ((1.0, 0.0), (1.0 - share, share)))
    anchor = Anchor.of(lab, torch.randn(1, 4, 8, 8), red, Pull())
    for _ in range(30):
        lab = anchor.hold(lab, mixed)
    assert float(measure(lab).chroma) == pytest.approx(float(anchor.measures.chroma), rel=0.1)
    torch.testing.assert_close(anchor.under(red).measures.mean, anchor.measures.mean)


def test_a_model_that_knows_one_colour_only_cannot_make_a_shot_grey() -> None:
    first = oklab.from_srgb(textured())
    anchor = Anchor.of(first, torch.randn(1, 4, 8, 8), torch.zeros(2, 1, 1), Pull())
    dull = torch.cat([first[:1], first[1:] * 0.15])
    held = measure(anchor.hold(dull, torch.zeros(2, 1, 1)))
    assert float(held.chroma) == pytest.approx(float(anchor.measures.chroma), rel=0.15)


def test_neutral_grading_changes_nothing_and_each_grade_does_what_it_says() -> None:
    score = make_score(2)
    cue = next(score.cues(score.shots[0]))
    lab = oklab.from_srgb(textured())
    torch.testing.assert_close(grade(lab, cue), lab)
    assert measure(grade(lab, replace(cue, saturation=0.0))).chroma < 1e-6
    turned = grade(lab, replace(cue, palette_shift=0.5))
    torch.testing.assert_close(turned[1:], -lab[1:], rtol=0, atol=1e-5)
    linear = ((textured() + 0.055) / 1.055) ** 2.4
    half = oklab.to_srgb(grade(lab, replace(cue, light=0.5)))
    torch.testing.assert_close(((half + 0.055) / 1.055) ** 2.4, linear / 2, rtol=0, atol=2e-3)


# --- Prompts and the first picture -------------------------------------------------------------


def test_blended_prompts_keep_their_length() -> None:
    a, b = torch.tensor([[[[3.0, 0.0]]]]), torch.tensor([[[[0.0, 5.0]]]])
    blend = mix([Condition(a), Condition(b)], (0.5, 0.5)).tokens
    assert blend.norm() == pytest.approx(4.0)
    assert torch.equal(mix([Condition(a), Condition(b)], (1.0, 0.0)).tokens, a)


@pytest.mark.parametrize("film_size", [(1280, 720), (1080, 1920), (1080, 1080), (640, 272)])
def test_pictures_are_painted_at_the_models_area_in_the_films_shape(
    models: dict[str, FrameModel], film_size: tuple[int, int]
) -> None:
    caps = replace(models["turbo"].caps, area=512 * 512)
    size = painting_size(caps, *film_size)
    assert size.width % caps.multiple == size.height % caps.multiple == 0
    assert size.width * size.height == pytest.approx(caps.area, rel=0.06)
    assert size.aspect == pytest.approx(film_size[0] / film_size[1], rel=0.03)


def test_a_picture_fills_the_frame_from_its_centre(tmp_path: Path) -> None:
    pixels = np.zeros((100, 300, 3), np.uint8)
    pixels[:, 100:200] = (255, 128, 0)
    picture = load_picture(save_picture(tmp_path / "ä.png", pixels), Size(64, 64))
    assert picture.shape == (3, 64, 64)
    assert picture.mean(dim=(1, 2)).tolist() == pytest.approx([1.0, 128 / 255, 0.0], abs=0.01)


def test_the_users_picture_is_the_first_frame(painter: DiffusionPainter, tmp_path: Path) -> None:
    pixels = (textured().permute(1, 2, 0).numpy() * 255).astype(np.uint8)
    path = save_picture(tmp_path / "photo.png", pixels)
    score = make_score(3)
    shot = replace(score.shots[0], looks=(replace(RED, image=0), BLUE))
    score = replace(score, shots=(shot,), images=(path,))
    frames = film(painter, score)
    assert (frames[0] - textured()).abs().mean() < 0.05
    assert not torch.equal(frames[0], frames[1])


class Stripes:
    """A key painter with a picture that is easy to know again."""

    identity, device = "stripes", torch.device("cpu")

    def paint(self, score: Score, shot: Shot) -> Iterator[torch.Tensor]:
        frame = torch.zeros(3, score.height, score.width)
        frame[:, :, ::16] = 1.0
        yield from [frame] * len(shot.controls)


def test_a_key_painter_gives_the_first_picture(models: dict[str, FrameModel]) -> None:
    score = make_score(2)
    plain = film(DiffusionPainter(models["turbo"]), score)
    keyed = DiffusionPainter(models["turbo"], key=Stripes())
    assert not torch.equal(film(keyed, score)[0], plain[0])
    assert keyed.identity != DiffusionPainter(models["turbo"]).identity


def test_a_section_that_returns_begins_with_the_same_picture(painter: DiffusionPainter) -> None:
    verse, again = (in_red(make_score(3, seed=seed)) for seed in (1, 2))
    first, later = film(painter, verse), film(painter, again)
    assert torch.equal(first[0], later[0]) and not torch.equal(first[2], later[2])
    look = replace(RED, seed=5)
    other = replace(verse, shots=(replace(verse.shots[0], looks=(look, look)),))
    assert not torch.equal(film(painter, other)[0], first[0])


# --- The loop ----------------------------------------------------------------------------------


def test_a_film_costs_one_key_and_one_pass_a_frame(
    painter: DiffusionPainter, calls: list[int]
) -> None:
    film(painter, make_score(5))
    caps = painter.model.caps
    assert len(calls) == caps.key_steps + 4 * caps.steps


def test_a_film_that_is_stopped_is_one_frame_ahead_at_most(
    painter: DiffusionPainter, calls: list[int]
) -> None:
    score = make_score(50)
    frames = painter.paint(score, score.shots[0])
    next(frames), next(frames)
    frames.close()  # type: ignore[attr-defined]
    assert len(calls) <= painter.model.caps.key_steps + 2 * painter.model.caps.steps


@pytest.mark.parametrize("size", [(64, 64), (54, 96), (200, 120)])
def test_frames_have_the_films_size(painter: DiffusionPainter, size: tuple[int, int]) -> None:
    assert film(painter, make_score(2, size)).shape == (2, 3, size[1], size[0])


def test_each_distinct_prompt_is_embedded_once(
    painter: DiffusionPainter, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, embed = [], painter.model.embed

    def counting(prompt: str, negative: str) -> Condition:
        asked.append(prompt)
        return embed(prompt, negative)

    monkeypatch.setattr(painter.model, "embed", counting)
    film(painter, make_score(3))
    film(painter, make_score(3, seed=2))
    assert sorted(asked) == ["blue sea", "red fire"]


@pytest.mark.parametrize(
    "change",
    [{"seed": 2}, {"zoom": 1.0}, {"pan": 0.5}, {"rotate": 40.0}, {"strength": 0.7}, {"noise": 0.9},
     {"light": 0.7}, {"saturation": 0.3}, {"palette_shift": 0.2}],
    ids=lambda change: next(iter(change)),
)  # fmt: skip
def test_each_setting_changes_the_film(painter: DiffusionPainter, change: dict[str, float]) -> None:
    assert not torch.equal(
        film(painter, make_score(3)), film(painter, make_score(3, (96, 64), **change))
    )


class Glass:
    """A model that paints nothing: what is encoded last is decoded next."""

    def __init__(self, model: FrameModel, picture: torch.Tensor) -> None:
        self.caps, self.device, self.embed = model.caps, model.device, model.embed
        self._picture = picture

    def encode(self, picture: torch.Tensor) -> torch.Tensor:
        self._picture = picture
        return torch.randn(1, self.caps.channels, 6, 8)

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        return self._picture

    def denoise(self, latents: torch.Tensor, *rest: object) -> torch.Tensor:
        return latents


def test_the_last_frame_comes_back_as_the_camera_moved_it(painter: DiffusionPainter) -> None:
    score = in_red(make_score(2, (64, 48), pan=0.4, zoom=0.5))
    picture = textured()[None, :, :48, :64]
    loose = Pull(colour=0.0, band=1.0, latents=0.0, sharpen=0.0, soften=0.0)
    glass = DiffusionPainter(Glass(painter.model, picture), pull=loose)
    first, second = film(glass, score)
    cue = list(score.cues(score.shots[0]))[1]
    expected = warp(first, step(cue, score.fps, 64 / 48), "bicubic")
    assert (second - expected).abs().mean() < 0.1 * (second - first).abs().mean()


@pytest.mark.parametrize("strength", [0.4, 0.6])
@pytest.mark.parametrize("changing", [False, True])
def test_a_long_shot_stays_near_its_anchor(
    painter: DiffusionPainter, strength: float, changing: bool
) -> None:
    score = make_score(150, (64, 48), zoom=0.3, rotate=5.0, strength=strength)
    score = score if changing else in_red(score)
    seen = [measure(oklab.from_srgb(f)) for f in painter.paint(score, score.shots[0])]
    for name in ("mean", "contrast", "chroma"):
        # Of the means, the first is lightness.
        values = np.array([float(getattr(m, name).flatten()[0]) for m in seen])
        assert np.abs(values / values[0] - 1.0).max() < 0.15, name


# --- Refusals ----------------------------------------------------------------------------------


def refused(model: str, **options: str) -> str:
    with pytest.raises(VisualizerError) as caught:
        load_model(model, options.pop("device", "cpu"), **options)  # type: ignore[arg-type]
    message = str(caught.value)
    assert "\n" not in message and len(message) > 20
    return message


@pytest.fixture
def copied(folders: dict[str, str], tmp_path: Path) -> Path:
    return Path(shutil.copytree(folders["turbo"], tmp_path / "copied"))


def edit_json(path: Path, **changes: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    assert "no such folder" in refused(str(tmp_path / "absent"))


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"")
    assert "is a file" in refused(str(tmp_path / "model.safetensors"))


def test_a_folder_that_is_no_model(tmp_path: Path) -> None:
    assert "model_index.json" in refused(str(tmp_path))


def test_a_pipeline_of_an_unknown_class(copied: Path) -> None:
    edit_json(copied / "model_index.json", _class_name="WanPipeline")
    assert "WanPipeline" in refused(str(copied))


@pytest.mark.parametrize("change", [{"unet": ["my_code", "MyUNet"]}, {"_class_name": ["a", "B"]}])
def test_a_model_that_brings_code_of_its_own(copied: Path, change: dict[str, object]) -> None:
    edit_json(copied / "model_index.json", **change)
    (copied / "my_code.py").write_text("raise SystemExit('ran a stranger\\'s code')")
    assert "code" in refused(str(copied))


def test_an_index_that_is_not_json(copied: Path) -> None:
    (copied / "model_index.json").write_text("{")
    assert "not JSON" in refused(str(copied))


def test_weights_that_are_not_safetensors(copied: Path) -> None:
    weights = copied / "unet" / "diffusion_pytorch_model.safetensors"
    torch.save({"w": torch.zeros(1)}, weights.with_suffix(".bin"))
    weights.unlink()
    assert "cannot be loaded" in refused(str(copied))


@pytest.mark.parametrize("part", ["unet", "vae", "text_encoder"])
def test_damaged_weights(copied: Path, part: str) -> None:
    (weights,) = (copied / part).glob("*.safetensors")
    weights.write_bytes(weights.read_bytes()[:1000])
    assert "cannot be loaded" in refused(str(copied))


def test_a_missing_part(copied: Path) -> None:
    shutil.rmtree(copied / "unet")
    assert "cannot be loaded" in refused(str(copied))


def test_a_model_for_inpainting(folders: dict[str, str], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(folders["turbo"], tmp_path / "inpainting"))
    UNet2DConditionModel.from_config(
        {**UNet2DConditionModel.load_config(folder / "unet"), "in_channels": 9}
    ).save_pretrained(folder / "unet")
    assert "9 channels" in refused(str(folder))


def test_an_unknown_precision_or_device(folders: dict[str, str]) -> None:
    assert "float32" in refused(folders["turbo"], precision="int3")
    assert "cuda, mps or cpu" in refused(folders["turbo"], device="abacus")


@pytest.mark.parametrize("setting", [{"steps": 0}, {"guidance": -1.0}])
def test_settings_out_of_range(folders: dict[str, str], setting: dict[str, float]) -> None:
    with pytest.raises(VisualizerError, match="choose"):
        load_model(folders["turbo"], "cpu", options=ModelOptions(**setting))  # type: ignore[arg-type]


def test_running_out_of_memory_is_one_line(
    painter: DiffusionPainter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhausted(*args: object) -> torch.Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory.\nTried to allocate")

    monkeypatch.setattr(painter.model, "denoise", exhausted)
    with pytest.raises(VisualizerError, match=r"^not enough memory[^\n]*$"):
        film(painter, make_score(2))


def test_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*args: object, **options: object) -> None:
        raise ConnectionError("Name or service not known")

    def absent(*args: object, **options: object) -> None:
        raise LocalEntryNotFoundError("not in the cache")

    monkeypatch.setattr("huggingface_hub.model_info", unreachable)
    monkeypatch.setattr("huggingface_hub.hf_hub_download", absent)
    assert "cannot be reached" in refused("owner/model")


def test_no_network_but_fetched_before(
    monkeypatch: pytest.MonkeyPatch, folders: dict[str, str]
) -> None:
    def unreachable(*args: object, **options: object) -> None:
        raise ConnectionError("Name or service not known")

    monkeypatch.setattr("huggingface_hub.model_info", unreachable)
    monkeypatch.setattr(
        "huggingface_hub.hf_hub_download", lambda *a, **o: f"{folders['turbo']}/model_index.json"
    )
    monkeypatch.setattr("diffusers.DiffusionPipeline.download", lambda *a, **o: folders["turbo"])
    assert load_model("owner/model", "cpu", precision="float32").caps.steps == 1


def test_no_such_model_on_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*args: object, **options: object) -> None:
        raise RepositoryNotFoundError("404", response=MagicMock())

    monkeypatch.setattr("huggingface_hub.model_info", missing)
    assert "no such model" in refused("owner/model")


@pytest.mark.parametrize("content", [None, b"", b"not a picture"])
def test_an_image_that_is_no_image(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "photo.jpg"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(VisualizerError, match="picture") as caught:
        load_picture(str(path), Size(64, 64))
    assert "\n" not in str(caught.value)
