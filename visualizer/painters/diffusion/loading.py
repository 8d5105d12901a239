"""A folder or a hub id becomes a model: the one place that loads weights."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch

from visualizer.errors import VisualizerError
from visualizer.painters import PULSE, ModelOptions
from visualizer.painters.device import choose_device
from visualizer.painters.diffusion.device import (
    choose_dtype,
    enough_memory,
    set_threads,
)
from visualizer.painters.diffusion.families import PULSE_SAMPLING, Family, chosen, family_of
from visualizer.painters.diffusion.folder import (
    find_folder,
    fingerprint,
    open_pretrained,
    pipeline_class,
    read_json,
)
from visualizer.painters.diffusion.folding import fold
from visualizer.painters.diffusion.lora import add_lora, lora_identity, quickened
from visualizer.painters.diffusion.memory import memory_of, needed
from visualizer.painters.diffusion.model import FrameModel
from visualizer.painters.diffusion.registry import check_known, check_licence, check_memory


def load_model(
    model: str,
    device: str | None = None,
    *,
    precision: str | None = None,
    options: ModelOptions | None = None,
) -> FrameModel:
    """Loads a diffusers pipeline for painting.

    Only weights in the safetensors form are read, and no code that comes with a model is run.

    Args:
        model: A folder, or an id on the Hugging Face hub such as "SimianLuo/LCM_Dreamshaper_v7".
        device: "cuda", "mps" or "cpu"; the best there is when None.
        precision: "float32", "float16" or "bfloat16"; the fastest that is safe when None.
        options: What else the user asked for.

    Raises:
        VisualizerError: One line for each way in which this fails.
    """
    wanted = options or ModelOptions()
    _check_settings(wanted.steps, wanted.guidance)
    where = choose_device(device)
    set_threads(where)
    memory = memory_of(where)
    if not Path(model).expanduser().exists():
        check_known(model, wanted.accept_licence, memory)
    permit = partial(check_licence, model, wanted.accept_licence)
    folder = find_folder(model, _download_pipeline, permit)
    family = family_of(folder, pipeline_class(folder))
    dtype = choose_dtype(where, precision, wide=family.flow)
    check_memory(model, needed(folder, dtype), memory)
    with enough_memory(f"the weights of {model}"):
        pipe = _ready(folder, family, wanted, dtype)
        _place(pipe, where, dtype)
    own = PULSE_SAMPLING if model == PULSE else family.sampling(pipe)
    for lora in wanted.loras:
        own = quickened(own, lora, family.flow)
    sampling = chosen(own, wanted.steps, wanted.guidance)
    parts = [f"vae {wanted.vae}", *map(lora_identity, wanted.loras), str(dtype)]
    name = f"{fingerprint(folder)} {' '.join(parts)} {sampling}"
    return family.build(pipe, sampling, name)


def _ready(folder: Path, family: Family, wanted: ModelOptions, dtype: torch.dtype) -> Any:
    """A pipeline with the autoencoder and the LoRAs that were asked for."""
    extras = {} if family.flow else _WITHOUT
    pipe = open_pretrained(folder, _loader(family), dtype=dtype, **extras)
    if wanted.vae is not None:
        pipe.register_modules(vae=_load_vae(wanted.vae, dtype, wanted.accept_licence))
        pipe.vae_scale_factor = 2 ** (len(pipe.vae.config.block_out_channels) - 1)
    family.check(folder, pipe)
    for lora in wanted.loras:
        add_lora(pipe, lora, wanted.accept_licence)
    return pipe


def _check_settings(steps: int | None, guidance: float | None) -> None:
    if steps is not None and not 1 <= steps <= 100:
        raise VisualizerError(f"steps {steps}: choose 1 to 100 denoiser calls per frame")
    if guidance is not None and not 0.0 <= guidance <= 30.0:
        raise VisualizerError(f"guidance {guidance}: choose 0 to 30; 1 is none")


def _loader(family: Family) -> Callable[..., Any]:
    _quiet()
    import diffusers

    loader: Callable[..., Any] = getattr(diffusers, family.pipeline).from_pretrained
    return loader


def _download_pipeline(model: str, offline: bool) -> Path:
    """Fetches a pipeline, after its index has shown that it is one we know."""
    from huggingface_hub import hf_hub_download

    index = hf_hub_download(model, "model_index.json", local_files_only=offline)
    folder = Path(index).parent
    family_of(folder, pipeline_class(folder))
    from diffusers import DiffusionPipeline

    found = DiffusionPipeline.download(
        model, use_safetensors=True, safety_checker=None, local_files_only=offline
    )
    return Path(found)


def _download_vae(model: str, offline: bool) -> Path:
    from huggingface_hub import snapshot_download

    files = ["config.json", "diffusion_pytorch_model.safetensors"]
    return Path(snapshot_download(model, allow_patterns=files, local_files_only=offline))


def _load_vae(vae: str, dtype: torch.dtype, accepted: bool) -> Any:
    folder = find_folder(vae, _download_vae, partial(check_licence, vae, accepted))
    name = read_json(folder / "config.json", "no autoencoder").get("_class_name")
    import diffusers

    if name not in ("AutoencoderTiny", "AutoencoderKL"):
        raise VisualizerError(f"{vae}: no autoencoder that fits; use one such as madebyollin/taesd")
    return open_pretrained(folder, getattr(diffusers, name).from_pretrained, dtype=dtype)


# Parts of older pipelines that judge pictures or read them; a painter needs neither.
_WITHOUT = {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}


def _place(pipe: Any, device: torch.device, dtype: torch.dtype) -> None:
    on_cpu = device.type == "cpu"
    fold(pipe.vae, doublings=on_cpu)
    if hasattr(pipe, "unet"):
        fold(pipe.unet, doublings=on_cpu)
    pipe.to(device, dtype)
    # Channels-last is the layout that convolutions compute in on CPUs and tensor cores.
    if hasattr(pipe, "unet"):
        pipe.unet.to(memory_format=torch.channels_last)
    pipe.vae.to(memory_format=torch.channels_last)
    if dtype == torch.float16 and _overflows(pipe, device):
        pipe.vae.to(dtype=torch.float32)


def _overflows(pipe: Any, device: torch.device) -> bool:
    """Whether the full autoencoder leaves the range of float16: SDXL's does, and any on MPS."""
    full = type(pipe.vae).__name__ == "AutoencoderKL"
    large = type(pipe).__name__ == "StableDiffusionXLPipeline" and pipe.vae.config.force_upcast
    return full and (bool(large) or device.type == "mps")


def _quiet() -> None:
    """Silences progress bars and advice that would break up the program's own lines."""
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    from diffusers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
