"""Recorded blocks as tables for a chapter; a block without an entry says so and shows no number."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fer_lib.reproduction.blocks import blocks
from fer_lib.results import LEDGER, names, read

if TYPE_CHECKING:
    import pandas

SELECTIONS = {"validation": "validation (ours)", "test": "test (as in 2015)", "last": "last"}


def progress(ledger: Path = LEDGER) -> "pandas.DataFrame":
    """One row a block of the protocol: what it asks, and how many of its cells are recorded."""
    import pandas

    held = names(ledger)
    rows = [
        {
            "block": block.name,
            "asks": block.question,
            "recorded": read(block.name, ledger).values["finished"] if block.name in held else 0,
            "planned": len(block.cells),
        }
        for block in blocks().values()
    ]
    return pandas.DataFrame(rows)


def accuracy(name: str, unit: str = "image", ledger: Path = LEDGER) -> "pandas.DataFrame":
    """One row a configuration of a recorded block: folds, seeds, and "mean ± sd over folds" for each selection, in %.

    Empty, with the same columns, when the block has no entry yet.
    """
    import pandas

    columns = ["network", "folds", "seeds", *SELECTIONS.values()]
    if name not in names(ledger):
        return pandas.DataFrame(columns=columns)
    table = read(name, ledger).values["configurations"]
    rows = [_row(configuration, entry, unit) for configuration, entry in table.items()]
    return pandas.DataFrame(rows, columns=columns)


def differences(name: str, unit: str = "image", ledger: Path = LEDGER) -> "pandas.DataFrame":
    """One row a configuration: its accuracy minus the first one's, in points, with a 95 % interval and the pairs."""
    import pandas

    columns = ["network", "difference", "low", "high", "pairs"]
    if name not in names(ledger):
        return pandas.DataFrame(columns=columns)
    found = read(name, ledger).values["contrasts"]
    rows = [{"network": spoken(configuration)} | _points(entry[unit]) for configuration, entry in found.items()]
    return pandas.DataFrame(rows, columns=columns)


def spoken(configuration: str) -> str:
    """ "synthetic/8/as_released/AD/bias" as a reader says it: "AD, as released, with biases"."""
    _, _, recipe, variant, *rest = configuration.split("/")
    words = {"bias": "with biases"} | {f"by-{unit}": f"split by {unit}" for unit in ("image", "sequence", "subject")}
    return ", ".join([variant, recipe.replace("as_", "as "), *(words[part] for part in rest)])


def _row(configuration: str, entry: dict[str, Any], unit: str) -> dict[str, Any]:
    row = {"network": spoken(configuration), "folds": entry["folds"], "seeds": entry["seeds"]}
    for selection, name in SELECTIONS.items():
        found = entry["accuracy"].get(selection)
        row[name] = _spread(found[unit]) if found else "–"
    return row


def _spread(found: dict[str, Any]) -> str:
    spread = "" if found["sd_folds"] is None else f" ± {100 * found['sd_folds']:.1f}"
    return f"{100 * found['mean']:.1f}{spread}"


def _points(found: dict[str, Any]) -> dict[str, Any]:
    points = {part: None if found[part] is None else 100 * found[part] for part in ("difference", "low", "high")}
    return points | {"pairs": found["pairs"]}
