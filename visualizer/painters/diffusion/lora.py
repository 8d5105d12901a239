"""LoRA: small weights that change a model's style, melted into it when it is loaded.

Some do not change the style but the pace: LCM, TCD, Hyper-SD, Lightning, DMD and Turbo LoRAs teach
a model to be done in a few steps, if it is then run as they were trained. Nothing inside the file
says so; their makers say it in its name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from visualizer.errors import VisualizerError, first_line
from visualizer.painters.diffusion.folder import find_folder
from visualizer.painters.diffusion.model import Sampling
from visualizer.painters.diffusion.registry import check_licence

_SUFFIX = ".safetensors"
_USUAL = "pytorch_lora_weights.safetensors"


@dataclass(frozen=True)
class _Pace:
    """How a kind of quick LoRA was trained.

    Attributes:
        title: Its name.
        pattern: Matches the words of its files' names.
        steps: To a picture from nothing, where the name does not say.
        consistency: See `Sampling.consistency`.
        single: Whether consistency is for those of one step alone.
    """

    title: str
    pattern: str
    steps: int
    consistency: bool
    single: bool = False


# Sources: the model cards of latent-consistency/lcm-lora-sdv1-5, h1t/TCD-SDXL-LoRA,
# ByteDance/Hyper-SD (TCD for one step, DDIM for more), ByteDance/SDXL-Lightning, tianweiy/DMD2.
_PACES = (
    _Pace("LCM", r"lcm", 4, True),
    _Pace("TCD", r"tcd", 4, True),
    _Pace("DMD", r"dmd", 4, True),
    _Pace("Hyper-SD", r"hyper (sd|sdxl|flux)", 4, True, single=True),
    _Pace("Lightning", r"lightning.* steps?", 4, False),
    _Pace("Turbo", r"(sd|sdxl) turbo", 4, False),
)


def add_lora(pipe: Any, lora: str, accepted: bool = False) -> None:
    """Melts a LoRA into a loaded pipeline.

    Args:
        pipe: A pipeline of diffusers.
        lora: A .safetensors file, a folder with one, a hub id, or a hub id and a file in it; then,
            if wanted, a colon and its weight: "style.safetensors:0.8".
        accepted: Whether it may have a licence that limits commercial use.

    Raises:
        VisualizerError: There is no such LoRA, it does not suit the model, its licence is not
            accepted, or peft is missing.
    """
    name, weight = _split(lora)
    file = _file(name, accepted)
    if find_spec("peft") is None:
        raise VisualizerError("--lora: needs the package peft; install it with: pip install peft")
    try:
        pipe.load_lora_weights(
            str(file.parent), weight_name=file.name, use_safetensors=True, local_files_only=True
        )
        pipe.fuse_lora(lora_scale=weight)
        pipe.unload_lora_weights()
    # What a LoRA for another model raises depends on which of its weights is tried first.
    except Exception as error:
        raise VisualizerError(
            f"--lora {name}: does not suit this model: {first_line(error)}"
        ) from error


def lora_identity(lora: str) -> str:
    """Names a LoRA's weights and how much of them is taken."""
    name, weight = _split(lora)
    file = _file(name)
    return f"{file.name} {file.stat().st_size} {weight:g}"


def quickened(own: Sampling, lora: str, flow: bool = False) -> Sampling:
    """How a model wants to be run with a LoRA.

    Args:
        own: How it was run before.
        lora: As in `add_lora`.
        flow: Whether it is a rectified flow, whose steps are the same with fewer of them.

    >>> quickened(Sampling(6, 25, 5.0), "latent-consistency/lcm-lora-sdv1-5")
    Sampling(steps=2, key_steps=4, guidance=1.0, consistency=True)
    >>> quickened(Sampling(6, 25, 5.0), "sdxl_lightning_8step_lora.safetensors:0.9")
    Sampling(steps=3, key_steps=8, guidance=1.0, consistency=False)
    >>> quickened(Sampling(6, 25, 5.0), "watercolour.safetensors").steps
    6
    """
    pace, words = _pace(lora), _words(lora)
    if pace is None:
        return own
    told = re.search(r"(\d+) ?steps?\b", words)
    key_steps = int(told[1]) if told else pace.steps
    # A frame that is half repainted passes less than half of the model's time.
    quick = replace(own, steps=max(1, round(0.4 * key_steps)), key_steps=key_steps)
    if flow:
        return quick
    # Some keep guidance on purpose, and say so.
    guidance = own.guidance if re.search(r"\bcfg\b", words) else 1.0
    consistency = pace.consistency and (key_steps == 1 or not pace.single)
    return replace(quick, guidance=guidance, consistency=consistency)


def pace_note(lora: str, steps: int, key_steps: int) -> str | None:
    """One line for the user where a LoRA has changed how the model is run."""
    pace = _pace(lora)
    if pace is None:
        return None
    return (
        f"--lora {lora}: taken for a {pace.title} LoRA by its name, so {steps} passes a frame and"
        f" {key_steps} for a first picture; --steps and --guidance decide otherwise"
    )


def _pace(lora: str) -> _Pace | None:
    words = _words(lora)
    return next((pace for pace in _PACES if re.search(rf"\b{pace.pattern}\b", words)), None)


def _words(lora: str) -> str:
    """The words of a LoRA's name; of its folder's or repository's, where it has the usual one."""
    parts = Path(_split(lora)[0]).parts
    name = parts[-2] if parts[-1] == _USUAL and len(parts) > 1 else parts[-1]
    # "Hyper-SD15-1step-lora" and "HyperSD15" alike.
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])", " ", name)
    return re.sub(r"[^a-z0-9]+", " ", parted.lower())


def _split(lora: str) -> tuple[str, float]:
    name, colon, weight = lora.rpartition(":")
    # A colon may also be a drive's, as in C:\\styles.
    if not colon or weight.startswith(("\\", "/")):
        return lora, 1.0
    try:
        value = float(weight)
    except ValueError:
        value = float("nan")
    if not -4.0 <= value <= 4.0:
        raise VisualizerError(f"--lora {lora}: the weight after the colon should be -4 to 4")
    return name, value


def _file(name: str, accepted: bool = True) -> Path:
    path = Path(name).expanduser()
    if path.is_file() and path.suffix != _SUFFIX:
        raise VisualizerError(f"--lora {name}: only .safetensors files are read")
    if path.is_file():
        return path
    owner, _, file = name.rpartition("/")
    if name.endswith(_SUFFIX) and owner.count("/") == 1 and not path.parent.is_dir():
        permit = partial(check_licence, owner, accepted)
        return find_folder(owner, partial(_download, file=file), permit) / file
    folder = find_folder(name, _download, partial(check_licence, name, accepted))
    return folder / _only(name, [found.name for found in sorted(folder.glob(f"*{_SUFFIX}"))])


def _only(name: str, files: list[str]) -> str:
    if len(files) != 1:
        what = ", ".join(files) or "none"
        raise VisualizerError(
            f"--lora {name}: should hold one .safetensors file (found {what});"
            f" one of several is named as in {name}/FILE"
        )
    return files[0]


def _download(model: str, offline: bool, file: str | None = None) -> Path:
    from huggingface_hub import hf_hub_download, list_repo_files, snapshot_download

    if offline and file is None:
        return Path(snapshot_download(model, local_files_only=True))
    if file is None:
        # Some repositories hold a hundred gigabytes of LoRAs.
        tops = [name for name in list_repo_files(model) if "/" not in name]
        file = _only(model, [name for name in tops if name.endswith(_SUFFIX)])
    return Path(hf_hub_download(model, file, local_files_only=offline)).parent
