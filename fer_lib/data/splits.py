"""Folds: which images train, which choose the checkpoint, which test.

A fold table is int8 (N, F): 0 unused, 1 training, 2 validation, 3 test. In fold t group t tests and group t + 1
(the first after the last) validates: the authors' rule since March 2017 (their `train.py` for CK+).
"""

import numpy as np

from fer_lib.data.dataset import TEST, TRAIN, UNUSED, VALIDATION, FaceDataset
from fer_lib.errors import UserError

UNITS = ("image", "sequence", "subject")


def subject_folds(subject: np.ndarray, folds: int = 10) -> np.ndarray:
    """The authors' folds: subjects sorted by id, group = index mod `folds`. (N,) str → int8 (N, folds)."""
    subject = np.asarray(subject)
    if (subject == "").any():
        raise UserError(f"{(subject == '').sum()} images have no subject; folds by subject need one for every image")
    return _fold_table(_index(subject) % _checked(folds, len(set(subject))), folds)


def labelled_subject_folds(subject: np.ndarray, emotion: np.ndarray, folds: int = 10) -> np.ndarray:
    """`subject_folds` over the labelled images alone; unlabelled ones are unused (0) in every fold."""
    labelled = np.asarray(emotion) >= 0
    table = np.full((len(subject), folds), UNUSED, np.int8)
    people = np.asarray(subject)[labelled]
    # A handful of people cannot fill ten folds: such a set keeps an empty table and is split by its user.
    if len(set(people)) >= folds:
        table[labelled] = subject_folds(people, folds)
    return table


def random_folds(dataset: FaceDataset, folds: int = 10, by: str = "image", *, seed: int) -> np.ndarray:
    """Folds of randomly grouped images, sequences or subjects, int8 (N, folds); unlabelled images are unused.

    `by="image"` and `by="sequence"` leak people (and, by image, near-identical frames) between training and test:
    that is what they are for.
    """
    if by not in UNITS:
        raise UserError(f"folds by {by!r} are unknown; use one of {', '.join(UNITS)}")
    units = np.arange(len(dataset)).astype(str) if by == "image" else getattr(dataset, by)
    if (units == "").any():
        unknown = int((units == "").sum())
        raise UserError(
            f"{dataset.name}: the {by} of {unknown} of {len(units)} images is unknown, and folds by {by} would take "
            "them for one; use the set's own folds"
        )
    index = _index(units)
    count = int(index.max(initial=-1)) + 1
    group = np.random.default_rng(seed).permutation(count) % _checked(folds, count)
    return np.where(dataset.emotion[:, None] >= 0, _fold_table(group[index], folds), UNUSED).astype(np.int8)


def assert_disjoint(dataset: FaceDataset, fold: int, by: str = "subject") -> None:
    """Raise UserError, naming the shared one, if a subject (or sequence) lies in two parts of the fold."""
    column, units = dataset.folds[:, fold], getattr(dataset, by)
    parts = {"training": TRAIN, "validation": VALIDATION, "test": TEST}
    members = {name: set(units[column == part]) - {""} for name, part in parts.items()}
    for first, second in (("training", "test"), ("training", "validation"), ("validation", "test")):
        shared = sorted(members[first] & members[second])
        if shared:
            raise UserError(
                f"{dataset.name}, fold {fold}: {by} {shared[0]} is in {first} and in {second} ({len(shared)} shared); "
                "make the folds with subject_folds"
            )


def _index(units: np.ndarray) -> np.ndarray:
    """Rank of each unit among the sorted unique ones."""
    return np.unique(units, return_inverse=True)[1].reshape(-1)


def _fold_table(group: np.ndarray, folds: int) -> np.ndarray:
    test = np.arange(folds)
    table = np.full((len(group), folds), TRAIN, np.int8)
    table[group[:, None] == (test + 1) % folds] = VALIDATION
    table[group[:, None] == test] = TEST
    return table


def _checked(folds: int, units: int) -> int:
    if folds < 3:
        raise UserError(f"{folds} folds: at least 3 are needed, one each for training, validation and test")
    if units < folds:
        raise UserError(f"{units} units cannot fill {folds} folds; ask for at most {units}")
    return folds
