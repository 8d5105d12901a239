"""The families of models: which pipeline serves which, and how each wants to be run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from visualizer.errors import VisualizerError
from visualizer.painters.diffusion.flux import FluxModel, KleinModel
from visualizer.painters.diffusion.model import FrameModel, Sampling
from visualizer.painters.diffusion.vp import VPModel
from visualizer.painters.diffusion.zimage import ZImageModel


@dataclass(frozen=True)
class Family:
    """Models that are run alike.

    Attributes:
        pipeline: The class of diffusers whose parts and text encoding serve for it.
        build: Puts a loaded pipeline behind `FrameModel`.
        sampling: How a loaded pipeline wants to be run.
        check: Refuses pipelines that load but cannot repaint a picture.
        flow: Whether it is a rectified flow.
    """

    pipeline: str
    build: Callable[[Any, Sampling, str], FrameModel]
    sampling: Callable[[Any], Sampling]
    check: Callable[[Path, Any], None]
    flow: bool


def family_of(folder: Path, pipeline: str) -> Family:
    """The family of a folder, by the class its index names.

    Raises:
        VisualizerError: The class is none we know.
    """
    if pipeline not in FAMILIES:
        raise VisualizerError(
            f"{folder}: a {pipeline} cannot paint frames; what can is Stable Diffusion 1, 2 and XL,"
            " LCM, FLUX.1, FLUX.2 klein and Z-Image: see `visualizer models`"
        )
    return FAMILIES[pipeline]


def chosen(own: Sampling, steps: int | None, guidance: float | None) -> Sampling:
    """A pipeline's own way, then what the user asked for."""
    if steps is not None:
        # Who asks for few steps has a model or a LoRA that needs no more for a key, either.
        own = replace(own, steps=steps, key_steps=max(steps, min(own.key_steps, 4 * steps)))
    return own if guidance is None else replace(own, guidance=guidance)


def _check_vp(folder: Path, pipe: Any) -> None:
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


def _check_flow(folder: Path, pipe: Any) -> None:
    patched = pipe.transformer.config.in_channels
    latent = int(pipe.vae.config.latent_channels)
    if patched not in (latent, 4 * latent):
        raise VisualizerError(
            f"{folder}: its transformer reads {patched} channels where the autoencoder makes"
            f" {latent}; inpainting and editing models cannot paint frames"
        )
    if type(pipe).__name__ == "Flux2KleinPipeline" and not hasattr(pipe.vae, "bn"):
        raise VisualizerError(f"{folder}: FLUX.2 works with its own autoencoder only; omit --vae")


# One pass keeps more of what is painted over than two do; from words it learned to take two.
PULSE_SAMPLING = Sampling(1, 2, guidance=1.0, consistency=True)


def _vp_sampling(pipe: Any) -> Sampling:
    """Read from the pipeline's own settings."""
    config, kind = pipe.scheduler.config, type(pipe.scheduler).__name__
    if kind in ("LCMScheduler", "TCDScheduler") or pipe.unet.config.time_cond_proj_dim:
        embedded = pipe.unet.config.time_cond_proj_dim is not None
        return Sampling(2, 4, guidance=8.0 if embedded else 1.0, consistency=True)
    if config.get("timestep_spacing") == "trailing":
        return Sampling(1, 4, guidance=1.0)
    return Sampling(6, 25, guidance=5.0)


def _flux_sampling(pipe: Any) -> Sampling:
    """FLUX.1-dev reads its guidance and needs its many steps; schnell was distilled to four."""
    dev = bool(pipe.transformer.config.guidance_embeds)
    return Sampling(8, 25, guidance=3.5) if dev else Sampling(2, 4, guidance=1.0)


_SD = Family("StableDiffusionPipeline", VPModel, _vp_sampling, _check_vp, flow=False)
_SDXL = replace(_SD, pipeline="StableDiffusionXLPipeline")
_FLUX = Family("FluxPipeline", FluxModel, _flux_sampling, _check_flow, flow=True)
_KLEIN = Family(
    "Flux2KleinPipeline", KleinModel, lambda pipe: Sampling(2, 4, 1.0), _check_flow, flow=True
)
_ZIMAGE = Family(
    "ZImagePipeline", ZImageModel, lambda pipe: Sampling(4, 8, 1.0), _check_flow, flow=True
)

# By what a folder says it is.
FAMILIES = {
    "StableDiffusionPipeline": _SD,
    "StableDiffusionImg2ImgPipeline": _SD,
    "LatentConsistencyModelPipeline": _SD,
    "LatentConsistencyModelImg2ImgPipeline": _SD,
    "StableDiffusionXLPipeline": _SDXL,
    "StableDiffusionXLImg2ImgPipeline": _SDXL,
    "FluxPipeline": _FLUX,
    "FluxImg2ImgPipeline": _FLUX,
    "Flux2KleinPipeline": _KLEIN,
    "ZImagePipeline": _ZIMAGE,
    "ZImageImg2ImgPipeline": _ZIMAGE,
}
