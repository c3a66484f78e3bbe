"""The paper's measure: how far the activation histograms with and without an action unit lie apart.

Paper: for a filter and an AU, Q is the histogram of the filter's maximum activations over images with the AU, R the one
without; D_KL(Q‖R). Bins and smoothing are not stated there, so ours are declared in `Bins`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fer_lib.errors import UserError
from fer_lib.interpret.exchange import Exchange, Shuffle
from fer_lib.interpret.measures import checked, varying

KINDS = ("kl", "kl_reverse", "jensen_shannon")
"""D(with‖without), D(without‖with), and the symmetric Jensen–Shannon divergence; all in nats."""


@dataclass(frozen=True)
class Bins:
    """K bins a filter, edges shared by both histograms: equal width between the pooled extremes, or equal counts.

    `smoothing` is added to each bin of each histogram, so that an empty bin does not make the divergence infinite.
    """

    count: int = 20
    edges: str = "width"
    smoothing: float = 0.5

    def __post_init__(self) -> None:
        if self.count < 2 or self.smoothing <= 0 or self.edges not in ("width", "quantile"):
            raise UserError(f"{self}: expected count ≥ 2, smoothing > 0 and edges 'width' or 'quantile'.")

    def index(self, activation: np.ndarray) -> np.ndarray:
        """Bin number (N, F) of each activation."""
        if self.edges == "width":
            low, high = activation.min(axis=0), activation.max(axis=0)
            scaled = (activation - low) / np.where(high > low, high - low, 1) * self.count
            return np.minimum(scaled.astype(np.intp), self.count - 1)
        inner = np.quantile(activation, np.arange(1, self.count) / self.count, axis=0)  # (K-1, F)
        columns = zip(inner.T, activation.T, strict=True)
        return np.stack([np.searchsorted(edges, column, side="right") for edges, column in columns], axis=1)

    def one_hot(self, activation: np.ndarray) -> np.ndarray:
        """(N, F·K) float32: 1 in each filter's own bin."""
        index = self.index(activation)
        out = np.zeros((*index.shape, self.count), dtype=np.float32)
        np.put_along_axis(out, index[..., None], 1, axis=2)
        return out.reshape(len(index), -1)


def divergence(activation: np.ndarray, labels: np.ndarray, kind: str = "kl", bins: Bins | None = None) -> np.ndarray:
    """Divergence (F, A) in nats of the histograms with and without each AU; unknown labels are left out.

    The bins are those of all images, so that every AU has the same. A constant filter or AU gives NaN.
    """
    bins, (activation, labels) = bins or Bins(), checked(activation, labels)
    one_hot, shape = bins.one_hot(activation), (activation.shape[1], bins.count, labels.shape[1])
    present, known = (
        (one_hot.T @ table.astype(np.float32)).reshape(shape) for table in (np.nan_to_num(labels), ~np.isnan(labels))
    )
    value = _from_counts(present, known - present, kind, bins.smoothing).astype(float)
    return np.where(varying(activation, labels), value, np.nan)


def _from_counts(present: np.ndarray, absent: np.ndarray, kind: str, smoothing: float) -> np.ndarray:
    """Divergence over axis 1 of two count tables (F, K, …)."""
    if kind not in KINDS:
        raise UserError(f"Unknown divergence {kind!r}; expected one of {', '.join(KINDS)}.")
    q, r = present + smoothing, absent + smoothing
    q, r = q / q.sum(axis=1, keepdims=True), r / r.sum(axis=1, keepdims=True)
    if kind == "jensen_shannon":
        middle = (q + r) / 2
        return ((q * np.log(q / middle)).sum(axis=1) + (r * np.log(r / middle)).sum(axis=1)) / 2
    q, r = (r, q) if kind == "kl_reverse" else (q, r)
    return (q * np.log(q / r)).sum(axis=1)


@dataclass(frozen=True)
class ExcessDivergence:
    """Plug-in value, its mean under permuted labels, their difference, and the difference in null sd; each (F, A)."""

    value: np.ndarray
    null_mean: np.ndarray
    excess: np.ndarray
    z: np.ndarray
    p: np.ndarray


def excess_divergence(
    activation: np.ndarray,
    labels: np.ndarray,
    exchange: Exchange,
    rng: np.random.Generator,
    permutations: int = 200,
    kind: str = "kl",
    bins: Bins | None = None,
) -> ExcessDivergence:
    """Divergence minus its mean over permutations of whole label rows.

    Plug-in KL is about (K−1)/2·(1/n1 + 1/n0) even under no association, so rare AUs win by rarity alone; the excess has
    mean zero under the null whatever n1 is. A constant filter or AU gives NaN everywhere.
    """
    bins, (activation, labels) = bins or Bins(), checked(activation, labels)
    filters, aus = activation.shape[1], labels.shape[1]
    known = ~np.isnan(labels)
    moving = [np.nan_to_num(labels)] if known.all() else [np.nan_to_num(labels), known]
    shuffle = Shuffle(np.concatenate(moving, axis=1), exchange, np.float32)
    everyone = bins.one_hot(activation)
    one_hot, total = shuffle.reduce(everyone), everyone.sum(axis=0).reshape(filters, bins.count, 1, 1)

    def value(tables: np.ndarray) -> np.ndarray:  # (M, B, A or 2A) → (B, F, A)
        flat = tables.reshape(len(tables), int(np.prod(tables.shape[1:])))  # -1 would not do without any AU
        counts = (one_hot.T @ flat).reshape(filters, bins.count, *tables.shape[1:])
        present, seen = counts[..., :aus], total if known.all() else counts[..., aus:]
        return _from_counts(present, seen - present, kind, bins.smoothing).transpose(1, 0, 2)

    observed = value(shuffle.observed())[0].astype(float)
    defined = varying(activation, labels)
    mean, square, above = np.zeros((3, filters, aus))
    for tables in shuffle.draws(rng, permutations, chunk=4):
        null = value(tables).astype(float)
        mean += null.sum(axis=0) / permutations
        square += (null**2).sum(axis=0) / permutations
        above += (null >= observed - 1e-6).sum(axis=0)
    sd = np.sqrt(np.maximum(square - mean**2, 0))
    excess = observed - mean
    z = np.divide(excess, sd, out=np.full_like(excess, np.nan), where=sd > 1e-9)
    tables = (observed, mean, excess, z, (above + 1) / (permutations + 1))
    return ExcessDivergence(*(np.where(defined, table, np.nan) for table in tables))
