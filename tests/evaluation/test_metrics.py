import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

from fer_lib.evaluation import metrics

# three peak frames of one sequence, two right and one wrong; its neutral frame, wrong; a still, right
PROBABILITY = np.array([[0.1, 0.9], [0.2, 0.8], [0.6, 0.4], [0.3, 0.7], [0.8, 0.2]])
EMOTION = np.array([1, 1, 1, 0, 0])
SEQUENCE = np.array(["S1/1", "S1/1", "S1/1", "S1/1", ""])


def test_score_by_hand():
    scored = metrics.score(PROBABILITY, EMOTION, SEQUENCE)
    assert scored["image"] == pytest.approx(3 / 5)
    assert scored["sequence"] == pytest.approx(2 / 3)


def test_pictures_without_a_sequence_stay_alone():
    pooled, truth = metrics.pool_sequences(PROBABILITY, EMOTION, np.full(5, ""))
    assert len(pooled) == 5 and sorted(truth) == [0, 0, 1, 1, 1]


def test_confusion_is_scikit_learns():
    rng = np.random.default_rng(0)
    probability, emotion = rng.dirichlet(np.ones(4), 200), rng.integers(0, 4, 200)
    expected = confusion_matrix(emotion, probability.argmax(1), labels=range(4))
    assert np.array_equal(metrics.confusion(probability, emotion), expected)


def test_reliability_by_hand():
    curve = metrics.merge([metrics.reliability(PROBABILITY, EMOTION, bins=5)] * 2)
    # confidences .9 .8 .6 .7 .8: .6 and .7 fall in the bin from .6, the others in the last
    assert [bin["count"] for bin in curve] == [0, 0, 0, 4, 6]
    assert curve[3]["confidence"] == pytest.approx(0.65) and curve[3]["accuracy"] == 0
    assert curve[4]["confidence"] == pytest.approx(2.5 / 3) and curve[4]["accuracy"] == 1
    assert curve[0]["accuracy"] is None
    assert metrics.calibration_error(curve) == pytest.approx(0.4 * 0.65 + 0.6 * (1 - 2.5 / 3))


def test_certain_answers_fall_in_the_last_bin():
    assert metrics.reliability(np.array([[1.0, 0.0]]), np.array([0]))[-1]["count"] == 1


def test_majority_is_the_training_folds():
    assert metrics.majority_baseline(np.array([1, 1, 0]), np.array([0, 0, 0, 1])) == 0.25
