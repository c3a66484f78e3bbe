import numpy as np
import pandas as pd
import pingouin
import pytest
from scipy.stats import entropy, mannwhitneyu, norm, pearsonr
from sklearn.metrics import average_precision_score, jaccard_score, roc_auc_score

from fer_lib.errors import UserError
from fer_lib.interpret import measures
from fer_lib.interpret.divergence import KINDS, Bins, divergence


def pairs(activation, labels):
    for f, a in enumerate(activation.T):
        for j, y in enumerate(labels.T):
            seen = ~np.isnan(y)
            yield f, j, a[seen], y[seen].astype(int)


@pytest.fixture(params=["all known", "some unknown"])
def tied(request, null_data, rng):
    activation, labels = null_data
    presence = labels.presence.copy()
    if request.param == "some unknown":
        presence[rng.random(len(presence)) < 0.1] = np.nan
        presence[rng.random(len(presence)) < 0.2, 1] = np.nan
    assert len(np.unique(activation)) < len(activation) / 4
    return activation, presence


def test_auroc_is_scikit_learns_and_z_is_scipys(tied):
    value, z = measures.auroc(*tied), measures.auroc_z(*tied)
    for f, j, a, y in pairs(*tied):
        assert value[f, j] == pytest.approx(roc_auc_score(y, a), abs=1e-12)
        test = mannwhitneyu(a[y == 1], a[y == 0], use_continuity=False, method="asymptotic")
        p = 2 * (1 - norm.cdf(abs(z[f, j])))
        assert p == pytest.approx(test.pvalue, abs=1e-10)
        assert np.sign(z[f, j]) == np.sign(test.statistic - (y == 1).sum() * (y == 0).sum() / 2)


def test_average_precision_is_scikit_learns(tied):
    value = measures.average_precision(*tied)
    for f, j, a, y in pairs(*tied):
        assert value[f, j] == pytest.approx(average_precision_score(y, a), abs=1e-12)


def test_pearson_is_scipys(tied):
    value = measures.pearson(*tied)
    for f, j, a, y in pairs(*tied):
        assert value[f, j] == pytest.approx(pearsonr(a, y).statistic, abs=1e-12)


def test_partial_r_is_pingouins_on_complete_images(tied):
    activation, labels = tied
    value = measures.partial_r(activation, labels)
    complete = ~np.isnan(labels).any(axis=1)
    names = [f"au{j}" for j in range(labels.shape[1])]
    for f in (0, 5):
        table = pd.DataFrame(labels[complete], columns=names).assign(a=activation[complete, f])
        for j, name in enumerate(names):
            others = [n for n in names if n != name]
            expected = pingouin.partial_corr(table, x="a", y=name, covar=others)["r"].iloc[0]
            assert value[f, j] == pytest.approx(expected, abs=1e-9)


def test_partial_r_of_a_collinear_unit_is_undefined_while_the_others_stay(null_data):
    activation, labels = null_data
    doubled = np.column_stack([labels.presence, labels.presence[:, 0]])
    value = measures.partial_r(activation, doubled)
    assert np.isnan(value[:, [0, -1]]).all()
    np.testing.assert_allclose(value[:, 1:-1], measures.partial_r(activation, labels.presence)[:, 1:], atol=1e-9)


def test_iou_is_scikit_learns(tied):
    for quantile in (0.1, "prevalence"):
        value = measures.iou(*tied, quantile=quantile)
        for f, j, a, y in pairs(*tied):
            cut = np.quantile(a, 1 - (y.mean() if quantile == "prevalence" else quantile))
            assert value[f, j] == pytest.approx(jaccard_score(y, a > cut), abs=1e-12)


def test_divergences_are_scipys_entropies(tied: tuple[np.ndarray, np.ndarray]):
    bins = Bins(count=8)
    tables = {kind: divergence(*tied, kind, bins) for kind in ("kl", "kl_reverse", "jensen_shannon")}
    lows, highs = tied[0].min(axis=0), tied[0].max(axis=0)  # of all images, whatever is known of them
    for f, j, a, y in pairs(*tied):
        edges = np.linspace(lows[f], highs[f], 9)
        q, r = (np.histogram(a[y == value], edges)[0] + 0.5 for value in (1, 0))
        q, r = q / q.sum(), r / r.sum()
        middle = (q + r) / 2
        expected = (entropy(q, r), entropy(r, q), (entropy(q, middle) + entropy(r, middle)) / 2)
        assert [table[f, j] for table in tables.values()] == pytest.approx(expected, abs=1e-5)


def test_the_papers_measure_has_twenty_bins(tied: tuple[np.ndarray, np.ndarray]):
    np.testing.assert_array_equal(divergence(*tied), divergence(*tied, "kl", Bins(20, "width", 0.5)))
    assert not np.allclose(divergence(*tied), divergence(*tied, "kl", Bins(21)), equal_nan=True)


def test_quantile_bins_hold_equal_counts(rng):
    counts = Bins(10, "quantile").one_hot(rng.normal(size=(1000, 3))).sum(axis=0)
    assert counts.min() == 100 == counts.max()


def test_auroc_within_strata_compares_inside_them_only(null_data):
    activation, labels = null_data
    j, strata = 2, labels.emotion
    won = compared = 0.0
    for stratum in np.unique(strata):
        a, y = activation[strata == stratum, 0], labels.presence[strata == stratum, j]
        difference = a[y == 1][:, None] - a[y == 0]
        won += (difference > 0).sum() + (difference == 0).sum() / 2
        compared += difference.size
    assert measures.auroc_within(activation, labels.presence, strata)[0, j] == pytest.approx(won / compared)


def test_an_effect_carried_by_emotion_alone_vanishes_within_emotion(rng):
    emotion = np.repeat([1, 2], 500)
    present = (rng.random(1000) < np.where(emotion == 1, 0.8, 0.2)).astype(float)[:, None]
    activation = (emotion == 1)[:, None] + rng.normal(size=(1000, 1)) * 0.3
    assert measures.auroc(activation, present)[0, 0] > 0.7
    assert measures.auroc_within(activation, present, emotion)[0, 0] == pytest.approx(0.5, abs=0.05)
    assert abs(measures.pearson_within(activation, present, emotion)[0, 0]) < 0.1
    labels_are_emotion = (emotion == 1).astype(float)[:, None]
    assert np.isnan(measures.pearson_within(activation, labels_are_emotion, emotion)).all()


def test_constant_columns_give_no_number(null_data):
    activation, labels = null_data
    presence = labels.presence.copy()
    presence[:, 0], presence[:, 1] = 1, np.nan
    for name, measure in measures.MEASURES.items():
        assert np.isnan(measure(activation, presence)[:, :2]).all(), name
        assert np.isfinite(measure(activation, presence)[:, 2:]).all(), name
    assert np.isnan(divergence(activation, presence)[:, :2]).all()


def test_constant_filters_give_no_number(null_data):
    activation, labels = null_data
    presence = labels.presence.copy()
    presence[activation[:, 0] == 0, 1] = np.nan
    activation[:, 3] = 2.5
    activation[~np.isnan(presence[:, 1]), 5] = 0.1  # constant where AU 1 is known
    kinds = {kind: lambda a, y, kind=kind: divergence(a, y, kind) for kind in KINDS}
    for name, measure in (measures.MEASURES | kinds).items():
        value = measure(activation, presence)
        if name == "auroc":  # all ties, which count half
            assert (value[3] == 0.5).all() and value[5, 1] == 0.5
        else:
            assert np.isnan(value[3]).all(), name
            assert np.isnan(value[5, 1]) and (name == "partial_r" or np.isfinite(value[5, 2])), name
            assert np.isfinite(value[[0, 1, 2, 4]]).all(), name


def test_images_without_an_emotion_are_no_emotion(null_data, rng):
    activation, labels = null_data
    emotion = np.where(labels.sequence % 3 == 0, -1, labels.emotion)
    activation[emotion < 0, 0] = 5 * labels.presence[emotion < 0, 0]  # must not count
    for measure in (measures.auroc_within, measures.pearson_within):
        expected = measure(activation[emotion >= 0], labels.presence[emotion >= 0], emotion[emotion >= 0])
        np.testing.assert_allclose(measure(activation, labels.presence, emotion), expected)
        assert np.isnan(measure(activation, labels.presence, np.full(240, -1))).all()


def test_strata_and_options_however_they_are_passed(tied):
    activation, labels = tied
    strata = np.arange(240) % 3
    for measure in (measures.auroc_within, measures.pearson_within):
        by_name = measure(activation=activation, labels=labels, strata=strata)
        np.testing.assert_array_equal(by_name, measure(activation, labels, list(strata)))
        for wrong in (strata[1:], strata[:, None], strata.astype(str)):
            with pytest.raises(UserError, match="strata of shape .* expected 240 numbers"):
                measure(activation, labels, wrong)
    with pytest.raises(TypeError, match="too many positional arguments"):
        measures.iou(activation, labels, 0.1)


def test_mismatched_and_broken_tables_are_named(null_data):
    activation, labels = null_data
    with pytest.raises(UserError, match="239 rows of activations but 240"):
        measures.auroc(activation[1:], labels.presence)
    activation[3, 2] = np.nan
    with pytest.raises(UserError, match="NaN or infinite"):
        measures.pearson(activation, labels.presence)
    with pytest.raises(UserError, match="smoothing > 0"):
        Bins(smoothing=0)
