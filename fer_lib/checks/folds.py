"""Checks of assignment 2: subject-disjoint folds, selection bias and the leak."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fer_lib.checks.diagnosis import agree, fail, passed, unchanged


def _people(rng: np.random.Generator) -> np.ndarray:
    """Subjects of some images, in no order, each several times, ids with gaps."""
    count = int(rng.integers(7, 12))
    names = np.array([f"S{number:03d}" for number in rng.choice(900, count, replace=False) + 10])
    return rng.permutation(np.repeat(names, rng.integers(2, 6, count)))


def subject_groups(answer: Callable, *, seed: int = 0, cases: int = 3) -> None:
    """`answer(subject (N,) str, folds)` → (N,) group of each image: rank of its subject among the sorted, mod folds."""
    rng = np.random.default_rng(seed)
    for _ in range(cases):
        subject, folds = _people(rng), int(rng.integers(3, 6))
        rank = np.unique(subject, return_inverse=True)[1]
        first = {name: number for number, name in enumerate(dict.fromkeys(subject))}
        mistakes = {
            "you numbered people in order of appearance; sort the ids first, so that the order of files does not "
            "matter.": lambda s=subject, f=folds, first=first: [first[name] % f for name in s],
            "you dealt images, not people: one person lies in several groups.": (
                lambda s=subject, f=folds: np.arange(len(s)) % f
            ),
            "you cut the people into blocks; the authors deal them like cards, rank mod folds.": (
                lambda r=rank, f=folds: r * f // (r.max() + 1)
            ),
            "these are the ranks; take them modulo the number of folds.": lambda r=rank: r,
        }
        before = subject.copy()
        agree(f"the groups of {len(first)} people", answer(subject, folds), rank % folds, mistakes)
        if not np.array_equal(before, subject):
            fail("subject was changed in place: work on a copy.")
    passed("subject_groups deals people, not images", cases)


def fold_table(answer: Callable, *, seed: int = 0, cases: int = 3) -> None:
    """`answer(group (N,), folds)` → (N, folds): 3 where group = t, 2 where group = t + 1 (cyclic), else 1."""
    rng = np.random.default_rng(seed)
    for _ in range(cases):
        folds = int(rng.integers(4, 8))
        group = rng.permutation(np.arange(3 * folds + 1) % folds)
        table = _table(group, folds)
        mistakes = {
            "in the last fold nobody validates: the group after the last is group 0, so take (t + 1) % folds.": (
                lambda g=group, f=folds: _table(g, f, wrap=False)
            ),
            "validation is the group before the test group; the authors take the one after.": (
                lambda g=group, f=folds: _table(g, f, step=-1)
            ),
            "2 and 3 are exchanged: 2 is validation, 3 is test.": lambda t=table: np.array([0, 1, 3, 2])[t],
            "rows and columns are exchanged: one row an image, one column a fold.": lambda t=table: t.T,
            "nobody validates: one group chooses the checkpoint, and it must not be the test group.": (
                lambda t=table: np.where(t == 2, 1, t)
            ),
        }
        agree(f"the table of {folds} folds", answer(group.copy(), folds), table, mistakes)
    passed("fold_table: 1 training, 2 validation, 3 test", cases)


def _table(group: np.ndarray, folds: int, step: int = 1, wrap: bool = True) -> np.ndarray:
    test = np.arange(folds)
    after = (test + step) % folds if wrap else test + step
    return np.where(group[:, None] == test, 3, np.where(group[:, None] == after, 2, 1))


def shared_people(answer: Callable, *, seed: int = 0, cases: int = 3) -> None:
    """`answer(subject (N,), part (N,))` → sorted list of the subjects in both training (1) and test (3)."""
    rng = np.random.default_rng(seed)
    for _ in range(cases):
        subject = _people(rng)
        part = rng.choice([0, 1, 1, 2, 3], len(subject))
        part[:2], subject[:2] = (1, 3), subject[0]  # one leak at least
        members = {code: set(subject[part == code]) for code in range(4)}
        wanted = sorted(members[1] & members[3])
        found = answer(subject.copy(), part.copy())
        _right_people(found, wanted, members)
    nobody = answer(np.array(["S001", "S002", "S002"]), np.array([1, 3, 3]))
    if nobody is None or len(nobody):
        fail(f"training holds S001, test S002: nobody is shared, but the answer is {nobody!r}.")
    passed("shared_people finds the leak", cases + 1)


def _right_people(found: object, wanted: list[str], members: dict[int, set[str]]) -> None:
    if found is None or isinstance(found, int | float | np.integer):
        fail(f"the answer is {found!r}; expected the sorted list of the shared people's ids.")
    found = [str(name) for name in found]
    if found == wanted:
        return
    if sorted(set(found)) == wanted and len(found) > len(wanted):
        fail("somebody is listed more than once: list people, not their images.")
    if sorted(found) == wanted:
        fail("the people are right, but not sorted.")
    if sorted(set(found)) == sorted(members[1] | members[3]):
        fail("you listed everybody in training *or* test; shared means in both.")
    if sorted(set(found)) == sorted(members[1] & (members[2] | members[3])):
        fail("you counted validation (2) as test (3).")
    if sorted(set(found)) == sorted(members[1] & members[2]):
        fail("you compared training with validation (2); test is 3.")
    fail(f"the answer is {found}; expected {wanted}.")


def selection_bias(answer: Callable, *, seed: int = 0, cases: int = 3) -> None:
    """`answer(validation (R, C), test (R, C))`: mean over R runs of best test − test where validation is best."""
    rng = np.random.default_rng(seed)
    for _ in range(cases):
        runs, checkpoints = int(rng.integers(4, 9)), int(rng.integers(11, 31))
        skill = rng.uniform(0.6, 0.9, (runs, 1)) + np.linspace(0, 0.08, checkpoints)
        validation, test = (skill + rng.normal(0, 0.03, skill.shape) for _ in range(2))
        rows, chosen = np.arange(runs), validation.argmax(axis=1)
        honest = test[rows, chosen]
        mistakes = {
            "you read the accuracy of the chosen checkpoint from validation; choose there, report test.": (
                lambda v=validation, t=test: (t.max(axis=1) - v.max(axis=1)).mean()
            ),
            "you chose one checkpoint for all runs; each run chooses its own.": (
                lambda v=validation, t=test: (t.max(axis=1) - t[:, v.mean(axis=0).argmax()]).mean()
            ),
            "the axes are exchanged: rows are runs, columns checkpoints.": lambda v=validation, t=test: (
                t.max(axis=0) - t[v.argmax(axis=0), np.arange(t.shape[1])]
            ).mean(),
            "the sign is turned: bias = optimistic minus honest.": (
                lambda t=test, h=honest: (h - t.max(axis=1)).mean()
            ),
            "this is the optimistic accuracy; subtract the honest one.": lambda t=test: t.max(axis=1).mean(),
            "this is the honest accuracy; the bias is how far the optimistic one lies above it.": (
                lambda h=honest: h.mean()
            ),
            "you compared with the last checkpoint; compare with the one validation chose.": (
                lambda t=test: (t.max(axis=1) - t[:, -1]).mean()
            ),
            "the best over all runs together is not the mean of each run's best.": (
                lambda t=test, h=honest: t.max() - h.mean()
            ),
        }
        before = test.copy()
        found = answer(validation, test)
        agree(f"the bias over {runs} runs", found, (test.max(axis=1) - honest).mean(), mistakes, tolerance=1e-9)
        unchanged("test", before, test)
    passed("selection_bias: optimistic minus honest", cases)


def nearest_labels(answer: Callable, *, seed: int = 0, cases: int = 3) -> None:
    """`answer(train (N, D), labels (N,), test (M, D))` → (M,): the label of the nearest training picture."""
    rng = np.random.default_rng(seed)
    for _ in range(cases):
        train, test = rng.normal(size=(int(rng.integers(20, 40)), 6)), rng.normal(size=(int(rng.integers(8, 15)), 6))
        train *= rng.uniform(0.2, 3, (len(train), 1))  # so that a large product is not a small distance
        labels = rng.integers(0, 8, len(train))
        distance = ((test[:, None] - train) ** 2).sum(axis=2)
        mistakes = {
            "these are the labels of the farthest pictures: argmin, not argmax.": (
                lambda d=distance, y=labels: y[d.argmax(axis=1)]
            ),
            "you took the largest product; a long vector wins that without being near.": (
                lambda x=train, z=test, y=labels: y[(z @ x.T).argmax(axis=1)]
            ),
            "these are the row numbers of the nearest pictures; return their labels.": lambda d=distance: d.argmin(
                axis=1
            ),
            "each training picture looked for its nearest test picture; it is the other way round.": (
                lambda d=distance, y=labels: y[d.argmin(axis=0) % len(y)]
            ),
            "you added up absolute differences; Euclidean distance adds up squares.": (
                lambda x=train, z=test, y=labels: y[np.abs(z[:, None] - x).sum(axis=2).argmin(axis=1)]
            ),
        }
        agree(f"labels of {len(test)} pictures", answer(train, labels, test), labels[distance.argmin(axis=1)], mistakes)
    passed("nearest_labels", cases)
