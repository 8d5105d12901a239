"""Folded convolutions: the same pictures for less work."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import pytest
import torch
from diffusers import AutoencoderKL, AutoencoderTiny

import tiny
from visualizer.painters.diffusion.folding import Folded, fold
from visualizer.painters.diffusion.loading import load_model

EIGHT = (8,) * 4


def autoencoder() -> AutoencoderTiny:
    """Formed like the project's own: nothing but convolutions where pictures are largest."""
    torch.manual_seed(0)
    return AutoencoderTiny(
        encoder_block_out_channels=EIGHT,
        decoder_block_out_channels=EIGHT,
        num_encoder_blocks=(0, 1, 1, 1),
        num_decoder_blocks=(1, 1, 1, 0),
    )


def joints(half: torch.nn.Module) -> int:
    return sum(isinstance(layer, Folded) for layer in half.layers)  # type: ignore[union-attr]


@pytest.mark.parametrize("size", [(1, 40, 72), (2, 16, 16), (1, 8, 8)], ids=str)
def test_folded_layers_paint_the_same_to_the_last_row_and_column(
    size: tuple[int, int, int],
) -> None:
    plain = autoencoder().double()
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


def test_the_rim_is_what_one_kernel_alone_would_get_wrong() -> None:
    vae = autoencoder().double()
    fold(vae)
    first = vae.encoder.layers[0]
    picture = torch.rand(1, 3, 32, 32, dtype=torch.float64)
    with torch.no_grad():
        wrong = (first.joined(picture) - first(picture)).abs()
    assert wrong[..., 0].max() > 1e-3 and wrong[..., 1:-1, 1:-1].max() == 0.0


def test_pairs_are_joined_once_where_there_are_any() -> None:
    mine, usual = autoencoder(), AutoencoderTiny()
    for vae in (mine, usual, mine):
        fold(vae)
    assert (joints(mine.encoder), joints(mine.decoder)) == (1, 1)
    assert (joints(usual.encoder), joints(usual.decoder)) == (0, 0)


def test_a_full_autoencoder_stays_as_it_is() -> None:
    vae = AutoencoderKL(block_out_channels=(8,), norm_num_groups=4)
    before = str(vae)
    fold(vae)
    assert str(vae) == before


def test_loaded_models_are_folded(tmp_path: Path) -> None:
    model = load_model(tiny.build("turbo", tmp_path, vae=autoencoder()), "cpu")
    vae = model._pipe.vae  # type: ignore[attr-defined]
    assert (joints(vae.encoder), joints(vae.decoder)) == (1, 1)
