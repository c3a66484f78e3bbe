"""Checks of assignment 3: a deconvnet step by step, against Captum."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from fer_lib.checks.diagnosis import agree, fail, passed
from fer_lib.model import ZeroBiasCNN

RULES = ("deconvnet", "guided", "gradient")


def _rectified(generator: torch.Generator) -> Tensor:
    """A picture with dead (all-zero) pooling windows, where ties have to be settled."""
    channels, height, width = (int(torch.randint(2, 5, (), generator=generator)) for _ in range(3))
    x = torch.randn(channels, 2 * height, 2 * width + 2, generator=generator).relu()
    x[0, :2, :2] = 0
    return x


def _windows(x: Tensor) -> Tensor:
    channels, height, width = x.shape
    split = x.reshape(channels, height // 2, 2, width // 2, 2).permute(0, 1, 3, 2, 4)
    return split.reshape(channels, height // 2, width // 2, 4)


def pool(answer: Callable, *, seed: int = 0, cases: int = 3) -> None:
    """`answer(x (C, H, W))` → (maxima, switches), both (C, H/2, W/2); a switch is 2·row + column in its window."""
    generator = torch.Generator().manual_seed(seed)
    for _ in range(cases):
        x = _rectified(generator)
        values, places = functional.max_pool2d(x[None], 2, return_indices=True)
        row, column = places[0] // x.shape[2] % 2, places[0] % x.shape[2] % 2
        found = answer(x.clone())
        if not isinstance(found, tuple) or len(found) != 2:
            fail("pool should return two tables: the maxima and the switches.")
        agree("the maxima", found[0], values[0], {"these are means: the paper's network takes maxima.": _means(x)})
        mistakes = {
            "rows and columns are exchanged: a switch is 2·row + column.": lambda r=row, c=column: 2 * c + r,
            "in a window of equal values take the first place, as the library does.": (
                lambda x=x: 3 - _windows(x).flip(3).argmax(dim=3)
            ),
            "these are places in the whole picture; a switch is 0, 1, 2 or 3 inside its window.": (
                lambda p=places: p[0]
            ),
        }
        agree("the switches", found[1], 2 * row + column, mistakes)
    passed("pool keeps maxima and where they were", cases)


def _means(x: Tensor) -> Callable:
    return lambda: functional.avg_pool2d(x[None], 2)[0]


def unpool(answer: Callable, *, seed: int = 0, cases: int = 3) -> None:
    """`answer(signal (C, h, w), switches (C, h, w))` → (C, 2h, 2w): each value at its switch, zero elsewhere."""
    generator = torch.Generator().manual_seed(seed)
    for _ in range(cases):
        shape = [int(torch.randint(2, 6, (), generator=generator)) for _ in range(3)]
        signal, switches = (
            torch.randn(shape, generator=generator),
            torch.randint(4, shape, generator=generator),
        )
        placed = signal[..., None] * functional.one_hot(switches, 4)
        wide = signal.repeat_interleave(2, 1).repeat_interleave(2, 2)
        mistakes = {
            "every place of the window got the value; only the switch's does.": lambda w=wide: w,
            "the value is spread over the window; only the switch's place gets it.": lambda w=wide: w / 4,
            "rows and columns of the window are exchanged.": lambda p=placed: _joined(p[..., [0, 2, 1, 3]]),
            "the windows are in the wrong places: before you reshape to the picture, each window's two rows must lie "
            "beside those of its neighbours (permute).": (
                lambda p=placed, s=shape: p.reshape(s[0], 2 * s[1], 2 * s[2])
            ),
            "all values went to the window's first place: the switches are not used.": lambda s=signal: _joined(
                torch.stack([s, s * 0, s * 0, s * 0], dim=3)
            ),
        }
        agree("the un-pooled signal", answer(signal.clone(), switches.clone()), _joined(placed), mistakes)
    passed("unpool puts each value back to its place", cases)


def _joined(windows: Tensor) -> Tensor:
    channels, height, width, _ = windows.shape
    split = windows.reshape(channels, height, width, 2, 2).permute(0, 1, 3, 2, 4)
    return split.reshape(channels, 2 * height, 2 * width)


def through_relu(answer: Callable, *, seed: int = 0) -> None:
    """`answer(signal, forward, rule)`, all shapes equal: how a signal passes a ReLU backwards under each of RULES."""
    generator = torch.Generator().manual_seed(seed)
    signal, forward = torch.randn(2, 3, 6, 7, generator=generator)
    forward = forward.relu()
    by_rule = {
        "deconvnet": signal.relu(),
        "guided": signal.relu() * (forward > 0),
        "gradient": signal * (forward > 0),
        "nothing: the signal passed as it was": signal,
        "a product with the forward values; only where they are positive counts": signal * forward,
    }
    for rule in RULES:
        others = {other: value for other, value in by_rule.items() if other != rule}
        mistakes = {f"what you return is {other}.": lambda value=value: value for other, value in others.items()}
        agree(f"rule {rule!r}", answer(signal.clone(), forward.clone(), rule), by_rule[rule], mistakes)
    passed("three rules, three ways through a ReLU", len(RULES))


def transposed(answer: Callable, *, seed: int = 0, cases: int = 3) -> None:
    """`answer(signal (F, h, w), weight (F, C, 5, 5))` → (C, h, w): the convolution's transpose, padding 2."""
    generator = torch.Generator().manual_seed(seed)
    for _ in range(cases):
        filters, channels = (int(torch.randint(2, 6, (), generator=generator)) for _ in range(2))
        signal = torch.randn(filters, 7, 9, generator=generator)
        weight = torch.randn(filters, channels, 5, 5, generator=generator)
        wanted = functional.conv_transpose2d(signal[None], weight, padding=2)[0]
        mistakes = {
            "the kernels are not flipped: going back, each kernel is turned by 180°.": lambda s=signal, w=weight: (
                functional.conv2d(s[None], w.transpose(0, 1), padding=2)[0]
            ),
            "the map has grown by 4 pixels: padding 2 is missing.": lambda s=signal, w=weight: (
                functional.conv_transpose2d(s[None], w)[0]
            ),
            "the map has shrunk by 4 pixels: padding 2 is missing.": lambda s=signal, w=weight: functional.conv2d(
                s[None], w.flip(2, 3).transpose(0, 1)
            )[0],
            "only rows (or only columns) are flipped; turn the kernel in both.": lambda s=signal, w=weight: (
                functional.conv2d(s[None], w.flip(2).transpose(0, 1), padding=2)[0]
            ),
        }
        agree(f"from {filters} filters to {channels} channels", answer(signal, weight), wanted, mistakes)
    passed("transposed goes back through a convolution", cases)


def deconvnet(answer: Callable, *, seed: int = 0, cases: int = 2) -> None:
    """`answer(model, image (1, H, W), (filter, row, column))` → (H, W): Captum's deconvnet × the activation."""
    from fer_lib.interpret.decoders import decode_with_captum, units

    generator = torch.Generator().manual_seed(seed)
    model = ZeroBiasCNN(2, 16, generator=generator).eval()
    for _ in range(cases):
        image = torch.randn(1, 16, 16, generator=generator)
        top = model.activations(image[None])[0].detach()
        alive = torch.nonzero(top > 0.2 * top.max())
        unit = tuple(alive[int(torch.randint(len(alive), (), generator=generator))].tolist())
        which, value = units([0], *([place] for place in unit)), top[unit]

        def maps(rule: str, image=image, which=which) -> Tensor:
            return decode_with_captum(model, image[None], which, rule)[0]

        mistakes = {
            "it is Captum's map: start from the unit's activation, not from 1.": lambda m=maps: m("deconvnet"),
            "this is guided backpropagation; a deconvnet rectifies the signal and ignores the forward values.": (
                lambda m=maps, v=value: v * m("guided")
            ),
            "this is the plain gradient; a deconvnet rectifies the signal at every ReLU.": (
                lambda m=maps, v=value: v * m("gradient")
            ),
            "the map is rectified at the pixels; the last step is a transposed convolution.": (
                lambda m=maps, v=value: v * m("deconvnet").relu()
            ),
        }
        agree(f"the map of unit {unit}", answer(model, image.clone(), unit), value * maps("deconvnet"), mistakes)
    passed("your deconvnet is Captum's, times the activation", cases)


def specificity(answer: Callable, *, seed: int = 0, cases: int = 3) -> None:
    """`answer(maps (F, H, W))` → the mean cosine over pairs of different maps."""
    generator = torch.Generator().manual_seed(seed)
    for _ in range(cases):
        maps = torch.randn(int(torch.randint(3, 7, (), generator=generator)), 5, 6, generator=generator) + 0.4
        maps = maps * torch.linspace(0.3, 3, len(maps))[:, None, None]
        flat = maps.flatten(1)
        unit = flat / flat.norm(dim=1, keepdim=True)
        cosine, products = unit @ unit.T, flat @ flat.T
        off = ~torch.eye(len(maps), dtype=torch.bool)
        mistakes = {
            "each map was compared with itself too (cosine 1); leave the diagonal out.": lambda c=cosine: c.mean(),
            "these are products, not cosines: divide each map by its length first.": (
                lambda p=products, o=off: p[o].mean()
            ),
            "the sum over pairs was divided by all F² cells; there are F·(F − 1) pairs of different maps.": (
                lambda c=cosine, o=off: c[o].sum() / c.numel()
            ),
            "you took the mean's absolute values; keep the sign.": lambda c=cosine, o=off: c[o].abs().mean(),
        }
        agree(f"specificity of {len(maps)} maps", answer(maps.clone()), cosine[off].mean(), mistakes)
    passed("specificity: how alike the maps of different filters are", cases)
