"""Checks of assignment 1: the zero-bias network and its homogeneity."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from fer_lib.checks.diagnosis import agree, fail, passed
from fer_lib.model import ZeroBiasCNN

STACK = ("conv1", "relu1", "pool1", "conv2", "relu2", "pool2", "conv3", "relu3")
WIDTHS = {"conv1": (1, 64), "conv2": (64, 128), "conv3": (128, 256)}


def convolve(answer: Callable, *, seed: int = 0, cases: int = 3) -> None:
    """`answer(image (H, W), kernel (5, 5))` → (H, W): what nn.Conv2d computes, with zero padding 2."""
    generator = torch.Generator().manual_seed(seed)
    for _ in range(cases):
        height, width = torch.randint(6, 13, (2,), generator=generator).tolist()
        image = torch.randn(height, width, generator=generator)
        kernel = torch.randn(5, 5, generator=generator)
        mistakes = {
            "your kernel is flipped. A network slides the kernel as it is (cross-correlation); the convolution of "
            "mathematics flips it.": lambda i=image, k=kernel: _slide(i, k.flip(0, 1)),
            "rows and columns of your kernel are exchanged: kernel[row, column] meets padded[row …, column …].": (
                lambda i=image, k=kernel: _slide(i, k.T)
            ),
            "the picture has shrunk by 4 pixels: pad it with 2 zeros on each side before you slide.": (
                lambda i=image, k=kernel: _slide(i, k, padding=0)
            ),
            "you padded with copies of the border; the paper's network pads with zeros.": (
                lambda i=image, k=kernel: _slide(_replicated(i), k, padding=0)
            ),
        }
        agree(f"convolve on a picture of {height}×{width}", answer(image, kernel), _slide(image, kernel), mistakes)
    passed("convolve slides the kernel as the network does", cases)


def _slide(image: Tensor, kernel: Tensor, padding: int = 2) -> Tensor:
    return functional.conv2d(image[None, None], kernel[None, None], padding=padding)[0, 0]


def _replicated(image: Tensor) -> Tensor:
    return functional.pad(image[None, None], (2, 2, 2, 2), mode="replicate")[0, 0]


def stack(answer: type[nn.Module], *, seed: int = 0) -> None:
    """`answer()` is the paper's convolution stack: the layers of STACK as modules, forward → (B, 256, H/4, W/4)."""
    model = answer()
    _right_layers(model)
    _modules_called(model)
    generator = torch.Generator().manual_seed(seed)
    reference = ZeroBiasCNN(2, 16, generator=generator)
    own = {name: value for name, value in reference.state_dict().items() if name.split(".")[0] in WIDTHS}
    model.load_state_dict(own)
    images = torch.randn(2, 1, 16, 16, generator=generator)
    mistakes = {
        "the last ReLU is missing: activations of conv3 are meant after relu3.": lambda: reference.conv3(
            reference.activations(images, "pool2")
        ),
        "a ReLU comes before its convolution; the order is convolution, ReLU, pooling.": lambda: _relu_first(
            reference, images
        ),
    }
    with torch.no_grad():
        agree("the stack's output", model(images), reference.activations(images), mistakes)
    passed("the stack is the paper's, without a bias", 1)


def _right_layers(model: nn.Module) -> None:
    for name, (inputs, filters) in WIDTHS.items():
        layer = getattr(model, name, None)
        if not isinstance(layer, nn.Conv2d):
            fail(f"{name} should be an nn.Conv2d; found {layer}.")
        if layer.bias is not None:
            fail(f"{name} has a bias. Zero-bias means: nn.Conv2d(…, bias=False).")
        if (layer.in_channels, layer.out_channels) != (inputs, filters):
            fail(f"{name} turns {layer.in_channels} channels into {layer.out_channels}; expected {inputs} → {filters}.")
        if layer.kernel_size != (5, 5) or layer.padding != (2, 2) or layer.stride != (1, 1):
            fail(f"{name} is {layer}; expected a 5×5 kernel with padding 2, which keeps the size, and stride 1.")
    for name in ("relu1", "relu2", "relu3"):
        if not isinstance(getattr(model, name, None), nn.ReLU):
            fail(f"{name} should be an nn.ReLU() of its own; found {getattr(model, name, None)}.")
    for name in ("pool1", "pool2"):
        layer = getattr(model, name, None)
        if not isinstance(layer, nn.MaxPool2d) or layer.kernel_size not in (2, (2, 2)):
            fail(f"{name} should be nn.MaxPool2d(2); found {layer}.")
    if len({id(getattr(model, name)) for name in ("relu1", "relu2", "relu3")}) < 3:
        fail("one nn.ReLU() serves several layers; Captum's decoders need one module a layer.")


def _modules_called(model: nn.Module) -> None:
    """Every layer runs once: through a functional ReLU captum's decoders silently return the plain gradient."""
    calls: list[str] = []
    hooks = [getattr(model, name).register_forward_hook(lambda *_, name=name: calls.append(name)) for name in STACK]
    try:
        with torch.no_grad():
            model(torch.zeros(1, 1, 8, 8))
    finally:
        for hook in hooks:
            hook.remove()
    for name in STACK:
        if calls.count(name) != 1:
            fail(
                f"{name} is called {calls.count(name)} times in forward; expected once. (A functional ReLU instead of "
                "the module makes Captum return the plain gradient, silently.)"
            )


def _relu_first(model: ZeroBiasCNN, images: Tensor) -> Tensor:
    for level in (1, 2, 3):
        images = getattr(model, f"conv{level}")(images.relu())
        images = getattr(model, f"pool{level}")(images) if level < 3 else images
    return images


def initialise(answer: Callable, *, seed: int = 0) -> None:
    """`answer(layer, gain, generator)` fills layer.weight (O, I, k, k) from N(0, gain / √fan-in), in place."""
    shapes = ((8, 32, 5), (24, 12, 5), (16, 40, 3))
    for number, (inputs, outputs, size) in enumerate(shapes):
        layer, again = (nn.Conv2d(inputs, outputs, size, bias=False) for _ in range(2))
        gain = 0.4 + 0.35 * number
        before = torch.random.get_rng_state()
        for each in (layer, again):
            answer(each, gain, torch.Generator().manual_seed(seed + number))
        if not torch.equal(before, torch.random.get_rng_state()):
            fail("initialise drew from torch's global generator; pass generator=generator to normal_.")
        if not torch.equal(layer.weight, again.weight):
            fail("initialise gives other weights for the same generator seed: does it fill layer.weight at all?")
        _right_spread(layer.weight.detach(), inputs, outputs, size, gain)
    passed("initialise draws with the spread of the paper", len(shapes))


def _right_spread(weight: Tensor, inputs: int, outputs: int, size: int, gain: float) -> None:
    fan_in, found = inputs * size * size, float(weight.std())
    wanted = gain / fan_in**0.5
    where = f"a {size}×{size} convolution from {inputs} to {outputs} channels"
    if abs(float(weight.mean())) > 0.1 * wanted:
        fail(f"weights of {where} have mean {float(weight.mean()):.4f}; expected 0.")
    wrong = {
        "you gave normal_ the variance; it wants the standard deviation, gain / √fan-in": gain**2 / fan_in,
        "you divided by fan-in, not by its square root": gain / fan_in,
        "you used the fan-out (output channels); count what one output unit adds up": gain / (outputs * size**2) ** 0.5,
        "you counted the input channels but not the kernel's 5×5 places": gain / inputs**0.5,
        "you forgot the gain": fan_in**-0.5,
    }
    if abs(found / wanted - 1) <= 0.04:
        return
    for sentence, spread in wrong.items():
        if abs(found / spread - 1) <= 0.04:
            fail(f"weights of {where} spread by {found:.4f}; expected {wanted:.4f}: {sentence}.")
    fail(f"weights of {where} spread by {found:.4f}; expected {wanted:.4f} = gain / √{fan_in}.")


def homogeneity_gap(answer: Callable, *, seed: int = 0) -> None:
    """`answer(network, x, c)` → max |a(c·x) − c·a(x)| / max |c·a(x)|, with and without biases in the network."""
    generator = torch.Generator().manual_seed(seed)
    for zero_bias, c in ((True, 3.0), (False, 0.5), (False, 4.0)):
        network = _small(zero_bias, generator)
        x = torch.randn(2, 1, 12, 12, generator=generator)
        with torch.no_grad():
            scaled, times = network(c * x), c * network(x)
            plain = network(x)
        gap = (scaled - times).abs().max()
        mistakes = {
            "the gap is not relative: divide by the largest |c·a(x)|.": lambda g=gap: g,
            "you compared a(c·x) with a(x); the claim is about c·a(x).": (
                lambda s=scaled, p=plain, t=times: (s - p).abs().max() / t.abs().max()
            ),
            "you took means; one unit that breaks the law is enough, so take the largest gap.": (
                lambda s=scaled, t=times: (s - t).abs().mean() / t.abs().mean()
            ),
            "you divided by a(x); the gap is relative to c·a(x).": lambda g=gap, p=plain: g / p.abs().max(),
        }
        kind = "no bias" if zero_bias else "biases"
        agree(f"the gap of a network with {kind}, c = {c}", answer(network, x, c), gap / times.abs().max(), mistakes)
    passed("homogeneity_gap sees a bias and its absence", 3)


def _small(zero_bias: bool, generator: torch.Generator) -> nn.Module:
    first, second = (nn.Conv2d(i, o, 3, padding=1, bias=not zero_bias) for i, o in ((1, 4), (4, 3)))
    for parameter in (*first.parameters(), *second.parameters()):
        nn.init.normal_(parameter, std=0.5, generator=generator)
    return nn.Sequential(first, nn.ReLU(), nn.MaxPool2d(2), second, nn.ReLU())


def euler(answer: Callable, *, seed: int = 0) -> None:
    """`answer(network, x, unit)` → (a, ⟨∇a, x⟩) of unit (filter, row, column) of network(x)[0]; x is (1, 1, H, W)."""
    generator = torch.Generator().manual_seed(seed)
    for zero_bias in (True, False):
        network = _small(zero_bias, generator)
        x = torch.randn(1, 1, 12, 12, generator=generator)
        filters, rows, columns = torch.nonzero(network(x)[0].detach(), as_tuple=True)
        pick = int(torch.randint(len(filters), (1,), generator=generator))
        unit = (int(filters[pick]), int(rows[pick]), int(columns[pick]))
        leaf = x.clone().requires_grad_()
        activation = network(leaf)[0][unit]
        (gradient,) = torch.autograd.grad(activation, leaf)
        wanted = [activation.item(), (gradient * x).sum().item()]
        mistakes = {
            "the second number sums the gradient; multiply it with x first.": lambda a=wanted[0], g=gradient: (
                [a, g.sum().item()]
            ),
            "the second number is the gradient's length; it should be the inner product with x.": (
                lambda a=wanted[0], g=gradient: [a, g.norm().item()]
            ),
            "you took the gradient of all units together; pick one unit.": (
                lambda a=wanted[0], n=network, x=x: [a, (_gradient_of_all(n, x) * x).sum().item()]
            ),
        }
        found = answer(network, x.clone(), unit)
        if not isinstance(found, tuple) or len(found) != 2:
            fail("euler should return two numbers: the activation and the inner product.")
        found = [_number(value, name) for value, name in zip(found, ("activation", "inner product"), strict=True)]
        agree("(activation, inner product)", found, wanted, mistakes)
    passed("the inner product of gradient and picture, with and without biases", 2)


def _number(value: object, name: str) -> float:
    try:
        return float(value.detach() if isinstance(value, Tensor) else value)
    except (TypeError, ValueError, RuntimeError):
        fail(f"the {name} is {value!r}; expected one number.")


def _gradient_of_all(network: nn.Module, x: Tensor) -> Tensor:
    leaf = x.clone().requires_grad_()
    return torch.autograd.grad(network(leaf).sum(), leaf)[0]
