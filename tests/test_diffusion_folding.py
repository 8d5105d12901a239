"""Folded convolutions: the same pictures for less work."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import pytest
import torch
from diffusers import AutoencoderKL, AutoencoderTiny, UNet2DConditionModel

import tiny
from visualizer.painters.diffusion.folding import LARGE, Doubled, Folded, fold
from visualizer.painters.diffusion.loading import load_model

EIGHT = (8,) * 4


PAIRS = (0, 1, 1, 1), (1, 1, 1, 0)
CHAINS = (0, 0, 1, 1), (1, 1, 0, 0)  # Formed like the project's own.
LONGER = (0, 0, 0, 1), (1, 0, 0, 0)


def autoencoder(blocks: tuple[tuple[int, ...], tuple[int, ...]] = PAIRS) -> AutoencoderTiny:
    """Has nothing but convolutions where pictures are largest."""
    torch.manual_seed(0)
    return AutoencoderTiny(
        encoder_block_out_channels=EIGHT,
        decoder_block_out_channels=EIGHT,
        num_encoder_blocks=blocks[0],
        num_decoder_blocks=blocks[1],
    )


def joints(half: torch.nn.Module) -> int:
    return sum(isinstance(layer, Folded) for layer in half.layers)  # type: ignore[union-attr]


@pytest.mark.parametrize("blocks", [PAIRS, CHAINS, LONGER], ids=["pairs", "chains", "longer"])
@pytest.mark.parametrize("size", [(1, 40, 72), (2, 88, 96), (1, 8, 8), (1, 44, 74)], ids=str)
def test_folded_layers_paint_the_same_to_the_last_row_and_column(
    size: tuple[int, int, int], blocks: tuple[tuple[int, ...], tuple[int, ...]]
) -> None:
    plain = autoencoder(blocks).double()
    folded = deepcopy(plain)
    fold(folded)
    picture = torch.rand(size[0], 3, *size[1:], dtype=torch.float64) * 2.0 - 1.0
    with torch.no_grad():
        latents = plain.encode(picture).latents
        for mine, theirs in (
            (folded.encode(picture).latents, latents),
            (folded.decode(latents).sample, plain.decode(latents).sample),
        ):
            torch.testing.assert_close(mine, theirs, rtol=0, atol=1e-12)


@pytest.mark.parametrize("blocks", [PAIRS, CHAINS], ids=["pairs", "chains"])
def test_the_rim_is_what_one_kernel_alone_would_get_wrong(
    blocks: tuple[tuple[int, ...], tuple[int, ...]],
) -> None:
    vae = autoencoder(blocks).double()
    fold(vae)
    first = vae.encoder.layers[0]
    picture = torch.rand(1, 3, 32, 32, dtype=torch.float64)
    with torch.no_grad():
        wrong = (first.patches[0](picture) - first(picture)).abs()
    assert wrong[..., 0].max() > 1e-3 and wrong[..., 1:-1, 1:-1].max() == 0.0


def test_pairs_are_joined_once_where_there_are_any() -> None:
    mine, usual = autoencoder(), AutoencoderTiny()
    for vae in (mine, usual, mine):
        fold(vae)
    assert (joints(mine.encoder), joints(mine.decoder)) == (1, 1)
    assert (joints(usual.encoder), joints(usual.decoder)) == (0, 0)


def doublings(part: torch.nn.Module) -> int:
    return sum(isinstance(layer, Doubled) for layer in part.modules())


def test_what_has_nothing_to_fold_stays_as_it_is() -> None:
    vae = AutoencoderKL(block_out_channels=(8,), norm_num_groups=4)
    before = str(vae)
    fold(vae)
    assert str(vae) == before
    tiny_one = autoencoder()
    fold(tiny_one, doublings=False)
    assert doublings(tiny_one) == 0


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("size", [(1, 5, 8), (2, 1, 3)], ids=str)
def test_four_small_convolutions_are_one_behind_a_doubling(
    size: tuple[int, int, int], bias: bool
) -> None:
    torch.manual_seed(0)
    conv = torch.nn.Conv2d(6, 4, 3, padding=1, bias=bias).double()
    field = torch.randn(size[0], 6, *size[1:], dtype=torch.float64)
    with torch.no_grad():
        plain = conv(torch.nn.functional.interpolate(field, scale_factor=2.0))
        torch.testing.assert_close(Doubled(conv)(field), plain, rtol=0, atol=1e-12)


@pytest.mark.parametrize("size", [(8, 16), (10, 6), (9, 7)], ids=str)
def test_a_denoiser_sees_the_same_in_cells_odd_or_even(size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    plain = UNet2DConditionModel(
        block_out_channels=(16, 16, 32),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D", "UpBlock2D"),
        cross_attention_dim=8,
        attention_head_dim=4,
        norm_num_groups=4,
    ).double()
    folded = deepcopy(plain)
    fold(folded)
    assert doublings(folded) == 2
    given = torch.randn(2, 4, *size, dtype=torch.float64), 3, torch.randn(2, 5, 8).double()
    with torch.no_grad():
        one, other = folded(*given).sample, plain(*given).sample
    torch.testing.assert_close(one, other, rtol=0, atol=1e-12)


def test_large_weights_are_kept_once() -> None:
    vae = AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        block_out_channels=(8, 352),
        norm_num_groups=4,
    )
    fold(vae)
    assert LARGE < 9 * 352**2
    assert doublings(vae) == 0


def test_loaded_models_are_folded(tmp_path: Path) -> None:
    model = load_model(tiny.build("turbo", tmp_path, vae=autoencoder()), "cpu")
    vae = model._pipe.vae  # type: ignore[attr-defined]
    assert (joints(vae.encoder), joints(vae.decoder)) == (1, 1)
    assert doublings(vae) == 2
    assert doublings(model._pipe.unet) > 0  # type: ignore[attr-defined]
