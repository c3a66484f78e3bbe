"""Train the blocks of the protocol and write what they found into the ledger. Finished cells are never redone.

A cell's result lies in `out` on the machine that trained it, and beside the ledger once its block is recorded, so that
another machine goes on where this one stopped.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from fer_lib import evaluation
from fer_lib.data.dataset import FaceDataset
from fer_lib.errors import UserError
from fer_lib.evaluation.cell import Cell, is_whole, parts, read_result
from fer_lib.evaluation.contrast import contrasts
from fer_lib.files import write_json
from fer_lib.reproduction.blocks import Block
from fer_lib.results import LEDGER, Entry, is_commit, names, read, write
from fer_lib.training import TrainConfig
from fer_lib.training.config import resolve_device
from fer_lib.training.loop import run_identity


def train(block: Block, out: Path, faces: FaceDataset, ledger: Path = LEDGER, **place: Any) -> None:
    """Run every cell of the block that is not recorded; `place` (jobs, ray, gpus, device, progress) goes to `evaluate`.

    A block whose networks are kept runs all its cells: the ledger holds results, no networks.
    """
    for split in dict.fromkeys(cell.split for cell in block.cells):
        dataset = evaluation.split_dataset(faces, split)
        cells = [cell for cell in block.cells if cell.split == split]
        if not block.keep:
            cells = [cell for cell in cells if not _is_recorded(block, cell, dataset, ledger)]
        if cells:
            evaluation.evaluate(dataset, cells, out / block.folder, keep=block.keep, **place)


def finished(block: Block, out: Path, ledger: Path = LEDGER) -> list[dict[str, Any]]:
    """Results of the block's cells that are done here or recorded, in the block's order."""
    places = ((result_file(block, cell, out), recorded_file(block, cell, ledger)) for cell in block.cells)
    paths = (next((path for path in pair if path.is_file()), None) for pair in places)
    return [read_result(path) for path in paths if path]


def kept(block: Block, out: Path) -> int:
    """How many of the block's networks lie in `out`, finished; of blocks that keep theirs."""
    return sum(
        result_file(block, cell, out).is_file() and is_whole(out / block.folder / "runs" / cell.key, cell.config)
        for cell in block.cells
    )


def result_file(block: Block, cell: Cell, out: Path) -> Path:
    """Where `evaluation.run_cell` writes the cell's result."""
    return out / block.folder / "cells" / f"{cell.key}.json"


def recorded_file(block: Block, cell: Cell, ledger: Path = LEDGER) -> Path:
    """Where the cell's result lies once it is recorded."""
    return ledger / "cells" / block.folder / f"{cell.key}.json"


def _is_recorded(block: Block, cell: Cell, dataset: FaceDataset, ledger: Path) -> bool:
    """Whether the ledger holds this very training, on whatever machine; the result says on which."""
    path = recorded_file(block, cell, ledger)
    identity = run_identity(parts(dataset, cell)[0], cell.config, resolve_device("auto"))
    return path.is_file() and _portable(read_result(path)["identity"]) == _portable(identity)


def _portable(identity: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in identity.items() if name not in ("device", "precision")}


def record(block: Block, results: Sequence[dict[str, Any]], command: str, ledger: Path = LEDGER) -> Path:
    """Write the block's ledger entry from its finished cells; the entry says how many are still missing.

    `values`: planned and finished (cells), configurations (see `evaluation.as_values`), contrasts (paired differences
    against the first configuration), cells (one row a training, for strips of dots), commits and machines. The whole
    results go to ledger/cells. An older entry is replaced: ask `at_stake` first.
    Raises UserError for no results, results on different data, or one that changed code trained.
    """
    if not results:
        raise UserError(f"{block.name}: no cell is finished; train some first")
    hashes = {result["data_hash"] for result in results}
    if len(hashes) > 1:
        raise UserError(
            f"{block.name}: its cells were trained on {len(hashes)} versions of {block.data}; expected one: "
            f"delete the older ones in {ledger / 'cells' / block.folder} and train them again"
        )
    for result in results:
        if not is_commit(result["commit"]):
            raise UserError(
                f"{block.name}: {_cell(result).key} was trained by the code {result['commit']!r}; expected a commit. "
                "Delete its result, commit the code and train it again"
            )
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
    for result in results:
        write_json(recorded_file(block, _cell(result), ledger), result)
    return write(entry, ledger)


def at_stake(block: Block, results: Sequence[dict[str, Any]], ledger: Path = LEDGER) -> str | None:
    """What `record` would take from the block's entry, in words; None when it would only add to it."""
    if block.name not in names(ledger):
        return None
    old, new = (_by_place(rows) for rows in (read(block.name, ledger).values["cells"], map(_row, results)))
    lost = sum(place not in new for place in old)
    other = sum(place in new and new[place] != row for place, row in old.items())
    if not lost + other:
        return None
    return (
        f"{block.name}: of the {len(old)} trainings of the entry, {lost} are not at hand and {other} ended otherwise "
        "here. The entry stays as it is"
    )


def _by_place(rows: Iterable[dict[str, Any]]) -> dict[tuple[str, int, int], dict[str, Any]]:
    return {(row["configuration"], row["fold"], row["seed"]): row for row in rows}


def _cell(result: dict[str, Any]) -> Cell:
    return Cell(TrainConfig(**result["identity"]["config"]), result["fold"], result["split"])


def _row(result: dict[str, Any]) -> dict[str, Any]:
    by_step = {row["step"]: row["test"] for row in result["checkpoints"]}
    scores = {name: by_step[chosen["step"]] for name, chosen in result["selected"].items()}
    rounded = {name: {unit: round(value, 6) for unit, value in score.items()} for name, score in scores.items()}
    return {"configuration": evaluation.configuration(result), "fold": result["fold"], "seed": result["seed"]} | rounded


def _processor(machine: dict[str, Any]) -> str:
    return f"{machine['gpu'] or machine['processor']}, {machine['threads']} threads, torch {machine['torch']}"
