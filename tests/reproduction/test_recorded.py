"""Tables read the ledger and show nothing that is not there."""

from dataclasses import replace

import numpy as np
import pytest

from fer_lib import results
from fer_lib.data import load_dataset
from fer_lib.errors import UserError
from fer_lib.files import read_json, write_json
from fer_lib.reproduction import recorded
from fer_lib.reproduction.blocks import blocks


@pytest.fixture
def ledger(tmp_path):
    score = {"mean": 0.885, "sd_folds": 0.021, "sd_seeds": None}
    accuracy = {name: {"image": score, "sequence": score} for name in ("validation", "last")}
    found = {"difference": 0.05, "median": 0.05, "low": None, "high": None, "pairs": 1, "folds": 1, "won": 1}
    contrast = {"image": found}
    values = {
        "planned": 20,
        "finished": 3,
        "size": 48,
        "steps": 1200,
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
    pictures, sequences = recorded.accuracy("plain-against-ad", ledger=ledger).to_dict("records")
    assert pictures["network"] == "AD, as released" and pictures["validation (ours)"] == "88.5 ± 2.1"
    assert (pictures["counted"], sequences["counted"]) == ("pictures", "sequences")
    assert pictures["test (as in 2015)"] == "–"
    assert recorded.accuracy("grid", ledger=ledger).empty and "network" in recorded.accuracy("grid", ledger=ledger)


def test_differences_are_points_with_an_interval_where_there_is_one(ledger):
    (row,) = recorded.differences("plain-against-ad", ledger=ledger).to_dict("records")
    assert row["network"] == "AD, as described, with biases" and row["minus the first"] == "+5.0 points"
    assert row["median over folds"] == "+5.0 points" and row["folds won"] == "1 of 1"
    assert recorded.differences("grid", ledger=ledger).empty
    between = {"difference": -0.02, "low": -0.05, "high": 0.01}
    assert recorded.in_points(between) == "-2.0 points (95 % interval -5.0 to +1.0)"


def test_trainings_that_differ_by_the_seed_alone_are_compared_within_their_fold(ledger):
    """Two folds far apart, seeds close together: the spread is that of the seeds."""
    scores = {(0, 0): 0.9, (0, 1): 0.8, (1, 0): 0.5, (1, 1): 0.4}
    cells = [
        {"configuration": "synthetic/8/as_released/AD", "fold": fold, "seed": seed}
        | {"validation": {"image": score, "sequence": 1.0}}
        for (fold, seed), score in scores.items()
    ]
    cells.append(cells[0] | {"configuration": "synthetic/8/as_described/plain"})
    entry = results.read("plain-against-ad", ledger)
    results.write(replace(entry, name="seeds", values=entry.values | {"cells": cells}), ledger)
    table = recorded.by_seed(ledger=ledger)
    assert list(table) == ["AD, as released", "plain, as described"]  # in the block's order
    assert table.loc[(0, 1), "AD, as released"] == pytest.approx(80)
    assert table["plain, as described"].isna().sum() == 3
    spread = recorded.seed_spread(table)
    told = spread.loc["AD, as released"].to_dict()
    assert told == pytest.approx({"trainings": 4, "mean": 65, "lowest": 40, "highest": 90, "sd of seeds": 10 / 2**0.5})
    assert spread.loc["plain, as described", "trainings"] == 1
    assert spread.isna().sum().sum() == 1  # one training has no spread
    assert recorded.by_seed("grid", ledger=ledger).empty


def test_the_ratio_of_a_split_is_that_of_its_pictures(tmp_path):
    folds = load_dataset("synthetic").folds
    tested, trained = ((folds == part).sum(axis=0) for part in (3, 1))
    assert recorded.split_ratio("networks") == pytest.approx((tested / trained).mean())
    assert np.isnan(recorded.split_ratio("networks", ledger=tmp_path))


def test_trainings_that_give_one_answer_are_counted(tmp_path):
    block = blocks()["stills-longer"]
    first = results.LEDGER / "cells" / blocks()["stills"].folder / f"{block.cells[0].key}.json"
    result = read_json(first)
    tables = ([[3, 0], [2, 0]], [[3, 0], [2, 1]], [[0, 5], [0, 4]])
    for cell, table in zip(block.cells[::2], tables, strict=False):
        result["selected"]["validation"]["confusion"] = table
        write_json(tmp_path / "cells" / block.folder / f"{cell.key}.json", result)
    assert recorded.one_answer("stills-longer", tmp_path) == {"AD, as released": 2}
    assert recorded.one_answer("stills", tmp_path) == {}


@pytest.mark.parametrize("ask", [recorded.split_ratio, recorded.one_answer])
def test_an_unknown_block_is_named(ask, tmp_path):
    with pytest.raises(UserError, match="block 'gird' is unknown; expected one of .*grid"):
        ask("gird", tmp_path)


def test_what_the_paper_printed_stands_beside_what_is_recorded(ledger):
    entry = results.read("plain-against-ad", ledger)
    results.write(replace(entry, name="networks"), ledger)
    first, second = recorded.against_paper(ledger).to_dict("records")
    assert "(AD, as released, chosen on validation)" in second["ours"]
    assert "other pictures: synthetic" in first["why"] and "3 of 10 folds" in first["why"]
    assert recorded.against_paper(ledger / "empty").empty


def test_every_configuration_of_the_protocol_can_be_spoken():
    assert recorded.spoken("synthetic/8/as_released but min_max=False/AD") == "AD, as released but min_max=False"
    assert recorded.spoken("synthetic/8/as_released/AD/by-image") == "AD, as released, split by image"


def test_a_repeated_training_stands_in_for_the_first(ledger):
    def rows(configuration, *accuracies):
        return [
            {"configuration": configuration, "fold": fold, "seed": 0, "validation": {"image": value}}
            for fold, value in enumerate(accuracies)
        ]

    entry = results.read("plain-against-ad", ledger)
    own = rows("plain", 0.5, 0.6) + rows("AD", 0.5, 0.1)
    results.write(replace(entry, values=entry.values | {"cells": own}), ledger)
    results.write(replace(entry, name="again", values=entry.values | {"cells": rows("AD", 0.6, 0.7)}), ledger)
    found = recorded.with_again("plain-against-ad", 0.125, ledger=ledger)["AD"]["image"]
    assert found["difference"] == pytest.approx(0.1) and found["low"] == pytest.approx(0.1)
    assert (found["won"], found["folds"]) == (2, 2)


def test_recalls_by_hand(ledger):
    entry = results.read("plain-against-ad", ledger)
    (name,) = entry.values["configurations"]
    held = entry.values["configurations"][name] | {"emotions": ["anger", "happy"], "confusion": [[3, 1], [0, 2]]}
    results.write(replace(entry, values=entry.values | {"configurations": {name: held}}), ledger)
    table = recorded.recalls("plain-against-ad", ledger=ledger)
    assert table.to_dict("list") == {"emotion": ["anger", "happy"], "pictures": [4, 2], "plain-against-ad": [75, 100]}
