"""The five questions to the grid, on accuracies whose answers are known."""

import numpy as np
import pytest

from fer_lib import results
from fer_lib.reproduction import questions

RATIO = 1 / 8


def record(ledger, accuracy, folds=range(10), leave_out=()):
    """The entry "grid" with `accuracy(recipe, variant, fold)` in every cell."""
    cells = [
        {"configuration": f"synthetic/8/{recipe}/{variant}", "fold": fold, "seed": 0}
        | {"validation": {"image": accuracy(recipe, variant, fold), "sequence": 0.5}}
        for fold in folds
        for recipe in ("as_released", "as_described")
        for variant in ("plain", "D", "A", "AD")
        if (recipe, variant, fold) not in leave_out
    ]
    values = {"planned": 80, "finished": len(cells), "cells": cells}
    results.write(results.Entry("grid", "x", 0, "0" * 40, {}, "2", "d", "0" * 64, 1.0, values), ledger)


def noisy(recipe, variant, fold):
    """As released augmentation adds 10 points and dropout takes 4; as described nothing does anything."""
    noise = np.random.default_rng([fold, ord(variant[-1]), len(variant), len(recipe)]).normal(0, 0.01)
    released = recipe == "as_released"
    return 0.6 + 0.02 * fold + released * (0.1 * ("A" in variant) - 0.04 * ("D" in variant)) + noise


def test_each_method_is_credited_with_what_it_adds(tmp_path):
    record(tmp_path, noisy)
    found = questions.asked(RATIO, ledger=tmp_path)
    assert len(found) == 5
    differences = {question: each["difference"] for question, each in found.items()}
    assert differences["effect of augmentation, as released"] == pytest.approx(0.10, abs=0.01)
    assert differences["effect of dropout, as released"] == pytest.approx(-0.04, abs=0.01)
    assert differences["effect of augmentation, as described"] == pytest.approx(0, abs=0.01)
    table = questions.answers(RATIO, ledger=tmp_path).set_index("question")
    assert table.loc["effect of augmentation, as released", "answer"] == "helps"
    assert table.loc["effect of dropout, as released", "answer"] == "harms"
    assert table.loc["effect of augmentation, as described", "answer"] == "these runs cannot tell"


def test_an_effect_by_hand(tmp_path):
    """Two folds: the effect of a fold is the mean of two differences."""
    scores = {"plain": (0.5, 0.6), "D": (0.6, 0.8), "A": (0.5, 0.5), "AD": (0.7, 0.8)}
    record(tmp_path, lambda recipe, variant, fold: scores[variant][fold], folds=range(2))
    found = questions.asked(RATIO, ledger=tmp_path)
    dropout, augmentation = (found[f"effect of {name}, as described"] for name in ("dropout", "augmentation"))
    assert dropout["difference"] == pytest.approx(((0.1 + 0.2) / 2 + (0.2 + 0.3) / 2) / 2)
    assert augmentation["difference"] == pytest.approx(((0.0 + 0.1) / 2 + (-0.1 + 0.0) / 2) / 2)
    half = 12.7062 * (0.1 / 2**0.5) * (1 / 2 + RATIO) ** 0.5  # t of one degree, spread of 0.15 and 0.25
    assert dropout["high"] - dropout["difference"] == pytest.approx(half, rel=1e-4)
    assert (augmentation["won"], augmentation["folds"]) == (1, 2)


def test_the_folds_that_raised_the_question_do_not_answer_it(tmp_path):
    record(tmp_path, lambda recipe, variant, fold: 0.9 if variant == "A" and fold < 2 else 0.5 + fold / 100)
    first = next(iter(questions.asked(RATIO, ledger=tmp_path).values()))
    assert (first["folds"], first["difference"]) == (8, 0)


def test_what_is_missing_is_left_out_and_said(tmp_path):
    assert questions.answers(RATIO, ledger=tmp_path).empty and list(questions.answers(RATIO, ledger=tmp_path)) == [
        *questions.COLUMNS
    ]
    record(tmp_path, noisy, leave_out=[("as_released", "A", 9)])
    found = questions.asked(RATIO, ledger=tmp_path)
    assert [each["folds"] for each in found.values()] == [7, 9, 9, 10, 10]
    table = questions.answers(RATIO, ledger=tmp_path)  # five intervals, but the block is not finished
    assert set(table["answer"]) == {"not all is recorded"} and set(table["p of five"]) == {"–"}
    assert "interval" in table["difference"][0]
    record(tmp_path, noisy, folds=range(1))
    table = questions.answers(RATIO, ledger=tmp_path)
    assert set(table["answer"]) == {"not all is recorded"} and set(table["p of five"]) == {"–"}
    assert table["difference"][0] == "–"
