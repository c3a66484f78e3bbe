import captum.attr
import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from fer_lib.errors import UserError
from fer_lib.interpret import decoders
from fer_lib.interpret.crop_decoder import AUTHORS, METHODS, Conventions, decode_crops
from fer_lib.interpret.decoders import decode, decode_with_captum, paste, units
from fer_lib.model import ZeroBiasCNN
from fer_lib.preprocess import prepare


def error(ours, theirs):
    ours, theirs = ours.detach(), theirs.detach()
    return float((ours - theirs).norm() / theirs.norm().clamp_min(1e-30))


def border_and_inner(layer, images=6):
    """Units in all corners, on edges and inside, of different filters and images."""
    last = {"conv1": 95, "conv2": 47, "conv3": 23}[layer]
    places = [0, 2, last // 2, last]
    triples = [(i % images, (17 * i) % 64, y, x) for i, (y, x) in enumerate((y, x) for y in places for x in places)]
    return units(*zip(*triples, strict=True))


@pytest.mark.parametrize("layer", ["conv1", "conv2", "conv3"])
@pytest.mark.parametrize("method", METHODS)
def test_the_crop_decoder_is_captum(network, pictures, layer, method):
    """Checks 1 and 2: the same maps as Captum on the whole image, border units and dead windows included."""
    x, which = prepare(pictures), border_and_inner(layer)
    theirs = decode_with_captum(network, x, which, method, layer=layer)
    assert error(paste(decode(network, x, which, method, layer=layer), which, 96, layer), theirs) < 1e-6
    activation = network.activations(x, layer)[which.image, which.filter, which.y, which.x]
    scaled = decode(network, x, which, method, layer=layer, conventions=Conventions("activation"))
    assert error(paste(scaled, which, 96, layer), theirs * activation[:, None, None]) < 1e-6
    assert activation.min() == 0 < activation.max()  # silent units are among them


def test_networks_with_biases_and_other_sizes_too(small_network, pictures):
    x = functional.avg_pool2d(prepare(pictures), 2)
    which = units([0, 1, 2, 3], [0, 100, 200, 255], [0, 11, 5, 6], [0, 0, 11, 4])
    for method in METHODS:
        theirs = decode_with_captum(small_network, x, which, method)
        assert error(paste(decode(small_network, x, which, method), which, 48), theirs) < 1e-6


@pytest.mark.filterwarnings("ignore:Setting backward hooks")
@pytest.mark.parametrize("name", ["Deconvolution", "GuidedBackprop"])
def test_drop_in_for_captums_classes(network, pictures, name):
    theirs = getattr(captum.attr, f"Neuron{name}")(network, network.conv3)
    ours = getattr(decoders, f"Crop{name}")(network, network.conv3)
    f, y, x = torch.tensor([3, 99, 255]), torch.tensor([0, 12, 23]), torch.tensor([7, 7, 22])
    for selector in (
        (40, 3, 20),
        (np.int64(40), -1, np.int32(20)),
        lambda a: a[torch.arange(3), f, y, x],
        lambda a: a[:, 9, 2, 3],
    ):
        images = prepare(pictures[:3]).requires_grad_()
        assert error(ours.attribute(images, selector), theirs.attribute(images, selector)) < 1e-6


def test_selectors_that_do_more_than_pick_are_refused(network, pictures):
    ours = decoders.CropDeconvolution(network, network.conv3)
    selectors = (
        5,
        (1, 2),
        (slice(0, 3), 2, 2),
        lambda a: a[:, 3].amax(dim=(1, 2)),
        lambda a: 2 * a[:, 0, 0, 0],
        lambda a: a[:, 0, 0, 0] + a[:, 0, 0, 1],
        lambda a: a[0, :2, 3, 3],
        lambda a: a[:, 0, 0, :2],
    )
    for selector in selectors:
        with pytest.raises(UserError, match="neuron_selector"):
            ours.attribute(prepare(pictures[:2]), selector)
    for selector in ((300, 2, 2), (0, 24, 0), (0, 0, -25)):
        with pytest.raises(UserError, match=r"out of range: the layer has 256 filters of 24 × 24 units"):
            ours.attribute(prepare(pictures[:2]), selector)
    with pytest.raises(UserError, match="no extra forward arguments"):
        ours.attribute(prepare(pictures[:2]), (1, 1, 1), attribute_to_neuron_input=True)


class FunctionalReLU(ZeroBiasCNN):
    def forward(self, x):
        x = self.pool1(functional.relu(self.conv1(x)))
        x = self.pool2(functional.relu(self.conv2(x)))
        return self.pool3(functional.relu(self.conv3(x)))


def test_other_architectures_are_refused_with_the_reason(network, pictures):
    x, which = prepare(pictures), units([0], [3], [4], [5])
    functional_net = FunctionalReLU(generator=torch.Generator().manual_seed(5), gain=1.0)
    # the trap: Captum gives the plain gradient for it and says nothing
    trapped = decode_with_captum(functional_net, x, which, "deconvnet")
    assert error(trapped, decode_with_captum(functional_net, x, which, "gradient")) == 0
    assert error(trapped, decode_with_captum(network, x, which, "deconvnet")) > 0.1
    for model in (functional_net, nn.Sequential(nn.Conv2d(1, 4, 5))):
        with pytest.raises(UserError, match="functional ReLU"):
            decode(model, x, which)
    for name, module, message in (
        ("conv2", nn.Conv2d(64, 128, 5, padding=2, stride=2), "conv2 is Conv2d"),
        ("relu1", nn.GELU(), "relu1 is GELU"),
        ("pool2", nn.AvgPool2d(2), "Found AvgPool2d"),
    ):
        changed = ZeroBiasCNN()
        setattr(changed, name, module)
        with pytest.raises(UserError, match=message):
            decode(changed, x, which)
    with pytest.raises(UserError, match="none of this network's"):
        decoders.CropDeconvolution(network, network.relu3)


def test_bad_units_methods_and_conventions_are_named(network, pictures):
    x = prepare(pictures)
    for which, message in (
        (units([6], [0], [0], [0]), "image 6…6 out of range 0…5"),
        (units([0], [256], [0], [0]), "filter 256…256 out of range 0…255"),
        (units([0, 0], [0, 0], [0, 24], [0, 0]), "y 0…24 out of range 0…23"),
        (units([0], [0], [0], [-1]), "x -1…-1"),
    ):
        with pytest.raises(UserError, match=message):
            decode(network, x, which)
        with pytest.raises(UserError, match=message):
            decode_with_captum(network, x, which)
    for decoder in (decode, decode_with_captum):
        with pytest.raises(UserError, match="Unknown decoder 'smoothgrad'; expected one of deconvnet, guided"):
            decoder(network, x, units([0], [0], [0], [0]), "smoothgrad")
    with pytest.raises(UserError, match="no receptive field"):
        decode(network, x, units([0], [0], [0], [0]), layer="fc4")
    with pytest.raises(UserError, match="ties 'first' or 'all'"):
        Conventions(ties="last")
    with pytest.raises(UserError, match="equally long"):
        units([0, 1], [0], [0], [0])
    assert decode(network, x, units([], [], [], [])).shape == (0, 32, 32)


@pytest.mark.parametrize("shape", [(2, 1, 90, 90), (2, 1, 40, 96), (2, 3, 96, 96), (1, 96, 96)])
def test_images_that_the_network_refuses_are_refused(network, shape):
    x, which = torch.zeros(shape), units([0], [3], [20], [5])
    drop_in = decoders.CropGuidedBackprop(network, network.conv3)
    for refused in (
        lambda: network(x),
        lambda: decode(network, x, which),
        lambda: decoders.occlusion(network, x, which),
        lambda: drop_in.attribute(x, (3, 20, 5)),
    ):
        with pytest.raises(UserError, match=r"do not fit the network; expected \(., 1, 96, 96\)"):
            refused()


def test_the_authors_conventions_by_hand(network, pictures):
    """Ties to all maxima, rectified at the end, guided masked at the pixels: against a whole-image computation."""
    x, which = prepare(pictures), border_and_inner("conv3")
    for method in ("deconvnet", "guided"):
        ours = paste(decode(network, x, which, method, conventions=AUTHORS), which, 96)
        theirs = torch.stack([whole_image_authors(network, x, which[i : i + 1], method) for i in range(len(which))])
        assert error(ours, theirs) < 1e-6
    default = decode(network, x, which, "deconvnet", conventions=Conventions("activation"))
    tied = decode(network, x, which, "deconvnet", conventions=Conventions("activation", "all"))
    assert error(tied, default) > 0.01  # dead windows send their signal to four pixels instead of one
    guided = [
        decode(network, x, which, "guided", conventions=Conventions("activation", ties)) for ties in ("all", "first")
    ]
    assert error(*guided) < 1e-6  # a dead window passes nothing in guided backpropagation


def whole_image_authors(model, x, unit, method):
    image = x[unit.image]
    first = model.conv1(image).relu()
    pooled1 = model.pool1(first)
    second = model.conv2(pooled1).relu()
    pooled2 = model.pool2(second)
    third = model.conv3(pooled2).relu()
    signal = torch.zeros_like(third)
    signal[0, unit.filter, unit.y, unit.x] = third[0, unit.filter, unit.y, unit.x]
    for below, pooled, conv in ((second, pooled2, model.conv3), (first, pooled1, model.conv2)):
        signal = functional.conv_transpose2d(signal, conv.weight, padding=2).relu()
        maxima = functional.interpolate(pooled, scale_factor=2) == below
        signal = functional.interpolate(signal, scale_factor=2) * maxima
        signal = signal * (below > 0) if method == "guided" else signal
    pixels = functional.conv_transpose2d(signal, model.conv1.weight, padding=2).relu()
    return (pixels * (image > 0) if method == "guided" else pixels)[0, 0].detach()


def test_zero_bias_maps_are_complete(network, pictures):
    """Check 3: Σ gradient × input is the activation itself."""
    x, which = prepare(pictures), border_and_inner("conv3")
    maps, activation = decode_crops(network, x, which, "gradient_x_input", "conv3", Conventions())
    active = activation > 1e-3
    torch.testing.assert_close(maps.sum(dim=(1, 2))[active], activation[active], rtol=1e-4, atol=1e-6)
    assert active.sum() >= 5


def test_occlusion_is_the_fall_of_the_activation(network, pictures):
    x, which = prepare(pictures), units([0, 3, 5], [7, 8, 9], [12, 0, 23], [12, 23, 1])
    maps = decoders.occlusion(network, x, which, patch=16, stride=8)
    for number in range(3):
        i, f, y, c = (int(getattr(which, name)[number]) for name in ("image", "filter", "y", "x"))
        base = network.activations(x[i : i + 1])[0, f, y, c]
        fall, cover = torch.zeros(96 + 64, 96 + 64), torch.zeros(96 + 64, 96 + 64)
        for top in (0, 8, 16):
            for left in (0, 8, 16):
                square = torch.zeros(96 + 64, 96 + 64)
                r, s = 4 * y - 14 + top + 32, 4 * c - 14 + left + 32
                square[r : r + 16, s : s + 16] = 1
                hidden = x[i : i + 1] * (1 - square[32:-32, 32:-32])
                fall += square * (base - network.activations(hidden)[0, f, y, c])
                cover += square
        expected = (fall / cover.clamp_min(1))[32:-32, 32:-32]
        torch.testing.assert_close(paste(maps, which, 96)[number], expected, rtol=1e-4, atol=1e-6)
    assert maps.abs().max() > 0


@pytest.mark.parametrize("layer", ["conv1", "conv2", "conv3"])
def test_occlusion_covers_every_pixel_or_says_why_not(network, pictures, layer):
    x, which = prepare(pictures), units([0], [7], [12], [12])
    size = decoders.field_of(layer).size
    assert decoders.occlusion(network, x, which, layer=layer).isfinite().all()
    assert decoders.occlusion(network, x, which, layer=layer, patch=size, stride=size).isfinite().all()
    for patch, stride in ((4, 5), (size + 1, 1), (4, 0), (0, 0), (4, -1)):
        with pytest.raises(UserError, match=f"stride {stride}, patch {patch}: expected 1 ≤ stride ≤ patch ≤ {size}"):
            decoders.occlusion(network, x, which, layer=layer, patch=patch, stride=stride)


def test_grad_cam_is_the_textbook_formula(network, pictures):
    x = prepare(pictures)
    ours = decoders.grad_cam(network, x, 3)
    features = network.activations(x).requires_grad_()
    logit = network.output(network.relu4(network.fc4(network.pool3(features).flatten(1))))[:, 3].sum()
    (slope,) = torch.autograd.grad(logit, features)
    expected = (slope.mean(dim=(2, 3), keepdim=True) * features).sum(dim=1, keepdim=True).relu()
    expected = functional.interpolate(expected, (96, 96), mode="bilinear", align_corners=False)[:, 0]
    torch.testing.assert_close(ours, expected.detach(), rtol=1e-4, atol=1e-7)
    assert ours.max() > 0
