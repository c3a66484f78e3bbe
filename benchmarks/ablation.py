"""All 256 single-filter ablations of 256 images: from one cached pass against running the network again.

Ours counts the forward pass that fills the cache. Peers: a forward hook that zeroes the filter, timed on a few filters
and scaled to 256 (the plain way), and running only fc4 and output again (the floor). The last line is JSON.
"""

import json
import time
from collections.abc import Callable
from typing import Any

import torch

from fer_lib.interpret.ablation import ablate_each
from fer_lib.interpret.activations import scan
from fer_lib.model import ZeroBiasCNN

IMAGES, FILTERS, TIMED, BATCH = 256, 256, 2, 64


def timed(job: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    value = job()
    return time.perf_counter() - start, value


@torch.no_grad()
def rerun(model: ZeroBiasCNN, images: torch.Tensor, filters: list[int]) -> torch.Tensor:
    """Logits (F, N, classes) by running everything again for each filter."""
    out = []
    for f in filters:

        def silence(module, inputs, output, f=f):
            return output.index_fill(1, torch.tensor([f]), 0.0)

        handle = model.conv3.register_forward_hook(silence)
        try:
            out.append(torch.cat([model(part) for part in images.split(BATCH)]))
        finally:
            handle.remove()
    return torch.stack(out)


@torch.no_grad()
def rerun_head(model: ZeroBiasCNN, pool3: torch.Tensor) -> torch.Tensor:
    h = pool3.reshape(len(pool3), FILTERS, 4)
    kept = (h.index_fill(1, torch.tensor([f]), 0.0).flatten(1) for f in range(FILTERS))
    return torch.stack([model.output(model.relu4(model.fc4(part))) for part in kept])


def main() -> None:
    generator = torch.Generator().manual_seed(0)
    model = ZeroBiasCNN(generator=generator, gain=1.0).eval()
    images = torch.randn(IMAGES, 1, 96, 96, generator=generator)
    ablate_each(model, torch.rand(IMAGES, 1024, generator=generator))  # warm-up

    forward, cache = timed(lambda: scan(model, images, lambda batch: batch, layers=[], batch=BATCH))
    ablation, ours = min((timed(lambda: ablate_each(model, cache.pool3)) for _ in range(3)), key=lambda pair: pair[0])
    plain, theirs = timed(lambda: rerun(model, images, list(range(TIMED))))
    plain *= FILTERS / TIMED
    head, again = timed(lambda: rerun_head(model, torch.from_numpy(cache.pool3)))

    error = max(float((ours[:TIMED] - theirs).abs().max()), float((ours - again).abs().max()))
    print(f"one pass {forward:.2f} s, 256 ablations from it {ablation:.2f} s, running the head again {head:.2f} s")
    print(
        f"running everything again {plain:.0f} s ({TIMED} filters timed, scaled to {FILTERS}); difference {error:.0e}"
    )
    total = forward + ablation
    result = {"name": "256 single-filter ablations, 256 images", "ours": total, "peer": plain, "ratio": plain / total}
    result |= {"units": "s", "peer_name": "hooked re-run, scaled", "ablations_alone": ablation, "head_again": head}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
