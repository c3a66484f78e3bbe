"""Permutation tests that respect how faces are filmed: labels trade places as `exchange` says.

A neutral frame stays without AUs then, and a filter that answers to any expression goes with every AU, whatever the
labels. So each pair's z is told from its own mean under exchange, in units of its own spread there; both are known
exactly (Hoeffding 1951). The largest size over all filters and AUs controls the family-wise error (Westfall & Young's
single-step max-T), Benjamini–Hochberg the false discovery rate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy.stats import false_discovery_control, rankdata

from fer_lib.interpret.exchange import Exchange, Shuffle
from fer_lib.interpret.measures import checked


@dataclass(frozen=True)
class MaxT:
    """z (F, A) and its `score`; p for the pair alone, for the family of all pairs (`p_max`), Benjamini–Hochberg's q.

    `null_mean` and `null_sd` (F, A) are mean and spread of z under permutation: 0 and 1 if images are exchanged one by
    one, others where rows cluster. `score` = (z − null_mean) / null_sd is what the p-values are made of.
    `null_max` (B,) is max |score| of each permutation; `null_labels` (B,) the number of filters of which some |z|
    reached `threshold` (None if no threshold was asked for); `labels` the same count on the data as they are.
    """

    z: np.ndarray
    score: np.ndarray
    p: np.ndarray
    p_max: np.ndarray
    q: np.ndarray
    null_mean: np.ndarray
    null_sd: np.ndarray
    null_max: np.ndarray
    null_labels: np.ndarray | None = None
    labels: int | None = None


def max_t(
    activation: np.ndarray,
    labels: np.ndarray,
    exchange: Exchange,
    rng: np.random.Generator,
    permutations: int = 1000,
    threshold: float | np.ndarray | None = None,
    ranks: bool = True,
) -> MaxT:
    """Test every filter × AU pair: z = √(n−1) × r(rank of activation, label) against permuted labels, two-sided.

    With presence labels that is Mann–Whitney's tie-corrected z. Evidence is its distance from its mean under exchange,
    in units of its spread there. Unknown labels move with their row and count for nothing (mean and spread are then
    approximate, the p-values are not); ranks are taken over all images. `ranks=False` tests Pearson's r.
    Phipson & Smyth's p = (b+1)/(B+1), so q cannot fall below pairs / (discoveries·(B+1)): for few discoveries among
    many pairs, read `p_max` or raise B.
    """
    activation, labels = checked(activation, labels)
    statistic = _Statistic(rankdata(activation, axis=0) if ranks else activation, labels, exchange)
    z, (centre, spread) = statistic.observed(), statistic.moments()
    fixed = spread < 1e-9  # no exchange changes it
    scale = np.where(fixed, np.inf, spread)
    score = (z - centre) / scale
    size = np.abs(score) - 1e-6  # ties that rounding would break count against the finding
    above, null_max, null_labels = np.zeros(z.shape), [], []
    for null in statistic.draws(rng, permutations):  # (B, F, A)
        if threshold is not None:
            null_labels.append((np.abs(null) >= threshold).any(axis=2).sum(axis=1))
        null -= centre
        null /= scale
        null = np.abs(null, out=null)
        above += (null >= size).sum(axis=0)
        null_max.append(np.nanmax(null, axis=(1, 2), initial=0.0))
    null_max = np.concatenate(null_max)
    p = np.where(np.isnan(z), np.nan, (above + 1) / (permutations + 1))
    beaten = permutations - np.searchsorted(np.sort(null_max), size)
    p_max = np.where(np.isnan(z), np.nan, (beaten + 1) / (permutations + 1))
    counted = threshold is not None
    return MaxT(
        z,
        score,
        p,
        p_max,
        benjamini_hochberg(p),
        centre,
        spread,
        null_max,
        np.concatenate(null_labels) if counted else None,
        int((np.abs(z) >= threshold).any(axis=1).sum()) if counted else None,
    )


def permuted(
    measure: Callable[[np.ndarray, np.ndarray], np.ndarray],
    activation: np.ndarray,
    labels: np.ndarray,
    exchange: Exchange,
    rng: np.random.Generator,
    permutations: int = 200,
    *,
    signed: bool = False,
    together: int = 1,
) -> dict[str, np.ndarray]:
    """p, p_max and q, each (F, A), of any measure(activation, labels) → (F, A), by running it on permuted labels.

    Large values count as evidence, or large sizes when the measure is `signed`. For p_max an unsigned measure is first
    divided by its null mean, AU by AU: average precision and overlap have a chance level that grows with prevalence.
    `together` permutations go side by side as more columns, for measures that take AUs one by one.
    """
    size = np.abs if signed else np.asarray
    observed = size(measure(activation, labels))
    null = np.concatenate([*_null_draws(measure, activation, labels, exchange, rng, permutations, together)])
    null = size(null)
    known = np.maximum((~np.isnan(null)).sum(axis=(0, 1)), 1)
    scale = np.ones(labels.shape[1]) if signed else np.nansum(null, axis=(0, 1)) / known
    scale = np.where(scale > 0, scale, 1.0)
    above = (null >= observed - 1e-9).sum(axis=0)
    largest = np.nanmax(null / scale, axis=(1, 2), initial=-np.inf)
    beaten = permutations - np.searchsorted(np.sort(largest), observed / scale - 1e-9)
    undefined = np.isnan(observed)
    p, p_max = (np.where(undefined, np.nan, (count + 1) / (permutations + 1)) for count in (above, beaten))
    return {"p": p, "p_max": p_max, "q": benjamini_hochberg(p)}


def _null_draws(measure, activation, labels, exchange, rng, permutations, together) -> Iterator[np.ndarray]:
    filters, aus = activation.shape[1], labels.shape[1]
    for start in range(0, permutations, together):
        width = min(together, permutations - start)
        tables = [labels[exchange.permutation(rng)] for _ in range(width)]
        values = measure(activation, np.concatenate(tables, axis=1))
        yield values.reshape(filters, width, aus).transpose(1, 0, 2)


def benjamini_hochberg(p: np.ndarray) -> np.ndarray:
    """Adjusted p-values over all defined cells; undefined cells (NaN) stay so and do not count."""
    q, defined = np.full(p.shape, np.nan), ~np.isnan(p)
    if defined.any():
        q[defined] = false_discovery_control(p[defined], method="bh")
    return q


class _Statistic:
    """z of all pairs under permutations; without unknown labels one product, with them three."""

    def __init__(self, x: np.ndarray, labels: np.ndarray, exchange: Exchange) -> None:
        known = ~np.isnan(labels)
        self._complete = bool(known.all())
        x = x - x.mean(axis=0)
        norm = np.linalg.norm(x, axis=0)
        x = np.divide(x, norm, out=np.full_like(x, np.nan), where=np.ptp(x, axis=0) > 0)
        y = np.where(known, labels, 0.0)
        n = known.sum(axis=0)
        mean = y.sum(axis=0) / np.maximum(n, 1)
        spread = (np.where(known, labels - mean, 0) ** 2).sum(axis=0)
        varies = np.array([len(np.unique(column[seen])) > 1 for column, seen in zip(labels.T, known.T, strict=True)])
        self._n, self._mean, self._spread = n, mean, np.where(varies, spread, np.nan)
        self._shuffle = Shuffle(y if self._complete else np.concatenate([y, known], axis=1), exchange)
        self._centred = x
        self._x = self._shuffle.reduce(x)
        self._square = None if self._complete else self._shuffle.reduce(x**2)
        self._shape = (x.shape[1], labels.shape[1])

    def observed(self) -> np.ndarray:
        return self._z(self._shuffle.observed())[0]

    def draws(self, rng: np.random.Generator, count: int) -> Iterator[np.ndarray]:
        for tables in self._shuffle.draws(rng, count):
            yield self._z(tables)

    def moments(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation (F, A) of z under exchange; NaN where z is."""
        aus = self._shape[1]
        label = np.eye(aus) if self._complete else np.concatenate([np.eye(aus), -np.diag(self._mean)])
        mean, variance = self._shuffle.moments(self._centred, label)
        scale = np.sqrt(self._spread / np.maximum(self._n - 1, 1))
        if not self._complete:
            known = np.concatenate([np.zeros((aus, aus)), np.eye(aus)])
            square, _ = self._shuffle.moments(self._centred**2, known)
            total, moving = self._shuffle.moments(self._centred, known)
            scatter = square - (total**2 + moving) / np.maximum(self._n, 1)
            scale = scale * np.sqrt(np.where(scatter > 1e-15, scatter, np.nan))
        return mean / scale, np.sqrt(np.maximum(variance, 0)) / scale

    def _z(self, tables: np.ndarray) -> np.ndarray:
        """(M, B, A), or (M, B, 2A) with the known mask behind, → (B, F, A)."""
        aus = self._shape[1]
        cross = self._sum(self._x, tables[..., :aus])
        if self._complete:
            return np.multiply(cross, np.sqrt((self._n - 1) / self._spread), out=cross)
        total, square = self._sum(self._x, tables[..., aus:]), self._sum(self._square, tables[..., aus:])
        seen = np.maximum(self._n, 1)
        scatter = np.maximum(square - total**2 / seen, 0) * self._spread / np.maximum(self._n - 1, 1)
        return (cross - total * self._mean) / np.sqrt(np.where(scatter > 1e-15, scatter, np.nan))

    def _sum(self, x: np.ndarray, tables: np.ndarray) -> np.ndarray:
        product = x.T @ np.ascontiguousarray(tables).reshape(len(tables), int(np.prod(tables.shape[1:])))
        return product.reshape(len(product), *tables.shape[1:]).transpose(1, 0, 2)
