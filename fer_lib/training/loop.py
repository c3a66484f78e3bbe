"""The training loop. The data live in memory as tensors on the device; batches are drawn with replacement."""

import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm.auto import tqdm

from fer_lib import winograd
from fer_lib.data.dataset import FaceDataset
from fer_lib.errors import UserError
from fer_lib.model import ZeroBiasCNN
from fer_lib.training.config import TrainConfig, resolve_device, resolve_precision
from fer_lib.training.run import RunFolder, State, non_finite

if TYPE_CHECKING:
    import pandas

RECORD_EVERY = 10  # steps between two rows of the history; reading the loss makes a GPU wait


@dataclass(frozen=True)
class TrainResult:
    """A finished run: the network (evaluation mode, on the CPU), its history, and where its files lie."""

    model: ZeroBiasCNN
    config: TrainConfig
    history: "pandas.DataFrame"  # step, loss, accuracy (over the steps since the last row), images_per_second
    folder: Path | None
    identity: dict[str, Any]


def fit(
    training: FaceDataset,
    config: TrainConfig,
    out: Path | str | None = None,
    *,
    device: str = "auto",
    resume: bool = False,
    progress: bool = True,
    compile: bool = False,
) -> TrainResult:
    """Train a network on the labelled images of `training`, (N, 1, size, size).

    With `out`, a checkpoint is kept each `config.checkpoint_every` steps; a run killed at any moment goes on with
    `resume` to the same weights, bit for bit, on the same machine with as many threads (another number of threads sums
    in another order). `compile` runs the network through torch.compile.
    Raises UserError for data that do not fit, a folder of another run, or a loss that stops being finite.
    """
    check_data(training, config)
    place = resolve_device(device)
    identity = run_identity(training, config, place) | ({"compiled": True} if compile else {})
    run = RunFolder(Path(out), identity, resume) if out is not None else None
    with run.lock() if run else nullcontext(), repeatable(place):
        loop = Loop(training, config, place, identity["precision"], compile)
        if run:
            run.restore(loop.state)
        with loop.convolutions():
            loop.run(run, progress)
    return loop.result(run, identity)


def run_identity(training: FaceDataset, config: TrainConfig, device: torch.device) -> dict[str, Any]:
    """What makes a run itself; a checkpoint serves only the run whose identity it carries."""
    return {
        "config": config.as_dict(),
        "recipe": config.recipe,
        "variant": config.variant,
        "architecture": "ZeroBiasCNN" if config.zero_bias else "ZeroBiasCNN with biases",
        "emotions": list(training.emotions),
        "data": training.name,
        "data_hash": training.data_hash,
        "images": len(training),
        "device": device.type,
        "precision": resolve_precision(config.precision, device),
    }


class Loop:
    """A run in the middle: its network, data and random streams; `step` trains one batch."""

    def __init__(
        self, data: FaceDataset, config: TrainConfig, device: torch.device, precision: str, compile: bool
    ) -> None:
        self.config, self.device = config, device
        self.images = torch.tensor(data.images, device=device)  # (N, 1, S, S) uint8
        self.emotion = torch.tensor(data.emotion, dtype=torch.int64, device=device)  # (N,)
        model = config.model(len(data.emotions)).to(device, memory_format=torch.channels_last).train()
        generators = {name: config.generator(name, device) for name in ("batches", "dropout")}
        model.dropout.generator = generators["dropout"]
        self.state = State(0, model, _optimizer(model, config), generators, [])
        self.forward = torch.compile(model) if compile else model
        self.autocast = torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16")
        self.by_winograd = device.type == "cpu" and precision == "float32" and not compile

    def convolutions(self) -> AbstractContextManager[None]:
        """How they are computed while training: by Winograd's algorithm where no matrix instruction is faster."""
        return winograd.convolutions_of(self.state.model) if self.by_winograd else nullcontext()

    def run(self, run: RunFolder | None, progress: bool) -> None:
        config, state = self.config, self.state
        bar = tqdm(
            total=config.steps * config.batch_size,
            initial=state.step * config.batch_size,
            unit="image",
            unit_scale=True,
            disable=not progress,
            desc=f"training {config.variant}, {config.recipe}",
        )
        meter = _Meter(self.device)
        with bar:
            while state.step < config.steps:
                meter.add(*self.step())
                bar.update(config.batch_size)
                due = state.step == config.steps or state.step % config.checkpoint_every == 0
                if due or state.step % RECORD_EVERY == 0:
                    bar.set_postfix(self.record(meter, run))
                if due and run:
                    run.save(state)

    def step(self) -> tuple[Tensor, Tensor]:
        """One batch: its mean loss and its share of right answers, both left on the device."""
        state, config = self.state, self.config
        x, y = self.batch()
        for group in state.optimizer.param_groups:
            group["lr"] = config.rate(state.step)
        with self.autocast:
            logits = self.forward(x)
            loss = F.cross_entropy(logits.float(), y)
        state.optimizer.zero_grad()
        loss.backward()
        state.optimizer.step()
        state.step += 1
        return loss.detach(), (logits.argmax(1) == y).float().mean()

    def batch(self) -> tuple[Tensor, Tensor]:
        """Prepared images (B, 1, S, S) and their emotions (B,), drawn with replacement."""
        generator = self.state.generators["batches"]
        shape = (self.config.batch_size,)
        chosen = torch.randint(len(self.images), shape, generator=generator, device=self.device)
        x = self.config.training_batch(self.images[chosen], generator)
        return x.to(memory_format=torch.channels_last), self.emotion[chosen]

    def record(self, meter: "_Meter", run: RunFolder | None) -> dict[str, str]:
        loss, accuracy, steps, seconds = meter.read()
        if not np.isfinite(loss):
            raise non_finite("the loss", self.state.step, run)
        speed = steps * self.config.batch_size / seconds
        row = {"step": self.state.step, "loss": loss, "accuracy": accuracy, "images_per_second": speed}
        self.state.history.append(row)
        return {"loss": f"{loss:.3f}", "accuracy": f"{accuracy:.1%}"}

    def result(self, run: RunFolder | None, identity: dict[str, Any]) -> TrainResult:
        import pandas

        model = self.state.model.to("cpu", memory_format=torch.contiguous_format).eval()
        model.dropout.generator = None
        history = pandas.DataFrame(self.state.history)
        return TrainResult(model, self.config, history, run.path if run else None, identity)


class _Meter:
    """Sums on the device, read seldom."""

    def __init__(self, device: torch.device) -> None:
        self.sums, self.steps, self.start = torch.zeros(2, device=device), 0, time.perf_counter()

    def add(self, loss: Tensor, accuracy: Tensor) -> None:
        self.sums += torch.stack([loss, accuracy])
        self.steps += 1

    def read(self) -> tuple[float, float, int, float]:
        """Mean loss and accuracy since the last reading, the steps and the seconds it took; starts anew."""
        loss, accuracy = (self.sums / max(self.steps, 1)).tolist()
        reading = loss, accuracy, self.steps, time.perf_counter() - self.start
        self.__init__(self.sums.device)
        return reading


def _optimizer(model: ZeroBiasCNN, config: TrainConfig) -> torch.optim.SGD:
    # at a constant rate this is the authors' update: v = m v - r (g + d w); w = w + v
    return torch.optim.SGD(
        model.parameters(), lr=config.learning_rate, momentum=config.momentum, weight_decay=config.weight_decay
    )


def repeatable(device: torch.device) -> Any:
    """A context in which the device sums the same way every time."""
    if device.type == "cuda":
        return torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True)
    return nullcontext()


def check_data(data: FaceDataset, config: TrainConfig) -> None:
    """Raises UserError unless `data` can be trained on: some images, of the run's size, all labelled, every emotion."""
    if not len(data):
        raise UserError(f"{data.name}: no images to train on; choose another fold, or data with labels")
    if data.images.shape[2:] != (config.size, config.size):
        height, width = data.images.shape[2:]
        raise UserError(
            f"{data.name}: images are {width}x{height} px, the run's size is {config.size}; "
            f"call .resize({config.size}) on the data, or set size={width}"
        )
    unlabelled = int((data.emotion < 0).sum())
    if unlabelled:
        raise UserError(f"{data.name}: {unlabelled} images have no emotion; select the labelled ones (emotion >= 0)")
    missing = [name for code, name in enumerate(data.emotions) if not (data.emotion == code).any()]
    if missing:
        raise UserError(
            f"{data.name}: no training image shows {', '.join(missing)}; drop the emotion with .with_emotions(...), "
            "or choose another fold"
        )
