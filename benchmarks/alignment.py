"""AUROC of 256 filters × 20 action units on 1308 images, and 1000 permutations of max-|z|, against plain ways.

Peers: scipy's mannwhitneyu over axis 0, AU by AU (the matrix alone), scikit-learn's roc_auc_score cell by cell, and
row-wise permutation with one matrix product each (the floor: what a careful person writes). The last line is JSON.
"""

import json
import time

import numpy as np
from scipy.stats import mannwhitneyu, rankdata
from sklearn.metrics import roc_auc_score

from fer_lib.interpret.exchange import exchangeable
from fer_lib.interpret.measures import auroc
from fer_lib.interpret.permutation import max_t

SEQUENCES, FRAMES, FILTERS, AUS, PERMUTATIONS, ROUNDS = 327, 4, 256, 20, 1000, 3
CELLS = 200  # of the 5120 that scikit-learn is timed on


def best(job) -> tuple[float, object]:
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        value = job()
        times.append(time.perf_counter() - start)
    return min(times), value


def by_row(activation: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """max |z| of row-wise permutations, one matrix product each."""
    ranks = rankdata(activation, axis=0)
    ranks = (ranks - ranks.mean(axis=0)) / np.linalg.norm(ranks - ranks.mean(axis=0), axis=0)
    scale = np.sqrt(len(labels) - 1) / np.linalg.norm(labels - labels.mean(axis=0), axis=0)
    draws = (np.abs(ranks.T @ labels[rng.permutation(len(labels))] * scale).max() for _ in range(PERMUTATIONS))
    return np.fromiter(draws, float)


def main() -> None:
    rng = np.random.default_rng(0)
    sequence = np.repeat(np.arange(SEQUENCES), FRAMES)
    activation = np.maximum(rng.normal(size=(SEQUENCES, FILTERS))[sequence] + 0.3 * rng.normal(size=(1308, FILTERS)), 0)
    labels = (rng.random((SEQUENCES, AUS)) < np.geomspace(0.03, 0.5, AUS))[sequence].astype(float)
    labels[::FRAMES] = 0

    matrix, ours_auroc = best(lambda: auroc(activation, labels))
    scipy_way, _ = best(lambda: [mannwhitneyu(activation[y == 1], activation[y == 0]) for y in labels.T])
    cells = [(f, a) for f in range(FILTERS) for a in range(AUS)][:: FILTERS * AUS // CELLS]
    sklearn_way, theirs = best(lambda: [roc_auc_score(labels[:, a], activation[:, f]) for f, a in cells])
    sklearn_way *= FILTERS * AUS / len(cells)
    ours, _ = best(lambda: (auroc(activation, labels), test(activation, labels, sequence)))
    floor, _ = best(lambda: (auroc(activation, labels), by_row(activation, labels, rng)))

    error = max(abs(ours_auroc[cell] - value) for cell, value in zip(cells, theirs, strict=True))
    print(
        f"AUROC matrix {matrix * 1e3:.0f} ms, scipy axis=0 {scipy_way * 1e3:.0f} ms, scikit-learn {sklearn_way:.1f} s"
    )
    print(
        f"matrix and {PERMUTATIONS} permutations {ours:.2f} s by sequence, {floor:.2f} s by row; difference {error:.0e}"
    )
    result = {
        "name": "alignment matrix with 1000-permutation max-T",
        "ours": ours,
        "peer": floor,
        "ratio": floor / ours,
    }
    result |= {"units": "s", "peer_name": "row-wise permutations, one matrix product each", "matrix": matrix}
    print(json.dumps(result | {"scipy_axis0": scipy_way, "scikit_learn": sklearn_way}))


def test(activation: np.ndarray, labels: np.ndarray, sequence: np.ndarray) -> object:
    return max_t(activation, labels, exchangeable(sequence), np.random.default_rng(1), PERMUTATIONS)


if __name__ == "__main__":
    main()
