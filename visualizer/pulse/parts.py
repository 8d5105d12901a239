"""The parts of the model, in diffusers' own classes, fresh or read back."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from visualizer.pulse.captions import corpus
from visualizer.pulse.tokens import LENGTH, learn_spelling, write_tokenizer


@dataclass(frozen=True)
class Plan:
    """How large the model is; `FULL` is what ships, `TOY` is for rehearsals.

    Attributes:
        vae_width: Channels of the autoencoder.
        encoder_blocks: Residual blocks of its four stages, fine to coarse.
        decoder_blocks: The same, coarse to fine.
        unet_widths: Channels of the denoiser's three stages.
        text_width: Of the text encoder and of what the denoiser reads.
        text_layers: Of the text encoder.
        words: Pieces of the tokenizer at most.
        captions: That the tokenizer learns to spell from.
    """

    vae_width: int
    encoder_blocks: tuple[int, ...]
    decoder_blocks: tuple[int, ...]
    unet_widths: tuple[int, ...]
    text_width: int
    text_layers: int
    words: int
    captions: int


# Where pictures are small, blocks of the autoencoder cost little, and make its pictures better.
FULL = Plan(32, (0, 1, 1, 6), (8, 3, 1, 0), (64, 128, 192), 128, 2, 4096, 20_000)
TOY = Plan(16, (0, 1, 1, 1), (1, 1, 1, 0), (16, 32, 32), 32, 1, 1024, 200)
CHANNELS = 8  # Of the latents, one cell of which stands for 8x8 pixels.
NATIVE = 512  # Pixels along an edge that the finished model paints.


def fresh_vae(plan: Plan) -> Any:
    """An autoencoder that knows nothing."""
    from diffusers import AutoencoderTiny

    widths = (plan.vae_width,) * 4
    vae = AutoencoderTiny(
        latent_channels=CHANNELS,
        encoder_block_out_channels=widths,
        decoder_block_out_channels=widths,
        num_encoder_blocks=plan.encoder_blocks,
        num_decoder_blocks=plan.decoder_blocks,
    )
    _begin_as_thumbnail(vae)
    return vae


@torch.no_grad()
def _begin_as_thumbnail(vae: Any) -> None:
    """Hands the colours of every eighth pixel through, and leaves the rest to be learned.

    Without normalisation and shortcuts, random layers this deep pass so little on that a tenth of
    the lesson would go by before anything is seen.
    """
    for layer in vae.modules():
        if isinstance(layer, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(layer.weight, nonlinearity="relu").mul_(0.5)
            straight = torch.nn.init.dirac_(torch.empty_like(layer.weight))
            if layer.stride == (2, 2):
                straight = straight.amax((2, 3), keepdim=True) * _soft(layer.weight)
            layer.weight[:3] = straight[:3]
            if layer.bias is not None:
                torch.nn.init.zeros_(layer.bias)
    for block in vae.modules():
        if type(block).__name__ == "AutoencoderTinyBlock":
            block.conv[4].weight.mul_(0.0)


def _soft(like: torch.Tensor) -> torch.Tensor:
    """The 3x3 binomial filter."""
    row = torch.tensor([0.25, 0.5, 0.25], dtype=like.dtype, device=like.device)
    return row[:, None] * row


def fresh_unet(plan: Plan) -> Any:
    """A denoiser that knows nothing.

    Words reach it where it is coarsest, and as a summary, with the time, everywhere: with the
    first alone, colours had not begun to follow the prompt after 48,000 drawings.
    """
    from diffusers import UNet2DConditionModel

    return UNet2DConditionModel(
        sample_size=NATIVE // 8,
        in_channels=CHANNELS,
        out_channels=CHANNELS,
        block_out_channels=plan.unet_widths,
        layers_per_block=1,
        down_block_types=("DownBlock2D", "DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D", "UpBlock2D"),
        mid_block_type=None,
        cross_attention_dim=plan.text_width,
        attention_head_dim=4,
        norm_num_groups=16,
        resnet_time_scale_shift="scale_shift",
        addition_embed_type="text",
        addition_embed_type_num_heads=4,
    )


def fresh_text(plan: Plan, tokenizer: Any) -> Any:
    """A reader of prompts that knows nothing."""
    from transformers import CLIPTextConfig, CLIPTextModel

    config = CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=plan.text_width,
        intermediate_size=2 * plan.text_width,
        num_hidden_layers=plan.text_layers,
        num_attention_heads=4,
        max_position_embeddings=LENGTH,
        projection_dim=plan.text_width,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return CLIPTextModel(config)


def tokenizer_of(folder: Path, plan: Plan) -> Any:
    """The tokenizer in a folder, learned now if it was not yet."""
    from transformers import CLIPTokenizer

    if not (folder / "vocab.json").exists():
        write_tokenizer(folder, learn_spelling(corpus(plan.captions), plan.words))
    return CLIPTokenizer.from_pretrained(folder)


def fresh_scheduler(few: bool = True) -> Any:
    """Noise up to nothing but noise, and the velocity as the answer.

    Args:
        few: For a model that has learned to paint in few steps.
    """
    from diffusers import DDIMScheduler, LCMScheduler

    kind = LCMScheduler if few else DDIMScheduler
    return kind(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        prediction_type="v_prediction",
        rescale_betas_zero_snr=True,
        clip_sample=False,
        steps_offset=1,
    )


def read_tokens(tokenizer: Any, texts: list[str]) -> torch.Tensor:
    """Texts as token numbers, int64, shape (texts, `LENGTH`)."""
    read = tokenizer(
        texts, padding="max_length", max_length=LENGTH, truncation=True, return_tensors="pt"
    )
    ids: torch.Tensor = read.input_ids
    return ids


def write_model(
    folder: Path, parts: dict[str, Any], spelling: Path, plan: Plan, *, few: bool
) -> None:
    """Writes a model as diffusers and the program read it.

    Args:
        folder: Where it is written.
        parts: "vae", "unet" and "text_encoder".
        spelling: The folder of its tokenizer.
        plan: Of the model.
        few: Whether it has learned to paint in few passes.
    """
    from diffusers import StableDiffusionPipeline

    StableDiffusionPipeline(
        **parts,
        tokenizer=tokenizer_of(spelling, plan),
        scheduler=fresh_scheduler(few=few),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).save_pretrained(folder, safe_serialization=True)
    for path in folder.glob("*/config.json"):
        kept = json.loads(path.read_text(encoding="utf-8"))
        kept.pop("_name_or_path", None)  # Where it lay while it was taught.
        path.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
    # As it was learned: what transformers writes has another form in every major version.
    shutil.rmtree(folder / "tokenizer")
    shutil.copytree(spelling, folder / "tokenizer")
