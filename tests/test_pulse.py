import csv
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from paintings import film, in_red, make_score
from visualizer.lexicon import plain_prompt, read_prompt, vocabulary
from visualizer.painters.diffusion import DiffusionPainter
from visualizer.painters.diffusion.folder import PULSE_FOLDER
from visualizer.painters.diffusion.loading import load_model
from visualizer.painters.diffusion.model import Condition
from visualizer.painters.scenes import ScenesPainter
from visualizer.palette import palettes
from visualizer.pulse import mistakes
from visualizer.pulse.autoencoder import likeness
from visualizer.pulse.batches import Batches, Book
from visualizer.pulse.captions import caption
from visualizer.pulse.colors import SECOND, apart, displaced, painted_from, rearranged
from visualizer.pulse.course import REHEARSAL
from visualizer.pulse.critic import Fine, felt, fresh_critic, judged, steepness, unmoved
from visualizer.pulse.denoiser import Schedule
from visualizer.pulse.distil import led
from visualizer.pulse.drawings import FAMILIES, GROUP, HELD_OUT, draw, imagine, imagine_later
from visualizer.pulse.finish import parts_of, strayed
from visualizer.pulse.gallery import Gallery
from visualizer.pulse.parts import CHANNELS, LENGTH, TOY, fresh_scheduler, read_tokens, tokenizer_of
from visualizer.pulse.steady import boiling
from visualizer.pulse.studio import Studio
from visualizer.pulse.texture import detail, mistextured
from visualizer.pulse.train import LESSONS, main
from visualizer.pulse.traits import ANSWERS, Traits, unlike
from visualizer.score import Look

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def rehearsed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pulse")
    main(["--toy", "--folder", str(folder), "--out", str(folder / "model")])
    return folder


def test_a_number_is_a_drawing() -> None:
    assert imagine(17) == imagine(17)
    assert imagine(17) != imagine(18)
    assert torch.equal(draw(imagine(3), 48, 64), draw(imagine(3), 48, 64))


def test_neighbours_share_a_composition_and_pairs_a_palette() -> None:
    group = [imagine(number) for number in range(8 * GROUP, 9 * GROUP)]
    assert len({(drawing.family, drawing.seed) for drawing in group}) == 1
    assert all(a.palette == b.palette for a, b in zip(group[::2], group[1::2], strict=True))
    assert len({drawing.pose for drawing in group}) == GROUP


def test_drawings_know_every_family_and_hundreds_of_palettes() -> None:
    drawn = [imagine(number) for number in range(0, 4000, 5)]
    assert {drawing.family for drawing in drawn} == set(FAMILIES)
    assert len({drawing.palette for drawing in drawn}) > 300


def test_a_family_and_a_palette_can_be_asked_for() -> None:
    drawing = imagine(HELD_OUT + 1, "city", "synthwave")
    assert (drawing.family, drawing.colors) == ("city", ("synthwave",))


def test_a_camera_that_moves_a_little_changes_a_picture_a_little() -> None:
    drawing = imagine(5, "nebula")
    near = draw(drawing.moved(0.04, 0.005, 0.2), 64, 64).float()
    far = draw(imagine(6, "city"), 64, 64).float()
    here = draw(drawing, 64, 64).float()
    assert 0.0 < (near - here).abs().mean() < 0.3 * (far - here).abs().mean()


@pytest.mark.parametrize("number", range(0, 320, 40))
def test_a_moment_later_hardly_anything_has_changed(number: int) -> None:
    now, later = imagine(number), imagine_later(number)
    assert replace(later, pose=now.pose) == now
    assert 0.0 < later.pose.clock - now.pose.clock <= 0.1 + 1e-9
    here, there, other = (draw(d, 64, 64).float() for d in (now, later, imagine(number + 8)))
    assert 0.0 < (there - here).abs().mean() < 0.5 * (other - here).abs().mean()


def test_captions_say_what_the_scenes_painter_would_read() -> None:
    rng = np.random.default_rng(0)
    said = [(imagine(n), caption(imagine(n), rng)) for n in range(0, 4800, 8)]
    empty = sum(text == "" for _, text in said) / len(said)
    assert 0.06 < empty < 0.14
    read = [(drawing.family, read_prompt(text).scene) for drawing, text in said if text]
    named = [(family, scene) for family, scene in read if scene]
    assert len(named) > 0.8 * len(read)
    assert sum(family == scene for family, scene in named) > 0.85 * len(named)


def test_captions_differ_from_time_to_time() -> None:
    rng = np.random.default_rng(0)
    assert len({caption(imagine(4), rng) for _ in range(40)}) > 10


def test_the_tokenizer_spells_every_word(rehearsed: Path) -> None:
    tokenizer = tokenizer_of(rehearsed / "parts" / "tokenizer", TOY)
    for word in vocabulary():
        pieces = read_tokens(tokenizer, [word])[0]
        assert tokenizer.decode(pieces, skip_special_tokens=True).replace(" ", "") == word.replace(
            " ", ""
        )
    assert read_tokens(tokenizer, ["a " * 99]).shape == (1, LENGTH)


def test_pieces_are_drawn_once_and_never_half(tmp_path: Path) -> None:
    gallery = Gallery(tmp_path, piece=2)
    first = np.array(gallery.pictures(1))
    (tmp_path / "pictures-1-00002.part").write_bytes(b"stopped here")
    assert first.shape == (2, 3, *gallery.shape(1))
    stamp = (tmp_path / "pictures-1-00001.npy").stat().st_mtime_ns
    assert np.array_equal(gallery.pictures(1), first)
    assert (tmp_path / "pictures-1-00001.npy").stat().st_mtime_ns == stamp
    assert gallery.pictures(2).shape == (2, 3, *gallery.shape(2))


def test_the_moment_after_is_kept_beside(tmp_path: Path) -> None:
    gallery = Gallery(tmp_path, piece=2)
    now, later = gallery.pictures(1), replace(gallery, later=True).pictures(1)
    assert now.shape == later.shape
    apart = np.abs(now.astype(float) - later).mean()
    assert 0.0 < apart < np.abs(now.astype(float) - gallery.pictures(5)).mean()


def test_a_true_velocity_leads_back_to_picture_and_noise() -> None:
    schedule = Schedule.of(fresh_scheduler(), CPU)
    generator = torch.Generator().manual_seed(0)
    clean, noise = torch.randn(2, 5, 8, 4, 4, generator=generator)
    times = torch.tensor([0, 200, 500, 900, 999])
    alpha, sigma = schedule.at(times)
    noised, velocity = schedule.noised(clean, noise, times), alpha * noise - sigma * clean
    torch.testing.assert_close(schedule.clean(noised, velocity, times), clean)
    torch.testing.assert_close(schedule.noise(noised, clean, times), noise, rtol=1e-4, atol=1e-4)
    assert float(alpha[-1]) == pytest.approx(0.0, abs=1e-3)


def test_batches_are_known_by_their_number(rehearsed: Path) -> None:
    tokenizer = tokenizer_of(rehearsed / "parts" / "tokenizer", TOY)
    latents = np.zeros((9, 8, 4, 4), np.float16)
    batches = Batches([Book(latents, np.arange(9))], tokenizer, 4, CPU)
    one, same, other = batches.at(3), batches.at(3), batches.at(4)
    assert torch.equal(one.noise, same.noise)
    assert torch.equal(one.tokens, same.tokens)
    assert not torch.equal(one.noise, other.noise)
    assert [int(time) // 250 for time in one.times] == [0, 1, 2, 3]


def test_some_palettes_are_shown_more_often(rehearsed: Path) -> None:
    tokenizer = tokenizer_of(rehearsed / "parts" / "tokenizer", TOY)
    numbers = np.arange(600)
    named = [imagine(int(n)).colors for n in numbers]
    rare = next(colors[0] for colors in named if len(colors) == 1)
    plain = Batches([Book(np.zeros((600, 8, 4, 4), np.float16), numbers)], tokenizer, 400, CPU)
    usual = sum(drawing.colors == (rare,) for drawing in plain.at(0).drawings)
    often = plain.emphasized({rare: 8.0})
    more = sum(drawing.colors == (rare,) for drawing in often.at(0).drawings)
    assert more > 4 * max(usual, 1)


def test_what_comes_out_wrong_is_shown_more_often(rehearsed: Path) -> None:
    studio = Studio(rehearsed, REHEARSAL, CPU)
    drawings = [imagine(HELD_OUT, palette=name) for name in palettes()]
    asked = Traits.of(drawings).looks
    asked[list(palettes()).index("neon")] += 1.0  # In the looks' own standard deviations.
    asked[list(palettes()).index("noir")] += 0.2
    asked[::2] += 0.1
    answers = iter(torch.cat([torch.zeros(len(asked), len(FAMILIES)), asked], dim=1))

    def recognizer(latents: torch.Tensor) -> torch.Tensor:
        return next(answers).expand(len(latents), -1)

    often = mistakes.emphasis(
        studio.shelf.painter(), recognizer, studio.shelf.tokenizer, studio.schedule
    )
    assert often["neon"] == mistakes.MOST
    assert often["ice"] == 1.0
    assert set(often) == set(palettes())


def test_a_lesson_that_was_stopped_ends_where_it_would_have(tmp_path: Path) -> None:
    def taught(folder: Path, stops: list[int]) -> dict[str, torch.Tensor]:
        studio = Studio(folder, REHEARSAL, CPU)
        studio.draw()
        for stop in stops:
            lesson = studio.autoencoder()
            while lesson.step < stop:
                lesson.take_step()
            lesson.save()
        return {name: value.clone() for name, value in lesson.modules["vae"].state_dict().items()}

    straight, halting = taught(tmp_path / "a", [4]), taught(tmp_path / "b", [1, 3, 4])
    for name, value in straight.items():
        assert torch.equal(value, halting[name]), name


def test_an_easy_picture_counts_as_much_as_a_hard_one() -> None:
    drawn, noise = torch.rand(2, 3, 32, 32), torch.randn(2, 3, 32, 32)
    easy, hard = torch.tensor([0.02, 0.2]).view(2, 1, 1, 1)
    both = torch.stack([easy, hard])
    near = likeness(drawn + both * noise, drawn)
    better = [
        float(near - likeness(drawn + both * torch.tensor(share).view(2, 1, 1, 1) * noise, drawn))
        for share in ((0.5, 1.0), (1.0, 0.5))
    ]
    assert better[0] == pytest.approx(better[1], rel=0.5)


def test_latents_that_a_denoiser_knows_stay(rehearsed: Path, tmp_path: Path) -> None:
    for begin, least in ((rehearsed / "model", 0.0), (None, 1e-6)):
        studio = Studio(tmp_path / f"{least}", REHEARSAL, CPU, begin=begin)
        studio.draw()
        first = studio.autoencoder().take_step()["wild"]
        assert first >= least
        assert (first == 0.0) == (begin is not None)


def test_words_are_learned_before_anything_is_painted(tmp_path: Path) -> None:
    course = replace(REHEARSAL, captions=64, phrases=32, reader=120)
    lesson = Studio(tmp_path, course, CPU).reader()
    known = [lesson.take_step() for _ in range(course.reader)]
    for part in ("family", "look"):
        first, last = (np.mean([step[part] for step in span]) for span in (known[:10], known[-10:]))
        assert last < 0.8 * first, part


@pytest.mark.parametrize("name", ["distil", "colors", "finish"])
def test_a_lesson_that_was_kept_halfway_keeps_its_teacher(
    rehearsed: Path, tmp_path: Path, name: str
) -> None:
    def taught(folder: Path, stops: list[int]) -> dict[str, torch.Tensor]:
        shutil.copytree(rehearsed, folder)
        shutil.rmtree(folder / "begun" / name)
        for path in folder.glob(f"{name}.*"):
            path.unlink()
        for stop in stops:
            studio = Studio(folder, REHEARSAL, CPU)
            lesson = getattr(studio, name)()
            while lesson.step < stop:
                lesson.take_step()
            lesson.save()
            studio.shelf.keep(lesson, over=False)
        return {name: value.clone() for name, value in lesson.modules["unet"].state_dict().items()}

    straight, halting = taught(tmp_path / "a", [2]), taught(tmp_path / "b", [1, 2])
    for name, value in straight.items():
        assert torch.equal(value, halting[name]), name


def test_no_time_keeps_the_work_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["--toy", "--folder", str(tmp_path), "--minutes", "0"])
    assert "autoencoder: 0 of 6; call again to go on" in capsys.readouterr().out
    assert (tmp_path / "autoencoder.pt").exists()
    assert not (tmp_path / "autoencoder.done").exists()


def test_colours_are_not_taught_without_the_recognizer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--toy", "--folder", str(tmp_path), "--lessons", "colors", "recognizer"])
    assert stopped.value.code == 2
    assert "--lessons colors: needs the recognizer" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_the_whole_way_leads_to_a_model_that_paints(rehearsed: Path) -> None:
    model = load_model(str(rehearsed / "model"), "cpu", precision="float32")
    assert model.caps.channels == CHANNELS
    noise = torch.randn(1, CHANNELS, 6, 8, generator=torch.Generator().manual_seed(0))
    condition = model.embed("ocean, blue, white", "")
    latents = model.denoise(torch.zeros_like(noise), noise, torch.ones(1), condition, 2)
    picture = model.decode(latents)
    assert picture.shape == (1, 3, 48, 64)
    assert torch.isfinite(picture).all()


def test_traits_are_what_captions_ask_for() -> None:
    drawings = [imagine(HELD_OUT + 8 * k) for k in range(300)]
    traits = Traits.of(drawings)
    assert [FAMILIES[k] for k in traits.families] == [drawing.family for drawing in drawings]
    assert float(traits.looks.mean()) == pytest.approx(0.0, abs=0.1)
    knows = torch.cat([20.0 * torch.eye(len(FAMILIES))[traits.families], traits.looks], dim=1)
    assert float(unlike(knows, traits).total) < 1e-3
    ignorant = unlike(torch.zeros(300, ANSWERS), traits)
    assert float(ignorant.look) == pytest.approx(1.0, abs=0.15)
    assert float(ignorant.family) == pytest.approx(np.log(len(FAMILIES)), abs=1e-4)


def test_drawings_can_be_recognized(rehearsed: Path, tmp_path: Path) -> None:
    shutil.copytree(rehearsed / "parts", tmp_path / "parts")
    lesson = Studio(tmp_path, replace(REHEARSAL, drawings=6, recognizer=80), CPU).recognizer()
    known = [lesson.take_step() for _ in range(80)]
    first, last = (np.mean([step["look"] for step in span]) for span in (known[:10], known[-10:]))
    assert last < 0.8 * first


def test_pictures_of_a_book_are_the_drawings_of_its_latents(rehearsed: Path) -> None:
    studio = Studio(rehearsed, REHEARSAL, CPU)
    books = studio.batches(2).books
    assert sum(len(book.numbers) for book in books) == 4 * REHEARSAL.piece
    for book in books:
        chosen = np.array([REHEARSAL.piece - 1, 0])
        seen = book.pictures(chosen, top=16, left=8, edge=24)
        height, width = (8 * cells for cells in book.latents.shape[2:])
        for number, part in zip(book.numbers[chosen], seen, strict=True):
            drawn = draw(imagine(int(number)), height, width).float() / 255.0
            assert torch.equal(part, drawn[:, 16:40, 8:32])


def test_some_of_a_batch_starts_from_nothing_but_noise(rehearsed: Path) -> None:
    studio = Studio(rehearsed, REHEARSAL, CPU)
    seen, modules = studio.batches(8).at(0), studio.shelf.painter()
    start = painted_from(modules, studio.schedule, seen, np.random.default_rng(0), 0.25, 0.5)
    count, free = len(seen.latents), start.trust.flatten() == 0.0
    alone = free & (start.times == 999)
    assert torch.equal(start.noised[alone], seen.noise[alone])
    assert int(alone.sum()) == round(count / 4)
    again = free & ~alone
    assert int(again.sum()) == round(count / 2)
    assert set(start.times[again].tolist()) <= set(SECOND)
    left = studio.schedule.noised(seen.latents, seen.noise, seen.times)
    torch.testing.assert_close(start.noised[~free], left[~free])


def test_colours_are_alike_wherever_they_lie() -> None:
    rng, drawn = np.random.default_rng(0), torch.randn(2, CHANNELS, 8, 8)
    assert float(apart(drawn.flip(3).roll(2, dims=2), drawn, rng).max()) < 1e-6
    far = apart(torch.stack([drawn[0], drawn[1] + 1.0]), drawn, rng).flatten()
    assert float(far[0]) < 1e-6
    assert float(far[1]) > 0.1
    mixed = drawn[:, torch.randperm(CHANNELS, generator=torch.Generator().manual_seed(0))]
    assert float(apart(mixed, drawn, rng).min()) > 0.01


def test_a_layout_may_take_on_other_colours() -> None:
    drawn = torch.randn(2, CHANNELS, 8, 8).repeat_interleave(4, dim=2).repeat_interleave(4, dim=3)
    other = 0.5 * drawn + torch.randn(2, CHANNELS, 1, 1)
    assert float(rearranged(other, drawn).max()) < 0.01
    assert float(displaced(other, drawn).min()) > 0.1
    assert float(rearranged(drawn.roll(8, dims=3), drawn).min()) > 0.3


def test_a_model_that_paints_in_few_passes_still_does(rehearsed: Path, tmp_path: Path) -> None:
    studio = Studio(tmp_path / "run", REHEARSAL, CPU, begin=rehearsed / "model")
    studio.shelf.write(tmp_path / "model")
    index = (tmp_path / "model" / "model_index.json").read_text(encoding="utf-8")
    assert "LCMScheduler" in index


def test_what_was_left_of_a_drawing_must_be_kept_and_else_the_layout() -> None:
    drawn, trusted = torch.randn(2, CHANNELS, 8, 8), torch.ones(2, 1, 1, 1)
    ripple = torch.tensor([1.0, -1.0]).repeat(4) * torch.ones(8, 1)
    assert float(strayed(drawn, drawn, drawn + 1.0, trusted)) == 0.0
    assert float(strayed(drawn + ripple, drawn, drawn, trusted)) > 0.5
    alone, large = 0.0 * trusted, torch.randn(2, CHANNELS, 2, 2).repeat(1, 1, 4, 4)
    large = large.sort(dim=3).values
    rippled = float(strayed(large + 0.2 * ripple, drawn, large, alone))
    moved = float(strayed(large.flip(3), drawn, large, alone))
    assert rippled < 0.3 * moved
    assert moved > 0.5
    mixed = torch.tensor([1.0, 0.0]).view(2, 1, 1, 1)
    goal = torch.stack([drawn[0] + 9.0, drawn[1]])
    assert float(strayed(drawn, drawn, goal, mixed)) == 0.0


def test_what_is_calm_in_the_dark_must_not_be_scribbled_over() -> None:
    """A picture half dark and calm, half light and scribbled; then what may move, and what not."""
    rng, noise = np.random.default_rng(0), torch.rand(1, 3, 64, 64)
    scribbled = (torch.arange(64) >= 32).float().expand(1, 3, 64, 64)
    light = 0.2 + 0.4 * scribbled
    drawn = light + 0.3 * (noise - 0.5) * scribbled
    turned, dark = drawn.flip(3), light + 0.3 * (noise - 0.5) * (1.0 - scribbled)
    here, anywhere = torch.ones(1, 1, 1, 1), torch.zeros(1, 1, 1, 1)

    def wrong(painted: torch.Tensor, trust: torch.Tensor) -> float:
        return float(mistextured(painted, drawn, trust, rng))

    assert wrong(drawn, here) == wrong(drawn, anywhere) == 0.0
    assert wrong(light, here) > 0.1 and wrong(light, anywhere) > 0.1
    assert wrong(turned, here) > 0.1 and wrong(turned, anywhere) < 0.02
    assert wrong(dark, here) > 0.1 and wrong(dark, anywhere) > 0.1


def test_a_critic_sees_the_same_part_of_drawing_and_painting(rehearsed: Path) -> None:
    studio = Studio(rehearsed, REHEARSAL, CPU)
    seen = studio.batches(4).at(1)
    vae = studio.shelf.part("vae")
    parts = parts_of(vae, seen, seen.latents, np.random.default_rng(3))
    assert parts.drawn.shape == parts.painted.shape
    torch.testing.assert_close(parts.shown.shape[1:], parts.drawn.shape[1:])
    alike, other = (
        (parts.painted - drawn).square().mean() for drawn in (parts.drawn, parts.drawn.flip(3))
    )
    assert alike < other


class Enlarger:
    """Shows the first three channels of latents as pixels, eight times as large."""

    device, dtype = CPU, torch.float32

    def __init__(self, boil: float = 0.0) -> None:
        self.boil, self.generator = boil, torch.Generator().manual_seed(0)

    def decode(self, latents: torch.Tensor) -> SimpleNamespace:
        shown = latents[:, :3].repeat_interleave(8, 2).repeat_interleave(8, 3)
        noise = torch.rand(shown.shape, generator=self.generator) - 0.5
        return SimpleNamespace(sample=shown + self.boil * noise)


def test_only_what_changes_of_itself_boils(rehearsed: Path) -> None:
    """Latents that are the pictures; a denoiser that sees them; and one that adds what it likes."""
    studio = Studio(rehearsed, REHEARSAL, CPU)
    seen = studio.pairs(4).at(1)
    assert seen.book.later is not None and not torch.equal(seen.later().latents, seen.latents)
    clear = Schedule(torch.ones(1000), torch.zeros(1000))

    def cells(pieces: Sequence[np.ndarray]) -> tuple[list[np.ndarray], np.ndarray]:
        small = np.concatenate(pieces)[:, :, ::8, ::8]
        blocks = small.repeat(8, 2).repeat(8, 3)
        latents = np.zeros((len(small), 8, *small.shape[2:]), np.float16)
        latents[:, :3] = small / 127.5 - 1.0
        return list(blocks.reshape(len(pieces), -1, *blocks.shape[1:])), latents

    def pixels(book: Book, later: Book | None = None) -> Book:
        pieces, latents = cells(book.pieces)
        return replace(book, pieces=pieces, latents=latents, later=later)

    book = pixels(seen.book, pixels(seen.book.later))
    batch = Batches([book], studio.shelf.tokenizer, 4, CPU).at(1)
    words = studio.shelf.painter()["text_encoder"]

    def boils(vae: Enlarger) -> float:
        def unet(noised: torch.Tensor, times: torch.Tensor, read: torch.Tensor) -> SimpleNamespace:
            return SimpleNamespace(sample=torch.zeros_like(noised))

        modules = {"unet": unet, "text_encoder": words, "vae": vae}
        return float(boiling(modules, clear, batch, np.random.default_rng(0)))

    assert boils(Enlarger()) < 0.005  # In bfloat16.
    assert boils(Enlarger(0.4)) == pytest.approx(0.4 * 0.5 / 3.0, rel=0.1)


def test_guidance_leads_at_right_angles_to_the_picture() -> None:
    generator = torch.Generator().manual_seed(0)
    without, told = torch.randn(2, 3, 8, 4, 4, generator=generator)
    assert torch.equal(led(told, without, 1.0), told)
    lead = led(told, without, 5.0) - told
    along = (lead * told).sum((1, 2, 3)) / (lead.norm() * told.norm())
    assert float(along.abs().max()) < 1e-5
    assert float((lead * (told - without)).sum()) > 0.0


def pushed(drawn: float, painted: float) -> float:
    """How hard a critic that likes bright pictures pushes, beside the painter's own error."""
    picture = torch.full((2, 3, 4, 4), painted, requires_grad=True)
    error = (picture - drawn).square().mean()
    true, false = torch.full((2, 1), 48.0 * drawn), picture.sum((1, 2, 3))[:, None]
    push = torch.autograd.grad(felt(true, false, picture, error), picture)[0]
    return float(push.norm() / torch.autograd.grad(error, picture)[0].norm())


def test_a_critic_pushes_as_hard_as_the_error_when_it_is_sure() -> None:
    assert pushed(drawn=0.9, painted=0.1) == pytest.approx(1.0, abs=1e-3)
    assert 0.0 < pushed(drawn=0.51, painted=0.5) < 0.5
    assert pushed(drawn=0.1, painted=0.9) == 0.0


def test_a_critic_that_is_unmoved_learns_nothing() -> None:
    critic, painted = fresh_critic(), torch.rand(2, 3, 32, 32, requires_grad=True)
    unmoved(critic, painted).sum().backward()
    assert painted.grad is not None
    assert float(painted.grad.abs().sum()) > 0.0
    assert all(value.grad is None for value in critic.parameters())


def test_a_critic_sees_nothing_of_colour_and_light() -> None:
    picture = torch.rand(1, 3, 32, 32)
    tinted = picture + torch.tensor([0.3, 0.0, -0.2]).view(1, 3, 1, 1)
    torch.testing.assert_close(Fine()(tinted), Fine()(picture), rtol=1e-4, atol=1e-5)


def test_a_critic_soon_knows_pictures_from_a_blur_in_whatever_light() -> None:
    torch.manual_seed(0)
    sharp = torch.rand(24, 3, 1, 1) + 0.15 * torch.randn(24, 3, 48, 48)
    blurred = torch.nn.functional.avg_pool2d(sharp, 3, 1, 1)[torch.randperm(24)]
    critic = fresh_critic()
    teacher = torch.optim.Adam(critic.parameters(), lr=2e-3)
    for step in range(60):
        some = slice(step % 2 * 8, step % 2 * 8 + 8)
        judged(critic(sharp[some]), critic(blurred[some])).backward()
        teacher.step()
        teacher.zero_grad()
    with torch.no_grad():
        assert judged(critic(sharp[16:]), critic(blurred[16:])) < 0.1


def test_a_louder_critic_is_steeper() -> None:
    critic, drawn = fresh_critic().eval(), torch.rand(2, 3, 32, 32)
    quiet = float(steepness(critic, drawn).detach())
    with torch.no_grad():
        critic[-1].weight.mul_(3.0)
    assert float(steepness(critic, drawn).detach()) == pytest.approx(9.0 * quiet, rel=1e-3)


def test_a_critic_is_judged_by_telling_drawings_apart() -> None:
    high, low = torch.full((4, 1), 2.0), torch.full((4, 1), -2.0)
    assert judged(high, low) < judged(low, low) < judged(low, high)


def test_a_blur_has_less_detail() -> None:
    sharp = torch.rand(1, 3, 64, 64)
    assert detail(torch.nn.functional.avg_pool2d(sharp, 3, 1, 1)) < 0.1 * detail(sharp)


def test_the_program_s_own_words_are_among_the_captions() -> None:
    rng, drawing = np.random.default_rng(0), imagine(12)
    own = plain_prompt(drawing.family, drawing.palette)
    said = [caption(drawing, rng) for _ in range(200)]
    assert 0.25 < sum(text.startswith(own) for text in said) / len(said) < 0.6


def test_lessons_keep_a_log_and_a_sheet(rehearsed: Path) -> None:
    for name in LESSONS:
        with (rehearsed / f"{name}.csv").open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        assert int(rows[-1]["step"]) == getattr(REHEARSAL, name)
    assert (rehearsed / "autoencoder.png").stat().st_size > 1000


def test_a_finished_model_can_be_gone_on_with(rehearsed: Path, tmp_path: Path) -> None:
    studio = Studio(tmp_path, REHEARSAL, CPU, begin=rehearsed / "model")
    again = Studio(rehearsed, REHEARSAL, CPU).shelf.part("unet").state_dict()
    for name, value in studio.shelf.part("unet").state_dict().items():
        assert torch.equal(value, again[name])


def test_the_model_in_the_box_paints_the_colours_of_the_prompt() -> None:
    model = load_model("pulse", "cpu", precision="float32")
    noise = torch.randn(1, model.caps.channels, 16, 16, generator=torch.Generator().manual_seed(3))

    def warmth(prompt: str) -> float:
        condition = model.embed(prompt, "")
        latents = model.denoise(torch.zeros_like(noise), noise, torch.ones(1), condition, 6)
        red, _, blue = model.decode(latents)[0].mean((1, 2)).tolist()
        return red - blue

    assert warmth("aurora, black, red, orange") > warmth("aurora, black, blue, azure") + 0.1


def test_the_box_is_small() -> None:
    sizes = [path.stat().st_size for path in PULSE_FOLDER.rglob("*") if path.is_file()]
    assert 1_000_000 < sum(sizes) < 20_000_000


def test_a_model_does_not_tell_where_it_was_taught(rehearsed: Path) -> None:
    for folder in (PULSE_FOLDER, rehearsed / "model"):
        told = [path.read_text(encoding="utf-8") for path in folder.rglob("*.json")]
        assert len(told) > 4
        assert not any("_name_or_path" in text for text in told)


def test_pulse_is_asked_in_the_words_it_was_taught(
    rehearsed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, asked = load_model(str(rehearsed / "model"), "cpu"), []
    embed = model.embed

    def listening(prompt: str, negative: str) -> Condition:
        asked.append(prompt)
        return embed(prompt, negative)

    monkeypatch.setattr(model, "embed", listening)
    look = Look("a calm sea, and xyzzy in it", "", "ocean", ("#000000", "#0000ff"))
    score = make_score(1)
    shot = replace(score.shots[0], looks=(look, look))
    film(DiffusionPainter(model, plain=True), replace(score, shots=(shot,)))
    assert asked == ["ocean, black, blue, calm"]


def test_pulse_keeps_the_layout_of_the_scenes_it_paints_over() -> None:
    painter, score = DiffusionPainter.load("pulse", "cpu"), in_red(make_score(1))
    free = DiffusionPainter(painter.model, key=ScenesPainter(CPU), plain=True)
    scene = film(ScenesPainter(CPU), score)[0]
    near, far = ((film(p, score)[0] - scene).abs().mean() for p in (painter, free))
    assert near < far
