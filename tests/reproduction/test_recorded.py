"""Tables read the ledger and show nothing that is not there."""

from dataclasses import replace

import pytest

from fer_lib import results
from fer_lib.reproduction import recorded
from fer_lib.reproduction.blocks import blocks
from fer_lib.reproduction.summary import DO_RESTING, FACTORIAL


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
    pictures, sequences = recorded.accuracy("plain-against-ad", "grid", ledger=ledger).to_dict("records")
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


def test_what_the_paper_printed_stands_beside_what_is_recorded(ledger):
    entry = results.read("plain-against-ad", ledger)
    results.write(replace(entry, name="networks"), ledger)
    first, second = recorded.against_paper(ledger).to_dict("records")
    assert "(AD, as released, chosen on validation)" in second["ours"]
    assert "other pictures: synthetic" in first["why"] and "3 of 10 folds" in first["why"]
    assert recorded.against_paper(ledger / "empty").empty


def test_filters_are_told_by_kind_of_network(ledger):
    spread = {"networks": 3, "mean": 80.0, "median": 81.0, "least": 60.0, "most": 99.0}
    values = {"groups": {"untrained": {"labels": spread}, "trained": {"labels": spread}}}
    entry = results.read("plain-against-ad", ledger)
    results.write(replace(entry, name="filters", values=values), ledger)
    table = recorded.filters(ledger)
    assert list(table.columns) == ["measure", "trained", "untrained"]
    assert table["trained"][0] == "81 (60 to 99)" and table["trained"][1] == "–"
    assert list(recorded.filters(ledger, "filters-96").columns) == ["measure"]
    results.write(replace(entry, name="filters-96", values={"groups": {"untrained": {"labels": spread}}}), ledger)
    assert list(recorded.filters(ledger, "filters-96").columns) == ["measure", "untrained"]


def test_every_configuration_of_the_protocol_can_be_spoken():
    assert recorded.spoken("synthetic/8/as_released but min_max=False/AD") == "AD, as released but min_max=False"
    assert recorded.spoken("synthetic/8/as_released/AD/by-image") == "AD, as released, split by image"


def test_groups_of_people_stand_beside_the_first(ledger):
    assert recorded.groups(ledger).empty and recorded.gaps(ledger) == {}
    score = {"value": 0.5, "low": 0.4, "high": 0.6}
    group = {"people": 40, "images": 320, "accuracy": score, "auroc": score}
    gap = {"value": -0.1, "low": -0.2, "high": 0.05}
    by_gender = {"groups": {"female": group, "male": group}, "contrasts": {"male minus female": gap}}
    values = {"networks": 10, "images": 640, "gender": by_gender}
    results.write(results.Entry("people", "x", 2, "0" * 40, {}, "2", "d", "0" * 64, 1.0, values), ledger)
    female, male = recorded.groups(ledger).to_dict("records")
    assert (female["by"], female["group"], female["people"], female["minus the first"]) == ("gender", "female", 40, "–")
    assert female["accuracy"] == "50.0 (40.0 to 60.0)" and male["AUROC"] == "0.500 (0.400 to 0.600)"
    assert male["minus the first"] == "-10.0 (-20.0 to +5.0)"
    (found,) = recorded.gaps(ledger).values()
    assert recorded.in_points(found) == "-10.0 points (95 % interval -20.0 to +5.0)"


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


def test_survival_adds_up_the_networks_of_a_group(ledger):
    def network(labels, alone, factorial):
        tests = {DO_RESTING: {"by_au": alone}, FACTORIAL: {"by_au": factorial}}
        return {"labels": {"by_au": labels}, "probes": {"survival": tests}}

    networks = {
        "trained-fold00": network({"9": 3}, {"9": [2, 3]}, {"9": [1, 3]}),
        "trained-fold01": network({"9": 2, "27": 6}, {"9": [1, 2], "27": [6, 6]}, {"27": [5, 6]}),
        "untrained-seed1": network({"1": 50}, {"1": [0, 50]}, {}),
    }
    entry = results.read("plain-against-ad", ledger)
    results.write(replace(entry, name="filters", values={"networks": networks, "groups": {}}), ledger)
    table = recorded.survival(ledger=ledger)
    assert table.to_numpy().tolist() == [[27, 6, 6, 5], [9, 5, 3, 1]]


def studied(ledger, **networks):
    entry = results.read("plain-against-ad", ledger)
    results.write(replace(entry, name="filters", values={"networks": networks, "groups": {}}), ledger)


def test_fates_are_the_steps_of_survival(ledger):
    def network(moved, up, most, survives):
        steps = {"significant": moved, "same_sign": up, "largest": most, "survives": survives}
        return {"probes": {"survival": {DO_RESTING: steps}}}

    studied(ledger, **{
        "trained-fold00": network(0.9, 1.0, 0.5, 0.4),
        "trained-fold01": network(0.5, 0.8, 0.3, 0.2),
        "untrained-seed1": network(0.1, 0.6, 0.2, 0.0),
        "untrained-seed2": {"probes": {"survival": {}}},
    })  # fmt: skip
    table = recorded.fates(ledger)
    assert list(table["networks"]) == ["trained", "untrained"] and table["test"].nunique() == 1
    assert table[["moved", "up", "most", "survives"]].to_numpy().tolist() == [
        pytest.approx([70, 90, 40, 30]),
        pytest.approx([10, 60, 20, 0]),
    ]
    assert recorded.fates(ledger / "none").empty and recorded.harms(ledger=ledger / "none").empty


def test_harms_that_networks_share(ledger):
    def network(**harms):
        lines = [{"set": name, "emotion": "happy", "harm": harm, "control": 0.1} for name, harm in harms.items()]
        return {"ablation": {"sets": lines}}

    studied(ledger, **{
        "trained-fold00": network(AU12=0.5, AU27=3.0),
        "trained-fold01": network(AU12=0.7),
        "trained-fold02": network(AU12=0.2, AU6=0.1),
        "untrained-seed1": network(AU6=9.0),
    })  # fmt: skip
    (row,) = recorded.harms(least=2, ledger=ledger).to_dict("records")
    assert row == {
        "without the filters of": "AU 12", "emotion": "happy", "networks": 3, "harm": 0.5, "matched random filters": 0.1
    }  # fmt: skip
    assert list(recorded.harms(least=1, ledger=ledger)["without the filters of"]) == ["AU 12", "AU 27", "AU 6"]
