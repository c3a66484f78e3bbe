"""One training step (AD, 96 px, batch 64) with augmentation and normalisation, against a plain PyTorch port.

Peer: float32, contiguous, each picture augmented and normalised on its own in a Python loop with the same operations.
Both run in turn, in one process, and the best of a few rounds counts: other work on the machine only ever adds. With
a CUDA device the step is timed there too, against the device's own matrix product. The last line is JSON.
"""

import json
import time
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F

from fer_lib.data.dataset import FaceDataset, unknown_aus
from fer_lib.preprocess import Augmentation, local_normalise
from fer_lib.training import TrainConfig
from fer_lib.training.config import resolve_precision
from fer_lib.training.loop import Loop

SIZE, BATCH, ROUNDS, PAPER_STEPS = 96, 64, 4, 31_000
# multiply-adds of one picture's forward pass: three convolutions and two dense layers
MULTIPLY_ADDS = 25 * (96**2 * 64 + 48**2 * 64 * 128 + 24**2 * 128 * 256) + 1024 * 300 + 300 * 8


def noise_faces(count: int = 256) -> FaceDataset:
    rng = np.random.default_rng(0)
    return FaceDataset(
        "noise", rng.integers(0, 256, (count, 1, SIZE, SIZE), dtype=np.uint8), np.arange(count) % 8,
        tuple("abcdefgh"), np.full(count, ""), np.full(count, ""), np.zeros(count), folds=np.ones((count, 1)),
        **unknown_aus(count),
    )  # fmt: skip


def plain_step(faces: FaceDataset, config: TrainConfig) -> Callable[[], float]:
    """The port: what one writes first."""
    model, generator = config.model(8).train(), config.generator("batches")
    optimizer = torch.optim.SGD(model.parameters(), config.learning_rate, 0.9, weight_decay=1e-5)
    images, emotion, augment = torch.tensor(faces.images), torch.tensor(faces.emotion).long(), Augmentation()

    def step() -> float:
        chosen = torch.randint(len(images), (BATCH,), generator=generator)
        pictures = [augment(images[i : i + 1].float() / 255, generator) for i in chosen]
        x = torch.cat([local_normalise(2 * picture, False) for picture in pictures])
        loss = F.cross_entropy(model(x), emotion[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def our_loop(faces: FaceDataset, config: TrainConfig, device: str, compile: bool = False) -> Loop:
    place = torch.device(device)
    return Loop(faces, config, place, resolve_precision("auto", place), compile)


def in_turn(*jobs: Callable[[], object]) -> list[float]:
    """Best seconds of each job over some rounds after a warm-up."""
    best = [float("inf")] * len(jobs)
    for round in range(ROUNDS + 1):
        for place, job in enumerate(jobs):
            start = time.perf_counter()
            job()
            if round:
                best[place] = min(best[place], time.perf_counter() - start)
    return best


def on_cuda(faces: FaceDataset, config: TrainConfig, steps: int = 100) -> dict[str, float]:
    """On the GPU, plain and compiled: images/s, share of a measured bfloat16 matrix product, the paper's minutes."""
    a = torch.randn(8192, 8192, device="cuda", dtype=torch.bfloat16)
    peak = 2 * 8192**3 * 10 / _cuda_seconds(lambda: [a @ a for _ in range(10)])
    found = {}
    for name, compiled in (("cuda", False), ("cuda_compiled", True)):
        loop = our_loop(faces, config, "cuda", compiled)
        seconds = _cuda_seconds(lambda loop=loop: [loop.step() for _ in range(steps)]) / steps
        found[f"{name}_images_per_second"] = BATCH / seconds
        found[f"{name}_share_of_peak"] = 6 * MULTIPLY_ADDS * BATCH / seconds / peak
        found[f"{name}_paper_minutes"] = PAPER_STEPS * seconds / 60
    return found


def _cuda_seconds(job: Callable[[], object]) -> float:
    for _ in range(2):
        torch.cuda.synchronize()
        start = time.perf_counter()
        job()
        torch.cuda.synchronize()
    return time.perf_counter() - start


def main() -> None:
    faces, config = noise_faces(), TrainConfig(size=SIZE, batch_size=BATCH)
    loop = our_loop(faces, config, "cpu")

    def our_step() -> float:
        with loop.convolutions():
            return loop.step()[0].item()

    ours, peer, loading = in_turn(our_step, plain_step(faces, config), loop.batch)
    result = {"name": "training step, 96 px, batch 64, AD", "ours": BATCH / ours, "peer": BATCH / peer}
    result |= {"ratio": peer / ours, "units": "images/s", "loading_share": loading / ours}
    result |= {"precision": resolve_precision("auto", torch.device("cpu")), "threads": torch.get_num_threads()}
    if torch.cuda.is_available():
        result |= on_cuda(faces, config)
    print(f"ours {BATCH / ours:.1f} images/s, plain port {BATCH / peer:.1f}: {peer / ours:.2f} times")
    print(f"augmentation, normalisation and loading: {loading / ours:.1%} of our step")
    print(json.dumps({name: round(v, 4) if isinstance(v, float) else v for name, v in result.items()}))


if __name__ == "__main__":
    main()
