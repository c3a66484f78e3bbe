"""Deconvnet maps of conv3 units: our crop decoder against Captum, same units, same run.

Peers: Captum's NeuronDeconvolution with one selector for the whole batch (the fair peer), and called unit by unit (the
plain way). All on one thread, so that other work on the machine weighs on both alike. The last line is JSON.
"""

import json
import time
from collections.abc import Callable

import torch

from fer_lib.interpret.decoders import decode, decode_with_captum, paste, units
from fer_lib.model import ZeroBiasCNN

MAPS, SINGLE, ROUNDS = 64, 8, 3


def seconds(job: Callable[[], object]) -> float:
    """Best of a few rounds after a warm-up: other work on the machine only ever adds."""
    job()
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        job()
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)
    model = ZeroBiasCNN(generator=generator, gain=1.0).eval()
    images = torch.randn(16, 1, 96, 96, generator=generator)
    which = units(*(torch.randint(size, (MAPS,), generator=generator) for size in (16, 256, 24, 24)))

    ours = 1e3 * seconds(lambda: decode(model, images, which)) / MAPS
    batched = 1e3 * seconds(lambda: decode_with_captum(model, images, which)) / MAPS
    one_by_one = [which[number : number + 1] for number in range(SINGLE)]
    loop = 1e3 * seconds(lambda: [decode_with_captum(model, images, unit) for unit in one_by_one]) / SINGLE
    theirs = decode_with_captum(model, images, which)
    error = float((paste(decode(model, images, which), which, 96) - theirs).norm() / theirs.norm())

    print(f"crop decoder {ours:.2f} ms a map, Captum batched {batched:.1f} ms, Captum one by one {loop:.1f} ms")
    print(f"relative difference of the maps {error:.1e}")
    result = {"name": "deconvnet map", "ours": ours, "peer": batched, "ratio": batched / ours, "units": "ms a map"}
    print(
        json.dumps(result | {"peer_name": "Captum NeuronDeconvolution, batched selector", "loop": loop, "error": error})
    )


if __name__ == "__main__":
    main()
