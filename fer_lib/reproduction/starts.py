"""The entry "starts": the first batches of recorded trainings again, and how much of fc4 still answers after them.

Asked because trainings that fail often give every picture one answer. Source: PROTOCOL.md.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fer_lib.data.dataset import FaceDataset
from fer_lib.errors import UserError
from fer_lib.evaluation import metrics
from fer_lib.evaluation.cell import Cell, parts, predict, read_result
from fer_lib.evaluation.tables import configuration
from fer_lib.files import read_json, write_json
from fer_lib.interpret.measures import auroc
from fer_lib.reproduction.blocks import Block, blocks
from fer_lib.reproduction.recorded import ends, spoken
from fer_lib.reproduction.runs import recorded_file
from fer_lib.results import LEDGER, Entry, commit, machine, names, read
from fer_lib.training import watch_start
from fer_lib.training.config import resolve_device
from fer_lib.training.loop import run_identity

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
    checkpoint there. Where sums are rounded otherwise (device, precision, threads) the two may part.
    """

    block: str
    configuration: str
    fold: int
    seed: int
    live: dict[str, float]
    accuracy: float
    recorded: float | None


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
) -> Iterator[dict[str, Any]]:
    """Begin each training again, `BATCHES` batches of it; one that was begun in `out` before is read.

    A row holds `start` and the identity, machine, commit and seconds of its making. Raises UserError for a file in
    `out` that is of another training, data set or device, or no start at all.
    """
    for block, cell in pairs:
        faces = faces_of(block)
        training, _, test = parts(faces, cell)
        identity = run_identity(training, cell.config, resolve_device(device)) | {"batches": BATCHES}
        path = out / "starts" / block.name / f"{cell.key}.json"
        if not path.is_file():
            began = time.perf_counter()
            start = _begin(block, cell, training, test, ledger, device)
            made = {"identity": identity, "data_hash": faces.provenance["data_hash"], "machine": machine()}
            seconds = round(time.perf_counter() - began, 1)
            write_json(path, {"start": asdict(start)} | made | {"commit": commit(), "seconds": seconds})
        yield _read(path, identity)


def entry(found: Sequence[dict[str, Any]], label: str, command: str) -> Entry:
    """The ledger's entry of rows of `study`; `label` names their data."""
    hashes = {row["start"].block: row["data_hash"] for row in found}
    values = {
        "batches": BATCHES,
        "starts": [asdict(row["start"]) for row in found],
        "data_hashes": hashes,
        "commits": sorted({row["commit"] for row in found}),
    }
    return Entry.record(
        "starts",
        command=command,
        seed=sorted({row["start"].seed for row in found}),
        data=label,
        data_hash=next(iter(hashes.values())),
        wall_seconds=round(sum(row["seconds"] for row in found), 1),
        values=values,
    )


def lacking(pairs: Sequence[tuple[Block, Cell]], ledger: Path = LEDGER) -> int:
    """How many of these trainings have no start in the ledger."""
    held = read("starts", ledger).values["starts"] if "starts" in names(ledger) else []
    places = {tuple(raw[part] for part in ("block", "configuration", "fold", "seed")) for raw in held}
    results = ((block, cell, read_result(recorded_file(block, cell, ledger))) for block, cell in pairs)
    wanted = [(block.name, configuration(result), cell.fold, cell.config.seed) for block, cell, result in results]
    return sum(place not in places for place in wanted)


def table(ledger: Path = LEDGER) -> "pandas.DataFrame":
    """One row a start whose training is recorded: block, network, fold, seed; live units in %, at `first`, at their
    `lowest` and `last`, after its batches; how the training ended: `accuracy` in %, whether it `failed` and gives
    `one_answer`.

    `same`: whether its accuracy after these batches is the recorded one, None where none was kept; `telling`: whether
    that accuracy is another than the commonest emotion's, which any network with one answer has. Empty without the
    entry.
    """
    import pandas

    rows = []
    for raw in read("starts", ledger).values["starts"] if "starts" in names(ledger) else ():
        live = [100 * share for share in raw["live"].values()]
        found = {"block": raw["block"], "network": spoken(raw["configuration"]), "fold": raw["fold"]}
        found |= {"seed": raw["seed"], "first": live[0], "lowest": min(live), "last": live[-1]}
        same = None if raw["recorded"] is None else raw["recorded"] == raw["accuracy"]
        rows.append(found | {"same": same, "reached": 100 * raw["accuracy"]})
    columns = ["block", "network", "fold", "seed", "first", "lowest", "last", "same", "reached"]
    begun = pandas.DataFrame(rows, columns=columns)
    ended = pandas.concat([ends(block, ledger).assign(block=block) for block in BLOCKS])
    both = begun.merge(ended, on=["block", "network", "fold", "seed"])
    telling = both["same"].notna() & ((both["reached"] - both["majority"]).abs() > 1e-6)
    return both.assign(failed=both["accuracy"] < 100 * FAILED, telling=telling).drop(columns=["reached", "majority"])


def by_end(starts: "pandas.DataFrame") -> dict[str, Any]:
    """Of rows of `table`: how many trainings `failed` and `learned`, how many of each began `silent`, and the AUROC.

    That is the chance that one that learned had more live units than one that failed (ties count half); NaN where
    all ended alike.
    """
    failed, silent = starts["failed"].to_numpy(dtype=bool), starts["last"].to_numpy() < 100 * SILENT
    told = auroc(starts[["last"]].to_numpy(), ~failed[:, None])[0, 0] if 0 < failed.sum() < len(failed) else np.nan
    ended = {"failed": failed, "learned": ~failed}
    return {
        **{name: int(rows.sum()) for name, rows in ended.items()},
        **{f"{name}_silent": int((rows & silent).sum()) for name, rows in ended.items()},
        "auroc": float(told),
    }


def _begin(block: Block, cell: Cell, training: FaceDataset, test: FaceDataset, ledger: Path, device: str) -> Start:
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
    )


def _read(path: Path, identity: dict[str, Any]) -> dict[str, Any]:
    row = read_json(path)
    try:
        row["start"] = Start(**row["start"])
        lacks = {"identity", "data_hash", "commit", "seconds"} - row.keys()
    except (TypeError, KeyError) as error:
        raise UserError(
            f"{path}: not the start of a training ({error}); delete it and run the same command again"
        ) from error
    if lacks:
        raise UserError(f"{path}: the start lacks {', '.join(sorted(lacks))}; delete it and run the same command again")
    if row["identity"] != identity:
        raise UserError(
            f"{path}: the start of another training (other options, data or device); nothing was overwritten. "
            "Choose another --out"
        )
    return row
