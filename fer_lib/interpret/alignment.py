"""Do filters align with action units? All pairs, every measure, one tidy table."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from fer_lib.errors import UserError
from fer_lib.interpret.bootstrap import auroc_interval
from fer_lib.interpret.divergence import KINDS, Bins, ExcessDivergence, divergence, excess_divergence
from fer_lib.interpret.exchange import exchangeable
from fer_lib.interpret.labels import AULabels
from fer_lib.interpret.measures import MEASURES, auroc_as_z, auroc_within, checked, pearson_within
from fer_lib.interpret.permutation import MaxT, benjamini_hochberg, max_t, permuted

WITHIN = ("auroc_within_emotion", "pearson_within_emotion")
EXCESS = ("kl_excess", "kl_z")
METRICS = (*MEASURES, *KINDS, *EXCESS, *WITHIN)
NUMBERS = ("value", "chance", "low", "high", "null_low", "null_high", "p", "p_max", "q")
_PERMUTED = ("average_precision", "partial_r", "iou_top_0.005", "iou_prevalence")  # by running them anew, more slowly
_GRADED = ("pearson", "partial_r", "pearson_within_emotion")

Columns = dict[str, np.ndarray]


def align(
    activation: np.ndarray,
    labels: AULabels,
    rng: np.random.Generator,
    *,
    metrics: Sequence[str] = METRICS,
    permutations: int = 1000,
    slow_permutations: int = 200,
    draws: int = 2000,
    by: str = "sequence",
    bins: Bins | None = None,
    filters: Sequence[int] | None = None,
) -> pd.DataFrame:
    """Alignment of N images' activations (N, F) with their AU labels, one row a (filter, AU, metric).

    Columns: filter, au, metric, NUMBERS, present, absent, unknown, status. `chance` is the value when labels say
    nothing of pictures: the mean under permutation for AUROC, Pearson and KL, the prevalence for average precision.
    "auroc_z" is how far AUROC lies from that mean, in units of its spread under permutation; where pictures trade one
    by one that is Mann–Whitney's z. `p`, `p_max` (family-wise) and `q` (Benjamini–Hochberg) come from permuting whole
    AU rows between sequences (`by` "sequence") or people ("subject"): `permutations` times for the ranks (auroc,
    auroc_z), Pearson and the two within-emotion ones, which permute within emotion only and leave out images without an
    emotion (−1); `slow_permutations` times for KL and its excess, average precision, partial r and overlap (IoU). AUROC
    alone has `low`–`high`, a 95 % interval over people from `draws` bootstrap draws (0 for none), and
    `null_low`–`null_high`, where 95 % of its values lie under permutation. Other numbers are NaN. Undefined pairs have
    NaN everywhere and say why in `status`.
    """
    unknown = set(metrics) - set(METRICS)
    if unknown:
        raise UserError(f"Unknown metrics {sorted(unknown)}; expected some of {', '.join(METRICS)}.")
    if by not in ("sequence", "subject"):
        raise UserError(f"by={by!r}: expected 'sequence' or 'subject'.")
    activation, _ = checked(activation, labels.presence)
    support = labels.support()
    usable = (support["status"] == "ok").to_numpy()
    job = _Alignment(activation, labels, usable, rng, permutations, slow_permutations, draws, by, bins or Bins())
    table = pd.concat([_tidy(metric, job.measure(metric)) for metric in metrics], ignore_index=True)
    return _described(table, activation, support, labels.aus, filters)


class _Alignment:
    """Values, chance levels and tests of one activation table; a test that two metrics share runs once."""

    def __init__(
        self, activation, labels: AULabels, usable, rng, permutations, slow_permutations, draws, by, bins
    ) -> None:
        self._activation, self._labels, self._bins, self._rng = activation, labels, bins, rng
        self._presence = np.where(usable, labels.presence, np.nan)
        self._graded = np.where(usable, labels.graded, np.nan)
        self._permutations, self._slow_permutations, self._draws = permutations, slow_permutations, draws
        self._group = getattr(labels, by)

    def measure(self, metric: str) -> Columns:
        """NUMBERS by name, each (F, A) or broadcastable; what is absent is not defined for this metric."""
        target = self._graded if metric in _GRADED else self._presence
        if metric in EXCESS or metric in KINDS:
            return self._divergence(metric)
        if metric in WITHIN:
            return self._within(metric, target)
        value = MEASURES[metric](self._activation, target)
        if metric == "auroc":
            return {"value": value} | self._interval() | self._null_band() | self._p(self._rank_test)
        if metric == "auroc_z":
            return {"value": self._rank_test.score, "chance": 0.0} | self._p(self._rank_test)
        if metric in _PERMUTED:
            chance = {"average_precision": _prevalence(target), "partial_r": 0.0}.get(metric, np.nan)
            return {"value": value, "chance": chance} | self._permuted(metric, target)
        if metric == "pearson":
            test, known = self._test(self._activation, target, ranks=False), (~np.isnan(target)).sum(axis=0)
            return {"value": value, "chance": test.null_mean / np.sqrt(np.maximum(known - 1, 1))} | self._p(test)
        raise AssertionError(f"no test for {metric}")

    def _permuted(self, metric: str, target: np.ndarray) -> Columns:
        signed = metric == "partial_r"
        options = {"signed": signed, "together": 1 if signed else 20}
        exchange = exchangeable(self._group)
        return permuted(
            MEASURES[metric], self._activation, target, exchange, self._rng, self._slow_permutations, **options
        )

    @cached_property
    def _rank_test(self) -> MaxT:
        return self._test(self._activation, self._presence)

    def _test(self, x: np.ndarray, target: np.ndarray, ranks: bool = True, strata: np.ndarray | None = None) -> MaxT:
        exchange = exchangeable(self._group, strata=strata)
        return max_t(x, target, exchange, self._rng, self._permutations, ranks=ranks)

    @staticmethod
    def _p(test: MaxT) -> Columns:
        return {"p": test.p, "p_max": test.p_max, "q": test.q}

    def _interval(self) -> Columns:
        if not self._draws:
            return {}
        who = self._labels.subject
        low, high = auroc_interval(self._activation, self._presence, who, self._rng, self._draws)
        return {"low": low, "high": high}

    def _null_band(self) -> Columns:
        slope = auroc_as_z(self._activation, self._presence, 1.0) * 2  # z that one unit of AUROC amounts to
        chance, half = 0.5 + self._rank_test.null_mean / slope, 1.96 * self._rank_test.null_sd / slope
        return {"chance": chance, "null_low": chance - half, "null_high": chance + half}

    def _within(self, metric: str, target: np.ndarray) -> Columns:
        emotion, rank = self._labels.emotion, metric == "auroc_within_emotion"
        target = np.where((emotion >= 0)[:, None], target, np.nan)  # unlabelled images share no emotion
        value = (auroc_within if rank else pearson_within)(self._activation, target, emotion)
        inside = _centred_within(self._activation, emotion, rank)
        test = self._test(inside, target, ranks=False, strata=emotion)
        return {"value": value, "chance": 0.5 if rank else 0.0} | self._p(test)

    def _divergence(self, metric: str) -> Columns:
        if metric in KINDS and metric != "kl":
            return {"value": divergence(self._activation, self._presence, metric, self._bins)}
        excess = self._excess
        tested = {"p": excess.p, "q": benjamini_hochberg(excess.p)}
        value = {"kl": excess.value, "kl_excess": excess.excess, "kl_z": excess.z}[metric]
        return {"value": value, "chance": excess.null_mean if metric == "kl" else 0.0} | tested

    @cached_property
    def _excess(self) -> ExcessDivergence:
        exchange, bins = exchangeable(self._group), self._bins
        return excess_divergence(
            self._activation, self._presence, exchange, self._rng, self._slow_permutations, bins=bins
        )


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


def _tidy(metric: str, columns: Columns) -> pd.DataFrame:
    value = columns["value"]
    filters, aus = value.shape
    numbers = {name: np.broadcast_to(columns.get(name, np.nan), value.shape).ravel() for name in NUMBERS}
    place = {"filter": np.repeat(np.arange(filters), aus), "au": np.tile(np.arange(aus), filters)}
    return pd.DataFrame(place | {"metric": metric} | numbers)


def _described(table: pd.DataFrame, activation, support: pd.DataFrame, aus, filters) -> pd.DataFrame:
    """Counts, reasons and real names for the row and column numbers of `table`."""
    column = table["au"].to_numpy()
    for name in ("present", "absent", "unknown"):
        table[name] = support[name].to_numpy()[column]
    constant = (np.ptp(activation, axis=0) == 0)[table["filter"].to_numpy()]
    status = support["status"].to_numpy(dtype=object)[column]
    status = np.where((status == "ok") & constant, "undefined: filter constant", status)
    status = np.where((status == "ok") & table["value"].isna(), "undefined: no variation left", status)
    table.loc[status != "ok", list(NUMBERS)] = np.nan
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
