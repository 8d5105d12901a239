"""Convolutions that follow each other with nothing between, as one.

Two linear maps are one linear map. The tiny autoencoders of diffusers end in such pairs where
pictures are largest: together, an upsampling and two convolutions take an eighth of their time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeGuard

import torch
import torch.nn.functional as F
from torch import nn


def fold(vae: Any) -> None:
    """Joins what can be joined in an autoencoder, in place; all but `AutoencoderTiny` stay.

    Pictures stay the same but for rounding.
    """
    if type(vae).__name__ == "AutoencoderTiny":
        for half in (vae.encoder, vae.decoder):
            half.layers = nn.Sequential(*_folded(list(half.layers)))


def _folded(layers: Sequence[nn.Module]) -> Iterator[nn.Module]:
    at = 0
    while at < len(layers):
        up, first, second = [*layers[at : at + 3], None, None][:3]
        if _doubles(up) and _joins(first) and _joins(second) and first.stride == (1, 1):
            yield Folded(up, first, second)
            at += 3
        elif _joins(up) and _joins(first) and up.stride == (1, 1) and _saves(up, first):
            yield Folded(None, up, first)
            at += 2
        else:
            yield layers[at]
            at += 1


class Folded(nn.Module):
    """Two convolutions of 3x3 as one, with or without a doubling of the picture before them.

    Where the second reads beyond the edge it finds zeros, but the joined one would find what the
    first makes of zeros: the rim is painted by the layers as they were.
    """

    def __init__(self, up: nn.Upsample | None, first: nn.Conv2d, second: nn.Conv2d) -> None:
        """Takes layers that follow each other."""
        super().__init__()
        kernel = _composed(first, second)
        if up is not None:
            kernel = _before_doubling(kernel)
        bias = _bias(first, second).repeat_interleave(1 if up is None else 4)
        wide, side = kernel.shape[:2], kernel.shape[-1]
        step = second.stride[0]
        joined = nn.Conv2d(wide[1], wide[0], side, step, side // 2).to(second.weight)
        joined.weight.data.copy_(kernel)
        joined.bias.data.copy_(bias)  # type: ignore[union-attr]
        self.joined = joined
        self.apart = nn.Sequential(*(layer for layer in (up, first, second) if layer is not None))
        self._doubles = up is not None

    def forward(self, field: torch.Tensor) -> torch.Tensor:
        """Shape (batch, channels, height, width) to what the layers make of it."""
        whole: torch.Tensor = self.joined(field)
        if self._doubles:
            whole = F.pixel_shuffle(whole, 2)
        depth = 2 if self._doubles else 4  # As far as what the rim shows.
        for way in (2, 3):
            size = field.shape[way]
            for at, begin in ((0, 0), (-1, max(0, size - depth))):
                strip = self.apart(field.narrow(way, begin, min(depth, size)))
                whole.select(way, at).copy_(strip.select(way, at))
        return whole


def _composed(first: nn.Conv2d, second: nn.Conv2d) -> torch.Tensor:
    """The kernel of 5x5 that does both: float64, shape (out, in, 5, 5)."""
    before, after = (layer.weight.detach().double() for layer in (first, second))
    kernel: torch.Tensor = F.conv2d(after, before.transpose(0, 1).flip(2, 3), padding=2)
    return kernel


def _bias(first: nn.Conv2d, second: nn.Conv2d) -> torch.Tensor:
    bias = torch.zeros(second.out_channels, dtype=torch.float64, device=second.weight.device)
    if first.bias is not None:
        bias += second.weight.detach().double().sum((2, 3)) @ first.bias.detach().double()
    if second.bias is not None:
        bias += second.bias.detach().double()
    return bias


def _before_doubling(kernel: torch.Tensor) -> torch.Tensor:
    """A kernel of 5x5 on a doubled picture, as four of 3x3 on the picture itself.

    Neighbours in the doubled picture are often the same point: their weights add up. The four, one
    for each point of a doubled cell, follow each other as `pixel_shuffle` reads them.
    """
    seen = kernel.new_zeros(2, 3, 5)
    for phase in range(2):
        for tap in range(5):
            seen[phase, (phase + tap - 2) // 2 + 1, tap] = 1.0
    four = torch.einsum("oiuv,pau,qbv->opqiab", kernel, seen, seen)
    return four.reshape(-1, kernel.shape[1], 3, 3)


def _joins(layer: nn.Module | None) -> TypeGuard[nn.Conv2d]:
    if not isinstance(layer, nn.Conv2d):
        return False
    plain = (layer.kernel_size, layer.padding, layer.dilation, layer.groups)
    return plain == ((3, 3), (1, 1), (1, 1), 1) and layer.padding_mode == "zeros"


def _doubles(layer: nn.Module | None) -> TypeGuard[nn.Upsample]:
    return isinstance(layer, nn.Upsample) and (layer.scale_factor, layer.mode) == (2, "nearest")


def _saves(first: nn.Conv2d, second: nn.Conv2d) -> bool:
    """Whether one kernel of 5x5 is less work than two of 3x3."""
    wide = first.in_channels, first.out_channels, second.out_channels
    apart = 9 * wide[0] * wide[1] * second.stride[0] * second.stride[1] + 9 * wide[1] * wide[2]
    return 25 * wide[0] * wide[2] < apart
