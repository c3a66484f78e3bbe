"""What a convolution unit can see: exact receptive fields of the paper's network."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from fer_lib.errors import UserError


@dataclass(frozen=True)
class ReceptiveField:
    """Unit (y, x) of a layer sees rows stride·y − before … stride·y − before + size − 1, and columns likewise (px)."""

    layer: str
    size: int
    stride: int
    before: int

    def box(self, y: int, x: int, image: int) -> tuple[int, int, int, int]:
        """(top, left, bottom, right), half open, clipped at the borders of a square image."""
        starts = [self.stride * place - self.before for place in (y, x)]
        return tuple(max(s, 0) for s in starts) + tuple(min(s + self.size, image) for s in starts)

    def clipped(self, y: int, x: int, image: int) -> bool:
        """Whether the field reaches over the border of the image."""
        top, left, bottom, right = self.box(y, x, image)
        return (bottom - top, right - left) != (self.size, self.size)

    def crops(self, images: Tensor, y: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        """Fields of units (y, x) (B,) of images (B, C, H, W): crops (B, C, size, size) and inside (B, size, size).

        Where the field reaches over the border, the crop is zero and `inside` False.
        """
        pad = self.size
        padded = functional.pad(images, (pad, pad, pad, pad))
        offset = torch.arange(self.size, device=images.device)
        rows, columns = (self.stride * place[:, None] - self.before + offset for place in (y, x))
        batch = torch.arange(len(images), device=images.device)[:, None, None]
        crops = padded[batch, :, rows[:, :, None] + pad, columns[:, None, :] + pad].permute(0, 3, 1, 2)
        height, width = images.shape[-2:]
        inside = ((rows >= 0) & (rows < height))[:, :, None] & ((columns >= 0) & (columns < width))[:, None, :]
        return crops, inside

    def paste(self, crops: Tensor, y: Tensor, x: Tensor, image: int) -> Tensor:
        """The inverse of `crops`: each patch (B, C, size, size) at its place on an empty image (B, C, image, image)."""
        pad = self.size
        canvas = crops.new_zeros(*crops.shape[:2], image + 2 * pad, image + 2 * pad)
        offset = torch.arange(self.size, device=crops.device) + pad - self.before
        rows, columns = (self.stride * place[:, None] + offset for place in (y, x))
        batch = torch.arange(len(crops), device=crops.device)[:, None, None]
        canvas[batch, :, rows[:, :, None], columns[:, None, :]] = crops.permute(0, 2, 3, 1)
        return canvas[:, :, pad:-pad, pad:-pad]


FIELDS = {
    "conv1": ReceptiveField("conv1", 5, 1, 2),
    "conv2": ReceptiveField("conv2", 14, 2, 6),
    "conv3": ReceptiveField("conv3", 32, 4, 14),
}
"""5×5 convolutions with padding 2 and two 2×2 poolings in between (authors' code)."""


def field_of(layer: str) -> ReceptiveField:
    """The receptive field of "conv1", "conv2" or "conv3"; a UserError for any other layer."""
    if layer not in FIELDS:
        raise UserError(f"Layer {layer!r} has no receptive field here; expected one of {', '.join(FIELDS)}.")
    return FIELDS[layer]
