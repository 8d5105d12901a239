"""The modes of diffusion: walk, keyframes, restyle; and how a preset asks for them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

import tiny
from paintings import BLUE, RED, film, in_red, make_score, save_picture, textured
from songs import known_song, silent_song
from visualizer import camera
from visualizer.errors import VisualizerError
from visualizer.painters import Watchful, oklab
from visualizer.painters.diffusion import DiffusionPainter
from visualizer.painters.diffusion.anchor import Anchor, Pull
from visualizer.painters.diffusion.easel import per_frame
from visualizer.painters.diffusion.key import Size, check_picture, load_picture
from visualizer.painters.diffusion.loading import load_model
from visualizer.painters.diffusion.model import Caps, Condition, FrameModel
from visualizer.painters.diffusion.restyle import Touch
from visualizer.painters.diffusion.walk import place_noise, swing
from visualizer.painters.diffusion.watchdog import Watchdog
from visualizer.preset import parse_preset
from visualizer.report.watch import summarize, write_curves
from visualizer.score import (
    FilmOptions,
    Paint,
    Score,
    Shot,
    compose,
    load_score,
    save_score,
    score_digest,
)
from visualizer.score.types import poses
from visualizer.storyboard import single_frame

SONG = known_song()
MODES = ("feedback", "walk", "keyframes", "restyle")
LOOSE = Pull(colour=0.0, band=1.0, latents=0.0, sharpen=0.0, soften=0.0)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> FrameModel:
    folder = tiny.build("turbo", tmp_path_factory.mktemp("pipeline"))
    return load_model(folder, "cpu", precision="float32")


class Plain:
    """A model whose latents are the picture, and which paints it towards mid-grey."""

    caps = Caps("plain", 64 * 96, 8, 3, 1, 1, 1)
    device = torch.device("cpu")

    def __init__(self) -> None:
        self.batches: list[list[float]] = []

    def embed(self, prompt: str, negative: str) -> Condition:
        return Condition(torch.ones(1, 1, 1, 1))

    def encode(self, picture: torch.Tensor) -> torch.Tensor:
        return picture

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        return latents.clamp(0.0, 1.0)

    def denoise(
        self,
        latents: torch.Tensor,
        noise: torch.Tensor,
        strength: torch.Tensor,
        condition: Condition,
        steps: int,
    ) -> torch.Tensor:
        assert condition.tokens.shape[1] in (1, len(latents))
        self.batches.append(strength.tolist())
        fresh = (0.5 + 0.2 * noise).clamp(0.0, 1.0)
        return torch.lerp(latents, fresh, strength[:, None, None, None])


class Disc:
    """A painter whose disc moves to the right, a pixel a frame."""

    identity, device = "disc", torch.device("cpu")

    def paint(self, score: Score, shot: Shot) -> Iterator[torch.Tensor]:
        for row in range(len(shot.controls)):
            frame = torch.full((3, score.height, score.width), 0.2)
            frame[:, 20:40, 20 + row : 40 + row] = 0.8
            yield frame


def in_mode(score: Score, mode: str, keys: Sequence[int] = (), picture: str = "fill") -> Score:
    paint = Paint(mode, picture, tuple(keys))  # type: ignore[arg-type]
    return replace(score, shots=tuple(replace(shot, paint=paint) for shot in score.shots))


def in_keys(score: Score, keys: Sequence[int]) -> Score:
    return in_mode(score, score.shots[0].paint.mode, keys)


# --- What a preset asks for --------------------------------------------------------------------


def composed(text: str, song=SONG, **options: float) -> Score:  # type: ignore[no-untyped-def]
    return compose(song, parse_preset(text), FilmOptions(64, 36, 24, **options))  # type: ignore[arg-type]


def test_feedback_is_the_mode_unless_another_is_written() -> None:
    assert {shot.paint for shot in composed("").shots} == {Paint()}
    assert {shot.paint.mode for shot in composed("paint: {mode: walk}").shots} == {"walk"}


@pytest.mark.parametrize(("every", "event"), [("beat", "beat"), ("bar", "downbeat")])
def test_keys_fall_on_the_frames_nearest_to_the_grid(every: str, event: str) -> None:
    score = composed(f"paint: {{mode: keyframes, every: {every}}}", start=1.0)
    found = {key for shot in score.shots for key in shot.paint.keys if key >= shot.first}
    firsts = {shot.first for shot in score.shots}
    grid = {round((t - 1.0) * 24) for t in SONG.events[event]}
    assert found | firsts == {f for f in grid if 0 < f < score.frames} | firsts
    for shot in score.shots:
        assert all(shot.first - shot.lead < k < shot.first + len(shot) for k in shot.paint.keys)


def test_a_song_without_beats_has_keys_all_the_same() -> None:
    song = silent_song()
    score = composed("paint: {mode: keyframes}", song)
    assert sum(len(shot.paint.keys) for shot in score.shots) >= song.duration / 4


def test_the_clock_of_a_walk_is_the_percussive_energy_summed_up() -> None:
    score = composed("paint: {mode: walk, pace: {base: 0, percussive: 1, release: 0}}")
    clock = [c.pose.clock for s in score.shots for c in score.cues(s) if c.frame >= s.first]
    times = np.arange(score.frames) / 24
    curve = SONG.curves["percussive"]
    heard = np.interp(times, np.arange(len(curve)) / SONG.rate, curve)
    assert clock[-1] == pytest.approx(heard[:-1].sum() / 24, rel=0.05)


def test_a_walk_leaves_the_clock_of_other_modes_alone() -> None:
    plain, walk = (
        composed(f"{{motion: {{speed: 2}}, paint: {{mode: {mode}}}}}")
        for mode in ("feedback", "walk")
    )
    assert (plain.shots[0].column("speed") == 2.0).all()
    assert not (walk.shots[0].column("speed") == 2.0).any()


@pytest.mark.parametrize("wrong", ["mode: dream", "every: 3", "pace: {base: 9}", "picture: tile"])
def test_a_wrong_way_to_paint_is_one_line(wrong: str) -> None:
    with pytest.raises(VisualizerError, match="paint") as caught:
        parse_preset(f"paint: {{{wrong}}}")
    assert "\n" not in str(caught.value)


def test_the_way_to_paint_is_saved_and_names_the_shot(tmp_path: Path) -> None:
    score = composed("paint: {mode: keyframes, picture: fit}")
    save_score(score, tmp_path / "a.json")
    again = load_score(tmp_path / "a.json")
    assert [s.paint for s in again.shots] == [s.paint for s in score.shots]
    shot = score.shots[0]
    names = {
        score_digest(score, replace(shot, paint=paint), "painter")
        for paint in (shot.paint, Paint("keyframes"), Paint("walk"), Paint("walk", "fit"))
    }
    assert len(names) == 4


def test_a_score_saved_without_a_way_to_paint_is_feedback(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    save_score(composed(""), path)
    older = re.sub(r' "paint": {[^}]*},', "", path.read_text())
    assert "paint" not in older
    path.write_text(older)
    assert {shot.paint for shot in load_score(path).shots} == {Paint()}


@pytest.mark.parametrize(
    ("old", "new"),
    [('"mode": "feedback"', '"mode": "dream"'), ('"image": null', '"image": 3')],
)
def test_a_score_edited_wrongly_is_one_line(tmp_path: Path, old: str, new: str) -> None:
    path = tmp_path / "a.json"
    save_score(composed(""), path)
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(VisualizerError, match=r"^[^\n]*shots.0[^\n]*$"):
        load_score(path)


# --- Every mode --------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_a_film_in_each_mode_repeats_to_the_bit(model: FrameModel, mode: str) -> None:
    score = in_mode(make_score(4, zoom=0.5), mode, [2])
    frames = film(DiffusionPainter(model), score)
    assert frames.shape == (4, 3, 64, 96) and frames.isfinite().all()
    assert frames.min() >= 0.0 and frames.max() <= 1.0
    assert torch.equal(frames, film(DiffusionPainter(model), score))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("fps", [24, 60])
def test_a_share_is_forgotten_in_the_same_time_at_any_rate(mode: str, fps: int) -> None:
    assert (1.0 - per_frame(0.3, fps)) ** fps == pytest.approx(0.7**24)


def test_feedback_repaints_less_in_each_of_more_frames() -> None:
    used = []
    for fps in (24, 48):
        plain = Plain()
        film(DiffusionPainter(plain), replace(make_score(3, strength=0.4), fps=fps))
        used.append(1.0 - plain.batches[-1][0])
    assert used[0] == pytest.approx(0.6) and used[1] ** 2 == pytest.approx(0.6)


def test_hard_hits_get_one_step_more(model: FrameModel, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, denoise = [], model.denoise

    def counting(*given: object) -> torch.Tensor:
        asked.append(given[-1])
        return denoise(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(model, "denoise", counting)
    for strength in (0.5, 0.8):
        film(DiffusionPainter(model), make_score(2, strength=strength))
    assert asked == [model.caps.key_steps, 1, model.caps.key_steps, 2]


# --- Walk --------------------------------------------------------------------------------------


def test_the_noise_of_a_walk_has_the_same_strength_all_along() -> None:
    fields = [place_noise(3, clock, (1, 4, 48, 48)) for clock in np.linspace(0, 3, 31)]
    assert all(0.97 < float(field.std()) < 1.03 for field in fields)
    steps = [float((b - a).norm() / a.norm()) for a, b in pairwise(fields)]
    assert max(steps) < 0.17  # The arc of a quarter turn in ten steps.
    assert abs(float((fields[0] * fields[10]).mean())) < 0.05


def test_a_frame_of_a_walk_knows_nothing_of_the_frames_before(model: FrameModel) -> None:
    score = in_mode(make_score(6, zoom=0.3, speed=2.0), "walk")
    whole = film(DiffusionPainter(model), score)
    alone = list(DiffusionPainter(model).paint(score, single_frame(score, score.shots[0], 5)))[-1]
    torch.testing.assert_close(alone, whole[5], rtol=0, atol=2e-3)
    assert (whole[5] - whole[0]).abs().mean() > 0.01


def test_shots_of_a_walk_join_without_a_seam(model: FrameModel) -> None:
    whole = in_mode(make_score(6, zoom=0.3, speed=2.0), "walk")
    shot = whole.shots[0]
    after = single_frame(whole, shot, 4)  # Rows 0 to 4, of which the last is shown.
    after = replace(after, seed=shot.seed + 1)
    painter = DiffusionPainter(model)
    joined = list(painter.paint(whole, after))
    torch.testing.assert_close(joined[-1], film(painter, whole)[4], rtol=0, atol=2e-3)
    assert not any(frame.any() for frame in joined[:-1])


def test_a_walk_rests_where_the_clock_does(model: FrameModel) -> None:
    score = in_red(in_mode(make_score(4, speed=0.0), "walk"))
    frames = film(DiffusionPainter(model), score)
    torch.testing.assert_close(frames[3], frames[0], rtol=0, atol=1e-5)


def test_a_walk_is_painted_several_frames_at_a_time() -> None:
    plain = Plain()
    film(DiffusionPainter(plain), in_mode(make_score(5), "walk"))
    assert [len(batch) for batch in plain.batches] == [2, 2, 1]
    assert {strength for batch in plain.batches for strength in batch} == {1.0}


def test_a_walk_over_a_picture_of_the_user_keeps_it(tmp_path: Path) -> None:
    pixels = (textured().permute(1, 2, 0).numpy() * 255).astype(np.uint8)
    path = save_picture(tmp_path / "photo.png", pixels)
    score = in_mode(make_score(2, strength=0.1), "walk")
    looks = (replace(RED, image=0), replace(BLUE, image=0))
    score = replace(score, shots=(replace(score.shots[0], looks=looks),), images=(path,))
    plain = Plain()
    frames = film(DiffusionPainter(plain), score)
    assert plain.batches == [pytest.approx([0.1, 0.1])]
    still = camera.warp(textured(), swing(next(score.cues(score.shots[0]))), "bicubic")
    assert (frames[0] - still).abs().mean() < 0.05


def test_the_camera_of_a_walk_sets_off_as_told_and_turns_back() -> None:
    score = make_score(240, pan=0.05, rotate=4.0, zoom=0.1)
    poses = np.stack([swing(cue) for cue in score.cues(score.shots[0])])
    assert np.abs(poses[:, 0, 2]).max() <= 0.1 + 1e-9
    assert poses[1, 0, 2] == pytest.approx(0.05 / 24, rel=0.01)
    assert np.abs(np.arctan2(poses[:, 0, 1], poses[:, 0, 0])).max() <= 0.1 + 1e-9


# --- Keyframes ---------------------------------------------------------------------------------


def test_only_keys_are_painted() -> None:
    plain = Plain()
    score = in_mode(make_score(12, strength=0.5), "keyframes", [-3, 0, 4, 8, 30])
    film(DiffusionPainter(plain), score)
    assert plain.batches == [[1.0], [0.5], [0.5]]


def test_between_keys_one_picture_becomes_the_other(model: FrameModel) -> None:
    score = in_red(in_mode(make_score(9), "keyframes", [4, 8]))
    frames = film(DiffusionPainter(model, pull=LOOSE), score)
    assert (frames[4] - frames[0]).abs().mean() > 0.01
    halfway = (frames[0] + frames[4]) / 2
    assert (frames[2] - halfway).abs().mean() < 0.05 * (frames[4] - frames[0]).abs().mean()


def test_between_keys_the_camera_moves_as_in_every_mode() -> None:
    class Still(Plain):
        def denoise(self, latents: torch.Tensor, *rest: object) -> torch.Tensor:  # type: ignore[override]
            return textured()[None] if not latents.any() else latents

    score = in_red(make_score(9, pan=0.2, zoom=0.3))
    moved = film(DiffusionPainter(Still(), pull=LOOSE), in_mode(score, "keyframes", [8]))
    steps = film(DiffusionPainter(Still(), pull=LOOSE), in_mode(score, "feedback"))
    still = (steps[4] - steps[0]).abs().mean()
    assert (moved[4] - steps[4]).abs().mean() < 0.15 * still


# --- Restyle -----------------------------------------------------------------------------------


def test_a_restyled_film_moves_as_the_film_below() -> None:
    score = in_red(in_mode(make_score(6, strength=0.02), "restyle"))
    frames = film(DiffusionPainter(Plain(), key=Disc(), pull=LOOSE), score)
    below = torch.stack(list(Disc().paint(score, score.shots[0])))
    assert (frames - below).abs().mean() < 0.5 * (below[5] - below[0]).abs().mean()


def test_a_lighter_touch_is_less_strength() -> None:
    def restyled(strength: float, touch: float) -> torch.Tensor:
        score = in_red(in_mode(make_score(2, strength=strength), "restyle"))
        return film(DiffusionPainter(Plain(), key=Disc(), touch=Touch(touch), pull=LOOSE), score)

    torch.testing.assert_close(restyled(0.6, 0.5), restyled(0.3, 1.0))
    assert (restyled(0.6, 0.5) - restyled(0.6, 1.0)).abs().mean() > 0.01


def test_restyling_more_leaves_less_of_the_film_below_but_keeps_its_light() -> None:
    below = torch.stack(list(Disc().paint(make_score(2), make_score(2).shots[0])))
    away = []
    for strength in (0.1, 0.4, 0.8):
        score = in_red(in_mode(make_score(2, strength=strength), "restyle"))
        frames = film(DiffusionPainter(Plain(), key=Disc()), score)
        away.append(float((frames - below).abs().mean()))
        assert float(frames.mean()) == pytest.approx(float(below.mean()), rel=0.2)
    assert away == sorted(away)


class Stripes:
    """A painter of upright stripes, three pixels light and three dark at the film's full size."""

    identity, device = "stripes", torch.device("cpu")

    def paint(self, score: Score, shot: Shot) -> Iterator[torch.Tensor]:
        light = (torch.arange(score.width) * (192 / score.width) // 3) % 2
        for _ in shot.controls:
            yield (0.2 + 0.6 * light).expand(3, score.height, score.width).clone()


@pytest.mark.parametrize("size", [(96, 64), (192, 128)])
def test_what_is_finer_than_the_brush_shines_through(size: tuple[int, int]) -> None:
    score = in_red(in_mode(make_score(2, size, strength=1.0), "restyle"))
    below = film(Stripes(), score)

    def away(sheer: float) -> float:
        painter = DiffusionPainter(Plain(), key=Stripes(), touch=Touch(1.0, sheer), pull=LOOSE)
        return float((film(painter, score) - below).abs().mean())

    assert away(1.0) < 0.3 * away(0.0)
    assert away(1.0) < away(0.5) < away(0.0)


def test_on_twos_half_of_the_frames_are_painted_and_all_of_them_move() -> None:
    score = in_red(in_mode(make_score(8, strength=0.3, noise=0.0), "restyle"))
    below = film(Disc(), score)
    plain = Plain()
    frames = film(DiffusionPainter(plain, key=Disc(), pull=LOOSE), in_keys(score, [2, 4, 6]))
    assert sum(map(len, plain.batches)) == 4
    coats = (frames - below).abs().mean(dim=(1, 2, 3))
    assert float(coats.std()) < 0.1 * float(coats.mean())
    light = (frames > 0.5).float().mean(dim=(1, 2))
    centres = (light * torch.arange(96)).sum(1) / light.sum(1)
    assert all(0.5 < step < 1.5 for step in np.diff(centres))


def test_as_many_frames_are_painted_as_a_preset_asks_for() -> None:
    def keys(fps: int, rate: float) -> list[int]:
        preset = parse_preset(f"paint: {{mode: restyle, rate: {rate}}}")
        score = compose(SONG, preset, FilmOptions(64, 36, fps))
        return [key for shot in score.shots for key in shot.paint.keys]

    assert keys(24, 24) == keys(24, 60) == []
    beats = {round(time * 24) for time in SONG.events["beat"]}
    on_twos = keys(24, 12)
    assert beats & set(range(1, max(on_twos))) <= set(on_twos)
    assert set(np.diff(on_twos)) <= {1, 2}
    assert len(on_twos) == pytest.approx(SONG.duration * 12, rel=0.1)
    assert len(keys(60, 12)) == pytest.approx(SONG.duration * 13, rel=0.15)


def test_the_light_of_a_film_below_is_not_put_on_twice() -> None:
    dark, plain = (
        film(DiffusionPainter(Plain(), key=Disc()), in_mode(make_score(2, **settings), "restyle"))
        for settings in ({"light": 0.6}, {})
    )
    torch.testing.assert_close(dark, plain)


def test_restyling_paints_over_the_scenes_where_no_painter_is_named(model: FrameModel) -> None:
    frames = film(DiffusionPainter(model), in_mode(make_score(2), "restyle"))
    assert math.isfinite(float(frames.mean())) and float(frames.std()) > 0.01


# --- Soft joins --------------------------------------------------------------------------------


def in_two(score: Score, at: int, lead: int) -> Score:
    """The same film in two shots, the second of which begins softly."""
    shot = score.shots[0]

    def cut(rows: slice, first: int, lead: int, seed: int) -> Shot:
        return replace(
            shot,
            first=first,
            lead=lead,
            seed=seed,
            weights=shot.weights[rows],
            controls=shot.controls[rows],
            fade=shot.fade[rows],
            origin=poses(shot, score.fps)[rows.start],
        )

    first = cut(slice(0, at), 0, 0, 1)
    second = cut(slice(at - lead, None), at, lead, 2)
    return replace(score, shots=(first, second))


def joined(painter: DiffusionPainter, score: Score) -> torch.Tensor:
    """The frames that are shown."""
    parts = (list(painter.paint(score, shot))[shot.lead :] for shot in score.shots)
    return torch.stack([frame for part in parts for frame in part])


@pytest.mark.parametrize("mode", ["feedback", "keyframes", "restyle"])
def test_a_soft_join_is_not_seen(model: FrameModel, mode: str) -> None:
    score = in_two(in_mode(make_score(20, zoom=0.2, strength=0.3), mode, [4, 8, 14]), 10, 6)
    painter = DiffusionPainter(model)
    frames = joined(painter, score)
    steps = (frames[1:] - frames[:-1]).abs().mean(dim=(1, 2, 3))
    alone = replace(score, shots=(replace(score.shots[0]),))
    hard = list(painter.paint(alone, alone.shots[0]))[-1]
    seam = (frames[10] - hard).abs().mean()
    assert seam > 1.5 * steps[9]
    assert steps[9] < 1.5 * steps[10:].max()


@pytest.mark.parametrize("mode", ["feedback", "keyframes", "restyle"])
def test_the_last_frame_is_the_one_before_the_next_shot(model: FrameModel, mode: str) -> None:
    score = in_two(in_mode(make_score(16, zoom=0.2), mode, [4, 7]), 8, 4)
    painter = DiffusionPainter(model)
    ending, beginning = (list(painter.paint(score, shot)) for shot in score.shots)
    torch.testing.assert_close(ending[7], beginning[3], rtol=0, atol=1e-4)
    assert torch.equal(ending[3], list(DiffusionPainter(model).paint(score, score.shots[0]))[3])


@pytest.mark.parametrize("mode", ["feedback", "keyframes", "restyle"])
def test_a_lead_may_be_longer_than_the_shot_it_lies_beneath(model: FrameModel, mode: str) -> None:
    score = in_two(in_mode(make_score(12), mode), 8, 6)
    rows = slice(-3, None)
    shot = score.shots[0]
    short = replace(
        shot,
        first=5,
        weights=shot.weights[rows],
        controls=shot.controls[rows],
        fade=shot.fade[rows],
    )
    painter = DiffusionPainter(model)
    ending = list(painter.paint(score, short))
    beginning = list(painter.paint(score, score.shots[1]))
    assert len(ending) == 3
    torch.testing.assert_close(ending[-1], beginning[5], rtol=0, atol=1e-4)


def test_a_hard_cut_stays_hard(model: FrameModel) -> None:
    whole = make_score(12, zoom=0.2)
    painter = DiffusionPainter(model)
    first = in_two(whole, 6, 0).shots[0]
    alone = replace(whole, shots=(first,))
    cut = list(painter.paint(in_two(whole, 6, 0), first))
    assert all(map(torch.equal, cut, painter.paint(alone, first)))


def test_what_a_shot_becomes_is_part_of_its_name() -> None:
    score = in_two(make_score(12), 6, 4)
    first, second = score.shots
    names = {
        score_digest(replace(score, shots=(first, after)), first, "painter")
        for after in (second, replace(second, seed=9), replace(second, looks=(BLUE, RED)))
    }
    assert len(names) == 3
    hard = replace(second, lead=0)
    others = {
        score_digest(replace(score, shots=(first, after)), first, "painter")
        for after in (hard, replace(hard, seed=9))
    }
    assert len(others) == 1


def test_the_watchdogs_curves_are_of_the_frames_that_are_shown(model: FrameModel) -> None:
    painter, score = DiffusionPainter(model), in_two(make_score(12), 6, 4)
    for shot in reversed(score.shots):
        list(painter.paint(score, shot))
    assert sorted(painter.curves) == [*range(1, 6), *range(6, 12)]


# --- The user's picture ------------------------------------------------------------------------


def test_a_fitted_picture_is_seen_whole_in_its_own_blur(tmp_path: Path) -> None:
    pixels = np.zeros((200, 100, 3), np.uint8)
    pixels[:, :] = (200, 40, 40)
    pixels[:10], pixels[-10:] = (0, 255, 0), (0, 0, 255)
    path = save_picture(tmp_path / "tall.png", pixels)
    fitted, filled = (load_picture(path, Size(160, 80), way) for way in ("fit", "fill"))
    assert fitted[1, :2, 80].min() > 0.9 and fitted[2, -2:, 80].min() > 0.9
    assert filled[1].max() < 0.3
    assert fitted[0, 40, 10] == pytest.approx(200 / 255, abs=0.05)


@pytest.mark.parametrize("content", [None, b"", b"GIF89a but no more"])
def test_a_picture_is_checked_by_opening_it(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "photo.jpg"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(VisualizerError, match="picture") as caught:
        check_picture(str(path))
    assert "\n" not in str(caught.value)


# --- The watchdog ------------------------------------------------------------------------------


def watched(change, frames: int = 30) -> tuple[list[torch.Tensor], Watchdog]:  # type: ignore[no-untyped-def]
    """A shot in which `change` is done to the first picture again and again, under watch."""
    first = textured()
    latents = torch.randn(1, 4, 8, 8)
    anchor = Anchor.of(oklab.from_srgb(first), latents, torch.zeros(2, 1, 1), Pull())
    watchdog, picture, seen = Watchdog(anchor, first), first, []
    score = make_score(frames)
    for cue in list(score.cues(score.shots[0]))[1:]:
        changed = change(picture).clamp(0.0, 1.0)
        picture = watchdog.see(cue, oklab.from_srgb(changed), changed, picture)
        seen.append(picture)
    return seen, watchdog


def test_the_watchdog_leaves_a_good_shot_alone() -> None:
    seen, watchdog = watched(lambda picture: picture)
    assert all(torch.equal(picture, textured()) for picture in seen)
    rows = watchdog.curves()
    assert list(rows) == list(range(1, 30))
    still = {"mean": 1.0, "contrast": 1.0, "chroma": 1.0, "sharpness": 1.0, "flicker": 0.0}
    assert all(row == pytest.approx(still, abs=1e-4) for row in rows.values())


def test_the_watchdog_steps_in_where_a_shot_darkens() -> None:
    seen, watchdog = watched(lambda picture: picture * 0.98, frames=120)
    mean = np.array([row["mean"] for row in watchdog.curves().values()])
    alone = 0.98 ** np.arange(1, 120)
    late = int(np.flatnonzero(mean < 1 / 1.15)[0])
    assert mean[late + 11] < mean[late]
    assert mean[late + 20 :].min() > 2 * alone[-1] and mean[-1] > mean[late + 11] * 0.95
    assert float((seen[-1] - textured()).abs().mean()) < 0.15


def test_flicker_is_what_the_camera_does_not_explain() -> None:
    generator = torch.Generator().manual_seed(0)

    def flickering(picture: torch.Tensor) -> torch.Tensor:
        return picture + 0.1 * torch.randn(picture.shape, generator=generator)

    _, watchdog = watched(flickering, frames=3)
    rows = list(watchdog.curves().values())
    assert rows[0]["flicker"] == pytest.approx(0.08, abs=0.01)
    assert rows[0]["sharpness"] > 1.3


def test_what_the_watchdog_saw_lies_beside_the_film(model: FrameModel, tmp_path: Path) -> None:
    painter = DiffusionPainter(model)
    film(painter, make_score(4))
    assert isinstance(painter, Watchful) and list(painter.curves) == [1, 2, 3]
    write_curves(painter.curves, tmp_path / "film.drift.csv")
    rows = (tmp_path / "film.drift.csv").read_text().splitlines()
    assert rows[0] == "frame,mean,contrast,chroma,sharpness,flicker"
    assert [row.split(",")[0] for row in rows[1:]] == ["1", "2", "3"]
    assert "sharpness" in summarize(painter.curves)
    assert not isinstance(Disc(), Watchful)
