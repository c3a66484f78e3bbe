"""5x5 convolution by Winograd's minimal filtering: the same numbers up to rounding, in a sixth of the multiplications.

A CPU without matrix instructions for bfloat16 trains more than twice as fast with it (`benchmarks/winograd.py`).
Source: Lavin and Gray 2016 (arXiv 1509.09308), here F(4x4, 5x5): each tile of 8x8 inputs gives 4x4 outputs.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

OUT, KERNEL = 4, 5  # pixels a side of a tile's output, and of the filter
TILE = OUT + KERNEL - 1
PAD = KERNEL // 2
POINTS = (0.0, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5)  # and infinity: where the polynomials are multiplied
TILES_AT_ONCE = 144  # as many as the processor's cache holds with all their channels


def convolve(x: Tensor, weight: Tensor) -> Tensor:
    """`F.conv2d(x, weight, padding=2)` for x (B, C, H, W) and weight (O, C, 5, 5), float32 on the CPU: (B, O, H, W).

    Differentiable once in both. Its relative error is about 2e-6, that of the direct sum 7e-7.
    """
    return _Convolution.apply(x, weight)


@contextmanager
def convolutions_of(model: nn.Module) -> Iterator[None]:
    """Within it, every 5x5 convolution of several channels in `model` is computed by `convolve`; the weights stay."""
    layers = [layer for layer in model.modules() if isinstance(layer, nn.Conv2d) and _fits(layer)]
    for layer in layers:
        layer.forward = partial(_forward, layer)  # type: ignore[method-assign]
    try:
        yield
    finally:
        for layer in layers:
            del layer.forward


def _fits(layer: nn.Conv2d) -> bool:
    shape = (layer.kernel_size, layer.padding, layer.stride, layer.dilation, layer.groups, layer.padding_mode)
    return shape == ((KERNEL, KERNEL), (PAD, PAD), (1, 1), (1, 1), 1, "zeros") and layer.in_channels > 1


def _forward(layer: nn.Conv2d, x: Tensor) -> Tensor:
    y = convolve(x, layer.weight)
    return y if layer.bias is None else y + layer.bias[:, None, None]


@cache
def transforms() -> tuple[Tensor, Tensor, Tensor]:
    """A (8, 4), G (8, 5) and D (8, 8): outputs = A' [(G filter) * (D inputs)] along one side of a tile."""
    values = torch.tensor(POINTS, dtype=torch.float64)[:, None]

    def at_points(coefficients: int) -> Tensor:
        infinity = torch.eye(coefficients, dtype=torch.float64)[-1:]  # the highest coefficient alone
        return torch.cat([values ** torch.arange(coefficients), infinity])

    inputs = torch.linalg.inv(at_points(TILE)).T
    size = inputs.abs().amax(dim=1, keepdim=True)  # moved to the filter's side, so that no row is large
    return at_points(OUT).float(), (at_points(KERNEL) * size).float(), (inputs / size).float()


class _Convolution(torch.autograd.Function):
    """Backward is the transpose of each forward step, so the transformed tiles and filters serve both."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        (batch, channels, height, width), filters = x.shape, len(weight)
        down, across = -(-height // OUT), -(-width // OUT)
        outputs, of_filter, of_inputs = transforms()
        kernels = _both_sides(of_filter, weight.permute(2, 3, 1, 0)).view(TILE**2, channels, filters)
        padded = F.pad(
            x.permute(0, 2, 3, 1), (0, 0, PAD, OUT * across - width + PAD, PAD, OUT * down - height + PAD)
        ).contiguous()
        y, kept = x.new_empty(batch, down, OUT, across, OUT, filters), []
        for rows in _chunks(batch, down * across):
            tiles = _both_sides(of_inputs, _tiles(padded[rows], down, across)).view(TILE**2, -1, channels)
            products = torch.bmm(tiles, kernels).view(TILE, TILE, -1, down, across, filters)
            y[rows] = _both_sides(outputs.T, products).permute(2, 3, 0, 4, 1, 5)
            kept.append(tiles)
        ctx.save_for_backward(kernels, *kept)
        ctx.shape = x.shape
        return y.view(batch, OUT * down, OUT * across, filters)[:, :height, :width].permute(0, 3, 1, 2)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        kernels, *kept = ctx.saved_tensors
        batch, channels, height, width = ctx.shape
        filters, down, across = kernels.shape[2], -(-height // OUT), -(-width // OUT)
        outputs, of_filter, of_inputs = transforms()
        padded = F.pad(gradient.permute(0, 2, 3, 1), (0, 0, 0, OUT * across - width, 0, OUT * down - height))
        padded = padded.reshape(batch, down, OUT, across, OUT, filters)
        to_kernels = torch.zeros_like(kernels)
        to_input = gradient.new_zeros(batch, down + 1, OUT, across + 1, OUT, channels)
        for rows, tiles in zip(_chunks(batch, down * across), kept, strict=True):
            products = _both_sides(outputs, padded[rows].permute(2, 4, 0, 1, 3, 5)).view(TILE**2, -1, filters)
            to_kernels.baddbmm_(tiles.transpose(1, 2), products)
            to_tiles = torch.bmm(products, kernels.transpose(1, 2)).view(TILE, TILE, -1, down, across, channels)
            _add_tiles(to_input[rows], _both_sides(of_inputs.T, to_tiles))
        to_weight = _both_sides(of_filter.T, to_kernels.view(TILE, TILE, channels, filters)).permute(3, 2, 0, 1)
        to_input = to_input.view(batch, OUT * (down + 1), OUT * (across + 1), channels)
        return to_input[:, PAD : height + PAD, PAD : width + PAD].permute(0, 3, 1, 2), to_weight


def _both_sides(matrix: Tensor, x: Tensor) -> Tensor:
    """`matrix` (i, p) along the first two dimensions of x (p, p, ...): (i, i, ...)."""
    rows, columns = matrix.shape
    half = (matrix @ x.reshape(columns, -1)).view(rows, columns, -1)
    return torch.matmul(matrix, half).view(rows, rows, *x.shape[2:])


def _tiles(padded: Tensor, down: int, across: int) -> Tensor:
    """Overlapping windows (8, 8, B, down, across, C) of padded pictures (B, H, W, C)."""
    windows = padded.unfold(1, TILE, OUT)[:, :down].unfold(2, TILE, OUT)[:, :, :across]
    return windows.permute(4, 5, 0, 1, 2, 3)


def _add_tiles(to_input: Tensor, tiles: Tensor) -> None:
    """Add windows (8, 8, B, down, across, C) where they came from, in to_input (B, down + 1, 4, across + 1, 4, C)."""
    _, _, batch, down, across, channels = tiles.shape
    halves = tiles.view(2, OUT, 2, OUT, batch, down, across, channels)
    for i in (0, 1):
        for j in (0, 1):
            to_input[:, i : down + i, :, j : across + j] += halves[i, :, j].permute(2, 3, 0, 4, 1, 5)


def _chunks(batch: int, tiles: int) -> list[slice]:
    at_once = max(1, TILES_AT_ONCE // tiles)
    return [slice(start, start + at_once) for start in range(0, batch, at_once)]
