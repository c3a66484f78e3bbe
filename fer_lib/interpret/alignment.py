"""Do filters align with action units? All pairs, every measure, one tidy table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from fer_lib.errors import UserError
from fer_lib.interpret import bootstrap as intervals
from fer_lib.interpret.divergence import KINDS, Bins, divergence, excess_divergence
from fer_lib.interpret.labels import AULabels
from fer_lib.interpret.measures import MEASURES, auroc_within, checked, pearson_within
from fer_lib.interpret.permutation import benjamini_hochberg, exchangeable, max_t

WITHIN = ("auroc_within_emotion", "pearson_within_emotion")
EXCESS = ("kl_excess", "kl_z")
METRICS = (*MEASURES, *KINDS, *EXCESS, *WITHIN)
_GRADED = ("pearson", "partial_r", "pearson_within_emotion")
_CHANCE = {"auroc": 0.5, "auroc_within_emotion": 0.5}


def align(
    activation: np.ndarray,
    labels: AULabels,
    rng: np.random.Generator,
    *,
    metrics: Sequence[str] = METRICS,
    permutations: int = 1000,
    kl_permutations: int = 200,
    draws: int = 2000,
    by: str = "sequence",
    bins: Bins | None = None,
    filters: Sequence[int] | None = None,
) -> pd.DataFrame:
    """Alignment of N images' activations (N, F) with their AU labels, one row a (filter, AU, metric).

    Columns: filter, au, metric, value, chance, low, high, p, p_max, q, present, absent, unknown, status. `chance` is
    the value under no association; `low`–`high` a 95 % interval over subjects (AUROC, from `draws` bootstrap draws; 0
    for none); `p`, `p_max` (family-wise) and `q` (Benjamini–Hochberg) come from permuting whole AU rows between
    sequences (`by` "sequence") or people ("subject") and belong to the metrics that were tested: rank (auroc, auroc_z),
    Pearson, KL and the two within-emotion ones, which permute within emotion only. The others have NaN there.
    Pairs that are undefined have NaN everywhere and say why in `status`.
    """
    unknown = set(metrics) - set(METRICS)
    if unknown:
        raise UserError(f"Unknown metrics {sorted(unknown)}; expected some of {', '.join(METRICS)}.")
    if by not in ("sequence", "subject"):
        raise UserError(f"by={by!r}: expected 'sequence' or 'subject'.")
    activation, _ = checked(activation, labels.presence)
    support = labels.support()
    usable = (support["status"] == "ok").to_numpy()
    job = _Alignment(activation, labels, usable, rng, permutations, kl_permutations, by, bins or Bins())
    low_high = intervals.auroc_interval(activation, job.presence, labels.subject, rng, draws) if draws else None
    tables = [_tidy(metric, *job.measure(metric), low_high if metric == "auroc" else None) for metric in metrics]
    table = pd.concat(tables, ignore_index=True)
    return _described(table, activation, support, labels.aus, filters)


class _Alignment:
    """Values, chance levels and tests of one activation table; each permutation test runs once."""

    def __init__(self, activation, labels: AULabels, usable, rng, permutations, kl_permutations, by, bins) -> None:
        self.activation, self.labels, self.bins, self.rng = activation, labels, bins, rng
        self.presence = np.where(usable, labels.presence, np.nan)
        self.graded = np.where(usable, labels.graded, np.nan)
        self.permutations, self.kl_permutations = permutations, kl_permutations
        self._group = getattr(labels, by)
        self._done: dict = {}

    def measure(self, metric: str) -> tuple[np.ndarray, np.ndarray | float, tuple | None]:
        """(value (F, A), chance, (p, p_max, q) or None)."""
        target = self.graded if metric in _GRADED else self.presence
        if metric in EXCESS:
            excess = self._excess("kl")
            return (excess.excess if metric == "kl_excess" else excess.z), 0.0, self._excess_p(excess)
        if metric in KINDS:
            value = divergence(self.activation, target, metric, self.bins)
            if metric == "kl":
                excess = self._excess("kl")
                return value, excess.null_mean, self._excess_p(excess)
            return value, np.nan, None
        if metric in WITHIN:
            within = auroc_within if metric == "auroc_within_emotion" else pearson_within
            value = within(self.activation, target, self.labels.emotion)
            return value, _CHANCE.get(metric, 0.0), self._within(metric, target)
        value = MEASURES[metric](self.activation, target)
        chance = _prevalence(target) if metric == "average_precision" else _CHANCE.get(metric, 0.0)
        if metric.startswith("iou"):
            chance = np.nan
        return value, chance, self._across(metric, target)

    def _across(self, metric: str, target: np.ndarray) -> tuple | None:
        if metric not in ("auroc", "auroc_z", "pearson"):
            return None
        ranks = metric != "pearson"
        if ("across", ranks) not in self._done:
            exchange = exchangeable(self._group)
            test = max_t(self.activation, target, exchange, self.rng, self.permutations, ranks=ranks)
            self._done["across", ranks] = (test.p, test.p_max, test.q)
        return self._done["across", ranks]

    def _within(self, metric: str, target: np.ndarray) -> tuple:
        emotion = self.labels.emotion
        x = _centred_within(self.activation, emotion, ranks=metric == "auroc_within_emotion")
        exchange = exchangeable(self._group, strata=emotion)
        test = max_t(x, target, exchange, self.rng, self.permutations, ranks=False)
        return test.p, test.p_max, test.q

    def _excess(self, kind: str):
        if kind not in self._done:
            exchange = exchangeable(self._group)
            self._done[kind] = excess_divergence(
                self.activation, self.presence, exchange, self.rng, self.kl_permutations, kind, self.bins
            )
        return self._done[kind]

    @staticmethod
    def _excess_p(excess) -> tuple:
        return excess.p, np.full(excess.p.shape, np.nan), benjamini_hochberg(excess.p)


def _prevalence(presence: np.ndarray) -> np.ndarray:
    """Share of known images with each AU; NaN where none is known."""
    known = (~np.isnan(presence)).sum(axis=0)
    return np.where(known > 0, np.nansum(presence, axis=0) / np.maximum(known, 1), np.nan)


def _centred_within(activation: np.ndarray, strata: np.ndarray, ranks: bool) -> np.ndarray:
    """Activations, or their ranks, minus the mean of their stratum."""
    out = np.empty_like(activation)
    for stratum in np.unique(strata):
        rows = strata == stratum
        inside = rankdata(activation[rows], axis=0) if ranks else activation[rows]
        out[rows] = inside - inside.mean(axis=0)
    return out


def _tidy(metric: str, value: np.ndarray, chance, test: tuple | None, low_high: tuple | None) -> pd.DataFrame:
    filters, aus = value.shape
    blank = np.full(value.shape, np.nan)
    low, high = low_high or (blank, blank)
    p, p_max, q = test or (blank, blank, blank)
    columns = {"value": value, "chance": np.broadcast_to(chance, value.shape), "low": low, "high": high}
    columns |= {"p": p, "p_max": p_max, "q": q}
    return pd.DataFrame(
        {
            "filter": np.repeat(np.arange(filters), aus),
            "au": np.tile(np.arange(aus), filters),
            "metric": metric,
            **{name: np.where(np.isnan(value), np.nan, array).ravel() for name, array in columns.items()},
        }
    )


def _described(table: pd.DataFrame, activation, support: pd.DataFrame, aus, filters) -> pd.DataFrame:
    """Counts, reasons and real names for the row and column numbers of `table`."""
    column = table["au"].to_numpy()
    for name in ("present", "absent", "unknown"):
        table[name] = support[name].to_numpy()[column]
    constant = (np.ptp(activation, axis=0) == 0)[table["filter"].to_numpy()]
    status = support["status"].to_numpy(dtype=object)[column]
    status = np.where((status == "ok") & constant, "undefined: filter constant", status)
    status = np.where((status == "ok") & table["value"].isna(), "undefined: no variation left", status)
    numbers = ["value", "chance", "low", "high", "p", "p_max", "q"]
    table.loc[status != "ok", numbers] = np.nan
    table["status"] = status
    table["au"] = np.asarray(aus)[column]
    if filters is not None:
        table["filter"] = np.asarray(filters)[table["filter"].to_numpy()]
    return table


def matrix(table: pd.DataFrame, metric: str, column: str = "value") -> pd.DataFrame:
    """One metric of a tidy table as a filters × AUs matrix."""
    chosen = table[table["metric"] == metric]
    if chosen.empty:
        raise UserError(f"The table has no metric {metric!r}; it has {sorted(table['metric'].unique())}.")
    return chosen.pivot(index="filter", columns="au", values=column)


def filter_labels(table: pd.DataFrame, metric: str = "auroc_z") -> pd.DataFrame:
    """Each filter's action unit: its row of largest `metric`; filters without a defined pair are left out."""
    chosen = table[(table["metric"] == metric) & (table["status"] == "ok")].dropna(subset="value")
    return chosen.loc[chosen.groupby("filter")["value"].idxmax()].reset_index(drop=True)
