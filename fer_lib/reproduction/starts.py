"""The entry "starts": the first batches of recorded trainings again, and how much of fc4 still answers after them.

Asked because trainings that fail give every picture one answer. Source: PROTOCOL.md.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from fer_lib.data.dataset import FaceDataset
from fer_lib.errors import UserError
from fer_lib.evaluation import metrics
from fer_lib.evaluation.cell import Cell, parts, predict, read_result
from fer_lib.evaluation.tables import configuration
from fer_lib.files import read_json, write_json
from fer_lib.interpret.measures import auroc
from fer_lib.reproduction.blocks import Block, blocks
from fer_lib.reproduction.recorded import by_seed, spoken
from fer_lib.reproduction.runs import recorded_file
from fer_lib.results import LEDGER, Entry, names, read
from fer_lib.training import watch_start

if TYPE_CHECKING:
    import pandas

BLOCKS = ("stills", "stills-longer", "oddities")
BATCHES = 200
SILENT = 0.05  # share of live units below which fc4 is called silent
FAILED = 0.4  # accuracy below which a training has failed, per image, chosen on validation


@dataclass(frozen=True)
class Start:
    """One training's first batches. `live`: step → share of fc4's units that answer to any of 256 training pictures.

    `accuracy`: on its test pictures after them; `recorded`: the same of the recorded training, None where it kept no
    checkpoint there. `threads`: torch's; another number rounds otherwise, and may part the two.
    """

    block: str
    configuration: str
    fold: int
    seed: int
    live: dict[str, float]
    accuracy: float
    recorded: float | None
    threads: int
    seconds: float


def cells(ledger: Path = LEDGER) -> list[tuple[Block, Cell]]:
    """The trainings that are asked: those of `BLOCKS` that are recorded."""
    every = blocks()
    pairs = [(every[name], cell) for name in BLOCKS for cell in every[name].cells]
    return [(block, cell) for block, cell in pairs if recorded_file(block, cell, ledger).is_file()]


def study(
    pairs: Sequence[tuple[Block, Cell]],
    faces_of: Callable[[Block], FaceDataset],
    out: Path,
    ledger: Path = LEDGER,
    device: str = "auto",
) -> Iterator[Start]:
    """Begin each training again, `BATCHES` batches of it; one that was begun in `out` before is read."""
    for block, cell in pairs:
        path = out / "starts" / block.name / f"{cell.key}.json"
        if not path.is_file():
            write_json(path, asdict(_begin(block, cell, faces_of(block), ledger, device)))
        yield _read(path)


def entry(found: Sequence[Start], faces: FaceDataset, command: str) -> Entry:
    """The ledger's entry of these starts; `faces` of the first block."""
    values = {"batches": BATCHES, "starts": [asdict(start) for start in found]}
    return Entry.record(
        "starts",
        command=command,
        seed=sorted({start.seed for start in found}),
        data=faces.provenance["label"],
        data_hash=faces.provenance["data_hash"],
        wall_seconds=round(sum(start.seconds for start in found), 1),
        values=values,
    )


def table(ledger: Path = LEDGER) -> "pandas.DataFrame":
    """One row a start: block, network, fold, seed; live units in %, at `first`, at their `lowest` and `last`, after its
    batches; the `accuracy` at the end of the training, in %; whether it `failed`.

    `same`: whether its accuracy after these batches is the recorded one; None where none was kept. Empty without
    the entry.
    """
    import pandas

    rows = []
    ends = {block: by_seed(block, ledger=ledger) for block in BLOCKS}
    for start in read("starts", ledger).values["starts"] if "starts" in names(ledger) else ():
        place, network = {name: start[name] for name in ("block", "fold", "seed")}, spoken(start["configuration"])
        end = float(ends[start["block"]].loc[(start["fold"], start["seed"]), network])
        same = None if start["recorded"] is None else start["recorded"] == start["accuracy"]
        live = [100 * share for share in start["live"].values()]
        found = {"first": live[0], "lowest": min(live), "last": live[-1]}
        found |= {"accuracy": end, "failed": end < 100 * FAILED}
        rows.append(place | {"network": network} | found | {"same": same})
    columns = ["block", "network", "fold", "seed", "first", "lowest", "last", "accuracy", "failed", "same"]
    return pandas.DataFrame(rows, columns=columns)


def by_end(starts: "pandas.DataFrame") -> dict[str, Any]:
    """Of rows of `table`: how many trainings `failed` and `learned`, how many of each began `silent`, and the AUROC.

    That is the chance that one that learned had more live units than one that failed (ties count half); NaN where
    all ended alike.
    """
    failed, silent = starts["failed"].to_numpy(dtype=bool), starts["last"].to_numpy() < 100 * SILENT
    told = auroc(starts[["last"]].to_numpy(), ~failed[:, None])[0, 0] if 0 < failed.sum() < len(failed) else np.nan
    ends = {"failed": failed, "learned": ~failed}
    return {
        **{name: int(rows.sum()) for name, rows in ends.items()},
        **{f"{name}_silent": int((rows & silent).sum()) for name, rows in ends.items()},
        "auroc": float(told),
    }


def _begin(block: Block, cell: Cell, faces: FaceDataset, ledger: Path, device: str) -> Start:
    began = time.perf_counter()
    training, _, test = parts(faces, cell)
    model, history = watch_start(training, cell.config, BATCHES, device=device)
    probability = predict(model, cell.config, test, device)
    result = read_result(recorded_file(block, cell, ledger))
    recorded = [row["test"]["image"] for row in result["checkpoints"] if row["step"] == BATCHES]
    return Start(
        block=block.name,
        configuration=configuration(result),
        fold=cell.fold,
        seed=cell.config.seed,
        live={str(row.step): round(row.live, 4) for row in history.itertuples()},
        accuracy=metrics.score(probability, test.emotion, test.sequence)["image"],
        recorded=recorded[0] if recorded else None,
        threads=torch.get_num_threads(),
        seconds=round(time.perf_counter() - began, 1),
    )


def _read(path: Path) -> Start:
    raw = read_json(path)
    try:
        return Start(**raw)
    except TypeError as error:
        raise UserError(
            f"{path}: not the start of a training ({error}); delete it and run the same command again"
        ) from error
