"""Control networks: the same training with labels that say nothing of emotion."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from fer_lib.data.dataset import FaceDataset
from fer_lib.evaluation.cell import Cell, parts
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
            found.append(_summary(run, kind, seed))
    return found


def folder(out: Path, kind: str, seed: int) -> Path:
    """Where a control's run lies."""
    return out / "controls" / f"{kind}-seed{seed}"


def _summary(run: TrainResult, kind: str, seed: int) -> dict[str, Any]:
    last = run.history.iloc[-1]
    return {
        "kind": kind,
        "seed": seed,
        "classes": len(run.identity["emotions"]),
        "training_accuracy": float(last["accuracy"]),
        "loss": float(last["loss"]),
    }
