"""Is the network as good, and are its filters as aligned, for everyone? Accuracy and AUROC by group of people."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fer_lib.data.dataset import FaceDataset
from fer_lib.data.synthetic.ckplus_like import AGE_BANDS, TONE_BANDS
from fer_lib.interpret.bootstrap import percentile_interval, subject_draws
from fer_lib.interpret.labels import AULabels, labels_of
from fer_lib.interpret.measures import auroc, auroc_z
from fer_lib.interpret.stages import LAYER, Network

SEED = 2  # of the balanced set: people who are in no other set of the study
DRAWS = 2000
ATTRIBUTES = {
    "gender": ("female", "male"),
    "age": ("youngest", "middle", "oldest"),
    "skin tone": ("darkest", "middle", "lightest"),
}


@dataclass(frozen=True)
class Measured:
    """Of one network on the N pictures of the balanced set: `right` (N,) 0 or 1, `response` (N, A) of each AU's filter.

    An AU's filter is the one of largest rank z on the natural set, whose people are others.
    """

    right: np.ndarray
    response: np.ndarray


def measure(network: Network, natural: FaceDataset, balanced: FaceDataset) -> Measured:
    """Run one network on both sets."""
    chosen = auroc_z(network.scan(natural).layers[LAYER].value, labels_of(natural).presence)
    filters = np.where(np.isnan(chosen), -np.inf, chosen).argmax(axis=0)
    scanned = network.scan(balanced)
    right = scanned.logits.argmax(axis=1) == balanced.emotion
    return Measured(right.astype(float), scanned.layers[LAYER].value[:, filters])


def bands(balanced: FaceDataset) -> dict[str, np.ndarray]:
    """attribute → the group (N,) of each picture's person."""
    who = balanced.provenance["identities"]
    rows = [who[subject] for subject in balanced.subject]
    places = {
        "gender": [ATTRIBUTES["gender"].index(row["gender"]) for row in rows],
        "age": np.digitize([row["age"] for row in rows], AGE_BANDS) - 1,
        "skin tone": np.digitize([row["skin_tone"] for row in rows], TONE_BANDS) - 1,
    }
    return {name: np.array(ATTRIBUTES[name])[place] for name, place in places.items()}


def by_group(measured: Sequence[Measured], balanced: FaceDataset, draws: int = DRAWS) -> dict[str, Any]:
    """Per attribute and group, the mean over networks: accuracy and AUROC, each with a 95 % interval over people.

    `contrasts`: every group minus the attribute's first one. AUROC is the mean over the AUs that the group shows.
    """
    labels, rng = labels_of(balanced), np.random.default_rng(SEED)
    right = np.mean([one.right for one in measured], axis=0)
    made: dict[str, Any] = {}
    for attribute, groups in bands(balanced).items():
        names, found, drawn = ATTRIBUTES[attribute], {}, {}
        for name in names:
            rows = np.flatnonzero(groups == name)
            times, code = subject_draws(balanced.subject[rows], draws, rng)
            drawn[name] = _accuracies(right[rows], times, code)
            found[name] = {
                "people": int(times.shape[1]),
                "images": len(rows),
                "accuracy": _with_interval(float(right[rows].mean()), drawn[name]),
                "auroc": _auroc(measured, labels, rows, draws, rng),
            }
        first = drawn[names[0]], found[names[0]]["accuracy"]["value"]
        contrasts = {
            f"{name} minus {names[0]}": _with_interval(
                found[name]["accuracy"]["value"] - first[1], drawn[name] - first[0]
            )
            for name in names[1:]
        }
        made[attribute] = {"groups": found, "contrasts": contrasts}
    return made


def _accuracies(right: np.ndarray, times: np.ndarray, code: np.ndarray) -> np.ndarray:
    """(B,) accuracy of every draw of people."""
    total, count = np.bincount(code, right), np.bincount(code)
    return (times @ total) / (times @ count)


def _auroc(
    measured: Sequence[Measured], labels: AULabels, rows: np.ndarray, draws: int, rng: np.random.Generator
) -> dict[str, float]:
    """Mean over AUs and networks of the AUROC on `rows`; people drawn again, a tenth as often as it is slow."""
    presence, subject = labels.presence[rows], labels.subject[rows]
    times, code = subject_draws(subject, draws // 10, rng)
    order = np.arange(len(rows))

    def mean(chosen: np.ndarray) -> float:
        values = [np.diagonal(auroc(one.response[rows][chosen], presence[chosen])) for one in measured]
        return float(np.nanmean(values))

    return _with_interval(mean(order), np.array([mean(np.repeat(order, count[code])) for count in times]))


def _with_interval(value: float, draws: np.ndarray) -> dict[str, float]:
    low, high = percentile_interval(draws)
    return {"value": value, "low": float(low), "high": float(high)}
