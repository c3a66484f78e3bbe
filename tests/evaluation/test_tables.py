import math

import numpy as np
import pytest

from fer_lib.errors import UserError
from fer_lib.evaluation import against_paper, as_text, as_values, confusion, reliability, summary
from fer_lib.evaluation.tables import label, read_label
from fer_lib.paper import PAPER


def cell(fold: int, seed: int, scores: dict[str, float], **changes):
    """A result of two checkpoints; `scores` are test accuracies per image by selection."""
    steps = {"validation": 5, "test": 10, "last": 15}
    curve = [{"count": 4, "confidence_sum": 2.0, "right": 1}, {"count": 0, "confidence_sum": 0.0, "right": 0}]
    picked = {"confusion": [[3, 1], [0, 4]], "reliability": curve}
    return {
        "data": "synthetic",
        "split": "folds",
        "recipe": "as_released",
        "variant": "AD",
        "zero_bias": True,
        "emotions": list("abcdefgh"),
        "fold": fold,
        "seed": seed,
        "majority": 0.25,
        "checkpoints": [
            {"step": steps[name], "test": {"image": score, "sequence": score + 0.01}} for name, score in scores.items()
        ],
        "identity": {"config": {"size": 48, "steps": 1200}},
        "selected": {name: picked | {"step": steps[name]} for name in scores},
    } | changes


@pytest.fixture
def cells():
    """2 folds x 2 seeds, accuracies .8 .9 (seed 0) and .6 .9 (seed 1) for folds 0 and 1 when chosen honestly."""
    honest = {(0, 0): 0.8, (1, 0): 0.9, (0, 1): 0.6, (1, 1): 0.9}
    return [cell(f, s, {"validation": a, "test": a + 0.05, "last": 0.5}) for (f, s), a in honest.items()]


def test_spreads_by_hand(cells):
    table = summary(cells)
    row = table[(table.selection == "validation") & (table.unit == "image")].iloc[0]
    assert row["mean"] == pytest.approx(0.8)
    assert row["sd_folds"] == pytest.approx(0.2 / math.sqrt(2))  # fold means .7 and .9
    assert row["sd_seeds"] == pytest.approx(0.1 / math.sqrt(2))  # seed means .85 and .75
    assert (row["folds"], row["seeds"], row["majority"]) == (2, 2, 0.25)
    assert len(table) == 3 * 2


def test_gap_is_the_bias_of_choosing_on_test(cells):
    values = as_values(cells)["synthetic/8/as_released/AD"]
    assert values["gap"] == pytest.approx(0.05)
    assert values["accuracy"]["validation"]["sequence"]["mean"] == pytest.approx(0.81)
    assert values["calibration_error"] == pytest.approx(0.25)  # confidence .5, right .25


def test_configurations_stay_apart(cells):
    twin = cell(0, 0, {"last": 0.3}, zero_bias=False)
    leaky = cell(0, 0, {"last": 0.99}, split="image")
    values = as_values([*cells, twin, leaky])
    assert list(values) == [
        "synthetic/8/as_released/AD",
        "synthetic/8/as_released/AD/bias",
        "synthetic/8/as_released/AD/by-image",
    ]
    assert "gap" not in values["synthetic/8/as_released/AD/bias"]


def test_one_fold_has_no_spread(cells):
    values = as_values(cells[:1])["synthetic/8/as_released/AD"]
    assert values["accuracy"]["last"]["image"] == {"mean": 0.5, "sd_folds": None, "sd_seeds": None}


def test_confusion_and_reliability_add_up(cells):
    assert np.array_equal(confusion(cells), [[12, 4], [0, 16]])
    curve = reliability(cells)
    assert curve[0] == {"count": 16, "confidence": 0.5, "accuracy": 0.25} and curve[1]["accuracy"] is None
    with pytest.raises(UserError, match="'best'.*validation, test, last"):
        confusion(cells, "best")


def test_text_says_what_was_chosen_how(cells):
    text = as_text(cells)
    assert "chosen on validation (honest)" in text and "chosen on test (as released in 2015)" in text
    assert "80.0 % ± 14.1; 7.1" in text and "majority 25.0%" in text


def test_against_paper(cells):
    rows = against_paper(as_values(cells))
    assert [row["paper"] for row in rows] == ["96.4 (unverified) [M: unverified]", "95.1 [C: from a citing source]"]
    assert rows[0]["ours"].startswith("85.0") and rows[1]["ours"].startswith("80.0")
    assert all("other pictures: synthetic, not CK+" in row["why"] and "2 of 10 folds" in row["why"] for row in rows)
    assert all("48 px and 1,200 batches, not 96 px and 31,000" in row["why"] for row in rows)
    assert all("the paper's is one run whose weights are unseeded" in row["why"] for row in rows)
    for data, other in (("ckplus", False), ("synthetic-ckplus", True)):
        rows = against_paper(as_values([cell(0, 0, {"test": 0.5, "last": 0.5}, data=data)]))
        assert [f"other pictures: {data}, not CK+" in row["why"] for row in rows] == [other] * 2
    paper_like = {"identity": {"config": {"size": 96, "steps": 31_000}}}
    rows = against_paper(as_values([cell(0, 0, {"test": 0.5, "last": 0.5}, **paper_like)]))
    assert not any("batches" in row["why"] for row in rows)


def test_the_paper_is_silent_on_the_other_variants(cells):
    for changes in ({"variant": "plain"}, {"zero_bias": False}, {"split": "image"}):
        assert against_paper(as_values([cell(0, 0, {"last": 0.5}, **changes)])) == []


def test_every_paper_value_is_marked():
    assert all(value.certainty in "VCDM" and value.what for value in PAPER.values())
    assert all("unverified" in str(value) for value in PAPER.values() if value.certainty == "M")


@pytest.mark.parametrize("name", ["synthetic/8/as_released/AD", "tfd/7/as_described/plain/bias/by-image"])
def test_a_label_is_read_as_it_was_made(name):
    assert label(read_label(name)) == name
