"""Measures of filters and of groups of people are told as the ledger holds them."""

import pytest

from fer_lib import results
from fer_lib.reproduction import measured, recorded
from fer_lib.reproduction.summary import DO_RESTING, FACTORIAL


def entry(name, values):
    return results.Entry(name, "x", 0, "0" * 40, {}, "2", "d", "0" * 64, 1.0, values)


def test_filters_are_told_by_kind_of_network(tmp_path):
    spread = {"networks": 3, "mean": 80.0, "median": 81.0, "least": 60.0, "most": 99.0}
    values = {"groups": {"untrained": {"labels": spread}, "trained": {"labels": spread}}}
    results.write(entry("filters", values), tmp_path)
    table = measured.filters(tmp_path)
    assert list(table.columns) == ["measure", "trained", "untrained"]
    assert table["trained"][0] == "81 (60 to 99)" and table["trained"][1] == "–"
    assert list(measured.filters(tmp_path, "filters-96").columns) == ["measure"]
    results.write(entry("filters-96", {"groups": {"untrained": {"labels": spread}}}), tmp_path)
    assert list(measured.filters(tmp_path, "filters-96").columns) == ["measure", "untrained"]


def test_groups_of_people_stand_beside_the_first(tmp_path):
    assert measured.groups(tmp_path).empty and measured.gaps(tmp_path) == {}
    score = {"value": 0.5, "low": 0.4, "high": 0.6}
    group = {"people": 40, "images": 320, "accuracy": score, "auroc": score}
    gap = {"value": -0.1, "low": -0.2, "high": 0.05}
    by_gender = {"groups": {"female": group, "male": group}, "contrasts": {"male minus female": gap}}
    values = {"networks": 10, "images": 640, "gender": by_gender}
    results.write(entry("people", values), tmp_path)
    female, male = measured.groups(tmp_path).to_dict("records")
    assert (female["by"], female["group"], female["people"], female["minus the first"]) == ("gender", "female", 40, "–")
    assert female["accuracy"] == "50.0 (40.0 to 60.0)" and male["AUROC"] == "0.500 (0.400 to 0.600)"
    assert male["minus the first"] == "-10.0 (-20.0 to +5.0)"
    (found,) = measured.gaps(tmp_path).values()
    assert recorded.in_points(found) == "-10.0 points (95 % interval -20.0 to +5.0)"


def test_survival_adds_up_the_networks_of_a_group(tmp_path):
    def network(labels, alone, factorial):
        tests = {DO_RESTING: {"by_au": alone}, FACTORIAL: {"by_au": factorial}}
        return {"labels": {"by_au": labels}, "probes": {"survival": tests}}

    networks = {
        "trained-fold00": network({"9": 3}, {"9": [2, 3]}, {"9": [1, 3]}),
        "trained-fold01": network({"9": 2, "27": 6}, {"9": [1, 2], "27": [6, 6]}, {"27": [5, 6]}),
        "untrained-seed1": network({"1": 50}, {"1": [0, 50]}, {}),
    }
    results.write(entry("filters", {"networks": networks, "groups": {}}), tmp_path)
    table = measured.survival(ledger=tmp_path)
    assert table.to_numpy().tolist() == [[27, 6, 6, 5], [9, 5, 3, 1]]


def studied(ledger, **networks):
    results.write(entry("filters", {"networks": networks, "groups": {}}), ledger)


def test_fates_are_the_steps_of_survival(tmp_path):
    def network(moved, up, most, survives):
        steps = {"significant": moved, "same_sign": up, "largest": most, "survives": survives}
        return {"probes": {"survival": {DO_RESTING: steps}}}

    studied(tmp_path, **{
        "trained-fold00": network(0.9, 1.0, 0.5, 0.4),
        "trained-fold01": network(0.5, 0.8, 0.3, 0.2),
        "untrained-seed1": network(0.1, 0.6, 0.2, 0.0),
        "untrained-seed2": {"probes": {"survival": {}}},
    })  # fmt: skip
    table = measured.fates(tmp_path)
    assert list(table["networks"]) == ["trained", "untrained"] and table["test"].nunique() == 1
    assert table[["moved", "up", "most", "survives"]].to_numpy().tolist() == [
        pytest.approx([70, 90, 40, 30]),
        pytest.approx([10, 60, 20, 0]),
    ]
    assert measured.fates(tmp_path / "none").empty and measured.harms(ledger=tmp_path / "none").empty


def test_harms_that_networks_share(tmp_path):
    def network(**harms):
        lines = [{"set": name, "emotion": "happy", "harm": harm, "control": 0.1} for name, harm in harms.items()]
        return {"ablation": {"sets": lines}}

    studied(tmp_path, **{
        "trained-fold00": network(AU12=0.5, AU27=3.0),
        "trained-fold01": network(AU12=0.7),
        "trained-fold02": network(AU12=0.2, AU6=0.1),
        "untrained-seed1": network(AU6=9.0),
    })  # fmt: skip
    (row,) = measured.harms(least=2, ledger=tmp_path).to_dict("records")
    assert row == {
        "without the filters of": "AU 12", "emotion": "happy", "networks": 3, "harm": 0.5, "matched random filters": 0.1
    }  # fmt: skip
    assert list(measured.harms(least=1, ledger=tmp_path)["without the filters of"]) == ["AU 12", "AU 27", "AU 6"]


def test_every_network_is_a_row_of_its_kind(tmp_path):
    networks = {
        "untrained-seed1": {"held_out": {"au_auroc": 0.5}},
        "trained-fold00": {"held_out": {"au_auroc": 0.8}, "held_out_factorial": {"au_auroc": 0.6}},
    }
    results.write(entry("filters-96", {"networks": networks}), tmp_path)
    table = measured.by_network("held_out_auroc", "factorial_auroc", ledger=tmp_path, entry="filters-96")
    assert list(table["kind"]) == ["trained", "untrained"] and list(table["held_out_auroc"]) == [0.8, 0.5]
    assert table["factorial_auroc"][0] == 0.6 and table["factorial_auroc"].isna().sum() == 1
    assert measured.by_network("labels", ledger=tmp_path).empty
