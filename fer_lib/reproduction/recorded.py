"""Recorded blocks as tables for a chapter; a block without an entry says so and shows no number."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fer_lib import evaluation
from fer_lib.evaluation.contrast import paired
from fer_lib.evaluation.tables import UNITS
from fer_lib.reproduction.blocks import blocks
from fer_lib.reproduction.summary import DO_RESTING, FACTORIAL, members
from fer_lib.results import LEDGER, names, read

if TYPE_CHECKING:
    import pandas

SELECTIONS = {"validation": "validation (ours)", "test": "test (as in 2015)", "last": "last"}
COUNTED = {"image": "pictures", "sequence": "sequences"}
FILTERS = {
    "labels": ("filters with a label, of 256", "{:.0f}"),
    "flattered_auroc": ("AUROC of each AU's best filter, where it was chosen", "{:.3f}"),
    "held_out_auroc": ("the same on other people", "{:.3f}"),
    "label_auroc": ("AUROC of each filter's own AU, on other people", "{:.3f}"),
    "factorial_auroc": ("AUROC of each AU's best filter where AUs are independent, on other people", "{:.3f}"),
    "kl_winner_rare": ("the paper's KL picks one of the four rarest AUs", "{:.0%}"),
    "survival_factorial": ("labels that survive where AUs are independent", "{:.0%}"),
    "survival_resting": ("labels that survive do(AU) on resting faces", "{:.0%}"),
    "survival_natural": ("labels that survive do(AU) within expressions", "{:.0%}"),
    "survival_resting_by_au": ("do(AU) on resting faces, every AU counted alike", "{:.0%}"),
    "survival_factorial_by_au": ("where AUs are independent, every AU counted alike", "{:.0%}"),
    "dose_rising": ("labelled filters that rise with the AU's intensity", "{:.0%}"),
    "ablation_discoveries": ("sets of filters whose loss harms an emotion more than chance", "{:.0f}"),
    "specificity_guided": ("cosine between guided maps of different filters", "{:.2f}"),
    "specificity_deconvnet": ("the same with the deconvnet", "{:.2f}"),
    "specificity_gradient": ("the same with the gradient", "{:.2f}"),
}  # measure of the entry "filters": in words, and how its numbers are written
_CONTRAST = ("difference", "low", "high")
GROUPS = ("trained", "decorrelated", "identity", "shuffled", "untrained")


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


def accuracy(*blocks_named: str, ledger: Path = LEDGER) -> "pandas.DataFrame":
    """One row a configuration and unit: folds, seeds, and "mean ± sd over folds" for each selection, in %.

    Blocks without an entry add no row; a configuration that several blocks hold is shown once.
    """
    import pandas

    held: dict[str, Any] = {}
    for name in blocks_named:
        held |= read(name, ledger).values["configurations"] if name in names(ledger) else {}
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


def survival(group: str = "trained", ledger: Path = LEDGER) -> "pandas.DataFrame":
    """One row an AU, of all networks of the group together: filters with its label, and how many of them survive.

    Most labels first.
    """
    import pandas

    networks = read("filters", ledger).values["networks"]
    tests = {"do(AU) on resting faces": DO_RESTING, "AUs independent": FACTORIAL}
    table = pandas.DataFrame(0, index=pandas.Index([], name="au"), columns=["labels", *tests])
    for network in members(networks, group):
        counts = {"labels": network["labels"]["by_au"]}
        for column, test in tests.items():
            by_au = network["probes"]["survival"][test]["by_au"]
            counts[column] = {au: survivors for au, (survivors, _) in by_au.items()}
        table = table.add(pandas.DataFrame(counts).rename(index=int), fill_value=0)
    table = table[["labels", *tests]].fillna(0).astype(int)
    return table.sort_values("labels", ascending=False).rename_axis("au").reset_index()


def fates(ledger: Path = LEDGER) -> "pandas.DataFrame":
    """One row a kind of network and test: the steps of survival, as medians over its networks, in %.

    `moved`: labels whose AU, alone, changes the filter significantly; `up`: in the label's direction; `most`: more
    steadily than any other AU; `survives`: all three.
    """
    import pandas

    steps = {"moved": "significant", "up": "same_sign", "most": "largest", "survives": "survives"}
    networks = read("filters", ledger).values["networks"] if "filters" in names(ledger) else {}
    rows = []
    for test, words in {DO_RESTING: "the AU alone, on resting faces", FACTORIAL: "AUs independent"}.items():
        for kind in GROUPS:
            found = [row["probes"]["survival"].get(test) for row in members(networks, kind)]
            found = [row for row in found if row]
            if found:
                shares = {name: 100 * float(np.median([row[step] for row in found])) for name, step in steps.items()}
                rows.append({"test": words, "networks": kind} | shares)
    return pandas.DataFrame(rows, columns=["test", "networks", *steps])


def harms(least: int = 5, ledger: Path = LEDGER) -> "pandas.DataFrame":
    """One row a label and emotion: what taking out the filters with the label does to it, in trained networks.

    Of the discoveries of ablation (false ones held at 5 %) those that `least` networks or more share; medians over
    these networks, in nats, beside matched random filters. Most networks first, then most harm.
    """
    import pandas

    networks = read("filters", ledger).values["networks"] if "filters" in names(ledger) else {}
    lines = [line for row in members(networks, "trained") for line in row["ablation"]["sets"]]
    table = pandas.DataFrame(lines, columns=["set", "emotion", "harm", "control"])
    table["set"] = table["set"].str.replace("AU", "AU ")
    found = table.groupby(["set", "emotion"]).agg(
        networks=("harm", "size"), harm=("harm", "median"), control=("control", "median")
    )
    found = found[found["networks"] >= least].sort_values(["networks", "harm"], ascending=False).reset_index()
    return found.rename(columns={"set": "without the filters of", "control": "matched random filters"})


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


def filters(ledger: Path = LEDGER, entry: str = "filters") -> "pandas.DataFrame":
    """One row a measure, one column a kind of network: its median over networks, with the least and the most.

    `entry`: "filters" or "filters-96".
    """
    import pandas

    groups = read(entry, ledger).values["groups"] if entry in names(ledger) else {}
    kinds = [kind for kind in GROUPS if kind in groups]
    rows = [
        {"measure": words} | {kind: _range(groups[kind].get(measure), form) for kind in kinds}
        for measure, (words, form) in FILTERS.items()
    ]
    return pandas.DataFrame(rows, columns=["measure", *kinds])


def groups(ledger: Path = LEDGER) -> "pandas.DataFrame":
    """One row a group of people of the balanced set: accuracy in %, minus the first group, AUROC; with 95 % intervals.

    Empty without the entry "people".
    """
    import pandas

    held = read("people", ledger).values if "people" in names(ledger) else {}
    found = [_group(by, name, entry) for by, entry in _attributes(held).items() for name in entry["groups"]]
    return pandas.DataFrame(found, columns=["by", "group", "people", "accuracy", "minus the first", "AUROC"])


def gaps(ledger: Path = LEDGER) -> dict[str, dict[str, float]]:
    """ "male minus female" and so on → difference in accuracy with its interval, of the entry "people"."""
    held = read("people", ledger).values if "people" in names(ledger) else {}
    return {
        name: {"difference": found["value"], "low": found["low"], "high": found["high"]}
        for entry in _attributes(held).values()
        for name, found in entry["contrasts"].items()
    }


def _attributes(values: dict[str, Any]) -> dict[str, Any]:
    return {name: entry for name, entry in values.items() if isinstance(entry, dict) and "groups" in entry}


def _group(by: str, name: str, entry: dict[str, Any]) -> dict[str, Any]:
    found, first = entry["groups"][name], next(iter(entry["groups"]))
    gap = entry["contrasts"].get(f"{name} minus {first}")
    return {
        "by": by,
        "group": name,
        "people": found["people"],
        "accuracy": _interval(found["accuracy"], 100, ".1f"),
        "minus the first": _interval(gap, 100, "+.1f") if gap else "–",
        "AUROC": _interval(found["auroc"], 1, ".3f"),
    }


def _interval(found: dict[str, float], times: int, form: str) -> str:
    value, low, high = (format(times * found[name], form) for name in ("value", "low", "high"))
    return f"{value} ({low} to {high})"


def spoken(configuration: str) -> str:
    """ "synthetic/8/as_released/AD/bias" as a reader says it: "AD, as released, with biases"."""
    _, _, recipe, variant, *rest = configuration.split("/")
    words = {"bias": "with biases"} | {f"by-{unit}": f"split by {unit}" for unit in ("image", "sequence", "subject")}
    return ", ".join([variant, recipe.replace("as_", "as "), *(words[part] for part in rest)])


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


def _range(found: dict[str, Any] | None, form: str) -> str:
    if found is None:
        return "–"
    return f"{form.format(found['median'])} ({form.format(found['least'])} to {form.format(found['most'])})"
