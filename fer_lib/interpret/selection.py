"""Labels chosen on some people and reported on others, beside what chance and control networks would give.

The best of 256 filters looks good on the images it was chosen on, even in an untrained network.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from fer_lib.errors import UserError
from fer_lib.interpret.exchange import exchangeable
from fer_lib.interpret.labels import AULabels
from fer_lib.interpret.measures import auroc, auroc_as_z, auroc_z, average_precision
from fer_lib.interpret.permutation import MaxT, max_t


def subject_parts(subject: np.ndarray, parts: int, rng: np.random.Generator) -> np.ndarray:
    """(N,) part number of each image: subjects dealt at random into equal parts."""
    names, code = np.unique(subject, return_inverse=True)
    if len(names) < 2 * parts:
        raise UserError(f"Found {len(names)} subjects; {parts} parts need at least {2 * parts}.")
    return rng.permutation(np.arange(len(names)) % parts)[code]


def _defined(labels: AULabels) -> np.ndarray:
    return (labels.support()["status"] == "ok").to_numpy()


def held_out_labels(activation: np.ndarray, labels: AULabels, rng: np.random.Generator, parts: int = 2) -> pd.DataFrame:
    """Choose on all parts but one, report on that one; each part reports once.

    `kind` "label of filter": each filter's AU is the one of largest z; "filter of AU": each AU's filter likewise.
    Columns: part, kind, filter, au, chosen_auroc, auroc, average_precision, prevalence. AUs undefined on either side
    are left out; a filter that never varies on the choosing side gets no label.
    """
    side = subject_parts(labels.subject, parts, rng)
    tables = []
    for part in range(parts):
        choose, report = side != part, side == part
        usable = np.flatnonzero(_defined(labels.select(choose)) & _defined(labels.select(report)))
        if len(usable) == 0:
            continue
        tables.append(_choose_and_report(activation, labels, choose, report, usable).assign(part=part))
    if not tables:
        raise UserError("No action unit is present and absent in two sequences on both sides: nothing to choose.")
    return pd.concat(tables, ignore_index=True)


def _choose_and_report(activation, labels: AULabels, choose, report, usable) -> pd.DataFrame:
    z = auroc_z(activation[choose], labels.presence[np.ix_(choose, usable)])
    z = np.where(np.isnan(z), -np.inf, z)
    alive = np.flatnonzero(np.isfinite(z).any(axis=1))
    filters = np.concatenate([alive, z.argmax(axis=0)])
    columns = np.concatenate([z[alive].argmax(axis=1), np.arange(len(usable))])
    chosen = auroc(activation[choose], labels.presence[np.ix_(choose, usable)])
    target = labels.presence[np.ix_(report, usable)]
    values, precision = (measure(activation[report], target) for measure in (auroc, average_precision))
    return pd.DataFrame(
        {
            "kind": np.repeat(["label of filter", "filter of AU"], [len(alive), len(usable)]),
            "filter": filters,
            "au": np.asarray(labels.aus)[usable][columns],
            "chosen_auroc": chosen[filters, columns],
            "auroc": values[filters, columns],
            "average_precision": precision[filters, columns],
            "prevalence": np.nanmean(target, axis=0)[columns],
        }
    )


def chance_labels(test: MaxT) -> dict[str, float]:
    """How many filters earn a label under a rule, and how many chance would give (from `max_t` with a threshold)."""
    if test.null_labels is None:
        raise UserError("This test counted no labels; pass `threshold` to max_t.")
    null = test.null_labels
    return {
        "labels": int(test.labels),
        "chance_mean": float(null.mean()),
        "chance_95": float(np.quantile(null, 0.95)),
        "p": float((1 + (null >= test.labels).sum()) / (1 + len(null))),
    }


def compare_networks(
    networks: Mapping[str, np.ndarray], labels: AULabels, seed: int, permutations: int = 1000, threshold: float = 0.7
) -> pd.DataFrame:
    """A trained network and its controls (untrained, shuffled labels, identity) on the same footing, one row each.

    Same images, same split of people, same permutations. `au_auroc` is the mean held-out AUROC of each AU's chosen
    filter, `flattered_auroc` the same measured where it was chosen; `labels` counts filters whose best |z| reaches an
    AUROC of `threshold`, beside chance; `family_wise` counts pairs with max-T p ≤ 0.05.
    """
    exchange = exchangeable(labels.sequence)
    presence = np.where(_defined(labels), labels.presence, np.nan)
    rows = []
    for name, activation in networks.items():
        held = held_out_labels(activation, labels, np.random.default_rng(seed))
        best = held[held["kind"] == "filter of AU"]
        cut = auroc_as_z(activation, presence, threshold)
        test = max_t(activation, presence, exchange, np.random.default_rng(seed), permutations, threshold=cut)
        rows.append(
            {
                "network": name,
                "au_auroc": best["auroc"].mean(),
                "flattered_auroc": best["chosen_auroc"].mean(),
                "label_auroc": held.loc[held["kind"] == "label of filter", "auroc"].mean(),
                "family_wise": int((test.p_max <= 0.05).sum()),
                **chance_labels(test),
            }
        )
    return pd.DataFrame(rows)
