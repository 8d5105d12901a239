"""Convolutions in fewer multiplications, with the same result.

Two linear maps are one linear map. The tiny autoencoders of diffusers end in such pairs where
pictures are largest: together, an upsampling and two convolutions take an eighth of their time.
And a picture that was only doubled has no more to read than before: a convolution behind it is four
smaller ones on the picture itself, which takes two thirds of the time on a CPU.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeGuard

import torch
import torch.nn.functional as F
from torch import nn

LARGE = 1 << 20  # Weights from which on a denoiser keeps them once: here they are kept twice.


def fold(part: Any, doublings: bool = True) -> None:
    """Simplifies what can be simplified in a denoiser or autoencoder, in place.

    Pictures stay the same but for rounding.

    Args:
        part: A module of diffusers.
        doublings: Whether convolutions behind a doubling, too.
    """
    if type(part).__name__ == "AutoencoderTiny":
        for half in (part.encoder, part.decoder):
            half.layers = nn.Sequential(*_folded(list(half.layers), doublings))
    elif doublings:
        for block in list(part.modules()):
            ups: Any = getattr(block, "upsamplers", None) or ()
            for at, up in enumerate(ups):
                if _only_doubles(up):
                    ups[at] = Doubled(up.conv)


def _folded(layers: Sequence[nn.Module], doublings: bool) -> Iterator[nn.Module]:
    at = 0
    while at < len(layers):
        up, first, second = [*layers[at : at + 3], None, None][:3]
        if _doubles(up) and _joins(first) and _joins(second) and first.stride == (1, 1):
            yield Folded(up, first, second)
            at += 3
        elif doublings and _doubles(up) and _joins(first) and first.stride == (1, 1):
            yield Doubled(first)
            at += 2
        elif _joins(up) and _joins(first) and up.stride == (1, 1) and _saves(up, first):
            yield Folded(None, up, first)
            at += 2
        else:
            yield layers[at]
            at += 1


class Doubled(nn.Module):
    """A doubling of the picture and a convolution of 3x3, as four of 2x2 on the picture itself.

    One for each point of a doubled cell, which sees two rows and two columns of the picture.
    """

    def __init__(self, conv: nn.Conv2d) -> None:
        """Takes the convolution."""
        super().__init__()
        seen = torch.zeros(2, 2, 3, dtype=torch.float64)  # Point, of the picture, of its double.
        seen[0, 0, 0] = seen[0, 1, 1] = seen[0, 1, 2] = 1.0
        seen[1, 0, 0] = seen[1, 0, 1] = seen[1, 1, 2] = 1.0
        weight = conv.weight.detach()
        four = torch.einsum("oiuv,apu,bqv->aboipq", weight.double(), seen, seen).flatten(0, 2)
        self.four = nn.Conv2d(conv.in_channels, len(four), 2, padding=1).to(weight)
        bias = weight.new_zeros(conv.out_channels) if conv.bias is None else conv.bias.detach()
        self.four.weight.data.copy_(four)
        self.four.bias.data.copy_(bias.repeat(4))  # type: ignore[union-attr]
        self.apart = conv

    def forward(self, field: torch.Tensor, output_size: Any = None, *_: Any) -> torch.Tensor:
        """Shape (batch, channels, height, width) to twice the height and width.

        Args:
            field: The picture.
            output_size: Another height and width, as diffusers asks for where cells are odd.
        """
        height, width = field.shape[2:]
        if output_size not in (None, (2 * height, 2 * width)):
            whole: torch.Tensor = self.apart(F.interpolate(field, size=tuple(output_size)))
            return whole
        points = self.four(field).unflatten(1, (2, 2, -1))
        shape = (len(field), points.shape[3], 2 * height, 2 * width)
        doubled = torch.empty(
            shape, dtype=field.dtype, device=field.device, memory_format=torch.channels_last
        )
        for a in (0, 1):
            for b in (0, 1):
                doubled[:, :, a::2, b::2] = points[:, a, b, :, a : a + height, b : b + width]
        return doubled


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


def _only_doubles(layer: Any) -> bool:
    """Whether it is a doubling by nearest neighbours and a convolution, as in `Upsample2D`."""
    usual = type(layer).__name__ == "Upsample2D" and layer.interpolate and layer.norm is None
    small = usual and _joins(getattr(layer, "conv", None)) and layer.conv.weight.numel() <= LARGE
    return small and layer.conv.stride == (1, 1)


def _saves(first: nn.Conv2d, second: nn.Conv2d) -> bool:
    """Whether one kernel of 5x5 is less work than two of 3x3."""
    wide = first.in_channels, first.out_channels, second.out_channels
    apart = 9 * wide[0] * wide[1] * second.stride[0] * second.stride[1] + 9 * wide[1] * wide[2]
    return 25 * wide[0] * wide[2] < apart
