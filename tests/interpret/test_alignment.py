from dataclasses import replace

import numpy as np
import pytest

from fer_lib.errors import UserError
from fer_lib.interpret.alignment import METRICS, NUMBERS, WITHIN, _centred_within, align, filter_labels, matrix
from fer_lib.interpret.divergence import divergence
from fer_lib.interpret.exchange import exchangeable
from fer_lib.interpret.labels import AULabels, labels_of
from fer_lib.interpret.measures import auroc, average_precision, pearson
from fer_lib.interpret.permutation import max_t

from .conftest import clustered


def test_one_call_gives_every_pair_and_metric(null_data, rng):
    activation, labels = null_data
    activation[:, 7] = labels.presence[:, 3] + 1.3 * rng.random(len(activation))
    table = align(activation, labels, rng, permutations=1999, slow_permutations=50, draws=100)
    assert len(table) == 12 * 5 * len(METRICS) and (table["status"] == "ok").all()
    np.testing.assert_allclose(matrix(table, "auroc"), auroc(activation, labels.presence))
    ap = table[table["metric"] == "average_precision"]
    np.testing.assert_allclose(ap["value"], average_precision(activation, labels.presence).ravel())
    np.testing.assert_allclose(ap["chance"], np.tile(labels.presence.mean(axis=0), 12))
    best = filter_labels(table)
    assert best.set_index("filter").loc[7, "au"] == 4
    row = table[(table["metric"] == "auroc") & (table["filter"] == 7) & (table["au"] == 4)].iloc[0]
    assert row["low"] < row["value"] <= row["high"] and row["p_max"] == pytest.approx(1 / 2000) and row["q"] < 0.05
    assert row["null_low"] < 0.5 < row["null_high"] < row["value"]
    auc = table[(table["metric"] == "auroc") & (table["filter"] != 7)]
    assert 0.9 < auc["value"].between(auc["null_low"], auc["null_high"]).mean() < 0.99
    z = table[table["metric"] == "auroc_z"].reset_index(drop=True)
    auc = table[table["metric"] == "auroc"].reset_index(drop=True)
    half = (auc["null_high"] - auc["null_low"]) / (2 * 1.96)
    np.testing.assert_allclose(z["value"], (auc["value"] - auc["chance"]) / half)  # told from its mean under exchange
    within = table[(table["metric"] == "auroc_within_emotion") & (table["filter"] == 7) & (table["au"] == 4)].iloc[0]
    assert within["p_max"] < 0.05


def test_undefined_units_and_filters_are_reported_never_numbered(null_data, rng):
    activation, labels = null_data
    presence = labels.presence.copy()
    presence[:, 0] = 0
    presence[:, 1] = labels.sequence == 8
    presence[:, 2] = 1
    presence[:30, 3] = np.nan
    activation[:, 4] = 0
    changed = AULabels(labels.aus, presence, labels.sequence, labels.subject, labels.emotion)
    table = align(activation, changed, rng, permutations=20, slow_permutations=10, draws=0)
    for au, reason in ((1, "present in no image"), (2, "present in one sequence only"), (3, "absent in no image")):
        rows = table[table["au"] == au]
        assert set(rows["status"]) == {f"undefined: {reason}"}
        assert rows[list(NUMBERS)].isna().all(axis=None)
    silent = table[(table["filter"] == 4) & (table["au"] > 3)]
    assert set(silent["status"]) == {"undefined: filter constant"} and silent["value"].isna().all()
    known = table[(table["au"] == 4) & (table["filter"] == 0)]
    assert (known["unknown"] == 30).all() and (known["present"] + known["absent"] == 210).all()
    assert known["value"].notna().all()


def test_a_constant_filter_does_not_dilute_the_others(null_data):
    activation, labels = null_data
    metrics = ("average_precision", "iou_prevalence", "kl")
    options = {"metrics": metrics, "permutations": 20, "slow_permutations": 100, "draws": 0}
    alone = align(activation, labels, np.random.default_rng(2), **options)
    joined = align(np.column_stack([activation, np.zeros(240)]), labels, np.random.default_rng(2), **options)
    silent = joined["filter"] == 12
    assert joined.loc[silent, list(NUMBERS)].isna().all(axis=None)
    kept = joined[~silent].reset_index(drop=True)
    for name in ("value", "p", "p_max", "q"):
        np.testing.assert_array_equal(kept[name], alone[name], err_msg=name)


def test_unlabelled_images_are_not_one_emotion(null_data):
    """Numbers within emotion are those of the labelled images alone, whatever the others show."""
    activation, labels = null_data
    bare = labels.sequence % 3 == 0
    emotion = np.where(bare, -1, labels.emotion)
    activation[bare, 0] = 5 * labels.presence[bare, 0]
    changed = AULabels(labels.aus, labels.presence, labels.sequence, labels.subject, emotion)
    options = {"metrics": WITHIN, "permutations": 400, "draws": 0}
    table = align(activation, changed, np.random.default_rng(0), **options)
    known = align(activation[~bare], changed.select(~bare), np.random.default_rng(0), **options)
    np.testing.assert_allclose(table["value"], known["value"])
    np.testing.assert_allclose(table["p"], known["p"], atol=0.11)
    assert table.loc[table["filter"] == 0, "p_max"].min() > 0.05
    nobody = AULabels(labels.aus, labels.presence, labels.sequence, labels.subject, np.full(240, -1))
    nothing = align(activation, nobody, np.random.default_rng(0), **options)
    assert nothing["value"].isna().all() and set(nothing["status"]) == {"undefined: no variation left"}


def test_kl_is_divergence_with_unknown_labels_too(null_data, rng):
    activation, labels = null_data
    presence = labels.presence.copy()
    presence[activation[:, 0] > 1, 1] = np.nan  # the extremes of filter 0 lie where the label is unknown
    changed = AULabels(labels.aus, presence, labels.sequence, labels.subject, labels.emotion)
    table = align(activation, changed, rng, metrics=["kl"], permutations=5, slow_permutations=5, draws=0)
    np.testing.assert_allclose(matrix(table, "kl"), divergence(activation, presence), rtol=1e-5)


def test_intensities_serve_the_graded_measures(null_data, rng):
    activation, labels = null_data
    intensity = labels.presence * rng.choice([0.2, 0.6, 1.0], labels.presence.shape)
    graded = AULabels(labels.aus, labels.presence, labels.sequence, labels.subject, labels.emotion, intensity)
    table = align(activation, graded, rng, metrics=["auroc", "pearson"], permutations=20, draws=0)
    np.testing.assert_allclose(matrix(table, "pearson"), pearson(activation, intensity))
    np.testing.assert_allclose(matrix(table, "auroc"), auroc(activation, labels.presence))


def test_real_filter_numbers_subjects_and_bad_requests(null_data, rng):
    activation, labels = null_data
    table = align(
        activation[:, :2], labels, rng, metrics=["auroc"], permutations=9, draws=0, by="subject", filters=[3, 9]
    )
    assert sorted(table["filter"].unique()) == [3, 9]
    for wrong, message in (({"metrics": ["f1"]}, "Unknown metrics"), ({"by": "frame"}, "expected 'sequence'")):
        with pytest.raises(UserError, match=message):
            align(activation, labels, rng, **wrong)
    with pytest.raises(UserError, match="no metric"):
        matrix(table, "kl")
    with pytest.raises(UserError, match="239 rows of activations but 240"):
        align(activation[1:], labels, rng)
    with pytest.raises(UserError, match="expected \\(240, 5\\)"):
        AULabels(labels.aus, labels.presence[1:], labels.sequence, labels.subject, labels.emotion)


class CodedFaces:
    """What `labels_of` reads of a data set."""

    name, aus = "made up", (1, 12, 25)
    au_presence = np.array([[1, 0, -1], [1, 1, 0]], dtype=np.int8)
    au_intensity = np.array([[0.4, 0, np.nan], [np.nan, 1, 0]], dtype=np.float32)
    sequence, subject, emotion = np.array(["a", "b"]), np.array(["s", "t"]), np.array([1, 2])


def test_labels_of_a_data_set_keep_unknown_unknown():
    labels = labels_of(CodedFaces(), aus=(25, 1), intensity=True)
    np.testing.assert_array_equal(labels.presence, [[np.nan, 1], [0, 1]])
    np.testing.assert_array_equal(labels.intensity, np.array([[np.nan, np.float32(0.4)], [0, np.nan]]))
    with pytest.raises(UserError, match=r"no column for AU \[4\]"):
        labels_of(CodedFaces(), aus=(4, 12))


def test_without_any_known_label_every_pair_is_undefined(null_data, rng):
    activation, labels = null_data
    nothing = AULabels(
        labels.aus, np.full_like(labels.presence, np.nan), labels.sequence, labels.subject, labels.emotion
    )
    table = align(activation, nothing, rng, metrics=["auroc", "kl"], permutations=5, draws=0)
    assert len(table) and table["value"].isna().all() and table["status"].str.startswith("undefined").all()


def test_the_slow_tests_exchange_sequences_too():
    """On clustered null data; exchanging single frames would call three times as many pairs significant."""
    share = {name: [] for name in ("average_precision", "kl", "partial_r")}
    for seed in range(10):
        activation, labels = clustered(np.random.default_rng(seed), filters=8)
        rng = np.random.default_rng(seed)
        table = align(activation, labels, rng, metrics=list(share), slow_permutations=99, draws=0)
        for name, values in share.items():
            values.extend(table.loc[table["metric"] == name, "p"] <= 0.05)
    assert all(np.mean(values) < 0.09 for values in share.values()), {n: np.mean(v) for n, v in share.items()}


def test_the_interval_draws_people():
    activation, labels = clustered(np.random.default_rng(3), filters=6)
    person = np.random.default_rng(4).normal(size=(20, 6))
    activation = activation + 2 * person[labels.subject]
    alone = replace(labels, subject=np.arange(len(activation)))
    width = []
    for who in (labels, alone):
        table = align(activation, who, np.random.default_rng(0), metrics=["auroc"], permutations=9, draws=200)
        width.append((table["high"] - table["low"]).mean())
    assert width[0] > 1.4 * width[1]


def test_subjects_and_emotions_keep_their_place_where_they_should(null_data):
    activation, labels = null_data
    presence, people = labels.presence, exchangeable(labels.subject)
    for metric, exchange, x, ranks, by in (
        ("auroc", people, activation, True, "subject"),
        ("pearson", exchangeable(labels.sequence), activation, False, "sequence"),
        (
            "auroc_within_emotion",
            exchangeable(labels.sequence, strata=labels.emotion),
            _centred_within(activation, labels.emotion, True),
            False,
            "sequence",
        ),
    ):
        rng = np.random.default_rng(0)
        table = align(activation, labels, rng, metrics=[metric], permutations=99, draws=0, by=by)
        expected = max_t(x, presence, exchange, np.random.default_rng(0), 99, ranks=ranks)
        np.testing.assert_array_equal(matrix(table, metric, "p"), expected.p)
