"""The protocol's five questions to the block "grid": is A better than AD, and what do dropout and augmentation add?"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fer_lib.evaluation.contrast import Accuracies, holm, paired
from fer_lib.reproduction.recorded import by_seed, in_points
from fer_lib.results import LEDGER, names, read

if TYPE_CHECKING:
    import pandas

RECIPES = ("as released", "as described")
RAISED = (0, 1)  # folds of the block "seeds", which raised the question of A and AD
METHODS = {"dropout": (("D", "plain"), ("AD", "A")), "augmentation": (("A", "plain"), ("AD", "D"))}  # with, without
LEVEL = 0.05
COLUMNS = ("question", "difference", "median over folds", "folds won", "p of five", "answer")


def answers(ratio: float, unit: str = "image", ledger: Path = LEDGER) -> "pandas.DataFrame":
    """One row a question (`COLUMNS`): the difference with its 95 % interval, p corrected by Holm, and what it allows.

    A *method's effect* in a fold is the mean of two differences, with it minus without it: once beside the other method
    and once without. Folds in which one of the networks is missing are left out; an unfinished block has no p.
    Chosen on validation. `ratio`: test to training images of a fold. Empty without the entry. Source: PROTOCOL.md.
    """
    import pandas

    contrasts = asked(ratio, unit, ledger)
    corrected = holm(list(contrasts.values())) if _whole(ledger) else [None] * len(contrasts)
    rows = [_row(question, found, p) for (question, found), p in zip(contrasts.items(), corrected, strict=True)]
    return pandas.DataFrame(rows, columns=list(COLUMNS))


def asked(ratio: float, unit: str = "image", ledger: Path = LEDGER) -> dict[str, dict[str, Any]]:
    """Question → its contrast, with the fields of `fer_lib.evaluation.contrast.paired`; see `answers`."""
    table = by_seed("grid", unit, ledger) / 100
    if table.empty:
        return {}
    unseen = table.drop(index=list(RAISED), level="fold", errors="ignore")
    first = RECIPES[0]
    found = {f"A minus AD, {first}, on folds that did not raise it": _contrast(unseen, first, [("A", "AD")], ratio)}
    for recipe in RECIPES:
        for method, pairs in METHODS.items():
            found[f"effect of {method}, {recipe}"] = _contrast(table, recipe, pairs, ratio)
    return found


def _whole(ledger: Path) -> bool:
    if "grid" not in names(ledger):
        return False
    values = read("grid", ledger).values
    return values["finished"] == values["planned"]


def _contrast(table: "pandas.DataFrame", recipe: str, pairs: Sequence[tuple[str, str]], ratio: float) -> dict[str, Any]:
    wanted = [f"{variant}, {recipe}" for pair in pairs for variant in pair]
    whole = table.reindex(columns=wanted).dropna()
    first, second = (whole[wanted[side::2]].mean(axis=1) for side in (0, 1))
    return paired(_accuracies(first), _accuracies(second), ratio)


def _accuracies(column: "pandas.Series") -> Accuracies:
    return {(int(fold), int(seed)): float(value) for (fold, seed), value in column.items()}


def _row(question: str, found: dict[str, Any], p: float | None) -> dict[str, str]:
    known = found["difference"] is not None
    values = (
        question,
        in_points(found) if known else "–",
        f"{100 * found['median']:+.1f} points" if known else "–",
        f"{found['won']} of {found['folds']}" if known else "–",
        "–" if p is None else f"{p:.3f}",
        _answer(found, p),
    )
    return dict(zip(COLUMNS, values, strict=True))


def _answer(found: dict[str, Any], p: float | None) -> str:
    if p is None:
        return "not all is recorded"
    if p > LEVEL:
        return "these runs cannot tell"
    return "helps" if found["difference"] > 0 else "harms"
