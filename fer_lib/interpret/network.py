"""A network to study, and where it comes from: a training run, the shipped weights, or untrained for comparison."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch

from fer_lib.data.dataset import FaceDataset
from fer_lib.errors import UserError
from fer_lib.interpret.activations import Prepare, Scan, scan
from fer_lib.interpret.folder import fingerprint
from fer_lib.model import ZeroBiasCNN, load_pretrained, pretrained_names
from fer_lib.preprocess import prepare
from fer_lib.training import load_run

LAYER = "conv3"


@dataclass(frozen=True)
class Network:
    """A trained network and how its images are prepared; `emotions` names its classes."""

    model: ZeroBiasCNN
    prepare: Prepare
    emotions: tuple[str, ...]

    def scan(self, dataset: FaceDataset, progress: bool = False, layers: Sequence[str] = (LAYER,)) -> Scan:
        """`activations.scan` of all N images of a data set, which must have the network's size in pixels."""
        return scan(self.model, dataset.images, self.prepare, layers=layers, progress=progress)


@dataclass(frozen=True)
class Opened:
    """A network found by name: what to call it, and the sha256 of its file (shipped) or of its weights (a run)."""

    network: Network
    name: str
    sha256: str


def open_network(origin: str, step: int | None = None) -> Opened:
    """The network of a training run's folder, at checkpoint `step` (None: the last one), or of shipped weights.

    Raises UserError where `origin` is neither, the run has no such checkpoint, or shipped weights are asked for one.
    """
    folder = Path(origin)
    if folder.is_dir():
        model, config, identity = load_run(folder, step)
        return Opened(Network(model, config.prepare, tuple(identity["emotions"])), folder.name, fingerprint(model))
    if origin not in pretrained_names():
        raise UserError(
            f"{origin!r}: no such folder, and no shipped weights of this name; "
            f"expected the folder of a training run, or one of {', '.join(pretrained_names())}"
        )
    if step is not None:
        raise UserError(f"step {step} of {origin}: shipped weights have no checkpoints; leave the step out")
    model, card = load_pretrained(origin)
    network = Network(model, partial(prepare, recipe=card["recipe"]), tuple(card["emotions"]))
    return Opened(network, origin, card["weights_sha256"])


def untrained(like: Network, seed: int) -> Network:
    """An untrained network of the architecture of `like`. It has learned no classes, so it names no emotions."""
    model, generator = like.model, torch.Generator().manual_seed(seed)
    other = ZeroBiasCNN(model.classes, model.size, model.zero_bias, generator, gain=1.0)
    return Network(other.eval(), like.prepare, ())
