"""One cell of the grid: train one network on one fold, then score each of its checkpoints."""

import shutil
import time
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from fer_lib.data.dataset import FaceDataset
from fer_lib.data.splits import assert_disjoint
from fer_lib.errors import UserError
from fer_lib.evaluation import metrics
from fer_lib.files import read_json, write_json
from fer_lib.results import commit, machine
from fer_lib.training import TrainConfig, fit, load_run
from fer_lib.training.config import resolve_device
from fer_lib.training.loop import run_identity
from fer_lib.training.run import checkpoints_in, finished_checkpoints

SCHEMA = 1
PARTS = {
    *(
        "schema",
        "data",
        "data_label",
        "data_hash",
        "emotions",
        "split",
        "fold",
        "recipe",
        "variant",
        "zero_bias",
        "seed",
    ),
    *("images", "majority", "identity", "machine", "commit", "checkpoints", "selected", "wall_seconds"),
}  # of every result
SELECTIONS = ("validation", "test", "last")
SPLITS = ("folds", "subject", "sequence", "image")


@dataclass(frozen=True)
class Cell:
    """One training: `config` (recipe, variant, seed, ...) on `fold` of the data. `split` says how the folds are made.

    "folds" are the data set's own, disjoint by subject; "subject", "sequence" and "image" are the leak lab's.
    """

    config: TrainConfig
    fold: int
    split: str = "folds"

    @property
    def key(self) -> str:
        """Name of the cell's files."""
        config = self.config
        bias = "" if config.zero_bias else "-bias"
        recipe = config.recipe.replace(" ", "-")
        return f"{recipe}-{config.variant}{bias}-{self.split}-fold{self.fold:02d}-seed{config.seed}"


def run_cell(
    cell: Cell, dataset: FaceDataset, out: Path, *, device: str = "auto", keep: bool = False, progress: bool = False
) -> dict[str, Any]:
    """Train and score the cell; its result is written to out/cells/KEY.json and returned.

    A finished cell is read, not redone, unless its run is asked for and not whole; one killed half-way goes on from
    its last checkpoint. The run's folder, out/runs/KEY, is removed once the result is written, unless `keep`.
    Raises UserError when the files there belong to another run, or the fold is empty or shares subjects.
    """
    training, validation, test = parts(dataset, cell)
    identity = run_identity(training, cell.config, resolve_device(device))
    path, folder = out / "cells" / f"{cell.key}.json", out / "runs" / cell.key
    if path.is_file():
        finished = _finished(path, identity)
        if not keep or is_whole(folder, cell.config):
            return finished
    start, of_code = time.perf_counter(), commit()
    fit(training, cell.config, folder, device=device, resume=True, progress=progress)
    result = describe(cell, dataset, training, test) | {"identity": identity, "machine": machine(), "commit": of_code}
    result |= score_checkpoints(folder, validation, test, device)
    result["wall_seconds"] = round(time.perf_counter() - start, 1)
    write_json(path, result)
    if not keep:
        shutil.rmtree(folder)
    return result


def is_whole(folder: Path, config: TrainConfig) -> bool:
    """Whether the run's folder holds every checkpoint that the configuration asks for."""
    return folder.is_dir() and set(config.checkpoint_steps) <= checkpoints_in(folder).keys()


def read_result(path: Path) -> dict[str, Any]:
    """A result that `run_cell` wrote. Raises UserError when the file is something else, or only part of one."""
    result = read_json(path)
    missing = PARTS - (result.keys() if isinstance(result, dict) else set())
    if missing or result["schema"] != SCHEMA:
        found = f"it lacks {', '.join(sorted(missing))}" if missing else f"its schema is {result['schema']!r}"
        raise UserError(
            f"{path}: not the result of a training: {found}; expected all of schema {SCHEMA}. Restore the file, or "
            "delete it and run the same command again"
        )
    return result


def parts(dataset: FaceDataset, cell: Cell) -> tuple[FaceDataset, FaceDataset, FaceDataset]:
    """(training, validation, test) of the cell's fold; only validation may be empty."""
    if not 0 <= cell.fold < dataset.folds.shape[1]:
        raise UserError(f"fold {cell.fold} is out of range; {dataset.name} has folds 0 to {dataset.folds.shape[1] - 1}")
    if cell.split in ("folds", "subject"):
        assert_disjoint(dataset, cell.fold, by="subject")
    column = dataset.folds[:, cell.fold]
    for code, name in ((1, "training"), (3, "test")):
        if not (column == code).any():
            raise UserError(f"{dataset.name}, fold {cell.fold}: no {name} images; choose another fold, or other data")
    return dataset.split(cell.fold)


def score_checkpoints(folder: Path, validation: FaceDataset, test: FaceDataset, device: str = "auto") -> dict[str, Any]:
    """Score every checkpoint of a run on validation and test, and name the one that each selection takes.

    "validation" is the honest choice; "test" is what the code released in 2015 did; "last" chooses nothing. Ties go
    to the earliest checkpoint, as in the authors' code. Raises UserError when a checkpoint of the run is missing.
    """
    scored, curves = [], {}
    for step in finished_checkpoints(folder):
        probability = predict_run(folder, step, test, device)
        row = {"step": step, "test": metrics.score(probability, test.emotion, test.sequence), "validation": None}
        if len(validation):
            seen = predict_run(folder, step, validation, device)
            row["validation"] = metrics.score(seen, validation.emotion, validation.sequence)
        scored.append(row)
        curves[step] = {
            "confusion": metrics.confusion(probability, test.emotion).tolist(),
            "reliability": metrics.reliability(probability, test.emotion),
        }
    chosen = {name: select(scored, name) for name in SELECTIONS if len(validation) or name != "validation"}
    return {"checkpoints": scored, "selected": {name: {"step": step} | curves[step] for name, step in chosen.items()}}


def select(scored: list[dict[str, Any]], selection: str) -> int:
    """The step that a selection takes from the scored checkpoints, by accuracy per image."""
    if selection == "last":
        return scored[-1]["step"]
    return max(scored, key=lambda row: row[selection]["image"])["step"]


def predict_run(folder: Path, step: int, faces: FaceDataset, device: str = "auto") -> np.ndarray:
    """Probabilities (N, C) that a run's checkpoint gives to pictures, prepared as the run prepares them."""
    model, config, _ = load_run(folder, step)
    return predict(model, config, faces, device)


def predict(
    model: torch.nn.Module, config: TrainConfig, faces: FaceDataset, device: str = "auto", batch: int = 32
) -> np.ndarray:
    """Probabilities (N, C), float32, of a network for N pictures, `batch` at a time, never augmented.

    A copy of the network does it: the network keeps its mode, its device and its memory format.
    """
    place = resolve_device(device)
    model = deepcopy(model).to(place, memory_format=torch.channels_last).eval()
    images = torch.tensor(faces.images)
    with torch.inference_mode():
        logits = [model(config.prepare(chunk.to(place))) for chunk in images.split(batch)]
        return torch.cat(logits).softmax(1).cpu().numpy()


def describe(cell: Cell, dataset: FaceDataset, training: FaceDataset, test: FaceDataset) -> dict[str, Any]:
    """What was trained on what: the head of every result."""
    return {
        "schema": SCHEMA,
        "data": dataset.name,
        "data_label": dataset.provenance.get("label", dataset.name),
        "data_hash": dataset.provenance["data_hash"],
        "emotions": list(dataset.emotions),
        "split": cell.split,
        "fold": cell.fold,
        "recipe": cell.config.recipe,
        "variant": cell.config.variant,
        "zero_bias": cell.config.zero_bias,
        "seed": cell.config.seed,
        "images": {"training": len(training), "test": len(test)},
        "majority": metrics.majority_baseline(training.emotion, test.emotion),
    }


def _finished(path: Path, identity: dict[str, Any]) -> dict[str, Any]:
    result = read_result(path)
    if result["identity"] != identity:
        raise UserError(
            f"{path}: the result of another run (other options, data or device); nothing was overwritten. "
            "Choose another --out"
        )
    return result
