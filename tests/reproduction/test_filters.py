"""A network studied on small made-up probes: every measure is there, and the entry sums up what the files hold."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from fer_lib import results
from fer_lib.errors import UserError
from fer_lib.interpret.labels import AULabels
from fer_lib.interpret.stages import Network
from fer_lib.model import ZeroBiasCNN
from fer_lib.preprocess import prepare
from fer_lib.reproduction import filters, summary
from fer_lib.reproduction.filters import Subject
from tests.interpret import made_up


def load(name):
    return made_up.sequences() if name == "natural" else made_up.probe(name)


@pytest.fixture(scope="module")
def subject():
    faces = made_up.sequences()
    model = ZeroBiasCNN(size=48, generator=torch.Generator().manual_seed(5), gain=1.0).eval()
    return Subject("trained-fold00", Network(model, prepare, faces.emotions), faces)


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    return tmp_path_factory.mktemp("filters")


@pytest.fixture(scope="module")
def found(subject, out):
    return filters.study_network(subject, load, out, permutations=60)


def test_every_measure_is_there(found):
    assert found["labels"]["filters"] == sum(found["labels"]["by_au"].values())
    assert 0 <= found["held_out"]["au_auroc"] <= 1
    assert set(found["decoders"]) == set(filters.METHODS)
    assert set(found["paper"]["winner_is_rare"]) == {"kl", "kl_excess", "auroc_z"}
    assert set(found["probes"]["survival"]) <= {summary.FACTORIAL, summary.DO_RESTING, summary.DO_NATURAL}


def test_a_studied_network_is_read_and_another_is_not_taken_for_it(subject, found, out, monkeypatch):
    def never(*_, **__):
        raise AssertionError("studied again")

    monkeypatch.setattr(filters, "align", never)
    assert filters.study_network(subject, load, out, permutations=60) == found
    with pytest.raises(AssertionError, match="studied again"):
        filters.study_network(subject, load, out, permutations=61)
    with pytest.raises(AssertionError, match="studied again"):
        filters.study_network(subject, lambda name: load("natural"), out, permutations=60)
    with monkeypatch.context() as patch, pytest.raises(AssertionError, match="studied again"):
        patch.setattr(filters, "RANDOM_SETS", 100)
        filters.study_network(subject, load, out, permutations=60)
    other = ZeroBiasCNN(size=48, generator=torch.Generator().manual_seed(6), gain=1.0).eval()
    with pytest.raises(AssertionError, match="studied again"):
        filters.study_network(Subject(subject.name, Network(other, prepare, subject.network.emotions)), load, out, 60)


def test_groups_sum_up_their_networks(found):
    rows = [{"network": f"trained-fold0{i}", "labels": {"filters": n}} for i, n in enumerate((2, 4, 9))]
    made = summary.groups([*rows, {"network": "untrained-seed1", "labels": {"filters": 1}}])
    assert made["trained"]["labels"] == {"networks": 3, "mean": 5.0, "median": 4.0, "least": 2.0, "most": 9.0}
    assert made["untrained"]["labels"]["networks"] == 1 and "held_out_auroc" not in made["trained"]


def test_the_entry_is_sound(found, tmp_path, monkeypatch):
    monkeypatch.setattr(results, "commit", lambda root=None: "0" * 40)
    found = found | {"commit": "0" * 40}
    path = results.write(summary.entry([found], load("natural"), "fer-lib reproduce filters"), tmp_path)
    values = json.loads(path.read_text())["values"]
    assert values["groups"]["trained"]["labels"]["mean"] == found["labels"]["filters"]
    assert not results.verify(tmp_path)
    assert values["commits"] == [found["commit"]] and "commit" not in values["networks"][found["network"]]
    with pytest.raises(UserError, match=f"{found['network']} was studied by the code 'unknown'; expected a commit"):
        summary.entry([found | {"commit": "unknown"}], load("natural"), "x")
    with pytest.raises(UserError, match="no network was studied"):
        summary.entry([], load("natural"), "x")
    assert np.isfinite(values["groups"]["trained"]["held_out_auroc"]["mean"])


def test_the_emotion_words_are_judged_without_a_picture(monkeypatch):
    monkeypatch.setattr("fer_lib.data.synthetic.workers.render_plan", lambda *_, **__: pytest.fail("rendered"))
    assert 0.7 < filters.words_held_out("natural") < 1  # AUs there come with emotions
    assert filters.words_held_out("factorial") == 0.5  # no emotion is asked for there


def test_the_rarest_action_units_are_the_four_of_fewest_pictures():
    aus, count = (1, 2, 4, 5, 6, 7), 60
    presence = (np.arange(count)[:, None] % np.array([20, 15, 12, 10, 3, 2]) == 0).astype(float)
    labels = AULabels(aus, presence, np.arange(count), np.arange(count), np.ones(count, int))
    best = {"kl": (1, 2, 6), "kl_excess": (7, 7, 7), filters.RANK: (5, 6, 7)}  # the winner of each of three filters
    rows = [
        {"metric": metric, "filter": f, "au": au, "value": float(au == winner)}
        for metric, winners in best.items()
        for f, winner in enumerate(winners)
        for au in aus
    ]
    found = filters._paper_measure(pd.DataFrame(rows), labels)
    assert found["rarest"] == [1, 2, 4, 5] and found["expected"] == pytest.approx(4 / 6)
    assert found["winner_is_rare"] == pytest.approx({"kl": 2 / 3, "kl_excess": 0, filters.RANK: 1 / 3})


def test_a_dose_counts_where_it_rises_steadily():
    doses = pd.DataFrame({"filter": [0, 0, 1, 2, 3], "au": [4, 4, 4, 12, 12], "dose": [0, 1, 0, 0, 0]})
    steps = {
        "filter": range(4),
        "au": [4, 4, 12, 12],
        "slope": [1.0, 1.0, -1.0, 0.5],
        "monotone": [0.95, 0.5, 0.95, 0.9],
    }
    others = pd.DataFrame({"filter": [0], "au": [12], "slope": [9.0], "monotone": [1.0]})  # not its label
    slopes = pd.concat([pd.DataFrame(steps), others])
    found = filters._dose_values(SimpleNamespace(doses=doses, slopes=slopes))
    assert found == {"labels": 4, "rising": 0.5, "positive": 0.75}


def test_discoveries_are_counted_after_correction(subject, monkeypatch):
    p = [0.001, 0.012, 0.04, 0.2, 0.5]  # three below .05; Benjamini and Hochberg leave two
    table = pd.DataFrame({"set": "AU4", "emotion": list("abcde"), "harm": 1.0, "control": 0.0, "p": p})
    monkeypatch.setattr(filters.stages, "ablated_sets", lambda *_, **__: table)
    monkeypatch.setattr(filters.stages, "harm_table", lambda *_: None)
    monkeypatch.setattr(filters.stages, "agreement", lambda *_: {})
    found = filters._ablation(subject, pd.DataFrame({"filter": [0], "au": [4]}), np.random.default_rng(0))
    assert (found["tests"], found["discoveries"]) == (5, 2)
