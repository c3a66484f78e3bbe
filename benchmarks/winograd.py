"""The second and third convolution of a training step, forward and backward, against torch's own `conv2d`.

Both run in turn on the same random input, at 48 px in batches of 32 and at 96 px in batches of 64, and the best of a
few rounds counts. Errors are relative to float64. The last line is JSON.
"""

import json
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from fer_lib import winograd

LAYERS = ((64, 128, 2), (128, 256, 4))  # channels in and out, pixels of the picture a pixel of the map
SIZES = {48: 32, 96: 64}  # px: pictures a batch
ROUNDS = 5

Convolve = Callable[[Tensor, Tensor], Tensor]


def direct(x: Tensor, weight: Tensor) -> Tensor:
    return F.conv2d(x, weight, padding=2)


def both_ways(convolve: Convolve, x: Tensor, weight: Tensor, outer: Tensor) -> tuple[Tensor, ...]:
    """Output, and the gradients of input and weight."""
    y = convolve(x, weight)
    return y, *torch.autograd.grad(y, (x, weight), outer)


def problem(inputs: int, outputs: int, width: int, batch: int) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(batch, inputs, width, width, generator=generator).to(memory_format=torch.channels_last)
    weight = torch.randn(outputs, inputs, 5, 5, generator=generator) / (25 * inputs) ** 0.5
    outer = torch.randn(batch, width, width, outputs, generator=generator).permute(0, 3, 1, 2)
    return x.requires_grad_(), weight.requires_grad_(), outer


def seconds(*ways: Convolve, given: tuple[Tensor, Tensor, Tensor]) -> list[float]:
    """Best seconds of each way over some rounds after a warm-up."""
    best = [float("inf")] * len(ways)
    for round in range(ROUNDS + 1):
        for place, way in enumerate(ways):
            start = time.perf_counter()
            both_ways(way, *given)
            if round:
                best[place] = min(best[place], time.perf_counter() - start)
    return best


def error(way: Convolve, given: tuple[Tensor, Tensor, Tensor]) -> float:
    """Largest relative error of output and gradients."""
    x, weight, outer = (tensor.detach().double() for tensor in given)
    exact = both_ways(direct, x.requires_grad_(), weight.requires_grad_(), outer)
    pairs = zip(both_ways(way, *given), exact, strict=True)
    return max(((found - true).norm() / true.norm()).item() for found, true in pairs)


def main() -> None:
    result = {"name": "convolutions of a training step", "units": "ms", "threads": torch.get_num_threads()}
    for size, batch in SIZES.items():
        given = [problem(inputs, outputs, size // scale, batch) for inputs, outputs, scale in LAYERS]
        times = [seconds(winograd.convolve, direct, given=each) for each in given]
        ours, peer = (1e3 * sum(column) for column in zip(*times, strict=True))
        print(f"{size} px, batch {batch}: ours {ours:.0f} ms, torch {peer:.0f} ms, {peer / ours:.2f} times")
        result |= {f"ours_{size}": round(ours, 1), f"peer_{size}": round(peer, 1)}
        result |= {"ours": round(ours, 1), "peer": round(peer, 1), "ratio": round(peer / ours, 2)}
    errors = {name: max(error(way, problem(i, o, 12, 4)) for i, o, _ in LAYERS)
              for name, way in (("error", winograd.convolve), ("peer_error", direct))}  # fmt: skip
    print(json.dumps(result | {name: float(f"{value:.1e}") for name, value in errors.items()}))


if __name__ == "__main__":
    main()
