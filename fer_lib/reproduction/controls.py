"""Control networks: the same training with labels that say nothing of emotion."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from fer_lib.data.dataset import FaceDataset
from fer_lib.evaluation import predict
from fer_lib.evaluation.cell import Cell, parts
from fer_lib.results import Entry
from fer_lib.training import TrainConfig, TrainResult, fit

SEEDS = range(3)
FOLD = 0  # the fold whose training people the controls see; the same as the network they stand beside


def shuffled(faces: FaceDataset, seed: int) -> FaceDataset:
    """The same pictures with emotions dealt anew: pictures of one sequence and emotion keep sharing theirs."""
    names = np.char.add(np.char.add(faces.sequence, "|"), faces.emotion.astype(str))
    _, first, unit = np.unique(names, return_index=True, return_inverse=True)
    dealt = np.random.default_rng(seed).permutation(faces.emotion[first])
    return replace(faces, emotion=dealt[unit.reshape(-1)])


def identity(faces: FaceDataset, seed: int) -> FaceDataset:
    """The same pictures labelled with who is in them; `seed` is the training's alone."""
    people, code = np.unique(faces.subject, return_inverse=True)
    return replace(faces, emotion=code.reshape(-1), emotions=tuple(str(person) for person in people))


KINDS: dict[str, Callable[[FaceDataset, int], FaceDataset]] = {"shuffled": shuffled, "identity": identity}


def train_controls(faces: FaceDataset, out: Path, device: str = "auto", progress: bool = True) -> list[dict[str, Any]]:
    """Train every kind with every seed on `FOLD`'s training people; a finished one is read from its folder."""
    found = []
    for kind, relabel in KINDS.items():
        for seed in SEEDS:
            config = TrainConfig.make(preset="quick", seed=seed)
            training = relabel(parts(faces, Cell(config, FOLD))[0], seed)
            run = fit(training, config, folder(out, kind, seed), device=device, resume=True, progress=progress)
            found.append(_summary(run, training, kind, seed))
    return found


def entry(found: Sequence[dict[str, Any]], faces: FaceDataset, command: str) -> Entry:
    """The entry "controls": how well each control network knows the labels that it was trained on."""
    networks = [{name: value for name, value in row.items() if name != "seconds"} for row in found]
    seconds = sum(row["seconds"] for row in found)
    about = {"data": faces.provenance["label"], "data_hash": faces.provenance["data_hash"]}
    return Entry.record("controls", command=command, seed=list(SEEDS), wall_seconds=round(seconds, 1),
                        values={"networks": networks}, **about)  # fmt: skip


def folder(out: Path, kind: str, seed: int) -> Path:
    """Where a control's run lies."""
    return out / "controls" / f"{kind}-seed{seed}"


def _summary(run: TrainResult, training: FaceDataset, kind: str, seed: int) -> dict[str, Any]:
    """`training_accuracy`: on the clean training pictures; `commonest`: share of the commonest label among them."""
    rows, batch = run.history, run.config.batch_size
    right = predict(run.model, run.config, training).argmax(axis=1) == training.emotion
    steps = rows["step"].diff().fillna(rows["step"].iloc[0])
    return {
        "kind": kind,
        "seed": seed,
        "classes": len(training.emotions),
        "training_accuracy": float(right.mean()),
        "commonest": float(np.bincount(training.emotion).max() / len(training)),
        "seconds": float((batch * steps / rows["images_per_second"]).sum()),
    }
