"""Recorded measures of filters and of groups of people as tables for a chapter; what has no entry shows no number."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fer_lib.reproduction import summary
from fer_lib.reproduction.summary import DO_RESTING, FACTORIAL, members
from fer_lib.results import LEDGER, names, read

if TYPE_CHECKING:
    import pandas

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
ALONE, INDEPENDENT = "do(AU) on resting faces", "AUs independent"  # tests of survival, in words
MOVED = "the AU alone, on resting faces"
GROUPS = ("trained", "decorrelated", "identity", "shuffled", "untrained")


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


def by_network(*measures: str, ledger: Path = LEDGER, entry: str = "filters") -> "pandas.DataFrame":
    """One row a network, kinds in the order of GROUPS: kind, network and each of the measures (names of FILTERS).

    NaN where a network lacks a measure.
    """
    import pandas

    networks = read(entry, ledger).values["networks"] if entry in names(ledger) else {}
    rows = [
        {"kind": kind, "network": name} | {measure: summary.measure(found, measure) for measure in measures}
        for kind in GROUPS
        for name, found in networks.items()
        if name.startswith(f"{kind}-")
    ]
    return pandas.DataFrame(rows, columns=["kind", "network", *measures])


def survival(group: str = "trained", ledger: Path = LEDGER, entry: str = "filters") -> "pandas.DataFrame":
    """One row an AU, of all networks of the group together: filters with its label, and how many of them survive.

    Most labels first. `entry`: "filters" or "filters-96".
    """
    import pandas

    networks = read(entry, ledger).values["networks"] if entry in names(ledger) else {}
    tests = {ALONE: DO_RESTING, INDEPENDENT: FACTORIAL}
    table = pandas.DataFrame(0, index=pandas.Index([], name="au"), columns=["labels", *tests])
    for network in members(networks, group):
        counts = {"labels": network["labels"]["by_au"]}
        for column, test in tests.items():
            by_au = network["probes"]["survival"].get(test, {}).get("by_au", {})  # without labels, nothing to test
            counts[column] = {au: survivors for au, (survivors, _) in by_au.items()}
        table = table.add(pandas.DataFrame(counts).rename(index=int), fill_value=0)
    table = table[["labels", *tests]].fillna(0).astype(int)
    return table.sort_values("labels", ascending=False).rename_axis("au").reset_index()


def fates(ledger: Path = LEDGER) -> "pandas.DataFrame":
    """One row a kind of network and test: the tests of survival, each over all labels: medians of its networks, in %.

    `moved`: labels whose AU, alone, changes the filter significantly; `up`: in the label's direction; `most`: more
    steadily than any other AU; `survives`: all three.
    """
    import pandas

    steps = {"moved": "significant", "up": "same_sign", "most": "largest", "survives": "survives"}
    networks = read("filters", ledger).values["networks"] if "filters" in names(ledger) else {}
    rows = []
    for test, words in {DO_RESTING: MOVED, FACTORIAL: INDEPENDENT}.items():
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
    lines = [line for row in members(networks, "trained") for line in row["ablation"].get("sets", [])]
    table = pandas.DataFrame(lines, columns=["set", "emotion", "harm", "control"])
    table["set"] = table["set"].str.replace("AU", "AU ")
    found = table.groupby(["set", "emotion"]).agg(
        networks=("harm", "size"), harm=("harm", "median"), control=("control", "median")
    )
    found = found[found["networks"] >= least].sort_values(["networks", "harm"], ascending=False).reset_index()
    return found.rename(columns={"set": "without the filters of", "control": "matched random filters"})


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


def _range(found: dict[str, Any] | None, form: str) -> str:
    if found is None:
        return "–"
    return f"{form.format(found['median'])} ({form.format(found['least'])} to {form.format(found['most'])})"
