"""Songs taken apart by Demucs: a tiny one with random weights, through the real loading code."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from demucs.htdemucs import HTDemucs
from huggingface_hub import ModelCardData
from numpy.typing import NDArray
from safetensors.torch import save_file

from visualizer.analysis import separation
from visualizer.analysis.separation import separate
from visualizer.analysis.separator import Separator, load_separator
from visualizer.cli import main
from visualizer.errors import VisualizerError
from visualizer.track import load_track

RATE = 44100
SOURCES = ["drums", "bass", "other", "vocals", "guitar"]
SIZE = {
    "channels": 8,
    "dconv_comp": 4,
    "depth": 2,
    "nfft": 512,
    "t_layers": 1,
    "t_heads": 2,
    "segment": 2,
    "samplerate": RATE,
}


def build(folder: Path, klass: str = "demucs.htdemucs.HTDemucs") -> Path:
    """A bag with one tiny model, written as those on the hub are."""
    torch.manual_seed(0)
    model = HTDemucs(SOURCES, **SIZE)
    told = {"klass": klass, "args": json.dumps([SOURCES]), "kwargs": json.dumps(SIZE)}
    folder.mkdir(exist_ok=True)
    weights = {name: value.contiguous() for name, value in model.state_dict().items()}
    save_file(weights, folder / "a1b2c3.safetensors", told)
    (folder / "tiny.yaml").write_text("models: ['a1b2c3']\n")
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("demucs"))


@pytest.fixture
def song(tmp_path: Path) -> Path:
    path = tmp_path / "song.wav"
    sound = 0.1 * np.random.default_rng(0).standard_normal(5 * RATE)
    sound[:: RATE // 2] = 0.9
    soundfile.write(path, sound, RATE)
    return path


class Halves:
    """Takes the past and the future of each moment apart, so that seams would be heard."""

    name, rate, sources = "halves", RATE, ("drums", "vocals", "piano", "guitar")

    def apart(self, sound: NDArray[np.float32], progress: Any) -> NDArray[np.float32]:
        echo = RATE // 2
        late, early = np.zeros_like(sound), np.zeros_like(sound)
        late[echo:], early[:-echo] = sound[:-echo], sound[echo:]
        progress(1.0)
        return np.stack([0.5 * late, 0.5 * early, 0.25 * sound, 0.25 * sound])


def test_stems_lie_where_their_sounds_lie_in_the_song(
    song: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(separation, "BLOCK", 1.3)
    monkeypatch.setattr(separation, "AROUND", 0.6)
    told: list[float] = []
    files = separate(load_track(song), Halves(), tmp_path / "stems", told.append)  # type: ignore[arg-type]
    mix, _ = soundfile.read(song, always_2d=True)
    found = {name: soundfile.read(path)[0] for name, path in files.items()}
    echo = RATE // 2
    assert set(found) == {"drums", "vocals", "other"}
    assert all(stem.shape == (len(mix), 2) for stem in found.values())
    np.testing.assert_allclose(found["drums"][echo:], 0.5 * np.repeat(mix, 2, 1)[:-echo], atol=1e-4)
    np.testing.assert_allclose(
        found["vocals"][:-echo], 0.5 * np.repeat(mix, 2, 1)[echo:], atol=1e-4
    )
    np.testing.assert_allclose(found["other"], 0.5 * np.repeat(mix, 2, 1), atol=1e-4)
    assert told == sorted(told) and told[-1] == pytest.approx(1.0, abs=1e-3)


def test_a_song_is_taken_apart_once_and_drives_its_curves(
    song: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr("platformdirs.user_cache_path", lambda name: tmp_path / "cache" / name)
    once = ["analyze", str(song), "--separate", str(model), "-o", str(tmp_path)]
    assert main(once) == 0
    assert "stems are kept in" in capsys.readouterr().err
    kept = sorted(path.name for path in (tmp_path / "cache").rglob("*.flac"))
    assert kept == ["bass.flac", "drums.flac", "other.flac", "vocals.flac"]
    monkeypatch.setattr(Separator, "apart", None)
    assert main(once) == 0
    separator = load_separator(str(model))
    folder = next((tmp_path / "cache").rglob("drums.flac")).parent
    assert separator.name in folder.name and separator.sources == tuple(SOURCES)


def test_what_breaks_off_leaves_nothing_behind(
    song: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Halves, "apart", stop)
    with pytest.raises(KeyboardInterrupt):
        separate(load_track(song), Halves(), tmp_path / "stems")  # type: ignore[arg-type]
    assert list((tmp_path / "stems").iterdir()) == []


def refused(model: Path | str) -> str:
    with pytest.raises(VisualizerError) as caught:
        load_separator(str(model))
    (line,) = str(caught.value).splitlines()
    return line


def test_each_mistake_has_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "no such folder" in refused(tmp_path / "absent")
    foreign = build(tmp_path / "foreign", klass="os.system")
    assert "os.system" in refused(foreign) and "not run" in refused(foreign)
    broken = build(tmp_path / "broken")
    (broken / "a1b2c3.safetensors").write_bytes(b"no weights")
    assert "cannot be loaded" in refused(broken)
    (broken / "a1b2c3.safetensors").unlink()
    assert "no such file" in refused(broken)
    (broken / "tiny.yaml").write_text("models: ['../foreign/a1b2c3']\n")
    assert "names no models" in refused(broken)
    (broken / "tiny.yaml").unlink()
    assert "NAME.yaml" in refused(broken)
    monkeypatch.setattr("visualizer.analysis.separator.find_spec", lambda name: None)
    assert "pip install 'visualizer[stems]'" in refused(foreign)


def test_weights_that_forbid_earning_are_not_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    info = SimpleNamespace(card_data=ModelCardData(license="cc-by-nc-sa-4.0"))
    monkeypatch.setattr("huggingface_hub.model_info", lambda *a, **o: info)
    monkeypatch.setattr("huggingface_hub.snapshot_download", None)
    line = refused("someone/stems")
    assert "cc-by-nc-sa-4.0" in line and "give its folder" in line


def test_the_hub_is_asked_for_nothing_but_weights(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = SimpleNamespace(card_data=ModelCardData(license="mit"))
    asked: dict[str, Any] = {}

    def download(name: str, **options: Any) -> str:
        asked.update(options, name=name)
        return str(model)

    monkeypatch.setattr("huggingface_hub.model_info", lambda *a, **o: info)
    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    assert load_separator("htdemucs").rate == RATE
    assert asked["name"] == "adefossez/HTDemucs"
    assert asked["allow_patterns"] == ["*.yaml", "*.safetensors"]
