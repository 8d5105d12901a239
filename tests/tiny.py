"""Builds tiny pipelines with random weights, in the folder form of diffusers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    AutoencoderKLFlux2,
    AutoencoderTiny,
    DDIMScheduler,
    EulerDiscreteScheduler,
    FlowMatchEulerDiscreteScheduler,
    Flux2KleinPipeline,
    Flux2Transformer2DModel,
    FluxPipeline,
    FluxTransformer2DModel,
    LCMScheduler,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
    ZImagePipeline,
    ZImageTransformer2DModel,
)
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
    DepthAnythingConfig,
    DepthAnythingForDepthEstimation,
    Dinov2Config,
    PreTrainedTokenizerFast,
    Qwen3Config,
    Qwen3ForCausalLM,
    T5Config,
    T5EncoderModel,
)

_WIDTH = 16  # Of the text embeddings.
_SCHEDULE = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "steps_offset": 1,
}

DIFFUSIONS = ("turbo", "lcm", "guided", "v", "xl", "pulse")
FLOWS = ("flux", "klein", "zimage")
FAMILIES = (*DIFFUSIONS, *FLOWS)
DENOISERS = (
    UNet2DConditionModel,
    FluxTransformer2DModel,
    Flux2Transformer2DModel,
    ZImageTransformer2DModel,
)


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
            terminal signal, SDXL-Turbo, a small consistency model with v-prediction and zero
            terminal signal such as the project's own; FLUX.1-schnell, FLUX.2-klein, Z-Image-Turbo.
        folder: Where to.
        unet: Takes the place of the tiny one; the prompts are embedded as wide as it reads.
        vae: Takes the place of the tiny one.
    """
    torch.manual_seed(0)
    if family in FLOWS:
        pipe: Any = {"flux": _flux, "klein": _klein, "zimage": _zimage}[family]()
        pipe.save_pretrained(folder, safe_serialization=True)
        return str(folder)
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
        pipe = StableDiffusionXLPipeline(
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
    if family == "pulse":
        return LCMScheduler(
            **_SCHEDULE, prediction_type="v_prediction", rescale_betas_zero_snr=True
        )
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


_FULL: dict[str, Any] = {
    "block_out_channels": (8,) * 4,
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "layers_per_block": 1,
    "norm_num_groups": 4,
    "sample_size": 64,
}


def _full_vae(**settings: Any) -> AutoencoderKL:
    return AutoencoderKL(**_FULL, **{"scaling_factor": 0.18215, **settings})


def _flux() -> FluxPipeline:
    return FluxPipeline(
        transformer=_settled(
            FluxTransformer2DModel(
                in_channels=16,
                num_layers=1,
                num_single_layers=1,
                attention_head_dim=16,
                num_attention_heads=2,
                joint_attention_dim=_WIDTH,
                pooled_projection_dim=_WIDTH,
                axes_dims_rope=(4, 4, 8),
            )
        ),
        vae=_full_vae(latent_channels=4, scaling_factor=0.36, shift_factor=0.1),
        text_encoder=_text_encoder(CLIPTextModel, _WIDTH),
        tokenizer=_tokenizer(),
        text_encoder_2=T5EncoderModel(
            T5Config(vocab_size=64, d_model=_WIDTH, d_kv=8, d_ff=32, num_layers=2, num_heads=2)
        ),
        tokenizer_2=_words(),
        scheduler=FlowMatchEulerDiscreteScheduler(shift=1.0),
    )


def _klein() -> Flux2KleinPipeline:
    vae = AutoencoderKLFlux2(**_FULL, latent_channels=4)
    vae.bn.running_mean.uniform_(-0.2, 0.2)
    vae.bn.running_var.uniform_(0.5, 1.5)
    return Flux2KleinPipeline(
        transformer=_settled(
            Flux2Transformer2DModel(
                in_channels=16,
                num_layers=1,
                num_single_layers=1,
                attention_head_dim=16,
                num_attention_heads=2,
                joint_attention_dim=3 * _WIDTH,
                timestep_guidance_channels=16,
                axes_dims_rope=(4, 4, 4, 4),
                guidance_embeds=False,
            )
        ),
        vae=vae,
        text_encoder=_qwen(layers=28),
        tokenizer=_words(),
        scheduler=FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True, shift=3.0),
        is_distilled=True,
    )


def _zimage() -> ZImagePipeline:
    return ZImagePipeline(
        transformer=_settled(
            ZImageTransformer2DModel(
                in_channels=4,
                dim=32,
                n_layers=1,
                n_refiner_layers=1,
                n_heads=2,
                n_kv_heads=2,
                cap_feat_dim=_WIDTH,
                axes_dims=[4, 6, 6],
                axes_lens=[256, 64, 64],
            )
        ),
        vae=_full_vae(latent_channels=4, scaling_factor=0.36, shift_factor=0.1),
        text_encoder=_qwen(layers=2),
        tokenizer=_words(),
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0),
    )


def _settled(transformer: Any) -> Any:
    """Fresh transformers answer nothing or hardly hear their prompt: every weight gets a say."""
    for weight in transformer.parameters():
        torch.nn.init.normal_(weight, std=0.3 if weight.ndim < 2 else weight.shape[-1] ** -0.5)
    return transformer


def _qwen(layers: int) -> Qwen3ForCausalLM:
    return Qwen3ForCausalLM(
        Qwen3Config(
            vocab_size=64,
            hidden_size=_WIDTH,
            intermediate_size=32,
            num_hidden_layers=layers,
            num_attention_heads=2,
            num_key_value_heads=2,
            head_dim=8,
        )
    )


def _words() -> PreTrainedTokenizerFast:
    """Knows the words of the tests, and speaks in the form of a chat."""
    words = ["<pad>", "<unk>", "red", "blue", "fire", "sea", "grey"]
    splits = Tokenizer(models.WordLevel({w: i for i, w in enumerate(words)}, unk_token="<unk>"))
    splits.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=splits, pad_token="<pad>", unk_token="<unk>", model_max_length=64
    )
    tokenizer.chat_template = "{% for m in messages %}{{ m['content'] }} grey{% endfor %}"
    return tokenizer


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


def build_depth(folder: Path, **settings: Any) -> str:
    """Saves a depth model with random weights, in the folder form of transformers."""
    torch.manual_seed(0)
    backbone = Dinov2Config(
        hidden_size=16,
        num_hidden_layers=4,
        num_attention_heads=2,
        intermediate_size=32,
        image_size=28,
        patch_size=14,
        out_features=[f"stage{i}" for i in range(1, 5)],
        reshape_hidden_states=False,
    )
    model = DepthAnythingForDepthEstimation(
        DepthAnythingConfig(
            backbone_config=backbone,
            reassemble_hidden_size=16,
            neck_hidden_sizes=[4, 8, 8, 8],
            fusion_hidden_size=8,
            head_hidden_size=4,
            **settings,
        )
    )
    model.save_pretrained(folder, safe_serialization=True)
    reading = {"size": {"height": 56, "width": 56}, "ensure_multiple_of": 14}
    (folder / "preprocessor_config.json").write_text(json.dumps(reading))
    return str(folder)
