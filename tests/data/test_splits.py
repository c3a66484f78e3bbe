from dataclasses import replace

import numpy as np
import pytest

from fer_lib.data.splits import assert_disjoint, labelled_subject_folds, random_folds, subject_folds
from fer_lib.errors import UserError


def test_authors_rule_by_hand():
    """12 subjects in ten folds: of the sorted ids the 1st and 11th share group 0, the 2nd and 12th group 1."""
    ids = ["S005", "S010", "S011", "S014", "S022", "S026", "S028", "S029", "S032", "S034", "S035", "S037"]
    shuffled = ids[::-1]  # the order of the images must not matter
    table = dict(zip(shuffled, subject_folds(np.array(shuffled)).tolist(), strict=True))
    #                       fold  0  1  2  3  4  5  6  7  8  9
    assert table["S005"] == [3, 1, 1, 1, 1, 1, 1, 1, 1, 2]  # group 0 tests in fold 0, validates in fold 9
    assert table["S035"] == table["S005"]
    assert table["S010"] == [2, 3, 1, 1, 1, 1, 1, 1, 1, 1]
    assert table["S037"] == table["S010"]
    assert table["S034"] == [1, 1, 1, 1, 1, 1, 1, 1, 2, 3]


def test_each_fold_has_one_test_one_validation_and_eight_training_groups():
    table = subject_folds(np.char.mod("S%03d", np.arange(118)))
    groups = [(118 - t + 9) // 10 for t in range(10)]
    assert [(column == 3).sum() for column in table.T] == groups
    assert [(column == 2).sum() for column in table.T] == groups[1:] + groups[:1]
    assert ((table == 3).sum(1) == 1).all() and ((table == 1).sum(1) == 8).all()


def test_subject_folds_do_not_leak(small):
    dataset = small.with_folds(subject_folds(small.subject))
    for fold in range(10):
        assert_disjoint(dataset, fold)
        assert_disjoint(dataset, fold, by="sequence")


def test_a_planted_leak_is_named(small):
    folds = subject_folds(small.subject)
    row = int(np.flatnonzero(folds[:, 0] == 3)[0])
    folds[row, 0] = 1  # one of a test subject's two frames goes to training
    with pytest.raises(UserError, match=f"fold 0: subject {small.subject[row]} is in training and in test .1 shared."):
        assert_disjoint(small.with_folds(folds), 0)


@pytest.mark.parametrize(("by", "leaks"), [("image", True), ("sequence", False), ("subject", False)])
def test_random_folds_leak_only_what_they_should(small, by, leaks):
    # small: one sequence a subject, two frames a sequence
    dataset = small.with_folds(random_folds(small, 10, by, seed=3))
    assert ((dataset.folds == 3).sum(1) == 1).all()
    if leaks:
        with pytest.raises(UserError, match="is in training and in"):
            assert_disjoint(dataset, 0, by="sequence")
    else:
        for fold in range(10):
            assert_disjoint(dataset, fold, by="sequence")


def test_random_sequences_leak_people_with_several(small):
    paired = replace(small, subject=np.char.mod("S%03d", np.arange(60) // 10))
    dataset = paired.with_folds(random_folds(paired, 10, "sequence", seed=0))
    assert_disjoint(dataset, 0, by="sequence")
    with pytest.raises(UserError, match="subject S00"):
        assert_disjoint(dataset, 0)


def test_random_folds_are_seeded_and_leave_the_unlabelled_out(small):
    same = [random_folds(small, 10, "image", seed=1) for _ in range(2)]
    assert np.array_equal(*same)
    assert not np.array_equal(same[0], random_folds(small, 10, "image", seed=2))
    unlabelled = replace(small, emotion=np.where(np.arange(60) < 6, -1, small.emotion))
    folds = random_folds(unlabelled, 10, "image", seed=1)
    assert (folds[:6] == 0).all() and (folds[6:] > 0).all()


def test_unlabelled_sequences_do_not_move_the_labelled_folds():
    subject = np.char.mod("S%03d", np.arange(30))
    emotion = np.where(np.arange(30) % 3 == 0, -1, 1)
    table = labelled_subject_folds(subject, emotion)
    assert (table[emotion < 0] == 0).all()
    assert np.array_equal(table[emotion >= 0], subject_folds(subject[emotion >= 0]))


def test_bad_requests():
    with pytest.raises(UserError, match="2 folds: at least 3"):
        subject_folds(np.array(["a", "b", "c"]), 2)
    with pytest.raises(UserError, match="3 units cannot fill 10 folds; ask for at most 3"):
        subject_folds(np.array(["a", "b", "c"]))
    with pytest.raises(UserError, match="1 images have no subject"):
        subject_folds(np.array(["a", ""]))


def test_unknown_people_are_not_taken_for_one(small):
    some = replace(small, subject=np.where(np.arange(len(small)) < 3, "", small.subject))
    with pytest.raises(UserError, match=r"the subject of 3 of \d+ images is unknown.*use the set's own folds"):
        random_folds(some, 3, "subject", seed=0)


def test_unknown_unit(small):
    with pytest.raises(UserError, match="'face' are unknown; use one of image, sequence, subject"):
        random_folds(small, 10, "face", seed=0)


@pytest.mark.parametrize(("part", "other"), [(1, 2), (2, 1), (3, 2), (2, 3), (1, 3)])
def test_a_leak_between_any_two_parts_is_named(small, part, other):
    names = {1: "training", 2: "validation", 3: "test"}
    folds = subject_folds(small.subject)
    folds[int(np.flatnonzero(folds[:, 0] == other)[0]), 0] = part
    with pytest.raises(UserError) as raised:
        assert_disjoint(small.with_folds(folds), 0)
    assert names[part] in str(raised.value) and names[other] in str(raised.value)
