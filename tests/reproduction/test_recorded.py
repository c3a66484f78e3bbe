"""Tables read the ledger and show nothing that is not there."""

import pytest

from fer_lib import results
from fer_lib.reproduction import recorded
from fer_lib.reproduction.blocks import blocks


@pytest.fixture
def ledger(tmp_path):
    score = {"mean": 0.885, "sd_folds": 0.021, "sd_seeds": None}
    accuracy = {name: {"image": score, "sequence": score} for name in ("validation", "last")}
    contrast = {"image": {"difference": 0.05, "low": None, "high": None, "pairs": 1}}
    values = {
        "planned": 20,
        "finished": 3,
        "configurations": {"synthetic/8/as_released/AD": {"folds": 3, "seeds": 1, "accuracy": accuracy}},
        "contrasts": {"synthetic/8/as_described/AD/bias": contrast},
    }
    results.write(results.Entry("plain-against-ad", "x", 0, "0" * 40, {}, "2", "d", "0" * 64, 1.0, values), tmp_path)
    return tmp_path


def test_progress_counts_every_block(ledger):
    table = recorded.progress(ledger).set_index("block")
    assert list(table.index) == list(blocks())
    assert tuple(table.loc["plain-against-ad", ["recorded", "planned"]]) == (3, 20)
    assert table["recorded"].sum() == 3


def test_accuracy_is_mean_and_spread(ledger):
    (row,) = recorded.accuracy("plain-against-ad", ledger=ledger).to_dict("records")
    assert row["network"] == "AD, as released" and row["validation (ours)"] == "88.5 ± 2.1"
    assert row["test (as in 2015)"] == "–"
    assert recorded.accuracy("grid", ledger=ledger).empty and "network" in recorded.accuracy("grid", ledger=ledger)


def test_differences_are_points(ledger):
    (row,) = recorded.differences("plain-against-ad", ledger=ledger).to_dict("records")
    assert row["network"] == "AD, as described, with biases" and row["difference"] == pytest.approx(5.0)
    assert row["low"] is None and recorded.differences("grid", ledger=ledger).empty


def test_every_configuration_of_the_protocol_can_be_spoken():
    assert recorded.spoken("synthetic/8/as_released but min_max=False/AD") == "AD, as released but min_max=False"
    assert recorded.spoken("synthetic/8/as_released/AD/by-image") == "AD, as released, split by image"
