"""Which labels may trade places: whole AU rows, between whole sequences; and sums over many such exchanges at once.

Frames of one sequence are not independent, and AUs co-occur. So a sequence keeps its activations and receives the label
rows of another sequence, all AUs together.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

from fer_lib.errors import UserError


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
