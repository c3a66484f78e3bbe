"""Permutation tests that respect how faces are filmed: whole AU rows move between whole sequences.

Frames of one sequence are not independent, and AUs co-occur. So a sequence keeps its activations and receives the label
rows of another sequence, all AUs together. The neutral frame then stays without AUs, and a filter that answers to any
expression goes with every AU, whatever the labels. So each pair's z is told from its own mean under exchange, in units
of its own spread there; both are known exactly (Hoeffding 1951). The largest size over all filters and AUs controls the
family-wise error (Westfall & Young's single-step max-T), Benjamini–Hochberg the false discovery rate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.stats import false_discovery_control, rankdata

from fer_lib.errors import UserError
from fer_lib.interpret.measures import checked


@dataclass(frozen=True)
class Exchange:
    """Which groups of rows may trade their labels: one (groups, length) table of row numbers for each stratum.

    `fixed` counts rows of groups that have no partner of the same length and stratum: they keep their labels.
    """

    tables: tuple[np.ndarray, ...]
    fixed: int

    @property
    def rows(self) -> int:
        return sum(table.size for table in self.tables)

    def permutation(self, rng: np.random.Generator) -> np.ndarray:
        """(N,) the row that each row takes its labels from."""
        source = np.empty(self.rows, dtype=np.intp)
        for table in self.tables:
            source[table] = table[rng.permutation(len(table))]
        return source


def exchangeable(group: np.ndarray, frame: np.ndarray | None = None, strata: np.ndarray | None = None) -> Exchange:
    """Groups (sequences, or subjects) of equal length, and of equal strata row by row, may trade labels.

    `frame` (N,) orders the rows of a group (default: as they stand). With `strata` = emotion the test asks for an
    effect within emotions. Still images are sequences of length one.
    """
    group = np.asarray(group)
    order = np.argsort(group, kind="stable") if frame is None else np.lexsort((frame, group))
    starts = np.flatnonzero(np.append(True, group[order][1:] != group[order][:-1])) if len(group) else []
    members: dict[tuple, list[np.ndarray]] = {}
    for rows in np.split(order, starts[1:]) if len(group) else []:
        key = (len(rows), *(() if strata is None else np.asarray(strata)[rows].tolist()))
        members.setdefault(key, []).append(rows)
    tables = tuple(np.stack(rows) for rows in members.values())
    if all(len(table) < 2 for table in tables):
        raise UserError(
            f"No two of the {len(tables)} groups have equal length (and stratum), so no labels can be exchanged; "
            "test by sequence, or with fewer strata."
        )
    return Exchange(tables, sum(table.size for table in tables if len(table) < 2))


class Shuffle:
    """Sums Σ_n x[n]·labels[source(n)] for many permutations, as one matrix product.

    Frames that share a label row in every sequence (the apex frames) are added up first, frames without any label (the
    neutral one) dropped: CK+'s 1308 rows become 327.
    """

    def __init__(self, labels: np.ndarray, exchange: Exchange, dtype: type = np.float64) -> None:
        if exchange.rows != len(labels):
            raise UserError(f"The exchange covers {exchange.rows} rows, the labels {len(labels)}.")
        self._parts: list[tuple[np.ndarray, np.ndarray]] = []  # rows (G, frames that share labels), labels (G, A)
        self._stratum: list[int] = []
        for number, table in enumerate(exchange.tables):
            for frames, shared in _shared_frames(labels[table]):
                if shared.any():
                    self._parts.append((table[:, frames], shared.astype(dtype)))
                    self._stratum.append(number)
        self._sizes = [len(table) for table in exchange.tables]
        self._width, self._dtype = labels.shape[1], dtype

    def reduce(self, x: np.ndarray) -> np.ndarray:
        """(N, F) → (M, F): rows that always move together, added up."""
        parts = [x[rows].sum(axis=1) for rows, _ in self._parts]
        return np.concatenate(parts or [np.zeros((0, x.shape[1]))]).astype(self._dtype)

    def moments(self, x: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and variance, (F, V), of Σ_n x[n]·(labels · weights)[source(n)] over all permutations, exactly.

        `weights` (A, V) makes V columns of the labels' A. Groups of a stratum trade at random, so with m and s for mean
        and scatter over its G groups the mean is Σ G·m(x)·m(y) and the variance Σ s(x)·s(y) / (G − 1), where sums run
        over the frames, and over pairs of them, that move together (Hoeffding 1951).
        """
        mean = variance = np.zeros((x.shape[1], weights.shape[1]))
        for stratum, size in enumerate(self._sizes):
            parts = [part for part, s in zip(self._parts, self._stratum, strict=True) if s == stratum]
            moving = [(x[rows].sum(axis=1), labels @ weights) for rows, labels in parts]
            mean = mean + sum(size * np.outer(a.mean(axis=0), b.mean(axis=0)) for a, b in moving)
            off = [(a - a.mean(axis=0), b - b.mean(axis=0)) for a, b in moving]
            scatter = sum(
                np.outer((a * c).sum(axis=0), (b * d).sum(axis=0)) for (a, b), (c, d) in product(off, repeat=2)
            )
            variance = variance + scatter / max(size - 1, 1)
        return mean, variance

    def observed(self) -> np.ndarray:
        """(M, 1, A): the labels as they are."""
        return self._stack([np.arange(size)[:, None] for size in self._sizes])

    def draws(self, rng: np.random.Generator, count: int, chunk: int = 64) -> Iterator[np.ndarray]:
        """(M, ≤ chunk, A) tables of permuted labels, `count` permutations in all."""
        for start in range(0, count, chunk):
            width = min(chunk, count - start)
            yield self._stack([rng.permuted(np.tile(np.arange(n), (width, 1)), axis=1).T for n in self._sizes])

    def _stack(self, sources: list[np.ndarray]) -> np.ndarray:
        parts = [labels[sources[s]] for (_, labels), s in zip(self._parts, self._stratum, strict=True)]
        return np.concatenate(parts) if parts else np.zeros((0, sources[0].shape[1], self._width), self._dtype)


def _shared_frames(labels: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(frame positions, labels (G, A)) for each distinct label table among the frames of (G, L, A)."""
    _, first, kind = np.unique(labels, axis=1, return_index=True, return_inverse=True)
    for number, position in enumerate(first):
        yield np.flatnonzero(kind.ravel() == number), labels[:, position]


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
