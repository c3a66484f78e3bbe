"""How a filter's activation goes with an action unit: every filter × AU pair at once.

All functions take `activation` (N, F) and `labels` (N, A) with NaN for unknown, and return (F, A). Unknown labels are
left out AU by AU. A column without variation gives NaN: nothing can be said. Only AUROC is defined for a constant
filter: its images are all tied, and ties count half, so it is 0.5.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps
from inspect import signature

import numpy as np
from scipy.stats import rankdata

from fer_lib.errors import UserError


def checked(activation: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both tables as float64 arrays of equal length, activations finite."""
    activation, labels = np.asarray(activation, dtype=np.float64), np.asarray(labels, dtype=np.float64)
    if activation.ndim != 2 or labels.ndim != 2:
        raise UserError(f"Expected two tables, found activations {activation.shape} and AU labels {labels.shape}.")
    if len(activation) != len(labels):
        raise UserError(f"{len(activation)} rows of activations but {len(labels)} rows of AU labels: one row an image.")
    if not np.isfinite(activation).all():
        raise UserError("Activations contain NaN or infinite values; check the network's weights and the images.")
    return activation, labels


def known_blocks(labels: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(rows, columns) such that the labels of these columns are known in exactly these rows, and vary there."""
    known = ~np.isnan(labels)
    for pattern in np.unique(known, axis=1).T:
        columns = np.flatnonzero((known == pattern[:, None]).all(axis=0))
        inside = labels[np.ix_(pattern, columns)]
        columns = columns[np.ptp(inside, axis=0) > 0] if len(inside) else columns[:0]
        if len(columns):
            yield np.flatnonzero(pattern), columns


def _over_known(measure: Callable) -> Callable:
    """Run `measure(activation, labels, …)` on the known rows of each AU; `strata`, if it takes any, follow along.

    In a negative stratum (emotion −1: not labelled) nothing is known.
    """
    parameters = signature(measure)

    @wraps(measure)
    def masked(*args, **options):
        given = parameters.bind(*args, **options).arguments
        activation, labels = checked(given.pop("activation"), given.pop("labels"))
        strata = given.get("strata")
        if strata is not None:
            strata = _codes(strata, len(labels))
            labels = np.where((strata >= 0)[:, None], labels, np.nan)
        out = np.full((activation.shape[1], labels.shape[1]), np.nan)
        for rows, columns in known_blocks(labels):
            if strata is not None:
                given["strata"] = strata[rows]
            out[:, columns] = measure(activation[rows], labels[np.ix_(rows, columns)], **given)
        return out

    return masked


def _codes(strata: np.ndarray, count: int) -> np.ndarray:
    strata = np.asarray(strata)
    if strata.shape != (count,) or strata.dtype.kind not in "biuf":
        raise UserError(
            f"strata of shape {strata.shape} and type {strata.dtype}; expected {count} numbers: the code of each "
            "image's emotion, negative where it has none."
        )
    return strata


def varying(activation: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(F, A) whether both filter and AU vary among the images where the AU is known."""
    out = np.zeros((activation.shape[1], labels.shape[1]), dtype=bool)
    for rows, columns in known_blocks(labels):
        out[:, columns] = _varies(activation[rows])[:, None]
    return out


def _varies(table: np.ndarray) -> np.ndarray:
    return np.ptp(table, axis=0) > 0


@_over_known
def auroc(activation: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Chance that an image with the AU excites the filter more than one without: U / (n1·n0), ties count half."""
    n1 = labels.sum(axis=0)
    u = rankdata(activation, axis=0).T @ labels - n1 * (n1 + 1) / 2
    return u / (n1 * (len(labels) - n1))


@_over_known
def auroc_z(activation: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Tie-corrected normal score of Mann–Whitney's U, no continuity correction: √(n−1) × r(ranks, label).

    It treats images as independent, which frames of one sequence are not: for inference see `permutation`.
    """
    return np.sqrt(len(labels) - 1) * _correlation(rankdata(activation, axis=0), labels)


def auroc_as_z(activation: np.ndarray, labels: np.ndarray, value: float) -> np.ndarray:
    """The z (F, A) that an AUROC of `value` amounts to, ties corrected: a threshold for `max_t`."""
    out = np.full((activation.shape[1], labels.shape[1]), np.nan)
    for rows, columns in known_blocks(labels):
        n, n1 = len(rows), labels[np.ix_(rows, columns)].sum(axis=0)
        spread = rankdata(activation[rows], axis=0).var(axis=0)
        sd = np.sqrt(np.outer(spread, n1 * (n - n1)) / (n - 1))
        out[:, columns] = np.where(sd > 0, (value - 0.5) * n1 * (n - n1) / np.where(sd > 0, sd, 1), np.nan)
    return out


@_over_known
def auroc_within(activation: np.ndarray, labels: np.ndarray, strata: np.ndarray) -> np.ndarray:
    """AUROC among images of the same stratum (emotion) only: ΣU / Σ n1·n0 over strata.

    `strata` (N,) are codes; images of a negative one (emotion −1: not labelled) are left out.
    """
    won, pairs = 0.0, 0.0
    for stratum in np.unique(strata):
        rows = strata == stratum
        n1 = labels[rows].sum(axis=0)
        won = won + rankdata(activation[rows], axis=0).T @ labels[rows] - n1 * (n1 + 1) / 2
        pairs = pairs + n1 * (rows.sum() - n1)
    return np.where(pairs > 0, won / np.where(pairs > 0, pairs, 1), np.nan)


@_over_known
def average_precision(activation: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Σ (recall step) × precision over falling thresholds, tied activations taken together. Chance: the prevalence."""
    order = np.argsort(-activation, axis=0, kind="stable")
    out = np.empty((activation.shape[1], labels.shape[1]))
    for row, ranked in enumerate(order.T):
        falling = activation[ranked, row]
        ends = np.append(np.flatnonzero(np.diff(falling)), len(falling) - 1)
        hits = labels[ranked].cumsum(axis=0)[ends]
        steps = np.diff(hits, axis=0, prepend=0)
        out[row] = (steps * hits / (ends + 1)[:, None]).sum(axis=0)
    return np.where(_varies(activation)[:, None], out / labels.sum(axis=0), np.nan)


def _correlation(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Pearson r of each column of x (N, F) with each of y (N, A); NaN where a column is constant."""
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    scale = np.linalg.norm(x, axis=0)[:, None] * np.linalg.norm(y, axis=0)
    constant = (np.ptp(x, axis=0) == 0)[:, None] | (np.ptp(y, axis=0) == 0)
    return np.where(constant, np.nan, x.T @ y / np.where(constant, 1, scale))


@_over_known
def pearson(activation: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Pearson's r; with presence labels the point-biserial r, with intensities the graded one."""
    return _correlation(activation, labels)


@_over_known
def pearson_within(activation: np.ndarray, labels: np.ndarray, strata: np.ndarray) -> np.ndarray:
    """Pearson's r after each stratum's (emotion's) mean is taken out of both sides.

    `strata` (N,) are codes; images of a negative one (emotion −1: not labelled) are left out.
    """
    _, code = np.unique(strata, return_inverse=True)
    member = np.eye(code.max() + 1)[code]
    mean = member / member.sum(axis=0)
    return _correlation(*(_snap(table - member @ (mean.T @ table), table) for table in (activation, labels)))


def _snap(residual: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Rounding noise left by a perfect fit becomes exactly zero, so that it counts as constant."""
    return np.where(np.abs(residual) < 1e-12 * np.abs(table).max(axis=0), 0.0, residual)


def partial_r(activation: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Partial r of filter and AU given all other AUs, on the images where every AU is known.

    One pseudo-inverse serves all pairs: r = β / √(β² + G·RSS), β the regression weight of the AU and G its entry on the
    diagonal of (XᵀX)⁻¹. An AU that the others determine (collinear) gives NaN.
    """
    activation, labels = checked(activation, labels)
    out = np.full((activation.shape[1], labels.shape[1]), np.nan)
    used = ~np.isnan(labels).all(axis=0)
    rows = ~np.isnan(labels[:, used]).any(axis=1)
    columns = np.flatnonzero(used)[np.ptp(labels[np.ix_(rows, used)], axis=0) > 0] if rows.any() else []
    if len(columns) == 0 or rows.sum() <= len(columns) + 2:
        return out
    x = labels[np.ix_(rows, columns)] - labels[np.ix_(rows, columns)].mean(axis=0)
    a = activation[rows] - activation[rows].mean(axis=0)
    inverse = np.linalg.pinv(x)
    weight = inverse @ a  # (A, F)
    residual = ((a - x @ weight) ** 2).sum(axis=0)
    spread = (inverse**2).sum(axis=1)[:, None]
    own = np.isclose(np.einsum("an,na->a", inverse, x), 1, atol=1e-8)  # 1 unless other AUs determine this one
    free = own[:, None] & (np.ptp(activation[rows], axis=0) > 0)
    out[:, columns] = np.where(free, weight / np.sqrt(weight**2 + spread * residual + 1e-300), np.nan).T
    return out


@_over_known
def iou(activation: np.ndarray, labels: np.ndarray, *, quantile: float | str = 0.005) -> np.ndarray:
    """Overlap of the most exciting images and the images with the AU (Network Dissection, on whole images).

    `quantile` is the share of images that count as exciting, or "prevalence" for as many as carry the AU.
    """
    share = labels.mean(axis=0) if quantile == "prevalence" else np.full(labels.shape[1], float(quantile))
    out = np.empty((activation.shape[1], labels.shape[1]))
    for cut in np.unique(share):
        columns = share == cut
        high = (activation > np.quantile(activation, 1 - cut, axis=0)).astype(float)
        both = high.T @ labels[:, columns]
        out[:, columns] = both / np.maximum(high.sum(axis=0)[:, None] + labels[:, columns].sum(axis=0) - both, 1)
    return np.where(_varies(activation)[:, None], out, np.nan)


MEASURES: dict[str, Callable] = {
    "auroc": auroc,
    "auroc_z": auroc_z,
    "average_precision": average_precision,
    "pearson": pearson,
    "partial_r": partial_r,
    "iou_top_0.005": iou,
    "iou_prevalence": lambda activation, labels: iou(activation, labels, quantile="prevalence"),
}
"""Measures that need presence or intensity alone; histogram divergences are in `divergence`."""
