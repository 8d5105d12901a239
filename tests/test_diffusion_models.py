"""Which models are known, what stands against them, and what can be added to one."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from diffusers import AutoencoderTiny, StableDiffusionPipeline
from huggingface_hub import ModelCardData
from safetensors.torch import load_file, save_file

import tiny
from paintings import film, make_score
from visualizer.cli import main
from visualizer.errors import VisualizerError
from visualizer.painters import ModelOptions, Outspoken, load_painter
from visualizer.painters.diffusion import memory
from visualizer.painters.diffusion.families import FAMILIES
from visualizer.painters.diffusion.loading import load_model
from visualizer.painters.diffusion.lora import pace_note, quickened
from visualizer.painters.diffusion.memory import Memory, needed
from visualizer.painters.diffusion.model import Sampling
from visualizer.painters.diffusion.registry import (
    check_known,
    check_memory,
    downloaded,
    known_models,
)

PLENTY = Memory("the GPU", 1000.0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return tiny.build("turbo", tmp_path_factory.mktemp("pipeline"))


def one_line(caught: pytest.ExceptionInfo[VisualizerError]) -> str:
    message = str(caught.value)
    assert "\n" not in message and len(message) > 20
    return message


# --- The registry ------------------------------------------------------------------------------


def test_the_model_to_try_first_is_free_and_small() -> None:
    first = known_models()[0]
    assert first.commercial and first.memory <= 8


@pytest.mark.parametrize("entry", known_models(), ids=lambda entry: entry.hub_id)
def test_every_entry_makes_sense(entry) -> None:  # type: ignore[no-untyped-def]
    assert entry.hub_id.count("/") == 1 and entry.page.endswith(entry.hub_id)
    assert entry.terms.startswith("https://")
    assert entry.licence and entry.memory > 0 and entry.size % 64 == 0
    assert 1 <= entry.steps[0] <= entry.steps[1]
    non_commercial = ("Non-Commercial", "Stability", "NC")
    assert entry.commercial != any(word in entry.licence for word in non_commercial)


def test_a_free_model_is_taken_without_asking() -> None:
    for entry in known_models():
        if entry.commercial:
            check_known(entry.hub_id, False, PLENTY)


def test_another_licence_must_be_accepted_first() -> None:
    with pytest.raises(VisualizerError, match="--accept-licence") as caught:
        check_known("stabilityai/sd-turbo", False, PLENTY)
    assert "https://huggingface.co/stabilityai/sd-turbo" in one_line(caught)
    check_known("stabilityai/sd-turbo", True, PLENTY)


def test_an_unknown_model_is_the_users_own_choice() -> None:
    check_known("somebody/something", False, Memory("this machine", 1.0))


@pytest.mark.parametrize(
    ("licence", "free"),
    [("mit", True), ("apache-2.0", True), ("creativeml-openrail-m", True),
     ("cc-by-nc-4.0", False), ("other", False), (None, False)],
)  # fmt: skip
def test_a_model_of_the_hub_is_asked_for_its_licence(
    licence: str | None, free: bool, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = ModelCardData(license=licence) if licence else None
    info = SimpleNamespace(card_data=card)
    monkeypatch.setattr("huggingface_hub.model_info", lambda *a, **o: info)
    monkeypatch.setattr("huggingface_hub.hf_hub_download", lambda *a, **o: f"{folder}/x.json")
    monkeypatch.setattr("diffusers.DiffusionPipeline.download", lambda *a, **o: folder)
    if not free:
        with pytest.raises(VisualizerError, match="--accept-licence") as caught:
            load_model("somebody/something", "cpu")
        assert (licence or "none named") in one_line(caught)
    accepted = ModelOptions(accept_licence=not free)
    assert load_model("somebody/something", "cpu", options=accepted).caps.steps == 1


def test_too_little_memory_is_said_with_what_would_fit() -> None:
    with pytest.raises(VisualizerError, match="needs about 36 GB") as caught:
        check_known("black-forest-labs/FLUX.1-schnell", False, Memory("the GPU", 20.0))
    assert "FLUX.2-klein-4B would fit" in one_line(caught)
    with pytest.raises(VisualizerError, match="no known model would fit"):
        check_memory("folder", 3.0, Memory("this machine", 2.0))
    check_memory("folder", 3.0, Memory("this machine", None))


def test_a_folders_need_is_read_from_its_weights(folder: str) -> None:
    pipe = StableDiffusionPipeline.from_pretrained(folder, safety_checker=None)
    modules = (pipe.unet, pipe.vae, pipe.text_encoder)
    weights = sum(p.numel() for module in modules for p in module.parameters())
    whole, half = needed(Path(folder), torch.float32), needed(Path(folder), torch.float16)
    assert (whole - half) * 1e9 == pytest.approx(2 * weights, rel=0.02)


def test_memory_is_checked_before_anything_is_loaded(
    folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = Memory("this machine", 0.5)
    monkeypatch.setattr("visualizer.painters.diffusion.loading.memory_of", lambda device: small)
    monkeypatch.setattr("visualizer.painters.diffusion.loading._ready", None)
    with pytest.raises(VisualizerError, match="needs about") as caught:
        load_model(folder, "cpu")
    one_line(caught)


def test_this_machine_has_memory() -> None:
    found = memory.memory_of(torch.device("cpu"))
    assert found.gigabytes is None or 0.5 < found.gigabytes < 1e5


@pytest.mark.parametrize(("written", "expected"), [("500000000\n", 0.5), ("max\n", None)])
def test_a_container_has_what_it_may_use(
    written: str, expected: float | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "_CONTAINER", tmp_path / "absent")
    free = memory.memory_of(torch.device("cpu")).gigabytes
    if free is None:
        pytest.skip("this system does not say how much memory it has")
    (tmp_path / "memory.max").write_text(written)
    monkeypatch.setattr(memory, "_CONTAINER", tmp_path / "memory.max")
    assert memory.memory_of(torch.device("cpu")).gigabytes == (expected or free)


def test_the_cache_of_the_hub_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "hub"
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(cache))
    assert downloaded() == frozenset()
    snapshot = cache / "models--owner--name" / "snapshots" / "0123"
    snapshot.mkdir(parents=True)
    (snapshot / "model_index.json").write_text("{}")
    assert downloaded() == {"owner/name"}


def test_the_models_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "--device", "cpu"]) == 0
    listed = capsys.readouterr().out
    for entry in known_models():
        assert entry.hub_id in listed and entry.terms in listed


def test_every_known_family_has_a_pipeline() -> None:
    import diffusers

    assert all(hasattr(diffusers, family.pipeline) for family in FAMILIES.values())


# --- Flags -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flags", "place"),
    [
        ("--painter scenes --vae x", "--vae"),
        ("--painter scenes --lora x", "--lora"),
        ("--painter scenes --steps 2", "--steps"),
        ("--painter scenes --guidance 2", "--guidance"),
        ("--painter scenes --key scenes", "--key"),
        ("--painter scenes --accept-licence", "--accept-licence"),
        ("--model x/y --steps 0", "--steps"),
        ("--model x/y --guidance -1", "--guidance"),
        ("--model stabilityai/sd-turbo", "licence"),
    ],
)
def test_a_flag_that_cannot_be_followed_is_one_line(
    flags: str, place: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    song = tmp_path / "song.wav"
    assert main(["render", str(song), *flags.split()]) == 2
    said = capsys.readouterr().err
    assert place in said and said.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", [None, b"no picture"])
def test_a_wrong_picture_is_refused_before_anything_is_written(
    content: bytes | None, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    image = tmp_path / "photo.jpg"
    if content is not None:
        image.write_bytes(content)
    before = sorted(tmp_path.iterdir())
    assert main(["render", str(tmp_path / "song.wav"), "--image", str(image)]) == 2
    said = capsys.readouterr().err
    assert "photo.jpg" in said and said.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == before


# --- Steps, guidance, autoencoder, key, LoRA ---------------------------------------------------


def test_steps_and_guidance_are_taken_over(folder: str) -> None:
    model = load_model(folder, "cpu", options=ModelOptions(steps=3, guidance=2.5))
    assert model.caps.steps == 3 and model.caps.key_steps == 4
    assert model.embed("red fire", "grey").tokens.shape[0] == 2


def test_another_autoencoder_is_used(folder: str, tmp_path: Path) -> None:
    AutoencoderTiny(
        encoder_block_out_channels=(16,) * 4,
        decoder_block_out_channels=(16,) * 4,
        num_encoder_blocks=(1,) * 4,
        num_decoder_blocks=(1,) * 4,
    ).save_pretrained(tmp_path)
    plain, other = (
        load_model(folder, "cpu", precision="float32", options=ModelOptions(vae=vae))
        for vae in (None, str(tmp_path))
    )
    latents = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    assert not torch.equal(plain.decode(latents), other.decode(latents))
    assert plain.caps.name != other.caps.name


def test_a_flow_with_an_autoencoder_of_another_kind(tmp_path: Path) -> None:
    klein = tiny.build("klein", tmp_path / "klein")
    AutoencoderTiny(latent_channels=4).save_pretrained(tmp_path / "vae")
    with pytest.raises(VisualizerError, match="omit --vae") as caught:
        load_model(klein, "cpu", options=ModelOptions(vae=str(tmp_path / "vae")))
    one_line(caught)


def test_the_scenes_painter_gives_the_key_where_asked(folder: str) -> None:
    plain, keyed = (
        load_painter("diffusion", folder, "cpu", ModelOptions(key=key)) for key in (None, "scenes")
    )
    score = make_score(1)
    assert not torch.equal(film(plain, score), film(keyed, score))
    assert plain.identity != keyed.identity


def save_lora(folder: str, to: Path) -> str:
    peft = pytest.importorskip("peft")
    unet = StableDiffusionPipeline.from_pretrained(folder, safety_checker=None).unet
    unet.add_adapter(peft.LoraConfig(r=2, target_modules=["to_q", "to_v"], init_lora_weights=False))
    StableDiffusionPipeline.save_lora_weights(to, peft.get_peft_model_state_dict(unet))
    (file,) = to.glob("*.safetensors")
    return str(file)


def test_a_lora_changes_the_film_as_much_as_asked(folder: str, tmp_path: Path) -> None:
    torch.manual_seed(1)
    lora = save_lora(folder, tmp_path)
    latents = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0))

    def painted(*loras: str) -> torch.Tensor:
        model = load_model(folder, "cpu", precision="float32", options=ModelOptions(loras=loras))
        condition = model.embed("red fire", "")
        return model.denoise(latents, latents.flip(0, 2), torch.tensor([0.5]), condition, 1)

    plain = painted()
    changes = [float((painted(f"{lora}:{w}") - plain).norm()) for w in (0, 0.3, 1)]
    assert changes[0] < 1e-4 < changes[1] < changes[2]
    torch.testing.assert_close(painted(lora), painted(f"{tmp_path}:1"))


OWN = Sampling(6, 25, guidance=5.0)


@pytest.mark.parametrize(
    ("lora", "steps", "guidance", "consistency"),
    [
        ("latent-consistency/lcm-lora-sdv1-5", (2, 4), 1.0, True),
        ("loras/lcm-lora-sdxl/pytorch_lora_weights.safetensors:0.9", (2, 4), 1.0, True),
        ("h1t/TCD-SD15-LoRA", (2, 4), 1.0, True),
        ("ByteDance/Hyper-SD/Hyper-SD15-1step-lora.safetensors", (1, 1), 1.0, True),
        ("Hyper-SDXL-4steps-lora.safetensors", (2, 4), 1.0, False),
        ("Hyper-SD15-8steps-CFG-lora.safetensors:1", (3, 8), 5.0, False),
        ("ByteDance/SDXL-Lightning/sdxl_lightning_2step_lora.safetensors", (1, 2), 1.0, False),
        ("dmd2_sdxl_4step_lora_fp16.safetensors", (2, 4), 1.0, True),
        ("sd_turbo_lora.safetensors", (2, 4), 1.0, False),
    ],
)
def test_a_quick_lora_sets_the_pace_it_was_trained_for(
    lora: str, steps: tuple[int, int], guidance: float, consistency: bool
) -> None:
    assert quickened(OWN, lora) == Sampling(*steps, guidance, consistency)
    assert pace_note(lora, *steps) is not None


@pytest.mark.parametrize(
    "lora",
    ["watercolour.safetensors", "hyper-realistic.safetensors:0.5", "lightning-storm.safetensors",
     "turbo-styles/ink.safetensors", "somebody/calcium", "C:\\loras\\ink.safetensors"],
)  # fmt: skip
def test_a_lora_of_style_leaves_the_pace_alone(lora: str) -> None:
    assert quickened(OWN, lora) == OWN and pace_note(lora, 6, 25) is None


def test_a_quick_lora_for_a_flow_changes_its_steps_only() -> None:
    own = Sampling(8, 25, guidance=3.5)
    quick = quickened(own, "Hyper-FLUX.1-dev-8steps-lora.safetensors", flow=True)
    assert quick == Sampling(3, 8, guidance=3.5)


def test_an_lcm_lora_switches_the_sampler_and_says_so(folder: str, tmp_path: Path) -> None:
    guided = tiny.build("guided", tmp_path / "model")
    lora = str(
        Path(save_lora(guided, tmp_path / "saved")).rename(tmp_path / "lcm-lora.safetensors")
    )
    model = load_model(guided, "cpu", options=ModelOptions(loras=(lora,)))
    assert (model.caps.steps, model.caps.key_steps) == (2, 4)
    assert model.embed("red fire", "grey").tokens.shape[0] == 1
    painter = load_painter("diffusion", guided, "cpu", ModelOptions(loras=(lora,)))
    assert isinstance(painter, Outspoken)
    (note,) = painter.notes
    assert "LCM" in note and "2 passes" in note and "--steps" in note
    told = ModelOptions(loras=(lora,), steps=5, guidance=3.0)
    asked = load_model(guided, "cpu", options=told)
    assert asked.caps.steps == 5 and asked.embed("red fire", "grey").tokens.shape[0] == 2


class Hub:
    """Stands in for the hub: one repository of LoRAs under a licence."""

    def __init__(self, folder: Path, licence: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.fetched: list[str] = []
        info = SimpleNamespace(card_data=ModelCardData(license=licence))
        monkeypatch.setattr("huggingface_hub.model_info", lambda *a, **o: info)
        monkeypatch.setattr(
            "huggingface_hub.list_repo_files",
            lambda model: [file.name for file in folder.iterdir()],
        )

        def fetch(model: str, file: str, local_files_only: bool) -> str:
            self.fetched.append(file)
            return str(folder / file)

        monkeypatch.setattr("huggingface_hub.hf_hub_download", fetch)


def test_one_of_several_loras_in_a_repository(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "repo").mkdir()
    save_lora(folder, tmp_path / "repo")
    (tmp_path / "repo" / "other.safetensors").write_bytes(b"")
    hub = Hub(tmp_path / "repo", "openrail++", monkeypatch)
    named = ModelOptions(loras=("maker/loras/pytorch_lora_weights.safetensors",))
    load_model(folder, "cpu", options=named)
    assert set(hub.fetched) == {"pytorch_lora_weights.safetensors"}
    hub.fetched.clear()
    with pytest.raises(VisualizerError, match="maker/loras/FILE") as caught:
        load_model(folder, "cpu", options=ModelOptions(loras=("maker/loras",)))
    assert "other.safetensors" in one_line(caught) and not hub.fetched


def test_a_lora_from_the_hub_is_asked_for_its_licence(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_lora(folder, tmp_path)
    hub = Hub(tmp_path, "cc-by-nc-4.0", monkeypatch)
    with pytest.raises(VisualizerError, match="--accept-licence") as caught:
        load_model(folder, "cpu", options=ModelOptions(loras=("maker/lora",)))
    assert "cc-by-nc-4.0" in one_line(caught) and not hub.fetched
    load_model(folder, "cpu", options=ModelOptions(loras=("maker/lora",), accept_licence=True))


@pytest.mark.parametrize("lora", ["absent.safetensors", "style.ckpt", "broken.safetensors", ":9"])
def test_a_lora_that_cannot_be_used(folder: str, tmp_path: Path, lora: str) -> None:
    (tmp_path / "style.ckpt").write_bytes(b"")
    (tmp_path / "broken.safetensors").write_bytes(b"broken")
    with pytest.raises(VisualizerError) as caught:
        load_model(folder, "cpu", options=ModelOptions(loras=(f"{tmp_path}/{lora}",)))
    one_line(caught)


def test_a_lora_for_another_model(folder: str, tmp_path: Path) -> None:
    lora = save_lora(folder, tmp_path)
    save_file({k: torch.zeros(7, 7) for k in load_file(lora)}, lora)
    with pytest.raises(VisualizerError, match="does not suit this model") as caught:
        load_model(folder, "cpu", options=ModelOptions(loras=(lora,)))
    one_line(caught)


def test_a_lora_without_peft(folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "style.safetensors").write_bytes(b"")
    monkeypatch.setattr("visualizer.painters.diffusion.lora.find_spec", lambda name: None)
    with pytest.raises(VisualizerError, match="pip install peft"):
        load_model(folder, "cpu", options=ModelOptions(loras=(f"{tmp_path}/style.safetensors",)))
