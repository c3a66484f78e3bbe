"""Decode a convolution unit on its receptive field alone: everything outside it is zero anyway.

Deconvnet: Zeiler & Fergus (2014); guided backpropagation: Springenberg et al. (2015). Same numbers as Captum's
NeuronDeconvolution and NeuronGuidedBackprop on this network, for a fraction of the work.
"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral

import torch
from torch import Tensor, nn
from torch.nn import functional

from fer_lib.errors import UserError
from fer_lib.interpret.receptive import field_of
from fer_lib.model import ZeroBiasCNN

METHODS = ("deconvnet", "guided", "gradient", "gradient_x_input")
DEPTH = {"conv1": 1, "conv2": 2, "conv3": 3}


@dataclass(frozen=True)
class Units:
    """B units to look at: filter `filter` at place (`y`, `x`) of image number `image`; four (B,) integer tensors."""

    image: Tensor
    filter: Tensor
    y: Tensor
    x: Tensor

    def __len__(self) -> int:
        return len(self.filter)

    def __getitem__(self, part: slice) -> Units:
        return Units(self.image[part], self.filter[part], self.y[part], self.x[part])


@dataclass(frozen=True)
class Conventions:
    """Details on which decoders differ. The default is Captum's; `AUTHORS` is the authors' Theano library (anna).

    start: "one", or "activation" (Zeiler & Fergus: the map scales with the activation, and is zero for a silent unit).
    ties: where a pooling window has several maxima, un-pool to the "first" or to "all" (dead windows: to all four).
    rectify_pixels: also rectify after the last transposed convolution.
    pixel_mask: guided only: keep pixels whose prepared input is above zero.
    """

    start: str = "one"
    ties: str = "first"
    rectify_pixels: bool = False
    pixel_mask: bool = False

    def __post_init__(self) -> None:
        if self.start not in ("one", "activation") or self.ties not in ("first", "all"):
            raise UserError(f"{self}: expected start 'one' or 'activation' and ties 'first' or 'all'.")


CAPTUM = Conventions()
AUTHORS = Conventions(start="activation", ties="all", rectify_pixels=True, pixel_mask=True)


def require_paper_network(model: nn.Module) -> None:
    """Refuse a network whose maps would be silently wrong; the message says what differs."""
    if not isinstance(model, ZeroBiasCNN) or type(model).forward is not ZeroBiasCNN.forward:
        raise UserError(
            f"The crop decoder knows ZeroBiasCNN only, found {type(model).__name__}. Use Captum's decoders, and see "
            "that each ReLU is a module of its own: through a functional ReLU they silently return the plain gradient."
        )
    for level in (1, 2, 3):
        conv, relu = getattr(model, f"conv{level}"), getattr(model, f"relu{level}")
        shape = (type(conv), conv.kernel_size, conv.padding, conv.stride, conv.dilation, conv.groups)
        if shape != (nn.Conv2d, (5, 5), (2, 2), (1, 1), (1, 1), 1) or conv.padding_mode != "zeros":
            raise UserError(f"conv{level} is {conv}; the crop decoder expects a 5×5 convolution with zero padding 2.")
        if type(relu) is not nn.ReLU:
            raise UserError(f"relu{level} is {type(relu).__name__}; the crop decoder expects nn.ReLU.")
    for pool in (model.pool1, model.pool2):
        if (type(pool), pool.kernel_size, pool.stride, pool.padding) != (nn.MaxPool2d, 2, 2, 0):
            raise UserError(f"Found {pool}; the crop decoder expects 2×2 max-pooling.")


def require_images(model: ZeroBiasCNN, images: Tensor) -> None:
    """Refuse images that the network refuses: their maps would be wrong at the border."""
    if images.ndim != 4 or tuple(images.shape[1:]) != (1, model.size, model.size):
        raise UserError(
            f"Images of shape {tuple(images.shape)} do not fit the network; expected (N, 1, {model.size}, "
            f"{model.size}): resize the data, or decode a network of their size."
        )


@dataclass(frozen=True)
class _Level:
    """One rectified convolution on the crop, with what its un-pooling needs."""

    rectified: Tensor  # (B, C, n, n), zero outside the image
    inside: Tensor  # (B, 1, n, n)
    pooled: Tensor  # (B, C, n/2, n/2)
    switches: Tensor  # of the maxima, as max_pool2d counts them


def decode_crops(
    model: ZeroBiasCNN, images: Tensor, units: Units, method: str, layer: str, conventions: Conventions
) -> tuple[Tensor, Tensor]:
    """Maps (B, size, size) on the receptive field of each unit of prepared images (N, 1, H, W), and activations (B,).

    Activations are rectified. Pixels of the field outside the image are zero.
    """
    field, depth = field_of(layer), DEPTH[layer]
    crops, inside = field.crops(images[units.image], units.y, units.x)
    levels = _forward(model, crops, inside, depth)
    weight = getattr(model, layer).weight[units.filter]  # (B, C, 5, 5)
    activation = _response(model, levels[-1].pooled if levels else crops, units.filter, layer).relu()
    signal = weight if conventions.start == "one" else weight * activation[:, None, None, None]
    for level, conv in zip(reversed(levels), _convolutions(model, depth), strict=True):
        signal = _rule(_unpool(signal, level, conventions.ties), level.rectified, method) * level.inside
        signal = functional.conv_transpose2d(signal, conv.weight)
    return _pixels(signal, crops, inside[:, None], method, conventions)[:, 0], activation


def crop_response(model: ZeroBiasCNN, crops: Tensor, inside: Tensor, filters: Tensor, layer: str) -> Tensor:
    """Response (B,), before the ReLU, of one filter for each receptive-field crop (B, 1, size, size)."""
    levels = _forward(model, crops, inside, DEPTH[layer])
    return _response(model, levels[-1].pooled if levels else crops, filters, layer)


def _response(model: ZeroBiasCNN, below: Tensor, filters: Tensor, layer: str) -> Tensor:
    conv = getattr(model, layer)
    response = (below * conv.weight[filters]).sum(dim=(1, 2, 3))
    return response if conv.bias is None else response + conv.bias[filters]


def _convolutions(model: ZeroBiasCNN, depth: int) -> list[nn.Conv2d]:
    """The convolutions below the decoded one, nearest first."""
    return [model.conv2, model.conv1][3 - depth :]


def _forward(model: ZeroBiasCNN, crops: Tensor, inside: Tensor, depth: int) -> list[_Level]:
    levels, below, inside = [], crops, inside[:, None]
    for conv in reversed(_convolutions(model, depth)):
        inside = inside[:, :, 2:-2, 2:-2]
        # the whole network pads with zeros, so what the crop computes outside the image must not count
        rectified = functional.conv2d(below, conv.weight, conv.bias).relu_() * inside
        below, switches = functional.max_pool2d(rectified, 2, return_indices=True)
        levels.append(_Level(rectified, inside, below, switches))
        inside = inside[:, :, ::2, ::2]
    return levels


def _unpool(signal: Tensor, level: _Level, ties: str) -> Tensor:
    if ties == "first":
        return functional.max_unpool2d(signal, level.switches, 2)
    wide, maxima = (tensor.repeat_interleave(2, 2).repeat_interleave(2, 3) for tensor in (signal, level.pooled))
    return wide * (level.rectified == maxima)


def _rule(signal: Tensor, rectified: Tensor, method: str) -> Tensor:
    """How a signal passes a ReLU backwards."""
    if method == "deconvnet":
        return signal.relu()
    passed = signal * (rectified > 0)
    return passed.relu() if method == "guided" else passed


def _pixels(signal: Tensor, crops: Tensor, inside: Tensor, method: str, conventions: Conventions) -> Tensor:
    if conventions.rectify_pixels:
        signal = signal.relu()
    if conventions.pixel_mask and method == "guided":
        signal = signal * (crops > 0)
    if method == "gradient_x_input":
        signal = signal * crops
    return signal * inside


def picked_units(selector, batch: int, shape: tuple[int, int, int]) -> Units:
    """The unit that a Captum `neuron_selector` picks in each of `batch` layer outputs of `shape` (F, H, W).

    A tuple (filter, y, x) picks the same unit everywhere. A callable is asked with the units' own numbers, and asked
    again with other numbers to see that it only picks: a selector that adds or scales units is refused.
    """
    if isinstance(selector, tuple) and len(selector) == 3 and all(isinstance(place, Integral) for place in selector):
        if not all(-size <= place < size for size, place in zip(shape, selector, strict=True)):
            raise UserError(
                f"neuron_selector {selector!r} is out of range: the layer has {shape[0]} filters of {shape[1]} × "
                f"{shape[2]} units, counted from 0."
            )
        filters, y, x = (torch.arange(size)[place].repeat(batch) for size, place in zip(shape, selector, strict=True))
        return Units(torch.arange(batch), filters, y, x)
    numbers = torch.arange(batch * shape[0] * shape[1] * shape[2]).reshape(batch, *shape)
    picked = selector(numbers) if callable(selector) else None
    if not _only_picks(selector, picked, numbers, batch):
        raise UserError(
            f"neuron_selector {selector!r}: expected a tuple (filter, y, x) or a callable that picks one unit of each "
            "image, such as lambda a: a[torch.arange(len(a)), filter, y, x]."
        )
    image, rest = picked // (shape[0] * shape[1] * shape[2]), picked % (shape[0] * shape[1] * shape[2])
    return Units(image, rest // (shape[1] * shape[2]), rest // shape[2] % shape[1], rest % shape[2])


def _only_picks(selector, picked, numbers: Tensor, batch: int) -> bool:
    if not isinstance(picked, Tensor) or picked.shape != (batch,) or picked.dtype != torch.int64:
        return False
    if (
        picked.min() < 0
        or picked.max() >= numbers.numel()
        or (picked // numbers[0].numel() != torch.arange(batch)).any()
    ):
        return False
    other = numbers.flatten().flip(0) ** 2
    return torch.equal(selector(other.reshape(numbers.shape)), other[picked])
