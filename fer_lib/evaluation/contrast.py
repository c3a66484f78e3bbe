"""Differences between two configurations, paired by fold and seed, with an interval that knows the folds overlap."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.stats import t

from fer_lib.evaluation.tables import configuration, label_order

FIELDS = ("difference", "low", "high", "pairs")


def contrasts(cells: Sequence[dict[str, Any]], selection: str = "validation") -> dict[str, dict[str, dict[str, Any]]]:
    """Every configuration minus the first one, per image and per sequence, where both have the fold and the seed."""
    names = label_order(cells)
    return {
        name: {unit: contrast(cells, name, names[0], selection, unit) for unit in ("image", "sequence")}
        for name in names[1:]
    }


def contrast(
    cells: Sequence[dict[str, Any]], one: str, other: str, selection: str = "validation", unit: str = "image"
) -> dict[str, Any]:
    """Mean accuracy of `one` minus that of `other`, with a 95 % interval (None with fewer than two pairs).

    The interval is Nadeau and Bengio's corrected resampled t (Machine Learning 52, 2003): training sets of folds
    overlap, so the variance of the mean is s² (1/n + test/training) instead of s²/n.
    """
    first, second = (_accuracies(cells, name, selection, unit) for name in (one, other))
    shared = sorted(first.keys() & second.keys())
    found = dict.fromkeys(FIELDS) | {"pairs": len(shared)}
    if not shared:
        return found
    differences = np.array([first[key] - second[key] for key in shared])
    found["difference"] = float(differences.mean())
    if len(shared) > 1:
        images = [cell["images"] for cell in cells if configuration(cell) == one]
        ratio = np.mean([count["test"] / count["training"] for count in images])
        spread = differences.std(ddof=1) * np.sqrt(1 / len(shared) + ratio)
        half = float(spread * t.ppf(0.975, len(shared) - 1))
        found |= {"low": found["difference"] - half, "high": found["difference"] + half}
    return found


def _accuracies(cells, name: str, selection: str, unit: str) -> dict[tuple[int, int], float]:
    found = {}
    for cell in cells:
        if configuration(cell) == name and selection in cell["selected"]:
            step = cell["selected"][selection]["step"]
            row = next(row for row in cell["checkpoints"] if row["step"] == step)
            found[cell["fold"], cell["seed"]] = row["test"][unit]
    return found
