"""From pictures to the network's input, and augmentation of whole batches. Tensors in, tensors out, on any device.

Two recipes: "as_released" is what the authors' code of 2015-17 computes, "as_described" what we remember
of the paper's text (unverified).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from fer_lib.errors import UserError

RECIPES = ("as_released", "as_described")
# 0.01 on the [0, 2] input is 1.3 grey levels: areas flatter than that stay near 0 instead of showing their noise.
VARIANCE_EPSILON = 1e-4


def prepare(images: Tensor, recipe: str = "as_released") -> Tensor:
    """Pictures (B, 1, H, W), uint8 0-255 or float 0-1, to the network's input: float32 of the same shape.

    Scales to [0, 2] and subtracts the 5x5 local mean; "as_described" also divides by the local standard deviation.
    Raises UserError for another shape or type, values outside the range, or an unknown recipe.
    """
    unit = to_unit(images)
    low, high = (float(bound) for bound in unit.detach().aminmax()) if unit.numel() else (0.0, 1.0)
    if not (low >= -1e-6 and high <= 1 + 1e-6):  # written so that NaN fails too
        raise UserError(f"float images range from {low:.4g} to {high:.4g}; expected 0 to 1 (divide by 255?)")
    return local_normalise(2 * unit, unit_variance=check_recipe(recipe) == "as_described")


def check_recipe(recipe: str) -> str:
    """The recipe's own name; hyphens are accepted. Raises UserError naming the allowed ones."""
    name = recipe.replace("-", "_")
    if name not in RECIPES:
        raise UserError(f"recipe {recipe!r} is unknown; expected one of {', '.join(RECIPES)}")
    return name


def to_unit(images: Tensor) -> Tensor:
    """(B, 1, H, W) uint8 0-255 or float 0-1, to float32 0-1. Raises UserError for another shape or type."""
    if images.ndim != 4 or images.shape[1] != 1:
        raise UserError(f"images have shape {tuple(images.shape)}; expected (B, 1, H, W): grey pictures in a batch")
    if images.dtype == torch.uint8:
        return images.float() / 255
    if not images.is_floating_point():
        raise UserError(f"images are {images.dtype}; expected uint8 (0 to 255) or float (0 to 1)")
    return images.float()


def local_normalise(x: Tensor, unit_variance: bool, epsilon: float = VARIANCE_EPSILON) -> Tensor:
    """Subtract each pixel's 5x5 box mean, zero-padded at the border; x (B, 1, H, W) in [0, 2].

    With `unit_variance`, divide by sqrt(5x5 box mean of the squared difference + epsilon). The released code
    (anna, util.Normer3) means to divide too, but its `std ** (1 / 2)` is `std ** 0` = 1 in Python 2.7.
    """
    difference = x - _box_mean(x)
    if not unit_variance:
        return difference
    return difference / (_box_mean(difference.square()) + epsilon).sqrt()


def _box_mean(x: Tensor) -> Tensor:
    # a box is separable: 10 additions a pixel instead of 25
    x = F.avg_pool2d(x, (5, 1), stride=1, padding=(2, 0), count_include_pad=True)
    return F.avg_pool2d(x, (1, 5), stride=1, padding=(0, 2), count_include_pad=True)


@dataclass(frozen=True)
class Augmentation:
    """Ranges of the authors' random changes (anna, util.DataAugmenter2 and gray_augment_image)."""

    rotation: float = 5.0  # degrees, either way
    scale: tuple[float, float] = (0.7, 1.4)  # output to input: above 1 the face shrinks and zeros fill the rim
    flip: float = 0.5  # probability of a left-right mirror
    gamma: tuple[float, float] = (0.25, 4.0)  # exponent on [0, 1]
    contrast: tuple[float, float] = (0.7, 1.4)  # factor
    brightness: tuple[float, float] = (-0.1, 0.1)  # added
    # True (released): stretch each picture to [0, 1] at the end, which undoes contrast and brightness exactly.
    # False (described): clip to [0, 1], so that they act; the clip stands commented out in the released code.
    min_max: bool = True
    # True (released): the further the scale from 1, the longer the shift may be. False: as long, whatever the scale.
    shift_with_scale: bool = True

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Change every picture of the batch (B, 1, S, S), float 0-1, by its own draw; same shape, range and device.

        The generator may live on the images' device or on the CPU; 8 numbers a picture are drawn, whatever the ranges.
        """
        draws = torch.rand(8, len(images), generator=generator, device=generator.device).to(images.device)
        return self.grey(self.warp(images, draws[:5]), draws[5:])

    def warp(self, images: Tensor, draws: Tensor) -> Tensor:
        """Mirror, rotate, scale and shift by draws (5, B) in [0, 1); bilinear, zeros outside.

        In pixels, input = centre + s R (output - centre) + shift with centre S/2, and shift uniform within
        +-S/2 |1 - s|: none at s = 1, never more than the scaled window leaves.
        """
        if images.shape[2] != images.shape[3]:
            raise UserError(f"images of {images.shape[3]}x{images.shape[2]} px are not square; crop the faces first")
        theta = self.affine(draws, images.shape[-1])
        grid = F.affine_grid(theta, list(images.shape), align_corners=False)
        return F.grid_sample(images, grid, mode="bilinear", padding_mode="zeros", align_corners=False)

    def affine(self, draws: Tensor, size: int) -> Tensor:
        """Output-to-input maps (B, 2, 3) in grid_sample's coordinates (align_corners=False) for draws (5, B)."""
        angle = torch.deg2rad(_between((-self.rotation, self.rotation), draws[0]))
        scale = _between(self.scale, draws[1])
        cos, sin = scale * angle.cos(), scale * angle.sin()
        # half a pixel off the middle of the grid, as released: the centre is S/2 where (S - 1)/2 is the middle
        # another picture's reach has the same distribution and knows nothing of this one's scale
        reach = 1 - scale if self.shift_with_scale else (1 - scale).roll(1)
        shift_x = (1 - cos + sin) / size + reach * (2 * draws[2] - 1)
        shift_y = (1 - sin - cos) / size + reach * (2 * draws[3] - 1)
        mirror = torch.where(draws[4] < self.flip, -1.0, 1.0)
        rows = (mirror * cos, -mirror * sin, mirror * shift_x, sin, cos, shift_y)
        return torch.stack(rows, dim=1).reshape(-1, 2, 3)

    def grey(self, images: Tensor, draws: Tensor) -> Tensor:
        """Gamma, then contrast, then brightness by draws (3, B), then the stretch or the clip to [0, 1]."""
        ranges = (self.gamma, self.contrast, self.brightness)
        gamma, contrast, brightness = (
            _between(bounds, draw).reshape(-1, 1, 1, 1) for bounds, draw in zip(ranges, draws, strict=True)
        )
        images = images.clamp(min=0).pow(gamma) * contrast + brightness
        return stretch(images) if self.min_max else images.clamp(0, 1)


def stretch(images: Tensor) -> Tensor:
    """Each picture's own minimum to 0 and maximum to 1, (B, 1, H, W). A flat picture becomes 0 (released: NaN)."""
    low, high = images.amin((1, 2, 3), keepdim=True), images.amax((1, 2, 3), keepdim=True)
    return (images - low) / (high - low).clamp(min=1e-12)


def _between(bounds: Sequence[float], draw: Tensor) -> Tensor:
    return bounds[0] + (bounds[1] - bounds[0]) * draw
