"""Convolutions in fewer multiplications, with the same result.

Linear maps that follow each other are one linear map. Where pictures are largest, tiny autoencoders
of diffusers may be nothing but such layers: joined, they take a small part of the time. And a
picture that was only doubled has no more to read than before: a convolution behind it is four
smaller ones on the picture itself, which takes two thirds of the time on a CPU.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from itertools import product, takewhile
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
        run = _run(layers[at:])
        lone = len(run) == 2 and _doubles(run[0])
        if len(run) > 1 and not lone and _saves(run):
            yield Folded(run)
            at += len(run)
        elif doublings and _doubles(layers[at]) and len(run) > 1:
            yield Doubled(run[1])
            at += 2
        else:
            yield layers[at]
            at += 1


def _run(layers: Sequence[nn.Module]) -> list[Any]:
    """The layers from the first on that are one linear map, up to its last convolution."""
    run = list(takewhile(lambda layer: _joins(layer) or _doubles(layer), layers))
    strides = [layer.stride for layer in run if _joins(layer)]
    if any(map(_doubles, run)) and any(stride != (1, 1) for stride in strides):
        return []
    while run and not _joins(run[-1]):
        run.pop()
    return run


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
    """Convolutions of 3x3, and doublings between them, as one convolution.

    Where a layer reads beyond the edge it finds zeros, but the joined one would find what the
    layers before make of zeros: places along the rim have convolutions of their own.
    """

    def __init__(self, layers: Sequence[nn.Module]) -> None:
        """Takes layers that follow each other."""
        super().__init__()
        self._shape = _Shape.of(layers)
        self.apart = nn.Sequential(*layers)
        self.patches = nn.ModuleList(_patches(self.apart, self._shape))

    def forward(self, field: torch.Tensor) -> torch.Tensor:
        """Shape (batch, channels, height, width) to what the layers make of it."""
        shape, size = self._shape, field.shape[2:]
        if min(size) < 2 * shape.depth or any(edge % shape.stride for edge in size):
            small: torch.Tensor = self.apart(field)
            return small
        whole, *rim = self.patches
        cells = whole(field)
        for patch in rim:
            cells[patch.cells] = patch(field)
        return F.pixel_shuffle(cells, shape.spread) if shape.spread > 1 else cells


@dataclass(frozen=True)
class _Shape:
    """What layers read and write, of which each cell is made on its own.

    Attributes:
        reach: Points of the picture that a cell reads on either side of its own.
        stride: Points from cell to cell.
        spread: Points along the edge of a cell, in what comes out.
        rim: Cells along each edge that are made in another way than those in the middle.
    """

    reach: int
    stride: int
    spread: int
    rim: int

    @classmethod
    def of(cls, layers: Sequence[nn.Module]) -> _Shape:
        """Looks at them from the last to the first."""
        reach, stride, spread, wrong = 0, 1, 1, 0
        for layer in reversed(layers):
            if isinstance(layer, nn.Conv2d):
                wrong = max(wrong, spread * _upward(reach, stride))
                reach, stride = reach * layer.stride[0] + 1, stride * layer.stride[0]
            else:
                reach, spread = _upward(reach, 2), 2 * spread
        return cls(reach, stride, spread, _upward(wrong, spread))

    @property
    def depth(self) -> int:
        """Points of the picture, from an edge, that its rim reads."""
        return (self.rim + _upward(self.reach, self.stride)) * self.stride


class _Patch(nn.Conv2d):
    """Makes the cells of one kind from the part of the picture that they read."""

    def __init__(
        self, slopes: torch.Tensor, offset: torch.Tensor, row: _Along, column: _Along
    ) -> None:
        """Takes how much each point of a small picture gives to a cell, and the cell's place.

        Args:
            slopes: Shape (out, in, height, width).
            offset: Of an empty picture, shape (out,).
            row: Of the cell, or of all that are alike.
            column: The same.
        """
        kernel = slopes[:, :, row.seen, column.seen]
        super().__init__(
            kernel.shape[1],
            kernel.shape[0],
            (kernel.shape[2], kernel.shape[3]),
            row.stride,
            (row.padding, column.padding),
        )
        self.weight.data, self.bias.data = kernel.contiguous(), offset  # type: ignore[union-attr]
        self._read = ..., row.read, column.read
        self.cells = ..., row.cells, column.cells

    def forward(self, field: torch.Tensor) -> torch.Tensor:
        """Shape (batch, channels, height, width) to the cells of this kind."""
        return super().forward(field[self._read])


@dataclass(frozen=True)
class _Along:
    """A row or column of cells, counted from either edge, or all of them.

    Attributes:
        at: Its number.
        seen: What it reads of the small picture that is probed.
        read: What it reads of a picture.
        cells: Where it lies among cells.
        padding: Points beyond each edge of what is read.
        stride: Points from cell to cell.
    """

    at: int
    seen: slice
    read: slice
    cells: slice
    padding: int
    stride: int


def _along(shape: _Shape) -> Iterator[_Along]:
    """All cells as those in the middle are made, then each row of the rim."""
    middle = shape.depth
    seen = slice(middle - shape.reach, middle + shape.reach + 1)
    yield _Along(middle // shape.stride, seen, slice(None), slice(None), shape.reach, shape.stride)
    for at in range(shape.rim):
        near, far = slice(0, middle), slice(-middle, None)
        yield _Along(at, near, near, slice(at, at + 1), 0, shape.stride)
        yield _Along(-1 - at, far, far, slice(-1 - at, -at or None), 0, shape.stride)


def _patches(layers: nn.Sequential, shape: _Shape) -> Iterator[_Patch]:
    """One for each kind of cell; what comes later is right where they overlap.

    The layers are probed: how much does each point of a small picture give to a cell of each kind?
    """
    like = next(layers.parameters())
    exact = torch.promote_types(like.dtype, torch.float32)
    probed = deepcopy(layers).requires_grad_(False).to(exact)
    edge = 2 * shape.depth + shape.stride
    first: Any = next(layer for layer in layers if isinstance(layer, nn.Conv2d))
    with torch.enable_grad():
        picture = torch.zeros(1, first.in_channels, edge, edge, dtype=exact, device=like.device)
        shown = probed(picture.requires_grad_())
        cells = F.pixel_unshuffle(shown, shape.spread)[0]
        for row, column in product(_along(shape), repeat=2):
            cell = cells[:, row.at, column.at]
            each = torch.eye(len(cell), dtype=exact, device=like.device)
            slopes = torch.autograd.grad(
                cell, picture, each, retain_graph=True, is_grads_batched=True
            )[0]
            yield _Patch(slopes[:, 0], cell.detach(), row, column).to(like)


def _upward(size: int, step: int) -> int:
    """The quotient, rounded up."""
    return -(-size // step)


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


def _saves(run: Sequence[Any]) -> bool:
    """Whether one kernel is less work than the layers."""
    work, area = 0.0, 1.0
    for layer in run:
        if _joins(layer):
            area /= layer.stride[0] ** 2
            work += layer.weight.numel() * area
        else:
            area *= 4.0
    first, last = (next(filter(_joins, way)) for way in (run, reversed(run)))
    side = 2 * _Shape.of(run).reach + 1
    return float(side**2 * first.in_channels * last.out_channels * area) < work
