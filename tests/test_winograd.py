"""Winograd's convolution is the convolution, forward and backward, and leaves the network as it was."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from fer_lib import winograd
from fer_lib.model import ZeroBiasCNN


def gradients(convolve, x, weight, outer):
    x, weight = x.clone().requires_grad_(), weight.clone().requires_grad_()
    y = convolve(x, weight)
    return y.detach(), *torch.autograd.grad(y, (x, weight), outer)


SHAPES = [(3, 5, 7, 12, 12), (1, 2, 1, 5, 5), (5, 3, 4, 10, 7), (2, 2, 3, 1, 9), (40, 2, 2, 24, 24)]


@pytest.mark.parametrize("shape", SHAPES)
def test_same_as_the_direct_sum(shape):
    batch, channels, filters, height, width = shape
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(batch, channels, height, width, generator=generator).to(memory_format=torch.channels_last)
    weight = torch.randn(filters, channels, 5, 5, generator=generator)
    outer = torch.randn(batch, filters, height, width, generator=generator)
    found = gradients(winograd.convolve, x, weight, outer)
    exact = gradients(lambda a, b: F.conv2d(a, b, padding=2), x.double(), weight.double(), outer.double())
    for ours, reference in zip(found, exact, strict=True):
        assert ours.shape == reference.shape
        assert (ours - reference).norm() <= 1e-5 * reference.norm()


def test_transforms_by_hand():
    """A tile of one dimension: 8 inputs and 5 taps give the 4 sums of products."""
    outputs, of_filter, of_inputs = (matrix.double() for matrix in winograd.transforms())
    inputs, taps = torch.arange(8.0).double() ** 2, torch.tensor([1.0, -2, 0.5, 3, -1]).double()
    found = outputs.T @ ((of_filter @ taps) * (of_inputs @ inputs))
    expected = torch.stack([(inputs[i : i + 5] * taps).sum() for i in range(4)])
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def test_gradient_by_differences():
    x = torch.rand(1, 2, 6, 6, dtype=torch.float32)
    weight, bump = torch.randn(2, 2, 5, 5), torch.randn(2, 2, 5, 5)
    outer = torch.randn(1, 2, 6, 6)
    _, _, found = gradients(winograd.convolve, x, weight, outer)
    change = (winograd.convolve(x, weight + bump) - winograd.convolve(x, weight - bump)).mul(outer).sum() / 2
    torch.testing.assert_close((found * bump).sum(), change, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("zero_bias", [True, False])
def test_network_is_left_as_it_was(zero_bias):
    model = ZeroBiasCNN(8, 48, zero_bias).eval()
    for layer in (model.conv2, model.conv3) if not zero_bias else ():
        nn.init.normal_(layer.bias)
    x = torch.rand(3, 1, 48, 48)
    before = model(x)
    with pytest.raises(RuntimeError, match="stop"), winograd.convolutions_of(model):
        within = model(x)
        raise RuntimeError("stop")
    assert not torch.equal(within, before)  # another way to round, so the fast one did run
    torch.testing.assert_close(within, before, rtol=1e-4, atol=1e-5)
    assert torch.equal(model(x), before)


def test_other_layers_are_not_touched():
    layers = nn.Sequential(
        nn.Conv2d(1, 2, 5, padding=2), nn.Conv2d(2, 2, 3, padding=1), nn.Conv2d(2, 2, 5, padding=2, stride=2),
        nn.Conv2d(2, 2, 5, padding=2, groups=2), nn.Conv2d(2, 2, 5, padding=2, padding_mode="reflect"),
    )  # fmt: skip
    with winograd.convolutions_of(layers):
        assert all("forward" not in vars(layer) for layer in layers)
