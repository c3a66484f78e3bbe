"""One pass over a data set: the maximum of each filter on each image, where it is, and what the classifier sees.

Everything later (examples, alignment, ablation) reads from this pass; the images need not go through the network again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from tqdm import tqdm

from fer_lib.errors import UserError
from fer_lib.files import read_tensors, write_tensors
from fer_lib.interpret.receptive import FIELDS, ReceptiveField, field_of
from fer_lib.model import ZeroBiasCNN

Prepare = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Maxima:
    """Of N images and F filters: rectified maximum over space, its place, and the norm of the input it sees; (N, F).

    `place` = y·width + x on the layer's own grid; the first of several equal maxima. A filter that is silent on an
    image has value 0 and place 0.
    """

    layer: str
    value: np.ndarray
    place: np.ndarray
    norm: np.ndarray
    width: int

    @property
    def y(self) -> np.ndarray:
        return self.place // self.width

    @property
    def x(self) -> np.ndarray:
        return self.place % self.width

    def score(self, ranking: str = "raw") -> np.ndarray:
        """What images are ranked by: "raw" activation, or "contrast": activation / norm of the input in the field.

        A zero-bias network is homogeneous, a(c·x) = c·a(x): raw ranking partly ranks contrast.
        """
        if ranking == "raw":
            return self.value
        if ranking != "contrast":
            raise UserError(f"Unknown ranking {ranking!r}; expected 'raw' or 'contrast'.")
        return np.divide(self.value, self.norm, out=np.zeros_like(self.value), where=self.norm > 0)


@dataclass(frozen=True)
class Scan:
    """`layers`: name → Maxima; `pool3` (N, 1024), filter f owning 4f … 4f+3; `logits` (N, classes)."""

    layers: dict[str, Maxima]
    pool3: np.ndarray
    logits: np.ndarray

    def __len__(self) -> int:
        return len(self.logits)

    def save(self, path: Path) -> None:
        """Write a safetensors file for `load`, atomically."""
        tensors = {"pool3": torch.from_numpy(self.pool3), "logits": torch.from_numpy(self.logits)}
        for name, maxima in self.layers.items():
            for part in ("value", "place", "norm"):
                tensors[f"{name}.{part}"] = torch.from_numpy(getattr(maxima, part))
        write_tensors(path, tensors, {name: str(maxima.width) for name, maxima in self.layers.items()})

    @classmethod
    def load(cls, path: Path) -> Scan:
        """Read what `save` wrote. Raises UserError when the file is absent or damaged."""
        tensors, widths = read_tensors(path)
        tables = {name: tensor.numpy() for name, tensor in tensors.items()}
        layers = {
            name: Maxima(name, *(tables[f"{name}.{part}"] for part in ("value", "place", "norm")), int(width))
            for name, width in sorted(widths.items())
        }
        return cls(layers, tables["pool3"], tables["logits"])


def as_batch(images: np.ndarray | Tensor) -> Tensor:
    """Images (N, 1, H, W) as a tensor, uint8 or float; arrays are copied, as a data set's are read-only."""
    _check_shape(images)
    return images if isinstance(images, Tensor) else torch.tensor(images)


def _check_shape(images: np.ndarray | Tensor) -> None:
    if images.ndim != 4 or images.shape[1] != 1:
        raise UserError(f"Images have shape {tuple(images.shape)}, expected (N, 1, height, width).")


def scan(
    model: ZeroBiasCNN,
    images: np.ndarray | Tensor,
    prepare: Prepare,
    *,
    layers: Sequence[str] = tuple(FIELDS),
    batch: int = 64,
    progress: bool = False,
) -> Scan:
    """Run N images (N, 1, H, W) through the network once, in evaluation mode, and keep what later steps need.

    `prepare` turns a batch of images into what the network was trained on (see `fer_lib.preprocess.prepare`).
    """
    for layer in layers:
        field_of(layer)
    _check_shape(images)
    size = images.shape[-1]
    if len(images) == 0:
        raise UserError("No images to scan.")
    training = model.training
    model.eval()
    try:
        starts = tqdm(range(0, len(images), batch), desc="activations", unit="batch", disable=not progress)
        with torch.no_grad():
            parts = [_scan_batch(model, prepare(as_batch(images[s : s + batch])), layers) for s in starts]
    finally:
        model.train(training)
    joined = {key: torch.cat([part[key] for part in parts]).numpy() for key in parts[0]}
    maxima = {
        name: Maxima(name, *(joined[name, part] for part in ("value", "place", "norm")), size // field_of(name).stride)
        for name in layers
    }
    return Scan(maxima, joined["pool3"], joined["logits"])


def _scan_batch(model: ZeroBiasCNN, x: Tensor, layers: Sequence[str]) -> dict:
    kept, signal = {}, x
    for level in (1, 2, 3):
        name = f"conv{level}"
        signal = getattr(model, f"relu{level}")(getattr(model, name)(signal))
        if name in layers:
            value, place = signal.flatten(2).max(dim=2)
            seen = input_norm(x, field_of(name)).flatten(1)
            kept[name, "value"], kept[name, "place"] = value, place.int()
            kept[name, "norm"] = seen.gather(1, place)
        signal = getattr(model, f"pool{level}")(signal)
    kept["pool3"] = signal.flatten(1)
    kept["logits"] = model.output(model.relu4(model.fc4(kept["pool3"])))
    return kept


def input_norm(x: Tensor, field: ReceptiveField) -> Tensor:
    """Euclidean norm of the prepared image inside each unit's receptive field: (B, H/stride, W/stride)."""
    after = field.size - field.before - field.stride
    padded = functional.pad(x.square(), (field.before, after, field.before, after))
    return (functional.avg_pool2d(padded, field.size, field.stride)[:, 0] * field.size**2).clamp_min(0).sqrt()


def filter_maxima(model: ZeroBiasCNN, prepare: Prepare, layer: str = "conv3") -> Callable[[Tensor], Tensor]:
    """images (B, 1, H, W) → maximum activation of each filter (B, F), differentiable in the images.

    What interventions ask of a network: "how excited is each filter by this face?"
    """
    field_of(layer)

    def encode(images: Tensor) -> Tensor:
        return model.activations(prepare(images), layer).amax(dim=(2, 3))

    return encode
