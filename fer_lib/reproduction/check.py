"""Does the ledger still hold? Train a sample of its cells again and compare."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fer_lib import evaluation
from fer_lib.data import load_dataset
from fer_lib.errors import UserError
from fer_lib.evaluation.cell import Cell, read_result, run_cell
from fer_lib.facs import TFD_EMOTIONS
from fer_lib.reproduction.blocks import Block, blocks
from fer_lib.results import LEDGER, commit, is_commit, names, read

TOLERANCE = 0.05
"""Accuracy per image. The same machine, threads and code give the same number. Where sums are rounded otherwise most
trainings end a few images apart, and one that hardly learned may learn, or the reverse: see the entry "again"."""


@dataclass(frozen=True)
class Rerun:
    """One cell trained again: accuracy per image of the checkpoint chosen on validation, recorded and now.

    `places`: the kinds of processor that trained the recorded block.
    """

    block: str
    cell: str
    recorded: float
    found: float
    places: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        return abs(self.recorded - self.found) <= TOLERANCE


def rerun_sample(count: int, seed: int, out: Path, ledger: Path = LEDGER) -> Iterator[Rerun]:
    """Draw `count` recorded cells, no training twice, and train them again in `out`; a stopped check goes on.

    What the same commit trained there before is read, what other or changed code trained is not.
    Raises UserError when the ledger holds no cells of the protocol's blocks.
    """
    recorded = [pair for block in blocks().values() for pair in _recorded(block, ledger)]
    if not recorded:
        raise UserError(f"{ledger}: no recorded cells; run: fer-lib reproduce networks")
    order = np.random.default_rng(seed).permutation(len(recorded))
    drawn = {
        (block.folder, cell.key): (block, cell, accuracy) for block, cell, accuracy in (recorded[i] for i in order)
    }
    for block, cell, accuracy in list(drawn.values())[:count]:
        _forget(out / block.folder / "cells" / f"{cell.key}.json")
        result = run_cell(cell, faces_of(block, cell), out / block.folder, progress=True)
        step = result["selected"]["validation"]["step"]
        now = next(row["test"]["image"] for row in result["checkpoints"] if row["step"] == step)
        places = read(block.name, ledger).values["processors"]
        yield Rerun(block.name, cell.key, accuracy, now, tuple(places))


def _forget(path: Path) -> None:
    """Delete an older check's result, unless this very code made it."""
    here = commit()
    if path.is_file() and not (is_commit(here) and read_result(path)["commit"] == here):
        path.unlink()


def faces_of(block: Block, cell: Cell):
    """The block's data set under the cell's split."""
    faces = load_dataset(block.data, size=block.size)
    faces = faces.with_emotions(TFD_EMOTIONS[:6]) if block.classes == "6" else faces
    return evaluation.split_dataset(faces, cell.split)


def _recorded(block: Block, ledger: Path) -> Iterator[tuple[Block, Cell, float]]:
    if block.name not in names(ledger):
        return
    rows = read(block.name, ledger).values["cells"]
    by_place = {(row["configuration"], row["fold"], row["seed"]): row["validation"]["image"] for row in rows}
    for cell in block.cells:
        place = (_configuration(block, cell), cell.fold, cell.config.seed)
        if place in by_place:
            yield block, cell, by_place[place]


def _configuration(block: Block, cell: Cell) -> str:
    classes = int(block.classes) if block.classes else (7 if block.data == "synthetic-tfd" else 8)
    config = cell.config
    parts = {"recipe": config.recipe, "variant": config.variant, "zero_bias": config.zero_bias, "split": cell.split}
    return evaluation.label({"data": block.data, "classes": classes} | parts)
