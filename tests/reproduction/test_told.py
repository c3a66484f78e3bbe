"""The sentences of chapter 8 get their numbers from the ledger, and every number they ask for is there."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from fer_lib import results
from fer_lib.reproduction import measured, told

CHAPTER = Path(results.__file__).parents[1] / "book" / "08-controls.md"


@pytest.fixture
def ledger(tmp_path):
    """The four entries, to be changed."""
    for name in ("filters", "networks", "decorrelated", "controls"):
        results.write(results.read(name), tmp_path)
    return tmp_path


def change(name, ledger, edit):
    entry = results.read(name, ledger)
    edit(entry.values)
    results.write(replace(entry, values=entry.values), ledger)


def test_the_chapter_finds_every_number_it_asks_for():
    study = CHAPTER.read_text(encoding="utf-8").split("## The recorded study")[1].split(":::{admonition}")[0]
    asked = set(re.findall(r"\{glue:text\}`(\w+)`", study))
    own = {"smile_here", "brow_here", "C1b_repeated", "C1c_repeated", "large_rules"}  # of the chapter's own cells
    assert len(asked) > 40 and own < asked
    assert asked - own <= told.filters(0.8).keys() | told.larger(0.8).keys()


def test_the_words_are_counted_against_each_network():
    means = sorted(
        network["held_out"]["au_auroc"]
        for name, network in results.read("filters").values["networks"].items()
        if name.startswith("trained-")
    )
    between = (means[3] + means[4]) / 2
    assert told.filters(between)["words_above"] == "4" and told.filters(1.0)["words_above"] == str(len(means))


def test_owners_and_the_others_are_shares_of_the_survivors():
    numbers, table = told.filters(0.8), measured.survival().set_index("au")
    owners = [int(au) for au in re.findall(r"\d+", numbers["owners"])]
    alone = table[told.ALONE]
    assert len(owners) == 2 and alone[owners].min() >= alone.drop(owners).max()
    assert numbers["owned"] == f"{alone[owners].sum() / alone.sum():.0%}"
    rest = table.drop(owners)
    assert numbers["others_survive"] == f"{rest[told.ALONE].sum() / rest['labels'].sum():.0%}"


def test_what_all_ten_need_is_found_in_each_of_them():
    found = [
        {(line["set"], line["emotion"]) for line in network["ablation"]["sets"]}
        for name, network in results.read("filters").values["networks"].items()
        if name.startswith("trained-")
    ]
    shared = set.intersection(*found)
    words = told.filters(0.8)["needed_by_all"]
    assert shared and words.count("labelled") == len({name for name, _ in shared})
    assert all(emotion in words and name.replace("AU", "labelled AU ") in words for name, emotion in shared)


def test_larger_pictures_are_told_as_the_others_are(ledger):
    results.write(replace(results.read("filters"), name="filters-96"), ledger)
    results.write(replace(results.read("networks"), name="networks-96"), ledger)
    large, small = told.larger(0.8, ledger), told.filters(0.8, ledger)
    for name in ("trained_auroc", "untrained_factorial", "trained_gain", "untrained_labels", "owners", "owned"):
        assert large[f"large_{name}"] == small[name]
    assert (large["large_trained_rest"], large["large_trained_independent"]) == (small["rest"], small["independent"])
    assert (large["large_smiles"], large["large_brows"]) == (small["smiles_survive"], small["brows_survive"])
    assert large["large_words_above"] == f"{small['words_above']} of {small['networks']}"
    assert large["large_right"] == large["small_right"] and large["large_right"].startswith(small["weakest_right"])


def test_numbers_follow_the_ledger(ledger):
    before = told.filters(0.8, ledger)
    harms = [
        line["harm"]
        for name, network in results.read("filters").values["networks"].items()
        if name.startswith("trained-")
        for line in network["ablation"]["sets"]
    ]
    assert before["harms_found"] == str(len(harms)) and before["harms_small"] == str(sum(h < 0.02 for h in harms))

    def lift(values):
        values["groups"]["trained"]["factorial_auroc"]["mean"] += 0.1
        for name, network in values["networks"].items():
            if name.startswith("untrained-"):
                for row in network["probes"]["localisation"]:
                    row["p"] = 1.0

    change("filters", ledger, lift)
    change("networks", ledger, lambda values: values["cells"][7]["validation"].update(image=0.01))
    change("controls", ledger, lambda values: [row.update(training_accuracy=0.99) for row in values["networks"]])
    after = told.filters(0.8, ledger)
    assert float(after["identity_distance"]) == pytest.approx(float(before["identity_distance"]) + 0.1, abs=0.011)
    assert before["untrained_pass"] == "5 of 5" and after["untrained_pass"] == "0 of 5"
    weakest = results.read("networks", ledger).values["cells"][7]["fold"]
    assert (after["weakest"], after["weakest_right"]) == (str(weakest), "1%")
    assert after["shuffled_knows"] == "99% to 99%" and after["shuffled_same"].startswith("0 of")
