"""The questions to whole blocks, on accuracies whose answers are known."""

import numpy as np
import pytest

from fer_lib import results
from fer_lib.errors import UserError
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
    write(ledger, "grid", cells, 80)


def write(ledger, name, cells, planned):
    values = {"planned": planned, "finished": len(cells), "cells": cells}
    results.write(results.Entry(name, "x", 0, "0" * 40, {}, "2", "d", "0" * 64, 1.0, values), ledger)


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
    assert set(table["answer"]) == {"not all is recorded"} and set(table["corrected p"]) == {"–"}
    assert "interval" in table["difference"][0]
    record(tmp_path, noisy, folds=range(1))
    table = questions.answers(RATIO, ledger=tmp_path)
    assert set(table["answer"]) == {"not all is recorded"} and set(table["corrected p"]) == {"–"}
    assert table["difference"][0] == "–"


def test_larger_pictures_are_compared_with_the_right_small_ones(tmp_path):
    """AD of 48 px stands in "again", plain in "grid"; the grid's own AD is 30 points off and must not be taken."""
    gain = {"AD": (0.70, 0.60), "plain": (0.50, 0.55)}  # at 96 and at 48 px

    def cells(size, *variants, off=0.0):
        return [
            {"configuration": f"synthetic/8/as_released/{variant}", "fold": fold, "seed": 0}
            | {
                "validation": {
                    "image": gain[variant][size] + off + 0.01 * (fold % 3 if size else fold),
                    "sequence": 0.5,
                }
            }
            for fold in range(10)
            for variant in variants
        ]

    write(tmp_path, "full-size", cells(0, "AD", "plain")[:-1], 20)  # plain of the last fold is missing
    write(tmp_path, "again", cells(1, "AD"), 10)
    write(tmp_path, "grid", cells(1, "plain") + cells(1, "AD", off=0.3), 80)
    found = questions.asked(RATIO, ledger=tmp_path, block="full-size")
    spread = np.arange(10) - np.arange(10) % 3
    expected = [0.2, 0.1 + 0.01 * spread.mean(), -0.05 + 0.01 * spread[:9].mean()]
    assert [each["difference"] for each in found.values()] == pytest.approx(expected)
    assert [each["folds"] for each in found.values()] == [9, 10, 9]
    answers = questions.answers(RATIO, ledger=tmp_path, block="full-size")
    assert list(answers["question"]) == list(found) and set(answers["answer"]) == {"not all is recorded"}
    write(tmp_path, "full-size", cells(0, "AD", "plain"), 20)
    answers = questions.answers(RATIO, ledger=tmp_path, block="full-size").set_index("question")["answer"]
    assert answers["AD minus plain, both at 96 px"] == answers["AD at 96 px minus AD at 48 px"] == "helps"
    (tmp_path / "again.json").unlink()
    assert questions.answers(RATIO, ledger=tmp_path, block="full-size")["difference"][1] == "–"
    assert questions.answers(RATIO, ledger=tmp_path / "none", block="full-size").empty


def test_a_longer_schedule_is_held_against_the_short_one_of_its_network(tmp_path):
    def cells(AD, plain):
        return [
            {"configuration": f"synthetic-tfd/7/as_released/{variant}", "fold": fold, "seed": 0}
            | {"validation": {"image": value + fold / 1000 * ("AD" == variant), "sequence": 0.5}}
            for fold in range(5)
            for variant, value in (("AD", AD), ("plain", plain))
        ]

    write(tmp_path, "stills", cells(0.3, 0.5), 10)
    write(tmp_path, "stills-longer", cells(0.7, 0.6), 10)
    found = questions.asked(1 / 3, ledger=tmp_path, block="stills-longer")
    differences = {question: each["difference"] for question, each in found.items()}
    assert differences == {
        "AD minus plain, both with 4,800 batches": pytest.approx(0.102),
        "AD with 4,800 batches minus AD with 1,200": pytest.approx(0.4),
        "plain with 4,800 batches minus plain with 1,200": pytest.approx(0.1),
    }


def test_pairs_tell_what_an_effect_averages_over(tmp_path):
    """Dropout adds 10 points alone and takes 10 beside augmentation: its effect is 0, its pairs are not."""
    scores = {"plain": 0.5, "D": 0.6, "A": 0.7, "AD": 0.6}
    record(tmp_path, lambda recipe, variant, fold: scores[variant] + fold / 1000 * (variant == "D"))
    table = questions.pairs(RATIO, ledger=tmp_path).set_index("pair")["as released"]
    assert table["dropout alone: D minus plain"].startswith("+10.4 points (95 % interval")
    assert table["dropout beside the other: AD minus A"].startswith("-10.0 points")
    assert table["augmentation alone: A minus plain"].endswith("10 of 10 folds")
    effect = questions.asked(RATIO, ledger=tmp_path)["effect of dropout, as released"]["difference"]
    assert effect == pytest.approx(0.00225)
    assert questions.pairs(RATIO, ledger=tmp_path / "none").empty


def test_all_questions_can_be_asked_on_the_new_folds_alone(tmp_path):
    record(tmp_path, lambda recipe, variant, fold: 0.5 + 0.4 * ("A" in variant) * (fold < 2) + fold / 100)
    effect = "effect of augmentation, as released"
    assert questions.asked(RATIO, ledger=tmp_path)[effect]["difference"] == pytest.approx(0.08)
    found = questions.asked(RATIO, ledger=tmp_path, new_folds=True)
    assert (found[effect]["difference"], found[effect]["folds"]) == (0, 8)
    assert {each["folds"] for each in found.values()} == {8}


def test_a_block_without_questions_is_named(tmp_path):
    with pytest.raises(UserError, match="block 'leak' has no questions in the protocol; expected one of grid"):
        questions.answers(RATIO, ledger=tmp_path, block="leak")
