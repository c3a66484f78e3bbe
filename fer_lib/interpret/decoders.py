"""Pictures of what excites a filter: deconvnet, guided backpropagation, gradient, occlusion, Grad-CAM.

`decode` is fast and exact on the paper's network; `decode_with_captum` is the public reference. Both take any batch of
(image, filter, place) triples. `CropDeconvolution` and `CropGuidedBackprop` stand in for Captum's classes.
"""

from __future__ import annotations

import warnings

import torch
from captum.attr import LayerGradCam, NeuronDeconvolution, NeuronGradient, NeuronGuidedBackprop
from torch import Tensor, nn
from torch.nn import functional

from fer_lib.errors import UserError
from fer_lib.interpret.crop_decoder import (
    CAPTUM,
    DEPTH,
    METHODS,
    Conventions,
    Units,
    crop_response,
    decode_crops,
    picked_units,
    require_images,
    require_paper_network,
)
from fer_lib.interpret.receptive import FIELDS, field_of
from fer_lib.model import ZeroBiasCNN

_CAPTUM = {
    "deconvnet": NeuronDeconvolution,
    "guided": NeuronGuidedBackprop,
    "gradient": NeuronGradient,
    "gradient_x_input": NeuronGradient,
}


def units(image, filter, y, x) -> Units:  # noqa: A002 — a filter is what it is called
    """Units from four equally long sequences or tensors."""
    parts = [torch.as_tensor(part, dtype=torch.long).reshape(-1) for part in (image, filter, y, x)]
    if len({len(part) for part in parts}) != 1:
        raise UserError(f"Units need equally long lists, found {[len(part) for part in parts]}.")
    return Units(*parts)


def decode(
    model: ZeroBiasCNN,
    images: Tensor,
    which: Units,
    method: str = "deconvnet",
    *,
    layer: str = "conv3",
    conventions: Conventions = CAPTUM,
    batch: int = 64,
) -> Tensor:
    """Maps (B, size, size) on the receptive fields of B units of prepared images (N, 1, H, W).

    `size` is 5, 14 or 32 px for conv1, conv2 or conv3; the field's pixels outside the image are zero. `paste` puts
    the maps on whole images. Raises a UserError for another architecture, images that are not of the network's size,
    an unknown method, or a unit out of range.
    """
    _check(model, images, which, method, layer)
    with torch.no_grad():
        parts = [
            decode_crops(model, images, which[start : start + batch], method, layer, conventions)[0]
            for start in range(0, len(which), batch)
        ]
    size = field_of(layer).size
    return torch.cat(parts) if parts else images.new_zeros(0, size, size)


def paste(maps: Tensor, which: Units, image: int, layer: str = "conv3") -> Tensor:
    """Maps on receptive fields (B, size, size) put at their places on empty images (B, image, image)."""
    return field_of(layer).paste(maps[:, None], which.y, which.x, image)[:, 0]


def _check(model: nn.Module, images: Tensor, which: Units, method: str, layer: str) -> None:
    require_paper_network(model)
    field_of(layer)
    _check_method(method)
    require_images(model, images)
    _check_units(which, layer, len(images), *_shape(model, layer))


def _shape(model: ZeroBiasCNN, layer: str) -> tuple[int, int, int]:
    width = model.size // 2 ** (DEPTH[layer] - 1)
    return getattr(model, layer).out_channels, width, width


def _check_method(method: str) -> None:
    if method not in METHODS:
        raise UserError(f"Unknown decoder {method!r}; expected one of {', '.join(METHODS)}.")


def _check_units(which: Units, layer: str, *sizes: int) -> None:
    """`sizes`: the number of images and, if they are known yet, of the layer's filters, rows and columns."""
    for name, size in zip(("image", "filter", "y", "x"), sizes, strict=False):
        part = getattr(which, name)
        if len(part) and not 0 <= int(part.min()) <= int(part.max()) < size:
            raise UserError(f"{layer}: {name} {int(part.min())}…{int(part.max())} out of range 0…{size - 1}.")


def decode_with_captum(
    model: nn.Module, images: Tensor, which: Units, method: str = "deconvnet", *, layer: str = "conv3"
) -> Tensor:
    """The same maps on whole images (B, H, W) from Captum, in one backward pass, for any module-ReLU network.

    Raises a UserError for an unknown method or a unit out of range.
    """
    _check_method(method)
    _check_units(which, layer, len(images))
    picked = torch.arange(len(which))

    def pick(a: Tensor) -> Tensor:
        _check_units(which, layer, len(images), *a.shape[1:])
        return a[picked, which.filter, which.y, which.x]

    decoder = _CAPTUM[method](model, model.get_submodule(layer))
    inputs = images[which.image].clone().requires_grad_()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Setting backward hooks")
        maps = decoder.attribute(inputs, pick)
    maps = maps.detach() * inputs.detach() if method == "gradient_x_input" else maps.detach()
    return maps[:, 0]


class _CropAttribution:
    """Captum's neuron attribution interface on the crop decoder."""

    method: str

    def __init__(self, model: ZeroBiasCNN, layer: nn.Module, device_ids: list[int] | None = None) -> None:
        require_paper_network(model)
        names = [name for name in FIELDS if getattr(model, name) is layer]
        if not names:
            raise UserError(f"Layer {layer} is none of this network's {', '.join(FIELDS)}.")
        self.model, self.layer, self._name = model, layer, names[0]

    def attribute(
        self, inputs: Tensor, neuron_selector, additional_forward_args=None, attribute_to_neuron_input: bool = False
    ) -> Tensor:
        """Maps (B, 1, H, W) for one unit of each input, as Captum returns them."""
        if attribute_to_neuron_input or additional_forward_args is not None:
            raise UserError("The crop decoder attributes a convolution's output and takes no extra forward arguments.")
        require_images(self.model, inputs)
        which = picked_units(neuron_selector, len(inputs), _shape(self.model, self._name))
        maps = decode(self.model, inputs, which, self.method, layer=self._name)
        return paste(maps, which, inputs.shape[-1], self._name)[:, None]


class CropDeconvolution(_CropAttribution):
    """Drop-in for captum.attr.NeuronDeconvolution on ZeroBiasCNN's convolutions."""

    method = "deconvnet"


class CropGuidedBackprop(_CropAttribution):
    """Drop-in for captum.attr.NeuronGuidedBackprop on ZeroBiasCNN's convolutions."""

    method = "guided"


def occlusion(
    model: ZeroBiasCNN,
    images: Tensor,
    which: Units,
    *,
    layer: str = "conv3",
    patch: int | None = None,
    stride: int | None = None,
    batch: int = 16,
) -> Tensor:
    """How much the unit's activation falls when a square of the image is set to zero (grey, after the local mean).

    Maps (B, size, size) on the receptive field: at each pixel the mean fall over the squares that cover it. `patch` is
    the square's side in px (default: a quarter of the field, so 1, 3 or 8), `stride` its step (default: half of it).
    Raises a UserError unless 1 ≤ stride ≤ patch ≤ size: else no square would cover some pixels.
    """
    _check(model, images, which, "gradient", layer)
    size = field_of(layer).size
    patch = size // 4 if patch is None else patch
    stride = max(patch // 2, 1) if stride is None else stride
    if not 1 <= stride <= patch <= size:
        raise UserError(f"stride {stride}, patch {patch}: expected 1 ≤ stride ≤ patch ≤ {size}, the field of {layer}.")
    starts = sorted({*range(0, size - patch + 1, stride), size - patch})
    masks = torch.zeros(len(starts) ** 2, size, size)
    for number, (top, left) in enumerate((top, left) for top in starts for left in starts):
        masks[number, top : top + patch, left : left + patch] = 1
    with torch.no_grad():
        parts = [
            _occluded(model, images, which[start : start + batch], layer, masks)
            for start in range(0, len(which), batch)
        ]
    return torch.cat(parts) if parts else images.new_zeros(0, size, size)


def _occluded(model: ZeroBiasCNN, images: Tensor, which: Units, layer: str, masks: Tensor) -> Tensor:
    field = field_of(layer)
    crops, inside = field.crops(images[which.image], which.y, which.x)
    covered = (crops * (1 - masks[:, None, None])).flatten(0, 1)  # (M·B, 1, size, size), square by square
    times = len(masks)
    left = crop_response(model, covered, inside.repeat(times, 1, 1), which.filter.repeat(times), layer).relu()
    falls = crop_response(model, crops, inside, which.filter, layer).relu() - left.reshape(times, -1)
    shares = masks.flatten(1) / masks.sum(dim=0).flatten()
    return (falls.T @ shares).reshape(-1, field.size, field.size) * inside


def grad_cam(model: nn.Module, images: Tensor, target: Tensor | int, layer: str = "relu3") -> Tensor:
    """Grad-CAM (Selvaraju et al. 2017) for a class, from Captum: (N, H, W), rectified, bilinear to the image's size."""
    maps = LayerGradCam(model, model.get_submodule(layer)).attribute(images, target, relu_attributions=True)
    return functional.interpolate(maps, images.shape[-2:], mode="bilinear", align_corners=False)[:, 0].detach()
