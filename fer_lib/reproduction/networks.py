"""The networks that the protocol looks at, and the pictures that they are looked at with."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from fer_lib import facs
from fer_lib.data import load_dataset
from fer_lib.data.dataset import TEST, VALIDATION, FaceDataset
from fer_lib.errors import UserError
from fer_lib.evaluation.cell import Cell, read_result
from fer_lib.interpret.stages import Network
from fer_lib.reproduction import controls
from fer_lib.reproduction.blocks import Block, blocks
from fer_lib.reproduction.filters import Subject
from fer_lib.reproduction.runs import result_file
from fer_lib.training import TrainConfig, load_run
from fer_lib.training.run import finished_checkpoints

UNTRAINED = range(1, 6)
GROUPS = ("trained", "untrained", "shuffled", "identity", "decorrelated")
LOOKED_AT = {
    "filters": ("networks", GROUPS),
    "filters-96": ("networks-96", ("trained", "untrained")),
}  # ledger entry: the block whose networks are its "trained" ones, and the groups that it looks at


@dataclass
class Pictures:
    """Data sets by name at one size, loaded once."""

    size: int
    sets: dict[str, FaceDataset] = field(default_factory=dict)

    def __call__(self, name: str) -> FaceDataset:
        if name not in self.sets:
            self.sets[name] = load_dataset(name, size=self.size)
        return self.sets[name]


def subjects(
    out: Path,
    load: Callable[[str], FaceDataset],
    groups: tuple[str, ...] = GROUPS,
    trained: Block | None = None,
) -> Iterator[Subject]:
    """Every network of the groups, those of one group in order; `trained`: the block of that group, else "networks".

    `load` gives pictures of the block's size, at which the untrained networks look too. Controls and decorrelated
    networks are of 48 px. Raises UserError for a network that is not trained yet.
    """

    def block() -> Block:
        return trained or blocks()["networks"]

    made = {
        "trained": lambda: _of_block(block(), "trained-fold", out, load),
        "untrained": lambda: (_untrained(seed, block().size) for seed in UNTRAINED),
        "shuffled": lambda: (_control("shuffled", seed, out) for seed in controls.SEEDS),
        "identity": lambda: (_control("identity", seed, out) for seed in controls.SEEDS),
        "decorrelated": lambda: _of_block(blocks()["decorrelated"], "decorrelated-fold", out, load),
    }
    for group in groups:
        yield from made[group]()


def _of_block(block: Block, stem: str, out: Path, load: Callable[[str], FaceDataset]) -> Iterator[Subject]:
    for cell in block.cells:
        path = result_file(block, cell, out)
        if not path.is_file():
            raise UserError(f"{path}: not trained yet; run: fer-lib reproduce {block.name}")
        step = read_result(path)["selected"]["validation"]["step"]
        model, config, identity = load_run(out / block.folder / "runs" / cell.key, step)
        network = Network(model, config.prepare, tuple(identity["emotions"]))
        yield Subject(f"{stem}{cell.fold:02d}", network, unseen(load(block.data), cell))


def unseen(faces: FaceDataset, cell: Cell) -> FaceDataset:
    """The pictures of the cell's fold whose people it did not train on: validation and test together."""
    return faces.select(np.isin(faces.folds[:, cell.fold], (VALIDATION, TEST)))


def _untrained(seed: int, size: int) -> Subject:
    config = TrainConfig.make(preset="quick", seed=seed, size=size)
    return Subject(f"untrained-seed{seed}", Network(config.model(8).eval(), config.prepare, facs.EMOTIONS))


def _control(kind: str, seed: int, out: Path) -> Subject:
    folder = controls.folder(out, kind, seed)
    if not folder.is_dir():
        raise UserError(f"{folder}: not trained yet; run: fer-lib reproduce controls")
    model, config, identity = load_run(folder, max(finished_checkpoints(folder)))
    return Subject(f"{kind}-seed{seed}", Network(model, config.prepare, tuple(identity["emotions"])))
