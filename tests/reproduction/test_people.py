"""Accuracy by group on a set whose answers are known."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from fer_lib.data.dataset import FaceDataset, unknown_aus
from fer_lib.facs import EMOTIONS
from fer_lib.interpret.labels import labels_of
from fer_lib.reproduction import people


@pytest.fixture(scope="module")
def balanced():
    """24 people in turn female and male, of four pictures each; the darkest are the first twelve."""
    count = 24
    identities = {
        f"B{i:03d}": dict(gender=("female", "male")[i % 2], age=(20, 30, 45)[i % 3], skin_tone=(0.2, 0.9)[i >= 12])
        for i in range(count)
    }
    subject = np.repeat(sorted(identities), 4)
    rows = len(subject)
    aus = unknown_aus(rows)
    aus["au_presence"] = np.random.default_rng(0).integers(0, 2, aus["au_presence"].shape)
    return FaceDataset(
        name="balanced", images=np.zeros((rows, 1, 8, 8), np.uint8), emotion=np.zeros(rows), emotions=EMOTIONS,
        subject=subject, sequence=subject, frame=np.tile(range(4), count), folds=np.zeros((rows, 1)),
        provenance={"identities": identities}, **aus,
    )  # fmt: skip


def test_groups_get_their_own_accuracy(balanced, monkeypatch):
    monkeypatch.setitem(people.ATTRIBUTES, "skin tone", ("darkest", "lightest"))
    monkeypatch.setattr(people, "TONE_BANDS", (0.0, 0.5, 1.01))
    monkeypatch.delitem(people.ATTRIBUTES, "age")
    monkeypatch.setattr(people, "bands", _without_age(people.bands))
    right = np.repeat(np.arange(24) % 2, 4).astype(float)  # all men right, no woman
    response = np.random.default_rng(1).random((len(balanced), 18))
    made = people.by_group([people.Measured(right, response)], balanced, draws=200)
    gender = made["gender"]["groups"]
    assert gender["female"]["accuracy"] == {"value": 0.0, "low": 0.0, "high": 0.0}
    assert gender["male"]["accuracy"]["value"] == 1.0 and gender["male"]["people"] == 12
    assert made["gender"]["contrasts"]["male minus female"]["value"] == 1.0
    tone = made["skin tone"]["contrasts"]["lightest minus darkest"]
    assert tone["value"] == 0 and tone["low"] < 0 < tone["high"]
    assert 0.4 < gender["female"]["auroc"]["value"] < 0.6


def test_bands_are_those_of_the_set(balanced):
    found = people.bands(balanced)
    assert set(found["age"]) == {"youngest", "middle", "oldest"}
    assert set(found["skin tone"]) == {"darkest", "lightest"} and set(found["gender"]) == {"female", "male"}


def _without_age(bands):
    def fewer(balanced):
        rows = [balanced.provenance["identities"][s] for s in balanced.subject]
        dark = np.array(["darkest" if row["skin_tone"] < 0.5 else "lightest" for row in rows])
        return {"gender": np.array([row["gender"] for row in rows]), "skin tone": dark}

    return fewer


def test_each_au_is_told_by_its_own_filter(balanced):
    """Filter f follows the AU dealt to it on the natural set; on the balanced set it answers with its number."""
    natural = replace(balanced, name="natural")
    presence = labels_of(natural).presence
    dealt = np.random.default_rng(2).permutation(presence.shape[1])

    def scan(faces):
        value = presence[:, dealt] if faces is natural else np.tile(np.arange(len(dealt)), (len(faces), 1))
        logits = np.eye(len(EMOTIONS))[np.arange(len(faces)) % 2]
        return SimpleNamespace(layers={people.LAYER: SimpleNamespace(value=value.astype(float))}, logits=logits)

    found = people.measure(SimpleNamespace(scan=scan), natural, balanced)
    assert (found.response == np.argsort(dealt)).all()
    assert (found.right == (np.arange(len(balanced)) % 2 == 0)).all()  # every emotion is 0
