"""A folder or a hub id becomes a model: the one place that loads weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from visualizer.errors import VisualizerError
from visualizer.painters.diffusion.device import (
    choose_device,
    choose_dtype,
    enough_memory,
    set_threads,
)
from visualizer.painters.diffusion.folder import (
    find_folder,
    fingerprint,
    pipeline_class,
    read_json,
)
from visualizer.painters.diffusion.model import FrameModel
from visualizer.painters.diffusion.vp import Sampling, VPModel


def load_model(
    model: str,
    device: str | None = None,
    *,
    precision: str | None = None,
    vae: str | None = None,
    steps: int | None = None,
    guidance: float | None = None,
) -> FrameModel:
    """Loads a diffusers pipeline for painting; see `DiffusionPainter.load` for the arguments.

    Only weights in the safetensors form are read, and no code that comes with a model is run.

    Raises:
        VisualizerError: One line for each way in which this fails.
    """
    _check_settings(steps, guidance)
    where = choose_device(device)
    set_threads(where)
    folder = find_folder(model, _download_pipeline)
    pipe = _open(folder, _pipeline_loader(folder))
    if vae is not None:
        pipe.register_modules(vae=_load_vae(vae))
        pipe.vae_scale_factor = 2 ** (len(pipe.vae.config.block_out_channels) - 1)
    _check(folder, pipe)
    dtype = choose_dtype(where, precision)
    with enough_memory(f"the weights of {model}"):
        _place(pipe, where, dtype)
    sampling = _sampling(pipe, steps, guidance)
    name = f"{fingerprint(folder)} vae {vae} {str(dtype).removeprefix('torch.')} {sampling}"
    return VPModel(pipe, sampling, name)


def _check_settings(steps: int | None, guidance: float | None) -> None:
    if steps is not None and not 1 <= steps <= 100:
        raise VisualizerError(f"steps {steps}: choose 1 to 100 denoiser calls per frame")
    if guidance is not None and not 0.0 <= guidance <= 30.0:
        raise VisualizerError(f"guidance {guidance}: choose 0 to 30; 1 is none")


def _pipeline_loader(folder: Path) -> Callable[..., Any]:
    """Chooses by the pipeline's own class; a new family of models begins here."""
    name = pipeline_class(folder)
    if name not in _FAMILIES:
        raise VisualizerError(
            f"{folder}: a {name} is not supported; known are {', '.join(sorted(_FAMILIES))}"
        )
    _quiet()
    import diffusers

    loader: Callable[..., Any] = getattr(diffusers, _FAMILIES[name]).from_pretrained
    return loader


# What a folder says it is, and the pipeline whose parts and text encoding serve for it.
_FAMILIES = {
    "StableDiffusionPipeline": "StableDiffusionPipeline",
    "StableDiffusionImg2ImgPipeline": "StableDiffusionPipeline",
    "LatentConsistencyModelPipeline": "StableDiffusionPipeline",
    "LatentConsistencyModelImg2ImgPipeline": "StableDiffusionPipeline",
    "StableDiffusionXLPipeline": "StableDiffusionXLPipeline",
    "StableDiffusionXLImg2ImgPipeline": "StableDiffusionXLPipeline",
}


def _download_pipeline(model: str, offline: bool) -> Path:
    """Fetches a pipeline, after its index has shown that it is one we know."""
    from huggingface_hub import hf_hub_download

    index = hf_hub_download(model, "model_index.json", local_files_only=offline)
    _pipeline_loader(Path(index).parent)
    from diffusers import DiffusionPipeline

    found = DiffusionPipeline.download(
        model, use_safetensors=True, safety_checker=None, local_files_only=offline
    )
    return Path(found)


def _download_vae(model: str, offline: bool) -> Path:
    from huggingface_hub import snapshot_download

    files = ["config.json", "diffusion_pytorch_model.safetensors"]
    return Path(snapshot_download(model, allow_patterns=files, local_files_only=offline))


def _load_vae(vae: str) -> Any:
    folder = find_folder(vae, _download_vae)
    name = read_json(folder / "config.json", "no autoencoder").get("_class_name")
    import diffusers

    if name not in ("AutoencoderTiny", "AutoencoderKL"):
        raise VisualizerError(f"{vae}: no autoencoder that fits; use one such as madebyollin/taesd")
    return _open(folder, getattr(diffusers, name).from_pretrained)


def _open(folder: Path, from_pretrained: Callable[..., Any]) -> Any:
    parts = {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}
    extras = parts if (folder / "model_index.json").exists() else {}
    try:
        return from_pretrained(str(folder), use_safetensors=True, local_files_only=True, **extras)
    # Damaged and incomplete folders raise whatever the library that trips over them raises.
    except Exception as error:
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise VisualizerError(f"{folder}: cannot be loaded: {reason}") from error


def _check(folder: Path, pipe: Any) -> None:
    """Refuses pipelines that load but cannot repaint a picture."""
    unet, vae = pipe.unet.config, pipe.vae.config
    if unet.in_channels != vae.latent_channels:
        raise VisualizerError(
            f"{folder}: its UNet reads {unet.in_channels} channels where the autoencoder makes"
            f" {vae.latent_channels}; inpainting and editing models cannot paint frames"
        )
    if not hasattr(pipe.scheduler, "alphas_cumprod"):
        raise VisualizerError(
            f"{folder}: its {type(pipe.scheduler).__name__} is not of the Stable Diffusion kind;"
            " set an EulerDiscreteScheduler or LCMScheduler"
        )


def _place(pipe: Any, device: torch.device, dtype: torch.dtype) -> None:
    pipe.to(device, dtype)
    # Channels-last is the layout that convolutions compute in on CPUs and tensor cores.
    pipe.unet.to(memory_format=torch.channels_last).eval()
    pipe.vae.to(memory_format=torch.channels_last).eval()
    if dtype == torch.float16 and _overflows(pipe, device):
        pipe.vae.to(dtype=torch.float32)


def _overflows(pipe: Any, device: torch.device) -> bool:
    """Whether the full autoencoder leaves the range of float16: SDXL's does, and any on MPS."""
    full = type(pipe.vae).__name__ == "AutoencoderKL"
    large = type(pipe).__name__ == "StableDiffusionXLPipeline" and pipe.vae.config.force_upcast
    return full and (bool(large) or device.type == "mps")


def _sampling(pipe: Any, steps: int | None, guidance: float | None) -> Sampling:
    """How this pipeline wants to be run, read from its settings, then what the user asked for."""
    config, kind = pipe.scheduler.config, type(pipe.scheduler).__name__
    if kind in ("LCMScheduler", "TCDScheduler") or pipe.unet.config.time_cond_proj_dim:
        embedded = pipe.unet.config.time_cond_proj_dim is not None
        own = Sampling(2, 4, guidance=8.0 if embedded else 1.0, consistency=True)
    elif config.get("timestep_spacing") == "trailing":
        own = Sampling(1, 4, guidance=1.0, consistency=False)
    else:
        own = Sampling(6, 25, guidance=5.0, consistency=False)
    own = own if steps is None else replace(own, steps=steps, key_steps=max(steps, own.key_steps))
    return own if guidance is None else replace(own, guidance=guidance)


def _quiet() -> None:
    """Silences progress bars and advice that would break up the program's own lines."""
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    from diffusers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
