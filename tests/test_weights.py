"""The shipped weights do what their cards say."""

import pytest

from fer_lib.data import load_dataset
from fer_lib.evaluation import predict
from fer_lib.evaluation.metrics import score
from fer_lib.model import load_pretrained, pretrained_names
from fer_lib.training import TrainConfig


@pytest.mark.parametrize("name", pretrained_names())
def test_card_is_true(name):
    model, card = load_pretrained(name)
    faces = load_dataset(card["data"], size=card["size"])
    assert faces.provenance["data_hash"] == card["data_hash"], "the data changed: train these weights again"
    assert list(faces.emotions) == card["emotions"]
    test = faces.split(card["fold"])[2]
    reached = score(predict(model, TrainConfig(**card["config"]), test), test.emotion, test.sequence)
    # two pictures of room: another processor rounds otherwise
    assert reached["image"] == pytest.approx(card["accuracy"]["test"]["image"], abs=2.5 / len(test))
    assert card["accuracy"]["test"]["image"] > card["majority"]
    assert card["weights_bytes"] < 2_800_000
