"""The ledger entries "filters" and "filters-96": every network's measures, and each group's spread of the ones read."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fer_lib.data.dataset import FaceDataset
from fer_lib.errors import UserError
from fer_lib.reproduction.filters import Subject, study_network
from fer_lib.results import Entry, is_commit

DO_RESTING, DO_NATURAL, FACTORIAL = "do(AU), isolated", "do(AU), natural", "factorial set"
MEASURES: dict[str, tuple[str, ...]] = {
    "labels": ("labels", "filters"),
    "label_auroc": ("held_out", "label_auroc"),
    "held_out_auroc": ("held_out", "au_auroc"),
    "factorial_auroc": ("held_out_factorial", "au_auroc"),
    "flattered_auroc": ("held_out", "flattered_auroc"),
    "chance_labels": ("held_out", "chance_mean"),
    "kl_winner_rare": ("paper", "winner_is_rare", "kl"),
    "excess_winner_rare": ("paper", "winner_is_rare", "kl_excess"),
    "survival_factorial": ("probes", "survival", FACTORIAL, "survives"),
    "survival_resting": ("probes", "survival", DO_RESTING, "survives"),
    "survival_natural": ("probes", "survival", DO_NATURAL, "survives"),
    "survival_resting_by_au": ("probes", "survival", DO_RESTING, "mean_over_aus"),
    "survival_factorial_by_au": ("probes", "survival", FACTORIAL, "mean_over_aus"),
    "dose_rising": ("probes", "dose", "rising"),
    "specificity_deconvnet": ("decoders", "deconvnet", "specificity"),
    "specificity_guided": ("decoders", "guided", "specificity"),
    "specificity_gradient": ("decoders", "gradient", "specificity"),
    "ablation_discoveries": ("ablation", "discoveries"),
}


def measure(network: Mapping[str, Any], name: str) -> float | None:
    """The measure called `name` in MEASURES of one studied network; None where it was not taken."""
    found: Any = network
    for part in MEASURES[name]:
        if not isinstance(found, Mapping) or part not in found:
            return None
        found = found[part]
    return found


def members(networks: Mapping[str, dict[str, Any]], group: str) -> list[dict[str, Any]]:
    """The studied networks of one group: rows of the entry "filters", whose names begin with the group's."""
    return [found for name, found in networks.items() if name.startswith(f"{group}-")]


def study_all(
    subjects: Iterable[Subject],
    load: Callable[[str], FaceDataset],
    out: Path,
    show: Callable[[str], None] = lambda line: None,
) -> list[dict[str, Any]]:
    """Study every network, one after the other; each result is a file in `out`, so a stopped study goes on."""
    found = []
    for subject in subjects:
        start = time.perf_counter()
        found.append(study_network(subject, load, out))
        labels = found[-1]["labels"]["filters"]
        show(f"{subject.name}: {labels} filters with a label; {time.perf_counter() - start:.0f} s")
    return found


def entry(found: Sequence[dict[str, Any]], natural: FaceDataset, command: str, name: str = "filters") -> Entry:
    """The entry `name`; its duration is that of all studies.

    Raises UserError when no network was studied, or one by changed code.
    """
    if not found:
        raise UserError(f"{name}: no network was studied; train some first")
    for row in found:
        if not is_commit(row.get("commit")):
            raise UserError(
                f"{name}: {row['network']} was studied by the code {row.get('commit')!r}; expected a commit. "
                "Delete its result, commit the code and study it again"
            )
    values = {
        "size": natural.images.shape[-1],
        "images": found[0]["images"],
        "networks": {row["network"]: _compact(row) for row in found},
        "groups": groups(found),
        "commits": sorted({row["commit"] for row in found}),
    }
    about = {"data": natural.provenance["label"], "data_hash": natural.provenance["data_hash"]}
    seconds = round(sum(row["seconds"] for row in found), 1)
    return Entry.record(name, command=command, seed=0, wall_seconds=seconds, values=values, **about)


def groups(found: Sequence[dict[str, Any]]) -> dict[str, dict[str, dict[str, Any]]]:
    """group → measure → networks, mean, median, least, most; a measure that no network of a group has is left out."""
    by_group: dict[str, list[dict[str, Any]]] = {}
    for row in found:
        by_group.setdefault(row["network"].partition("-")[0], []).append(row)
    return {group: _spreads(rows) for group, rows in by_group.items()}


def _spreads(rows: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    made = {}
    for name in MEASURES:
        values = [value for value in (measure(row, name) for row in rows) if value is not None]
        if values:
            made[name] = {
                "networks": len(values),
                "mean": float(np.mean(values)),
                "median": float(np.median(values)),
                "least": float(np.min(values)),
                "most": float(np.max(values)),
            }
    return made


def _compact(row: dict[str, Any]) -> dict[str, Any]:
    """The result without its longest table: of the ablated sets the discoveries alone."""
    left_out = ("network", "images", "seconds", "made_of", "commit")
    kept = {name: value for name, value in row.items() if name not in left_out}
    kept["weights"] = row["made_of"]["weights"]
    ablation = dict(kept.get("ablation", {}))
    if "sets" in ablation:
        ablation["sets"] = [line for line in ablation["sets"] if line["q"] <= 0.05]
    return kept | ({"ablation": ablation} if ablation else {})
