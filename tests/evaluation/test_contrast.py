"""Paired differences, by hand."""

import pytest

from fer_lib.evaluation.contrast import contrast, contrasts, holm, paired

AD, PLAIN = "synthetic/8/as_released/AD", "synthetic/8/as_released/plain"


def run(fold, seed, accuracy, **changes):
    base = {"data": "synthetic", "emotions": list("abcdefgh"), "recipe": "as_released", "variant": "AD"}
    base |= {"split": "folds", "zero_bias": True, "fold": fold, "seed": seed}
    scores = {"image": accuracy, "sequence": accuracy}
    base |= {"selected": {"validation": {"step": 1}}, "checkpoints": [{"step": 1, "test": scores}]}
    return base | {"images": {"test": 100, "training": 900}} | changes


def test_seeds_of_a_fold_are_no_new_people():
    one = [run(fold, seed, 0.8 + 0.1 * fold + 0.02 * seed) for fold in (0, 1) for seed in (0, 1)]
    two = [run(fold, seed, 0.7, variant="plain") for fold in (0, 1) for seed in (0, 1)]
    found = contrast([*one, *two], AD, PLAIN)
    assert (found["pairs"], found["folds"], found["won"]) == (4, 2, 2)
    assert found["difference"] == found["median"] == pytest.approx(0.16)
    alone = contrast([*one[::2], *two[::2]], AD, PLAIN)  # one seed: the same number of witnesses
    assert found["high"] - found["low"] == pytest.approx(alone["high"] - alone["low"])


def test_ways_to_split_test_other_pictures():
    cells = [run(fold, 0, 0.8 + fold / 10) for fold in (0, 1)]
    cells += [run(fold, 0, 0.9, split="image") for fold in (0, 1)]
    (found,) = contrasts(cells).values()
    assert found["image"]["difference"] == pytest.approx(0.05) and found["image"]["low"] is None


def test_holm_by_hand():
    def found(difference):  # nine degrees of freedom: an interval of ± 2.2622 standard errors of 1
        return {"difference": difference, "low": difference - 2.262157, "high": difference + 2.262157, "folds": 10}

    middle, large, small = holm([found(2.262157), found(-5.0), found(0.1)])
    assert middle == pytest.approx(2 * 0.05, abs=1e-5)  # the second smallest of three
    assert large == pytest.approx(3 * 0.000739, abs=1e-5)
    assert small == pytest.approx(0.9225, abs=1e-3)
    assert holm([found(2.262157), found(2.262157)]) == pytest.approx([0.1, 0.1])


def test_folds_that_agree_to_the_last_digit():
    def found(difference):
        return {"difference": difference, "low": difference, "high": difference, "folds": 10}

    assert holm([found(0.0), found(0.1)]) == [1.0, 0.0]


def test_accuracies_without_a_common_run_have_no_contrast():
    assert paired({(0, 0): 0.5}, {(1, 0): 0.5}, 0.1)["difference"] is None
