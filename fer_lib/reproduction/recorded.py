"""Recorded blocks as tables for a chapter; a block without an entry says so and shows no number."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fer_lib import evaluation
from fer_lib.evaluation.cell import read_result
from fer_lib.evaluation.contrast import paired
from fer_lib.evaluation.metrics import gives_one_answer
from fer_lib.evaluation.tables import UNITS, configuration, read_label
from fer_lib.reproduction.blocks import blocks, find_block
from fer_lib.reproduction.runs import recorded_file
from fer_lib.results import LEDGER, names, read

if TYPE_CHECKING:
    import pandas

SELECTIONS = {"validation": "validation (ours)", "test": "test (as in 2015)", "last": "last"}
COUNTED = {"image": "pictures", "sequence": "sequences"}
_CONTRAST = ("difference", "low", "high")


def progress(ledger: Path = LEDGER) -> "pandas.DataFrame":
    """One row a block of the protocol: how many of its cells are recorded and planned, and what it asks."""
    import pandas

    held = names(ledger)
    rows = [
        {
            "block": block.name,
            "recorded": read(block.name, ledger).values["finished"] if block.name in held else 0,
            "planned": len(block.cells),
            "asks": block.question,
        }
        for block in blocks().values()
    ]
    return pandas.DataFrame(rows)


def accuracy(name: str, ledger: Path = LEDGER) -> "pandas.DataFrame":
    """One row a configuration and unit: folds, seeds, and "mean ± sd over folds" for each selection, in %.

    Empty for a block without an entry.
    """
    import pandas

    held = read(name, ledger).values["configurations"] if name in names(ledger) else {}
    rows = [_row(configuration, entry, unit) for configuration, entry in held.items() for unit in UNITS]
    return pandas.DataFrame(rows, columns=["network", "folds", "seeds", "counted", *SELECTIONS.values()])


def differences(name: str, unit: str = "image", ledger: Path = LEDGER) -> "pandas.DataFrame":
    """One row a configuration: its accuracy minus the first one's: mean with a 95 % interval, median, folds won."""
    import pandas

    found = read(name, ledger).values["contrasts"] if name in names(ledger) else {}
    rows = [
        {"network": spoken(configuration), "minus the first": in_points(entry[unit])} | _by_fold(entry[unit])
        for configuration, entry in found.items()
    ]
    return pandas.DataFrame(rows, columns=["network", "minus the first", "median over folds", "folds won"])


def in_points(found: dict[str, Any]) -> str:
    """ "+5.2 points (95 % interval +1.1 to +9.3)" of a paired contrast; without an interval where there is none."""
    value, *ends = (None if found[name] is None else f"{100 * found[name]:+.1f}" for name in _CONTRAST)
    return f"{value} points" + (f" (95 % interval {' to '.join(ends)})" if None not in ends else "")


def with_again(name: str, ratio: float, unit: str = "image", ledger: Path = LEDGER) -> dict[str, Any]:
    """The block's contrasts, keyed as in its entry, had the trainings of "again" stood in place of its own.

    `ratio`: test to training images of a fold. Chosen on validation.
    """
    own, again = (read(entry, ledger).values["cells"] for entry in (name, "again"))
    repeated = {row["configuration"] for row in again}
    by: dict[str, dict[tuple[int, int], float]] = {row["configuration"]: {} for row in own}
    for row in [*(row for row in own if row["configuration"] not in repeated), *again]:
        by[row["configuration"]][row["fold"], row["seed"]] = row["validation"][unit]
    first, *others = by
    return {other: {unit: paired(by[other], by[first], ratio)} for other in others}


def by_seed(name: str = "seeds", unit: str = "image", ledger: Path = LEDGER) -> "pandas.DataFrame":
    """Accuracy in % of every training: one row a (fold, seed), one column a network; NaN where none is recorded.

    Chosen on validation. Empty without the entry.
    """
    import pandas

    cells = read(name, ledger).values["cells"] if name in names(ledger) else []
    rows = [
        {"network": spoken(row["configuration"]), "fold": row["fold"], "seed": row["seed"]}
        | {"accuracy": 100 * row["validation"][unit]}
        for row in cells
    ]
    table = pandas.DataFrame(rows, columns=["network", "fold", "seed", "accuracy"])
    order = list(dict.fromkeys(table["network"]))
    return table.pivot(index=["fold", "seed"], columns="network", values="accuracy")[order]


def split_ratio(name: str, ledger: Path = LEDGER) -> float:
    """Test to training images of a fold, mean over the block's recorded trainings; NaN where none is recorded.

    Raises UserError for a block that is unknown.
    """
    images = [result["images"] for result in _whole_results(name, ledger)]
    return float(np.mean([count["test"] / count["training"] for count in images])) if images else float("nan")


def ends(name: str, ledger: Path = LEDGER) -> "pandas.DataFrame":
    """One row a recorded training: network, fold, seed, accuracy, majority, one_answer.

    Per image, chosen on validation, in %; `majority`: what the commonest training emotion gets. `one_answer`: whether
    every test picture gets the same. Raises UserError for a block that is unknown.
    """
    import pandas

    rows = []
    for result in _whole_results(name, ledger):
        counts = np.array(result["selected"]["validation"]["confusion"])
        shares = {"accuracy": counts.trace() / counts.sum(), "majority": result["majority"]}
        rows.append(
            {"network": spoken(configuration(result)), "fold": result["fold"], "seed": result["seed"]}
            | {what: 100 * float(share) for what, share in shares.items()}
            | {"one_answer": gives_one_answer(counts)}
        )
    return pandas.DataFrame(rows, columns=["network", "fold", "seed", "accuracy", "majority", "one_answer"])


def one_answer(name: str, ledger: Path = LEDGER) -> dict[str, int]:
    """Network → how many of its recorded trainings give every test picture the same answer; see `ends`."""
    counts = ends(name, ledger).groupby("network", sort=False)["one_answer"].sum()
    return {network: int(count) for network, count in counts.items()}


def _whole_results(name: str, ledger: Path) -> list[dict[str, Any]]:
    asked = find_block(name)
    paths = (recorded_file(asked, cell, ledger) for cell in asked.cells)
    return [read_result(path) for path in paths if path.is_file()]


def seed_spread(table: "pandas.DataFrame") -> "pandas.DataFrame":
    """One row a network of `by_seed`'s table, in %: trainings, mean, lowest, highest, and "sd of seeds".

    That is the standard deviation between trainings of one fold that differ by the seed alone, pooled over folds; NaN
    where no fold has two.
    """
    import pandas

    variances = table.groupby("fold").var()  # of the seeds of each fold; NaN with one
    columns = {"trainings": table.count(), "mean": table.mean(), "lowest": table.min(), "highest": table.max()}
    return pandas.DataFrame(columns | {"sd of seeds": variances.mean() ** 0.5})


def recalls(*blocks_named: str, ledger: Path = LEDGER) -> "pandas.DataFrame":
    """One row an emotion: its test pictures, and in % how many of them each block's first network found.

    Over all folds, each with the checkpoint chosen on validation.
    """
    import pandas

    entries = [next(iter(read(name, ledger).values["configurations"].values())) for name in blocks_named]
    counts = [np.array(entry["confusion"]) for entry in entries]
    table = {"emotion": entries[0]["emotions"], "pictures": counts[0].sum(axis=1)}
    table |= {name: 100 * c.diagonal() / c.sum(axis=1) for name, c in zip(blocks_named, counts, strict=True)}
    return pandas.DataFrame(table)


def against_paper(ledger: Path = LEDGER) -> "pandas.DataFrame":
    """Rows claim, paper, ours, why they differ, of the blocks that the paper has a number for and that are recorded."""
    import pandas

    held = [read(name, ledger).values for name in ("networks", "six-classes", "stills") if name in names(ledger)]
    rows = [
        row | {"ours": row["ours"].replace(name, spoken(name))}
        for values in held
        for name, entry in _with_schedule(values).items()
        for row in evaluation.against_paper({name: entry})
    ]
    return pandas.DataFrame(rows, columns=["claim", "paper", "ours", "why"])


def _with_schedule(values: dict[str, Any]) -> dict[str, Any]:
    schedule = {field: values[field] for field in ("size", "steps")}  # one for the whole block
    return {name: schedule | entry for name, entry in values["configurations"].items()}


def spoken(configuration: str) -> str:
    """ "synthetic/8/as_released/AD/bias" as a reader says it: "AD, as released, with biases"."""
    found = read_label(configuration)
    words = [found["variant"], found["recipe"].replace("as_", "as ")]
    words += [] if found["zero_bias"] else ["with biases"]
    words += [] if found["split"] == "folds" else [f"split by {found['split']}"]
    return ", ".join(words)


def _row(configuration: str, entry: dict[str, Any], unit: str) -> dict[str, Any]:
    row = {"network": spoken(configuration), "folds": entry["folds"], "seeds": entry["seeds"], "counted": COUNTED[unit]}
    for selection, name in SELECTIONS.items():
        found = entry["accuracy"].get(selection)
        row[name] = _spread(found[unit]) if found else "–"
    return row


def _spread(found: dict[str, Any]) -> str:
    spread = "" if found["sd_folds"] is None else f" ± {100 * found['sd_folds']:.1f}"
    return f"{100 * found['mean']:.1f}{spread}"


def _by_fold(found: dict[str, Any]) -> dict[str, str]:
    if found.get("median") is None:
        return {"median over folds": "–", "folds won": "–"}
    won = f"{found['won']} of {found['folds']}"
    return {"median over folds": f"{100 * found['median']:+.1f} points", "folds won": won}
