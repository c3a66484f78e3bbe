"""A network studied on small made-up probes: every measure is there, and the entry sums up what the files hold."""

import json

import numpy as np
import pytest
import torch

from fer_lib import results
from fer_lib.errors import UserError
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
    path = summary.record([found], load("natural"), "fer-lib reproduce filters", tmp_path)
    values = json.loads(path.read_text())["values"]
    assert values["groups"]["trained"]["labels"]["mean"] == found["labels"]["filters"]
    assert not results.verify(tmp_path)
    with pytest.raises(UserError, match="no network was studied"):
        summary.record([], load("natural"), "x", tmp_path)
    assert np.isfinite(values["groups"]["trained"]["held_out_auroc"]["mean"])


def test_the_emotion_words_are_judged_without_a_picture(monkeypatch):
    monkeypatch.setattr("fer_lib.data.synthetic.workers.render_plan", lambda *_, **__: pytest.fail("rendered"))
    assert 0.7 < filters.words_held_out("natural") < 1  # AUs there come with emotions
    assert filters.words_held_out("factorial") == 0.5  # no emotion is asked for there
