"""Tables from the results of cells: means with their spreads, and the comparison with the paper."""

from collections.abc import Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from fer_lib.errors import UserError
from fer_lib.evaluation.cell import SELECTIONS
from fer_lib.evaluation.metrics import calibration_error, merge
from fer_lib.paper import CERTAINTY, paper_value
from fer_lib.training.config import PRESETS

if TYPE_CHECKING:
    import pandas

UNITS = ("image", "sequence")
_GROUP = ("data", "classes", "split", "recipe", "variant", "zero_bias")


def summary(cells: Sequence[dict[str, Any]]) -> "pandas.DataFrame":
    """One row a (data, classes, split, recipe, variant, zero_bias, selection, unit): mean accuracy and its spreads.

    mean         over all folds and seeds, 0-1
    sd_folds     standard deviation over folds of the mean over seeds; NaN with one fold
    sd_seeds     standard deviation over seeds of the mean over folds; NaN with one seed
    majority     accuracy of always answering the training folds' most frequent emotion
    """
    import pandas

    keys = [*_GROUP, "selection", "unit"]
    scores = pandas.DataFrame([row for cell in cells for row in _scores(cell)])
    groups = scores.groupby(keys, sort=False)
    return pandas.DataFrame([dict(zip(keys, group, strict=True)) | _spread(rows) for group, rows in groups])


def _scores(cell: dict[str, Any]) -> list[dict[str, Any]]:
    by_step = {row["step"]: row["test"] for row in cell["checkpoints"]}
    base = {"classes": len(cell["emotions"])} | {name: cell[name] for name in _GROUP if name != "classes"}
    base |= {name: cell[name] for name in ("fold", "seed", "majority")}
    return [
        base | {"selection": selection, "unit": unit, "accuracy": by_step[cell["selected"][selection]["step"]][unit]}
        for selection, unit in product(cell["selected"], UNITS)
    ]


def _spread(rows: "pandas.DataFrame") -> dict[str, float]:
    by_fold, by_seed = (rows.groupby(name)["accuracy"].mean() for name in ("fold", "seed"))
    return {
        "mean": rows["accuracy"].mean(),
        "sd_folds": by_fold.std(),
        "sd_seeds": by_seed.std(),
        "folds": len(by_fold),
        "seeds": len(by_seed),
        "majority": rows["majority"].mean(),
    }


def confusion(cells: Sequence[dict[str, Any]], selection: str = "validation") -> np.ndarray:
    """Counts (C, C) over all test folds and seeds: row the true emotion, column the predicted one."""
    return sum(np.array(_selected(cell, selection)["confusion"]) for cell in cells)


def reliability(cells: Sequence[dict[str, Any]], selection: str = "validation") -> list[dict[str, Any]]:
    """Calibration over all test folds and seeds, one dict a confidence bin: count, confidence, accuracy."""
    return merge([_selected(cell, selection)["reliability"] for cell in cells])


def as_values(cells: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Everything a ledger entry or a figure needs from the cells of one grid: plain dicts, lists and numbers.

    `accuracy` is keyed by configuration, then selection, then unit; `gap` is "test" minus "validation" per image:
    the bias of choosing on the test fold, measured on the same runs.
    """
    table: dict[str, Any] = {}
    for row in summary(cells).to_dict("records"):
        entry = table.setdefault(label(row), {"majority": row["majority"], "accuracy": {}})
        spread = {name: _none_if_nan(row[name]) for name in ("mean", "sd_folds", "sd_seeds")}
        entry["accuracy"].setdefault(row["selection"], {})[row["unit"]] = spread
    for name, entry in table.items():
        members = [cell for cell in cells if configuration(cell) == name]
        entry |= {"folds": len({c["fold"] for c in members}), "seeds": len({c["seed"] for c in members})}
        entry |= {field: members[0]["identity"]["config"][field] for field in ("size", "steps")}
        chosen = "validation" if "validation" in entry["accuracy"] else "last"
        curve = reliability(members, chosen)
        entry |= {"confusion": confusion(members, chosen).tolist(), "reliability": curve}
        entry |= {"calibration_error": calibration_error(curve), "emotions": members[0]["emotions"]}
        if chosen == "validation":
            means = {selection: entry["accuracy"][selection]["image"]["mean"] for selection in ("test", "validation")}
            entry["gap"] = means["test"] - means["validation"]
    return table


def label(row: dict[str, Any]) -> str:
    """Short name of a configuration: data, classes, recipe, variant, biases, split. Size and steps are the block's."""
    parts = [row["data"], str(row["classes"]), row["recipe"], row["variant"]]
    parts += [] if row["zero_bias"] else ["bias"]
    parts += [] if row["split"] == "folds" else [f"by-{row['split']}"]
    return "/".join(parts)


def read_label(name: str) -> dict[str, Any]:
    """What `label` made the name of: data, classes, recipe, variant, zero_bias and split."""
    data, classes, recipe, variant, *rest = name.split("/")
    split = next((part.removeprefix("by-") for part in rest if part.startswith("by-")), "folds")
    row = {"data": data, "classes": int(classes), "recipe": recipe, "variant": variant}
    return row | {"zero_bias": "bias" not in rest, "split": split}


def configuration(cell: dict[str, Any]) -> str:
    """The `label` of a cell's result."""
    return label(cell | {"classes": len(cell["emotions"])})


def label_order(cells: Sequence[dict[str, Any]]) -> list[str]:
    """The configurations of the cells, in order of first appearance."""
    return list(dict.fromkeys(configuration(cell) for cell in cells))


def as_text(cells: Sequence[dict[str, Any]]) -> str:
    """The human table: accuracy in per cent, each selection per image and per sequence."""
    table = summary(cells)
    lines = []
    for name, rows in table.groupby(table.apply(label, axis=1), sort=False):
        first = rows.iloc[0]
        lines.append(f"{name}: {first.folds} folds x {first.seeds} seeds, majority {first.majority:.1%}")
        lines += [f"  {_LABELS[r['selection']]:<48} per {r['unit']:<9} {_percent(r)}" for r in rows.to_dict("records")]
    return "\n".join([*lines, "spreads: standard deviation over folds; over seeds"])


_LABELS = {
    "validation": "checkpoint chosen on validation (honest)",
    "test": "checkpoint chosen on test (as released in 2015)",
    "last": "last checkpoint",
}


def _percent(row: dict[str, Any]) -> str:
    folds, seeds = (f"{100 * row[name]:.1f}" if row[name] == row[name] else "-" for name in ("sd_folds", "sd_seeds"))
    return f"{100 * row['mean']:5.1f} % ± {folds}; {seeds}"


def against_paper(values: dict[str, dict[str, Any]]) -> list[dict[str, str]]:
    """Rows "paper / ours / why they differ" for CNN+AD: the two selections against the two printed versions.

    `values`: configurations as `as_values` gives them. Networks with biases and splits that leak have no counterpart.
    """
    return [_against(name, entry, *pair) for name, entry in values.items() for pair in _pairs(name)]


def _pairs(name: str) -> list[tuple[str, str]]:
    found = read_label(name)
    as_printed = found["variant"] == "AD" and found["zero_bias"] and found["split"] == "folds"
    stem = {8: "ckplus8", 6: "ckplus6", 7: "tfd"}.get(found["classes"]) if as_printed else None
    return [(f"{stem}.workshop", "test"), (f"{stem}.v3", "validation")] if stem else []


def _against(name: str, entry: dict[str, Any], key: str, selection: str) -> dict[str, str]:
    paper, ours = paper_value(key), entry["accuracy"].get(selection)
    mean, sd = (ours["image"][part] for part in ("mean", "sd_folds")) if ours else (None, None)
    spread = "" if sd is None else f" ± {100 * sd:.1f}"
    return {
        "claim": paper.what,
        "paper": f"{paper} [{paper.certainty}: {CERTAINTY[paper.certainty]}]",
        "ours": "not measured" if mean is None else f"{100 * mean:.1f}{spread} ({name}, chosen on {selection})",
        "why": _why(name, entry, key.split(".")[0]),
    }


def _why(name: str, entry: dict[str, Any], stem: str) -> str:
    data, recipe = (read_label(name)[part] for part in ("data", "recipe"))
    real = {"tfd": "tfd"}.get(stem, "ckplus")
    reasons = [] if data == real else [f"other pictures: {data}, not {'TFD' if real == 'tfd' else 'CK+'}"]
    full = 5 if real == "tfd" else 10
    reasons += [] if entry["folds"] == full else [f"{entry['folds']} of {full} folds"]
    own, paper = (tuple(held[field] for field in ("size", "steps")) for held in (entry, PRESETS["paper"]))
    reasons += [] if own == paper else ["{} px and {:,} batches, not {} px and {:,}".format(*own, *paper)]
    reasons += [
        f"recipe {recipe}",
        f"{entry['seeds']} seed{'s' * (entry['seeds'] != 1)}, the paper's is one run whose weights are unseeded",
    ]
    return "; ".join(reasons)


def _selected(cell: dict[str, Any], selection: str) -> dict[str, Any]:
    if selection not in cell["selected"]:
        raise UserError(
            f"selection {selection!r} was not recorded for fold {cell['fold']}; "
            f"expected one of {', '.join(name for name in SELECTIONS if name in cell['selected'])}"
        )
    return cell["selected"][selection]


def _none_if_nan(number: float) -> float | None:
    return None if number != number else float(number)
