"""Train the blocks of the protocol and write what they found into the ledger. Finished cells are never redone."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fer_lib import evaluation
from fer_lib.data.dataset import FaceDataset
from fer_lib.errors import UserError
from fer_lib.evaluation.cell import Cell
from fer_lib.evaluation.contrast import contrasts
from fer_lib.files import read_json
from fer_lib.reproduction.blocks import Block
from fer_lib.results import LEDGER, Entry, write


def train(block: Block, out: Path, faces: FaceDataset, **place: Any) -> list[dict[str, Any]]:
    """Run every cell of the block; `place` (jobs, ray, gpus, device, progress) goes to `evaluation.evaluate`."""
    found = []
    for split in dict.fromkeys(cell.split for cell in block.cells):
        cells = [cell for cell in block.cells if cell.split == split]
        dataset = evaluation.split_dataset(faces, split)
        found += evaluation.evaluate(dataset, cells, out / block.folder, keep=block.keep, **place)
    return found


def finished(block: Block, out: Path) -> list[dict[str, Any]]:
    """Results of the block's cells that are done, in the block's order."""
    paths = (result_file(block, cell, out) for cell in block.cells)
    return [read_json(path) for path in paths if path.is_file()]


def result_file(block: Block, cell: Cell, out: Path) -> Path:
    """Where `evaluation.run_cell` writes the cell's result."""
    return out / block.folder / "cells" / f"{cell.key}.json"


def record(block: Block, results: Sequence[dict[str, Any]], command: str, ledger: Path = LEDGER) -> Path:
    """Write the block's ledger entry from its finished cells; the entry says how many are still missing.

    `values`: planned and finished (cells), configurations (see `evaluation.as_values`), contrasts (paired differences
    against the first configuration), cells (one row a training, for strips of dots), commits and machines.
    """
    if not results:
        raise UserError(f"{block.name}: no cell is finished; train some first")
    seconds = sum(result["wall_seconds"] for result in results)
    values = {
        "question": block.question,
        "planned": len(block.cells),
        "finished": len(results),
        "steps": block.cells[0].config.steps,
        "size": block.size,
        "configurations": evaluation.as_values(results),
        "contrasts": contrasts(results),
        "cells": [_row(result) for result in results],
        "commits": sorted({result["commit"] for result in results}),
        "processors": sorted({_processor(result["machine"]) for result in results}),
    }
    first = results[0]
    entry = Entry.record(
        block.name,
        command=command,
        seed=sorted({result["seed"] for result in results}),
        data=first["data_label"],
        data_hash=first["data_hash"],
        wall_seconds=round(seconds, 1),
        values=values,
    )
    return write(entry, ledger)


def _row(result: dict[str, Any]) -> dict[str, Any]:
    by_step = {row["step"]: row["test"] for row in result["checkpoints"]}
    scores = {name: by_step[chosen["step"]] for name, chosen in result["selected"].items()}
    rounded = {name: {unit: round(value, 6) for unit, value in score.items()} for name, score in scores.items()}
    return {"configuration": evaluation.configuration(result), "fold": result["fold"], "seed": result["seed"]} | rounded


def _processor(machine: dict[str, Any]) -> str:
    return f"{machine['gpu'] or machine['processor']}, {machine['threads']} threads, torch {machine['torch']}"
