"""The protocol's questions to whole blocks.

Five to "grid": what do dropout and augmentation add, is A better than AD? Three each to "full-size" and
"stills-longer": do both together help there, and do larger pictures, or a longer schedule, help each of the two?
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fer_lib.errors import UserError
from fer_lib.evaluation.contrast import Accuracies, holm, paired
from fer_lib.reproduction.recorded import by_seed, in_points
from fer_lib.results import LEDGER, names, read

if TYPE_CHECKING:
    import pandas

RECIPES = ("as released", "as described")
RAISED = (0, 1)  # folds of the block "seeds", which raised the question of A and AD
METHODS = {"dropout": (("D", "plain"), ("AD", "A")), "augmentation": (("A", "plain"), ("AD", "D"))}  # with, without
SMALL = {"AD": "again", "plain": "grid"}  # where the trainings of 48 px in the same arithmetic are recorded
SHORT = {"AD": "stills", "plain": "stills"}  # where those of 1,200 batches are
LEVEL = 0.05
COLUMNS = ("question", "difference", "median over folds", "folds won", "corrected p", "answer")


def answers(
    ratio: float, unit: str = "image", ledger: Path = LEDGER, block: str = "grid", new_folds: bool = False
) -> "pandas.DataFrame":
    """One row a question (`COLUMNS`): the difference with its 95 % interval, p corrected by Holm, and what it allows.

    A *method's effect* in a fold is the mean of two differences, with it minus without it: once beside the other method
    and once without. Folds in which one of the networks is missing are left out; an unfinished block has no p.
    Chosen on validation. `ratio`: test to training images of a fold. Empty without the entry. `block`: "grid",
    "full-size" or "stills-longer". `new_folds`: all questions on the folds that raised none. Source: PROTOCOL.md.
    """
    import pandas

    contrasts = asked(ratio, unit, ledger, block, new_folds)
    whole = _whole(ledger, block) and all(found["low"] is not None for found in contrasts.values())
    corrected = holm(list(contrasts.values())) if whole else [None] * len(contrasts)
    rows = [_row(question, found, p) for (question, found), p in zip(contrasts.items(), corrected, strict=True)]
    return pandas.DataFrame(rows, columns=list(COLUMNS))


def asked(
    ratio: float, unit: str = "image", ledger: Path = LEDGER, block: str = "grid", new_folds: bool = False
) -> dict[str, dict[str, Any]]:
    """Question → its contrast, with the fields of `fer_lib.evaluation.contrast.paired`; see `answers`.

    Raises UserError for a block that the protocol asks nothing.
    """
    if block not in _QUESTIONS:
        raise UserError(f"block {block!r} has no questions in the protocol; expected one of {', '.join(_QUESTIONS)}")
    table = by_seed(block, unit, ledger) / 100
    if new_folds:
        table = table.drop(index=list(RAISED), level="fold", errors="ignore")
    return {} if table.empty else _QUESTIONS[block](table, ratio, unit, ledger)


def _of_grid(table: "pandas.DataFrame", ratio: float, unit: str, ledger: Path) -> dict[str, dict[str, Any]]:
    unseen = table.drop(index=list(RAISED), level="fold", errors="ignore")
    first = RECIPES[0]
    pair = (f"A, {first}", f"AD, {first}")
    found = {f"A minus AD, {first}, on folds that did not raise it": _contrast(unseen, [pair], ratio)}
    for recipe in RECIPES:
        for method, pairs in METHODS.items():
            named = [(f"{used}, {recipe}", f"{without}, {recipe}") for used, without in pairs]
            found[f"effect of {method}, {recipe}"] = _contrast(table, named, ratio)
    return found


def _of_full_size(table: "pandas.DataFrame", ratio: float, unit: str, ledger: Path) -> dict[str, dict[str, Any]]:
    return _beside(table, SMALL, "at 96 px", "at 48 px", ratio, unit, ledger)


def _of_longer(table: "pandas.DataFrame", ratio: float, unit: str, ledger: Path) -> dict[str, dict[str, Any]]:
    return _beside(table, SHORT, "with 4,800 batches", "with 1,200", ratio, unit, ledger)


def _beside(table, others: dict[str, str], here: str, there: str, ratio, unit, ledger) -> dict[str, dict[str, Any]]:
    """AD minus plain, and each of them minus its own training in another block; `others`: variant → that block."""
    names = {variant: f"{variant}, {RECIPES[0]}" for variant in others}
    held = {variant: by_seed(block, unit, ledger) / 100 for variant, block in others.items()}
    columns = [held[variant].reindex(columns=[name])[name] for variant, name in names.items()]
    table = table.join([column.rename(f"{column.name}, {there}") for column in columns])
    found = {f"AD minus plain, both {here}": _contrast(table, [(names["AD"], names["plain"])], ratio)}
    for variant, name in names.items():
        pair = (name, f"{name}, {there}")
        found[f"{variant} {here} minus {variant} {there}"] = _contrast(table, [pair], ratio)
    return found


_QUESTIONS: dict[str, Callable[..., dict[str, dict[str, Any]]]] = {
    "grid": _of_grid,
    "full-size": _of_full_size,
    "stills-longer": _of_longer,
}


def pairs(ratio: float, unit: str = "image", ledger: Path = LEDGER) -> "pandas.DataFrame":
    """What the effects in the grid average over: each method alone and beside the other, one column a recipe.

    Differences with 95 % intervals, uncorrected, and in how many folds they are above 0. No question of the protocol.
    Empty without the entry.
    """
    import pandas

    table = by_seed("grid", unit, ledger) / 100
    rows = []
    for method, (alone, beside) in METHODS.items() if len(table) else ():
        for place, (used, without) in (("alone", alone), ("beside the other", beside)):
            row = {"pair": f"{method} {place}: {used} minus {without}"}
            rows.append(row | {recipe: _pair(table, recipe, used, without, ratio) for recipe in RECIPES})
    return pandas.DataFrame(rows, columns=["pair", *RECIPES])


def _pair(table: "pandas.DataFrame", recipe: str, used: str, without: str, ratio: float) -> str:
    found = _contrast(table, [(f"{used}, {recipe}", f"{without}, {recipe}")], ratio)
    if found["difference"] is None:
        return "–"
    return f"{in_points(found)}, {found['won']} of {found['folds']} folds"


def _whole(ledger: Path, block: str) -> bool:
    if block not in names(ledger):
        return False
    values = read(block, ledger).values
    return values["finished"] == values["planned"]


def _contrast(table: "pandas.DataFrame", pairs: Sequence[tuple[str, str]], ratio: float) -> dict[str, Any]:
    wanted = [name for pair in pairs for name in pair]
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
