"""Differences between two configurations, paired by fold and seed, with an interval that knows the folds overlap.

Seeds of one fold are no new people: they are averaged before the interval is taken.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.stats import t

from fer_lib.evaluation.tables import configuration, label_order

Accuracies = dict[tuple[int, int], float]  # (fold, seed) → 0-1
FIELDS = ("difference", "median", "low", "high", "pairs", "folds", "won")


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
    """Mean accuracy of `one` minus that of `other` over the folds that both have, and a 95 % interval.

    The interval is None with fewer than two folds, and between two ways to split: their folds test other pictures.
    `won`: folds in which `one` is the better. `median`: of the folds' differences.
    The interval is Nadeau and Bengio's corrected resampled t (Machine Learning 52, 2003): training sets of folds
    overlap, so the variance of the mean is s² (1/n + test/training) instead of s²/n.
    """
    first, second = (_accuracies(cells, name, selection, unit) for name in (one, other))
    if not (first and second) or _split(cells, one) != _split(cells, other):
        return paired(first, second, None)
    images = [cell["images"] for cell in cells if configuration(cell) == one]
    return paired(first, second, float(np.mean([count["test"] / count["training"] for count in images])))


def paired(first: Accuracies, second: Accuracies, ratio: float | None) -> dict[str, Any]:
    """The contrast `first` minus `second` of accuracies by (fold, seed); `ratio` is that of test to training images.

    Fields as of `contrast`; no interval without a ratio.
    """
    shared = sorted(first.keys() & second.keys())
    found: dict[str, Any] = dict.fromkeys(FIELDS) | {"pairs": len(shared)}
    if not shared:
        return found
    by_fold: dict[int, list[float]] = {}
    for fold, seed in shared:
        by_fold.setdefault(fold, []).append(first[fold, seed] - second[fold, seed])
    differences = np.array([np.mean(each) for each in by_fold.values()])
    found |= {"difference": float(differences.mean()), "median": float(np.median(differences))}
    found |= {"won": int((differences > 0).sum()), "folds": len(differences)}
    if len(differences) > 1 and ratio is not None:
        spread = differences.std(ddof=1) * np.sqrt(1 / len(differences) + ratio)
        half = float(spread * t.ppf(0.975, len(differences) - 1))
        found |= {"low": found["difference"] - half, "high": found["difference"] + half}
    return found


def holm(contrasts: Sequence[dict[str, Any]]) -> list[float]:
    """Two-sided p of each contrast that has an interval, corrected for their number (Holm 1979): 0-1, in their order.

    The p is that of the corrected t of which the interval is made: they agree on what 0 is clear of.
    """
    halves = np.array([(found["high"] - found["low"]) / 2 for found in contrasts])
    freedom = np.array([found["folds"] - 1 for found in contrasts])
    gap = np.abs([found["difference"] for found in contrasts])
    clear = np.where(gap > 0, np.inf, 0.0)  # where all folds agree to the last digit
    size = np.divide(gap, halves, out=clear, where=halves > 0) * t.ppf(0.975, freedom)
    p = 2 * t.sf(size, freedom)
    order = np.argsort(p)
    corrected = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)).clip(max=1)
    return corrected[np.argsort(order)].tolist()


def _split(cells: Sequence[dict[str, Any]], name: str) -> str:
    return next(cell["split"] for cell in cells if configuration(cell) == name)


def _accuracies(cells, name: str, selection: str, unit: str) -> Accuracies:
    found = {}
    for cell in cells:
        if configuration(cell) == name and selection in cell["selected"]:
            step = cell["selected"][selection]["step"]
            row = next(row for row in cell["checkpoints"] if row["step"] == step)
            found[cell["fold"], cell["seed"]] = row["test"][unit]
    return found
