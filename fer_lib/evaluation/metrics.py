"""What a set of predictions is worth. Arrays in, plain numbers out: everything here goes to JSON as it is."""

from typing import Any

import numpy as np


def score(probability: np.ndarray, emotion: np.ndarray, sequence: np.ndarray) -> dict[str, float]:
    """Accuracy per image and per sequence, each 0-1, of probabilities (N, C) for true emotions (N,).

    Per sequence: the images of one sequence with one label (CK+'s three peak frames) are one test, decided by their
    mean probability. A sequence's neutral first frame has another label, so it is a test of its own.
    """
    by_sequence, truth = pool_sequences(probability, emotion, sequence)
    return {"image": _accuracy(probability, emotion), "sequence": _accuracy(by_sequence, truth)}


def pool_sequences(probability: np.ndarray, emotion: np.ndarray, sequence: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean probability (M, C) and true emotion (M,) of each (sequence, emotion). Pictures without one stay alone."""
    names = [
        f"{name}|{code}" if name else f"|{row}" for row, (name, code) in enumerate(zip(sequence, emotion, strict=True))
    ]
    _, first, unit = np.unique(names, return_index=True, return_inverse=True)
    total = np.zeros((len(first), probability.shape[1]))
    np.add.at(total, unit.reshape(-1), probability)
    return total / np.bincount(unit.reshape(-1))[:, None], np.asarray(emotion)[first]


def confusion(probability: np.ndarray, emotion: np.ndarray) -> np.ndarray:
    """Counts (C, C): row the true emotion, column the predicted one."""
    classes = probability.shape[1]
    cell = np.asarray(emotion) * classes + probability.argmax(1)
    return np.bincount(cell, minlength=classes**2).reshape(classes, classes)


def gives_one_answer(counts: np.ndarray) -> bool:
    """Whether every picture of a confusion matrix (C, C) gets the same answer."""
    return int((np.asarray(counts).sum(axis=0) > 0).sum()) == 1


def reliability(probability: np.ndarray, emotion: np.ndarray, bins: int = 10) -> list[dict[str, float]]:
    """Calibration by confidence, the probability of the predicted emotion, in `bins` equal-width bins over 0-1.

    Each bin: its count, and the sums of confidence and of right answers, so that folds add up (see `merge`).
    """
    confidence = probability.max(1)
    right = probability.argmax(1) == emotion
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    sums = (np.bincount(place, weights, minlength=bins) for weights in (None, confidence, right))
    return [
        {"count": int(count), "confidence_sum": float(sure), "right": int(correct)}
        for count, sure, correct in zip(*sums, strict=True)
    ]


def merge(curves: list[list[dict[str, float]]]) -> list[dict[str, Any]]:
    """Reliability curves added up, bin by bin: count, mean confidence and accuracy (None in an empty bin)."""
    merged = []
    for bins in zip(*curves, strict=True):
        count, sure, right = (sum(b[name] for b in bins) for name in ("count", "confidence_sum", "right"))
        merged.append(
            {
                "count": count,
                "confidence": sure / count if count else None,
                "accuracy": right / count if count else None,
            }
        )
    return merged


def calibration_error(curve: list[dict[str, Any]]) -> float:
    """Expected calibration error of a merged curve: mean |accuracy - confidence|, weighted by count."""
    filled = [bin for bin in curve if bin["count"]]
    total = sum(bin["count"] for bin in filled)
    return sum(bin["count"] * abs(bin["accuracy"] - bin["confidence"]) for bin in filled) / total


def majority_baseline(training: np.ndarray, test: np.ndarray) -> float:
    """Accuracy on `test` of always answering the most frequent emotion of `training`; both (N,) of codes."""
    return float(np.mean(np.asarray(test) == np.bincount(training).argmax()))


def _accuracy(probability: np.ndarray, emotion: np.ndarray) -> float:
    return float(np.mean(probability.argmax(1) == emotion))
