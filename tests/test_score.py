import dataclasses

import numpy as np
import pytest

from songs import known_song, silent_song
from visualizer.controls import BY_NAME, NAMES
from visualizer.errors import VisualizerError
from visualizer.preset import load_preset, parse_preset, preset_names
from visualizer.score import Cue, FilmOptions, compose, load_score, save_score, score_digest
from visualizer.score.flashes import limit_flashes
from visualizer.score.looks import unknown_words

SONG = known_song()
SMALL = FilmOptions(width=64, height=36, fps=24)


def film(text: str, song=SONG, **options):
    return compose(song, parse_preset(text), dataclasses.replace(SMALL, **options))


def column(score, name: str) -> np.ndarray:
    return np.concatenate([shot.column(name)[shot.lead :] for shot in score.shots])


def test_a_cue_names_the_controls_in_their_order():
    fields = [field.name for field in dataclasses.fields(Cue)]
    assert tuple(fields[-len(NAMES) :]) == NAMES


@pytest.mark.parametrize("fps", [24, 25, 30, 60])
def test_the_film_is_as_long_as_the_song_to_the_frame(fps):
    score = film("", fps=fps)
    assert score.frames == np.ceil(SONG.duration * fps)
    firsts = [shot.first for shot in score.shots]
    assert firsts == np.cumsum([0] + [len(shot) for shot in score.shots[:-1]]).tolist()


def test_frames_show_the_song_at_k_over_fps():
    score = film("", start=1.3)
    cues = [cue for shot in score.shots for cue in score.cues(shot) if cue.frame >= shot.first]
    assert [cue.frame for cue in cues] == list(range(score.frames))
    assert cues[100].time == pytest.approx(1.3 + 100 / 24, abs=1e-12)


def test_a_flash_falls_on_the_frame_nearest_to_its_downbeat():
    flash = column(film("effects: {flash: {downbeat: 1, release: 50 ms}}"), "flash")
    hits = np.flatnonzero((flash[1:] > 0.5) & (flash[:-1] < 0.5)) + 1
    expected = np.rint(SONG.events["downbeat"][1:] * 24).astype(int)
    assert hits.tolist() == expected.tolist()


def test_gain_base_and_limits():
    zoom = column(film("motion: {zoom: {base: 0.1, bass: 0.4}}"), "zoom")
    assert zoom == pytest.approx(0.1 + 0.4 * 0.5, abs=1e-4)
    held = column(film("motion: {zoom: {base: 0.1, bass: 0.4, limits: [0, 0.2]}}"), "zoom")
    assert held == pytest.approx(0.2, abs=1e-4)


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_stays_inside_every_controls_range(name):
    score = compose(SONG, load_preset(name), SMALL)
    for control in NAMES:
        values = column(score, control)
        low, high = BY_NAME[control].low, BY_NAME[control].high
        assert np.all((values >= low - 1e-6) & (values <= high + 1e-6)), control


def test_a_build_tightens_towards_its_drop():
    zoom = column(film("motion: {zoom: {build: 0.5}}"), "zoom")
    build, drop = SONG.sections[1], SONG.sections[2]
    rising = zoom[round(build.start * 24) : round(build.end * 24)]
    assert np.all(np.diff(rising) >= 0)
    assert rising[-1] > 0.4
    assert zoom[round(drop.start * 24)] == 0


def test_a_section_that_returns_has_the_same_composition_and_has_evolved():
    score = film("evolve: 0.4")
    first, second = (
        next(s for s in score.shots if s.first == round(SONG.sections[i].start * 24))
        for i in (2, 5)
    )
    assert first.looks[0].seed == second.looks[0].seed
    assert first.seed != second.seed
    assert second.column("morph")[0] > first.column("morph")[0]


def test_prompts_by_role_number_and_bar():
    score = film("""
prompts:
  always: stars
  drop: fire
  drop 2: ice
  bar 3: dawn
""")
    said = {shot.section: [look.prompt for look in shot.looks] for shot in score.shots[:2]}
    assert said["intro A"] == ["stars", "dawn, stars"]
    drops = [shot for shot in score.shots if shot.section == "drop C"]
    assert [shot.looks[0].prompt for shot in drops] == ["fire, stars", "ice, stars"]


def test_a_prompt_changes_over_a_bar_around_its_place():
    score = film("prompts: {always: stars, bar 3: dawn}")
    shot = score.shots[0]
    frame = round(SONG.events["downbeat"][2] * 24)
    assert shot.weights[frame, 1] == pytest.approx(0.5, abs=0.05)
    assert shot.weights[frame - 26, 1] == 0
    assert shot.weights[frame + 26, 1] == 1
    assert np.allclose(shot.weights.sum(axis=1), 1)


def test_accent_takes_the_share_that_prompt_blend_gives_it():
    score = film("prompts: {always: stars, accent: lightning}\nlook: {prompt_blend: {base: 0.3}}")
    shot = score.shots[0]
    assert [look.prompt for look in shot.looks] == ["stars", "lightning, stars"]
    assert shot.weights[10] == pytest.approx([0.7, 0.3], abs=1e-4)


def test_a_cut_is_hard_and_a_blend_has_a_lead():
    assert film("").shots[1].lead == 0
    blended = film("cuts: {join: blend, blend: 1 bar}\nscene: {always: ocean, build: grid}")
    assert blended.shots[1].lead > 0
    assert len(blended.shots[1].looks) == 2 + (len(blended.shots[1].looks) > 2)


def test_the_last_cues_of_a_shot_and_the_lead_of_the_next_stand_at_the_same_pose():
    score = film("cuts: {join: blend}\nmotion: {zoom: 0.3, pan: 0.1, rotate: 9}")
    before, after = score.shots[0], score.shots[1]
    last = {cue.frame: cue.pose for cue in score.cues(before)}
    lead = next(iter(score.cues(after)))
    assert dataclasses.astuple(lead.pose) == pytest.approx(dataclasses.astuple(last[lead.frame]))


def test_an_excerpt_shows_what_the_whole_film_shows_there():
    text = "motion: {zoom: {base: 0.1, kick: 0.3}, rotate: {sway: 9}}"
    whole, part = film(text), film(text, start=20.0, duration=5.0)
    assert part.frames == 5 * 24
    assert column(part, "zoom") == pytest.approx(column(whole, "zoom")[480:600], abs=1e-4)
    pose = {cue.frame: cue.pose for shot in whole.shots for cue in score_cues(whole, shot)}
    first = next(iter(part.cues(part.shots[0])))
    assert dataclasses.astuple(first.pose) == pytest.approx(dataclasses.astuple(pose[480]))


def score_cues(score, shot):
    return [cue for cue in score.cues(shot) if cue.frame >= shot.first]


@pytest.mark.parametrize(
    ("options", "said"), [({"start": 1e4}, "--start 10000"), ({"duration": 0.0}, "--duration 0")]
)
def test_an_excerpt_outside_the_song_is_refused(options, said):
    with pytest.raises(VisualizerError, match=said):
        film("", **options)


def test_silence_makes_a_calm_film():
    score = compose(silent_song(), load_preset("night-drive"), SMALL)
    assert not column(score, "flash").any()
    assert not column(score, "shake").any()
    assert np.ptp(column(score, "zoom")) == 0


def test_seed_changes_composition_and_nothing_else():
    one, two = film("", seed=1), film("", seed=2)
    assert one.shots[0].looks[0].seed != two.shots[0].looks[0].seed
    assert np.array_equal(one.shots[0].controls, two.shots[0].controls)


def test_composing_twice_gives_the_same_bits():
    one, two = (compose(SONG, load_preset("night-drive"), SMALL) for _ in range(2))
    assert [score_digest(one, s, "p") for s in one.shots] == [
        score_digest(two, s, "p") for s in two.shots
    ]


def test_a_saved_score_is_the_same_to_the_bit(tmp_path):
    score = compose(SONG, load_preset("night-drive"), SMALL)
    path = tmp_path / "film.score.json"
    save_score(score, path)
    again = load_score(path)
    assert [score_digest(score, s, "p") for s in score.shots] == [
        score_digest(again, s, "p") for s in again.shots
    ]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"fps": 24', '"fps": 0', "fps"),
        ('"width": 64', '"width": 63', "width"),
        ('"format": 1', '"format": 99', "format 99"),
        ('"scene": "tunnel"', '"scene": "funnel"', "scene"),
        ('"first": 0', '"first": 7', "shots.0.first"),
        ('"columns": [', '"colums": [', "col"),
    ],
)
def test_an_edited_score_with_a_mistake_is_refused_in_one_line(tmp_path, old, new, said):
    path = tmp_path / "film.score.json"
    save_score(film("scene: tunnel"), path)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(VisualizerError, match=said) as error:
        load_score(path)
    assert "\n" not in str(error.value)


def test_words_without_effect_are_told():
    preset = parse_preset("prompts: {always: 'neon qwertyuiop tunnel'}")
    assert unknown_words(preset) == ["qwertyuiop"]


@pytest.mark.parametrize("fps", [24, 30, 60])
def test_never_more_than_three_flashes_in_a_second(fps):
    flash = np.zeros(10 * fps, np.float32)
    flash[:: fps // 8] = np.linspace(0.5, 1.0, len(flash[:: fps // 8]))
    limited = limit_flashes(flash, fps)
    rises = np.flatnonzero((limited[1:] - limited[:-1]) > 0.1)
    counts = [np.sum((rises >= k) & (rises < k + fps)) for k in range(len(flash) - fps)]
    assert max(counts) <= 3
    assert limited.max() == pytest.approx(1.0)


def test_slow_flashes_are_left_alone():
    flash = np.zeros(240, np.float32)
    flash[::12] = 0.8
    assert np.array_equal(limit_flashes(flash, 24), flash)


def test_cuts_inside_a_section_alternate_between_two_compositions():
    score = film("cuts: {every: 1 bar}")
    first = [shot for shot in score.shots if shot.section == "intro A"][:4]
    assert [len(shot) for shot in first] == [48] * 4
    assert all(shot.lead == 0 for shot in first)
    seeds = [shot.looks[0].seed for shot in first]
    assert seeds[0] == seeds[2] != seeds[1] == seeds[3]
