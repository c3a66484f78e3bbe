"""Intervals that treat the person as the unit: subjects are drawn with replacement, with all their images."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fer_lib.errors import UserError
from fer_lib.interpret.measures import checked, known_blocks

MINIMUM_SUBJECTS = 10
UNDEFINED_SHARE = 0.05  # an interval from which more draws than this are missing is not reported


def subject_draws(subject: np.ndarray, draws: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """How often each draw takes each subject (B, S), and the subject number (N,) of each image.

    Raises a UserError for fewer than ten subjects: a percentile interval from so few means nothing.
    """
    names, code = np.unique(subject, return_inverse=True)
    if len(names) < MINIMUM_SUBJECTS:
        raise UserError(
            f"Found {len(names)} subjects; a bootstrap over subjects needs at least {MINIMUM_SUBJECTS}. "
            "Use more people, or ask for no intervals."
        )
    return rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=draws), code


def percentile_interval(values: np.ndarray, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Percentile interval over axis 0; NaN where too many draws were undefined."""
    missing = np.isnan(values).mean(axis=0) > UNDEFINED_SHARE
    filled = np.where(missing, 0.0, values)
    low, high = np.nanquantile(filled, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return np.where(missing, np.nan, low), np.where(missing, np.nan, high)


def bootstrap(
    statistic: Callable[[np.ndarray], np.ndarray],
    subject: np.ndarray,
    rng: np.random.Generator,
    draws: int = 2000,
    level: float = 0.95,
) -> tuple[np.ndarray, np.ndarray]:
    """Interval of any statistic of the images: `statistic(rows)` gets the row numbers of one draw, with repeats."""
    times, code = subject_draws(subject, draws, rng)
    rows = np.arange(len(code))
    return percentile_interval(np.stack([statistic(np.repeat(rows, count[code])) for count in times]), level)


def auroc_interval(
    activation: np.ndarray,
    labels: np.ndarray,
    subject: np.ndarray,
    rng: np.random.Generator,
    draws: int = 2000,
    level: float = 0.95,
) -> tuple[np.ndarray, np.ndarray]:
    """Bootstrap interval of every filter × AU AUROC: two (F, A) arrays.

    The AUROC of a draw is a quadratic form in how often each subject was drawn: won[s, t] comparisons of subject s's
    images with the AU against subject t's without are counted once, then every draw costs a matrix product.
    """
    activation, labels = checked(activation, labels)
    times, code = subject_draws(subject, draws, rng)
    low, high = np.full((2, activation.shape[1], labels.shape[1]), np.nan)
    for rows, columns in known_blocks(labels):
        for column in columns:
            present, absent = (rows[labels[rows, column] == value] for value in (1, 0))
            values = _drawn_auroc(activation, present, absent, code, times.astype(np.float32))
            low[:, column], high[:, column] = percentile_interval(values, level)
    return low, high


def _drawn_auroc(
    activation: np.ndarray, present: np.ndarray, absent: np.ndarray, code: np.ndarray, times: np.ndarray
) -> np.ndarray:
    """AUROC (B, F) of every draw for one AU."""
    present, absent = (rows[np.argsort(code[rows], kind="stable")] for rows in (present, absent))
    (who1, start1, n1), (who0, start0, n0) = (
        np.unique(code[rows], return_index=True, return_counts=True) for rows in (present, absent)
    )
    with_au, without_au = times[:, who1], times[:, who0]
    pairs = (with_au @ n1) * (without_au @ n0)
    out = np.empty((len(times), activation.shape[1]))
    for number, values in enumerate(activation.T):
        above = np.sign(values[present][:, None] - values[absent]).astype(np.float32)
        won = np.add.reduceat(np.add.reduceat(above, start1, axis=0), start0, axis=1)
        out[:, number] = ((with_au @ won) * without_au).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(pairs[:, None] > 0, 0.5 + out / (2 * pairs[:, None]), np.nan)
