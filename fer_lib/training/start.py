"""How a training begins: its loss, and how many units of fc4 still answer to any picture, batch by batch."""

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from tqdm.auto import tqdm

from fer_lib.data.dataset import FaceDataset
from fer_lib.errors import UserError
from fer_lib.model import ZeroBiasCNN
from fer_lib.training.config import TrainConfig, resolve_device, resolve_precision
from fer_lib.training.loop import Loop, check_data, repeatable
from fer_lib.training.run import non_finite

if TYPE_CHECKING:
    import pandas

PICTURES = 256  # training pictures that are asked, evenly spread over the set
CHUNK = 32  # images at a time: at 96 px conv1's responses to all of them would take over a gigabyte


def some_pictures(count: int) -> np.ndarray:
    """Places of the pictures that are asked, out of `count`."""
    return np.linspace(0, count - 1, min(PICTURES, count)).astype(int)


def live_units(model: ZeroBiasCNN, x: Tensor) -> float:
    """Share of fc4's units that answer (are above 0) to at least one of the prepared images x (B, 1, S, S).

    A unit that answers to none has no gradient on them. It may have one on others, or on these when they are augmented,
    and what moves the layers below may wake it. Dropout is off while it is asked; the network keeps its mode.
    Raises UserError for images of another size, or none.
    """
    if not len(x):
        raise UserError("no images to ask the units about; expected one or more, prepared as the network's run does")
    training = model.training
    model.eval()
    with torch.no_grad():
        answers = [(model.activations(chunk, "fc4") > 0).any(dim=0) for chunk in x.split(CHUNK)]
    model.train(training)
    return float(torch.stack(answers).any(dim=0).float().mean())


def watch_start(
    training: FaceDataset,
    config: TrainConfig,
    batches: int = 200,
    *,
    every: int = 10,
    device: str = "auto",
    progress: bool = True,
) -> tuple[ZeroBiasCNN, "pandas.DataFrame"]:
    """The first `batches` of the very training that `fit` would do with `config`: its network then, and its history.

    One row before the first batch and one after each `every`: step, loss (mean since the last row; NaN in the first)
    and live (`live_units` on 256 of the training pictures). The network is in evaluation mode, on the CPU.
    Raises UserError for data that do not fit, another number of batches than 1 to `config.steps`, `every` below 1, or a
    loss that stops being finite.
    """
    import pandas

    check_data(training, config)
    if not 1 <= batches <= config.steps:
        raise UserError(f"batches={batches} found; the run has {config.steps}: expected 1 to {config.steps}")
    if every < 1:
        raise UserError(f"every={every} found; expected 1 or more batches between two rows")
    place = resolve_device(device)
    loop = Loop(training, config, place, resolve_precision(config.precision, place), False)
    model = loop.state.model
    x = config.prepare(loop.images[some_pictures(len(training))])
    rows, losses = [{"step": 0, "loss": float("nan"), "live": live_units(model, x)}], []
    bar = tqdm(range(1, batches + 1), unit="batch", disable=not progress, desc=f"start of {config.variant}")
    with repeatable(place), loop.convolutions():
        for step in bar:
            losses.append(float(loop.step()[0]))
            if step % every == 0 or step == batches:
                if not np.isfinite(losses).all():
                    raise non_finite("the loss", step, None)
                rows.append({"step": step, "loss": float(np.mean(losses)), "live": live_units(model, x)})
                losses = []
    return loop.result(None, {}).model, pandas.DataFrame(rows)
