"""Builds tiny Stable Diffusion pipelines with random weights, in the folder form of diffusers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    AutoencoderTiny,
    DDIMScheduler,
    EulerDiscreteScheduler,
    LCMScheduler,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
)

_WIDTH = 16  # Of the text embeddings.
_SCHEDULE = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "steps_offset": 1,
}

FAMILIES = ("turbo", "lcm", "guided", "v", "xl")


def build(
    family: str,
    folder: Path,
    unet: UNet2DConditionModel | None = None,
    vae: AutoencoderTiny | None = None,
) -> str:
    """Saves a pipeline and returns its folder.

    Args:
        family: One of `FAMILIES`: SD-Turbo (tiny autoencoder), LCM (full autoencoder, embedded
            guidance), plain SD 1.5 (guided by a negative prompt), SD 2 with v-prediction and zero
            terminal signal, SDXL-Turbo.
        folder: Where to.
        unet: Takes the place of the tiny one; the prompts are embedded as wide as it reads.
        vae: Takes the place of the tiny one.
    """
    torch.manual_seed(0)
    width = unet.config.cross_attention_dim if unet else _WIDTH
    text = {"text_encoder": _text_encoder(CLIPTextModel, width), "tokenizer": _tokenizer()}
    parts: dict[str, Any] = {
        **text,
        "unet": unet or _unet(family),
        "vae": vae or (_full_vae() if family == "lcm" else _tiny_vae()),
        "scheduler": _scheduler(family),
    }
    if family == "xl":
        second = _text_encoder(CLIPTextModelWithProjection, _WIDTH)
        pipe: Any = StableDiffusionXLPipeline(
            **parts, text_encoder_2=second, tokenizer_2=text["tokenizer"]
        )
    else:
        pipe = StableDiffusionPipeline(
            **parts, safety_checker=None, feature_extractor=None, requires_safety_checker=False
        )
    pipe.save_pretrained(folder, safe_serialization=True)
    return str(folder)


def _scheduler(family: str) -> Any:
    if family == "lcm":
        return LCMScheduler(**_SCHEDULE)
    if family == "guided":
        return DDIMScheduler(**_SCHEDULE, clip_sample=False)
    if family == "v":
        return DDIMScheduler(
            **_SCHEDULE,
            clip_sample=False,
            prediction_type="v_prediction",
            rescale_betas_zero_snr=True,
            timestep_spacing="trailing",
        )
    return EulerDiscreteScheduler(**_SCHEDULE, timestep_spacing="trailing")


def _unet(family: str) -> UNet2DConditionModel:
    large = {
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": 8,
        "projection_class_embeddings_input_dim": 6 * 8 + _WIDTH,
        "cross_attention_dim": 2 * _WIDTH,
    }
    settings: dict[str, Any] = {"cross_attention_dim": _WIDTH}
    if family == "xl":
        settings = large
    if family == "lcm":
        settings["time_cond_proj_dim"] = 16
    return UNet2DConditionModel(
        sample_size=8,
        block_out_channels=(16, 32),
        layers_per_block=1,
        norm_num_groups=8,
        attention_head_dim=2,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        **settings,
    )


def _tiny_vae() -> AutoencoderTiny:
    vae = AutoencoderTiny(
        encoder_block_out_channels=(8,) * 4,
        decoder_block_out_channels=(8,) * 4,
        num_encoder_blocks=(1, 1, 1, 1),
        num_decoder_blocks=(1, 1, 1, 1),
    )
    # Fresh weights decode to black; this lends them mid-grey and some contrast.
    last = vae.decoder.layers[-1]
    torch.nn.init.normal_(last.weight, std=0.5)
    torch.nn.init.constant_(last.bias, 0.5)
    return vae


def _full_vae() -> AutoencoderKL:
    return AutoencoderKL(
        block_out_channels=(8,) * 4,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        norm_num_groups=4,
        scaling_factor=0.18215,
    )


def _text_encoder(kind: Any, width: int) -> Any:
    return kind(
        CLIPTextConfig(
            vocab_size=64,
            hidden_size=width,
            projection_dim=width,
            intermediate_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            max_position_embeddings=16,
            bos_token_id=0,
            eos_token_id=1,
            pad_token_id=1,
        )
    )


def _tokenizer() -> CLIPTokenizer:
    """Knows the letters, alone and at the end of a word."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = ["<|startoftext|>", "<|endoftext|>", *letters, *(f"{x}</w>" for x in letters)]
    vocabulary = {word: number for number, word in enumerate(words)}
    return CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=16)
