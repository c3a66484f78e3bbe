"""The protocol's rules, case by case, and the verdicts of the real ledger against it."""

import copy
import json

import pytest

from fer_lib import results
from fer_lib.reproduction import recorded
from fer_lib.reproduction import verdicts as rules
from fer_lib.reproduction.verdicts import CANNOT, NOT, OPEN, PARTLY, REPRODUCED, verdicts


def write(folder, name, values):
    entry = results.Entry(name, "x", 0, "0" * 40, {}, "2", "made up", "0" * 64, 1.0, values)
    results.write(entry, folder)


def block(configuration, difference, low, high, finished=10):
    contrast = {"image": {"difference": difference, "low": low, "high": high}}
    return {"planned": 10, "finished": finished, "contrasts": {configuration: contrast}}


def judged(folder):
    return {verdict.key: verdict.verdict for verdict in verdicts(folder)}


def spread(least, mean, most, networks=10):
    return {"networks": networks, "mean": mean, "median": mean, "least": least, "most": most}


@pytest.fixture
def filters():
    control = {"labels": spread(0, 1, 2), "held_out_auroc": spread(0.5, 0.55, 0.6)}
    trained = {"labels": spread(90, 95, 99), "held_out_auroc": spread(0.8, 0.82, 0.84)}
    trained |= {"survival_resting": spread(0.5, 0.6, 0.7), "survival_factorial": spread(0.5, 0.6, 0.7)}
    trained |= {"specificity_guided": spread(0.1, 0.2, 0.3)}
    gains = [{"score": "mass", "baseline": base, "gain": 0.1, "p": 0.001} for base in ("box", "other filter")]
    networks = {f"trained-fold{i:02d}": {"probes": {"localisation": copy.deepcopy(gains)}} for i in range(10)}
    groups = {"trained": trained} | {kind: copy.deepcopy(control) for kind in ("untrained", "shuffled", "identity")}
    return {"networks": networks, "groups": groups}


def test_what_would_overturn_a_verdict_depends_on_it(tmp_path):
    texts = set()
    for difference in (0.05, -0.05):
        write(tmp_path, "plain-against-ad", block("synthetic/8/as_released/AD", difference, *2 * [difference]))
        texts |= {verdict.would_change for verdict in verdicts(tmp_path) if verdict.key == "C1b"}
    assert len(texts) == 2


def test_a_network_without_labels_has_none_that_survive(tmp_path, filters):
    del filters["groups"]["trained"]["survival_factorial"]
    write(tmp_path, "filters", filters)
    assert judged(tmp_path)["C3c"] == NOT


def test_an_empty_ledger_leaves_everything_open(tmp_path):
    found = judged(tmp_path)
    assert found.pop("C1a") == CANNOT and set(found.values()) == {OPEN}


@pytest.mark.parametrize(
    ("difference", "low", "high", "verdict"),
    [(0.05, 0.01, 0.09, REPRODUCED), (0.05, -0.01, 0.11, PARTLY), (0.0, -0.1, 0.1, NOT), (-0.05, -0.1, -0.01, NOT)],
)
def test_regularisation(tmp_path, difference, low, high, verdict):
    write(tmp_path, "plain-against-ad", block("synthetic/8/as_released/AD", difference, low, high))
    assert judged(tmp_path)["C1b"] == verdict


@pytest.mark.parametrize(
    ("biased", "low", "high", "verdict"),
    [(0.0, -0.02, 0.02, REPRODUCED), (0.01, -0.03, 0.05, PARTLY), (0.03, 0.01, 0.05, NOT), (-0.1, -0.2, 0, REPRODUCED)],
)
def test_zero_bias(tmp_path, biased, low, high, verdict):
    write(tmp_path, "biases", block("synthetic/8/as_released/AD/bias", biased, low, high))
    assert judged(tmp_path)["C1c"] == verdict


def test_a_verdict_that_may_be_chance_says_so(tmp_path):
    told = {}
    for low, high in ((-0.2, 0.1), (-0.09, -0.06)):
        write(tmp_path, "plain-against-ad", block("synthetic/8/as_released/AD", -0.07, low, high))
        write(tmp_path, "biases", block("synthetic/8/as_released/AD/bias", 0.07, -high, -low))
        told[high] = [verdict.numbers for verdict in verdicts(tmp_path) if verdict.key in ("C1b", "C1c")]
    assert all("may be chance" in numbers for numbers in told[0.1])
    assert not any("may be chance" in numbers for numbers in told[-0.06])


def test_an_unfinished_block_stays_open(tmp_path):
    write(tmp_path, "plain-against-ad", block("synthetic/8/as_released/AD", 0.5, 0.4, 0.6, finished=9))
    assert judged(tmp_path)["C1b"] == OPEN


def test_filters_that_do_all_the_paper_says(tmp_path, filters):
    write(tmp_path, "filters", filters)
    found = judged(tmp_path)
    assert [found[key] for key in ("C2", "C3a", "C3b", "C3c")] == [REPRODUCED] * 4


def test_each_failing_turns_its_own_verdict(tmp_path, filters):
    filters["groups"]["trained"]["specificity_guided"] = spread(0.8, 0.9, 0.95)
    filters["groups"]["identity"] = copy.deepcopy(filters["groups"]["trained"])
    filters["groups"]["trained"]["survival_resting"] = spread(0.1, 0.2, 0.3)
    write(tmp_path, "filters", filters)
    found = judged(tmp_path)
    assert [found[key] for key in ("C2", "C3a", "C3b", "C3c")] == [PARTLY, REPRODUCED, PARTLY, PARTLY]


def test_too_few_networks_leave_it_open(tmp_path, filters):
    filters["groups"]["trained"]["labels"]["networks"] = 9
    write(tmp_path, "filters", filters)
    assert judged(tmp_path)["C3a"] == OPEN


def test_maps_no_better_than_a_box(tmp_path, filters):
    for row in filters["networks"].values():
        row["probes"]["localisation"][0]["gain"] = -0.1
    write(tmp_path, "filters", filters)
    assert judged(tmp_path)["C2"] == NOT


def test_eight_networks_must_beat_both_baselines_and_each_one_is_not_enough(tmp_path, filters):
    """The box beaten in eight and another filter in eight, but only six beat both."""
    rows = [row["probes"]["localisation"] for row in filters["networks"].values()]
    for place, baseline in ((0, 0), (1, 0), (2, 1), (3, 1)):
        rows[place][baseline]["gain"] = -0.1
    write(tmp_path, "filters", filters)
    assert judged(tmp_path)["C2"] == PARTLY


def test_an_entry_that_counts_no_trainings_is_not_finished(tmp_path):
    write(tmp_path, "biases", {"note": "written by another command"})
    assert judged(tmp_path)["C1c"] == OPEN


def test_the_recorded_verdicts_follow_from_recorded_numbers():
    """Each decided verdict of the real ledger quotes numbers that stand there."""
    for verdict in verdicts():
        assert verdict.verdict in (REPRODUCED, PARTLY, NOT, CANNOT, OPEN)
        assert verdict.numbers and verdict.would_change
    decided = {v.key: v for v in verdicts() if v.verdict != OPEN}
    if "C1b" in decided:
        held = json.loads((results.LEDGER / "plain-against-ad.json").read_text())["values"]
        difference = held["contrasts"]["synthetic/8/as_released/AD"]["image"]["difference"]
        assert f"{100 * difference:+.1f} points" in decided["C1b"].numbers


def test_every_claim_of_the_protocol_has_a_rule():
    protocol = (results.LEDGER / "PROTOCOL.md").read_text()
    for rule in rules._RULES:
        assert f"| {rule.key}, " in protocol


def test_the_repeated_trainings_would_change_both_verdicts_of_chapter_5():
    """Chapters 1 and 5 say so; a new record that ends it must change them."""
    told = {verdict.key: verdict.verdict for verdict in verdicts()}
    for key, name in (("C1b", "plain-against-ad"), ("C1c", "biases")):
        verdict, _ = rules.judge(key, {"contrasts": recorded.with_again(name, ratio=1 / 8)})
        assert verdict != told[key]


def test_the_gain_over_untrained_networks_must_reach_the_margin(tmp_path, filters):
    for gain, expected in ((0.051, REPRODUCED), (0.049, PARTLY)):
        filters["groups"]["trained"]["held_out_auroc"] = spread(0.5, 0.55 + gain, 0.9)
        write(tmp_path, "filters", filters)
        assert judged(tmp_path)["C3a"] == expected


def test_every_network_must_have_more_labels_than_any_control(tmp_path, filters):
    """Means far apart are not enough: the least of the trained against the most of the untrained."""
    filters["groups"]["trained"]["labels"] = spread(2, 95, 99)
    write(tmp_path, "filters", filters)
    assert judged(tmp_path)["C3a"] == PARTLY


def test_specificity_and_survival_have_their_limits_at_one_half(tmp_path, filters):
    trained = filters["groups"]["trained"]
    for value, c2, c3c in ((0.49, REPRODUCED, NOT), (0.51, PARTLY, REPRODUCED)):
        trained["specificity_guided"] = spread(0.1, value, 0.9)
        for name in ("survival_resting", "survival_factorial"):
            trained[name] = spread(0.1, 1 - value, 0.9) | {"median": value}
        write(tmp_path, "filters", filters)
        assert (judged(tmp_path)["C2"], judged(tmp_path)["C3c"]) == (c2, c3c)


def test_maps_must_beat_their_baseline_significantly(tmp_path, filters):
    for row in filters["networks"].values():
        row["probes"]["localisation"][0]["p"] = 0.06
    write(tmp_path, "filters", filters)
    assert judged(tmp_path)["C2"] == NOT


def test_the_share_of_networks_is_counted_of_those_there_are(filters):
    """Four of five at 96 px stand for eight of ten."""
    five = filters | {"networks": dict(list(filters["networks"].items())[:5])}
    (first, second, *_) = five["networks"].values()
    first["probes"]["localisation"][0]["gain"] = -0.1
    assert rules.judge("C2", five)[0] == REPRODUCED
    second["probes"]["localisation"][0]["gain"] = -0.1
    assert rules.judge("C2", five)[0] == NOT


def test_the_verdicts_of_the_ledger_are_these():
    """Whoever records anew and turns one must say so here, and in the chapters that discuss it."""
    assert {verdict.key: verdict.verdict for verdict in verdicts()} == {
        "C1a": CANNOT,
        "C1b": PARTLY,
        "C1c": NOT,
        "C2": PARTLY,
        "C3a": REPRODUCED,
        "C3b": REPRODUCED,
        "C3c": NOT,
    }
