"""Marks that keep their size on any canvas: thin rules, points of light, and soft discs."""

from __future__ import annotations

import torch

from visualizer.painters.scenes.canvas import Canvas, fold

FIXED_POINT = 65536.0  # Integers add up to the same sum in any order, on any device.


def rules(
    count: torch.Tensor, period: float, half: float, pixel: torch.Tensor | float
) -> torch.Tensor:
    """Soft lines at every multiple of `period`, which fade where a pixel cannot hold them.

    Args:
        count: Field: the quantity that is ruled.
        period: Distance between lines, in its unit.
        half: Half the width of a line.
        pixel: How much `count` changes from one pixel to the next.

    Returns:
        A field in [0, 1].
    """
    wide = torch.as_tensor(pixel, device=count.device) * 0.8 + half
    near = fold(count, period) / wide
    fit = (half / wide).sqrt_() * (1.4 - wide * (2.4 / period)).clamp_(0.0, 1.0)
    return torch.exp(-near * near) * fit


def splat(canvas: Canvas, x: torch.Tensor, y: torch.Tensor, light: torch.Tensor) -> torch.Tensor:
    """Points of light, each spread over the four pixels it lies between.

    Args:
        canvas: The surface.
        x: Canvas coordinates, any shape; points outside are left out.
        y: Same shape.
        light: Same shape, the brightness of a point that hits a pixel's centre.

    Returns:
        A field.
    """
    x, y, light = x.flatten(), y.flatten(), light.flatten()
    column = (x / canvas.aspect + 1.0) * (0.5 * canvas.width) - 0.5
    row = (y + 1.0) * (0.5 * canvas.height) - 0.5
    left, above = column.floor(), row.floor()
    across, down = column - left, row - above
    shape = (canvas.height, canvas.width)
    total = torch.zeros(shape[0] * shape[1], dtype=torch.int32, device=canvas.device)
    for i, v in ((0, 1.0 - down), (1, down)):
        for j, u in ((0, 1.0 - across), (1, across)):
            r, c = above.long() + i, left.long() + j
            inside = (r >= 0) & (r < shape[0]) & (c >= 0) & (c < shape[1])
            amount = (light * u * v * inside * FIXED_POINT).to(torch.int32)
            total.index_add_(0, (r * shape[1] + c).clamp_(0, len(total) - 1), amount)
    return total.view(shape).float() / FIXED_POINT


def discs(
    field: torch.Tensor,
    canvas: Canvas,
    x: torch.Tensor,
    y: torch.Tensor,
    size: torch.Tensor,
    light: torch.Tensor,
) -> None:
    """Adds out-of-focus lights to a field: even discs with a brighter rim, as a lens draws them."""
    for cx, cy, radius, power in zip(
        x.tolist(), y.tolist(), size.tolist(), light.tolist(), strict=True
    ):
        top, bottom = _span(cy, radius, 1.0, canvas.height)
        left, right = _span(cx, radius, canvas.aspect, canvas.width)
        if power <= 0.0 or top >= bottom or left >= right:
            continue
        distance = torch.hypot(canvas.x[left:right] - cx, canvas.y[top:bottom] - cy) / radius
        soft = max(0.06, 1.2 * canvas.pixel / radius)
        disc = ((1.0 - distance) / soft).clamp_(0.0, 1.0) * (0.62 + 0.38 * distance**4)
        field[top:bottom, left:right].add_(disc, alpha=power)


def _span(centre: float, reach: float, extent: float, pixels: int) -> tuple[int, int]:
    """First and last pixel of an interval, clipped to the picture."""
    scale = pixels / (2.0 * extent)
    low, high = (centre - reach + extent) * scale, (centre + reach + extent) * scale
    return max(0, int(low)), min(pixels, int(high) + 1)
