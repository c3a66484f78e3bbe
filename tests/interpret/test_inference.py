import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from fer_lib.errors import UserError
from fer_lib.interpret import selection
from fer_lib.interpret.bootstrap import auroc_interval, bootstrap, percentile_interval, subject_draws
from fer_lib.interpret.exchange import exchangeable
from fer_lib.interpret.measures import auroc, auroc_as_z, auroc_z
from fer_lib.interpret.permutation import max_t


def test_the_quadratic_form_is_the_auroc_of_each_draw(null_data):
    activation, labels = null_data
    low, high = auroc_interval(activation, labels.presence, labels.subject, np.random.default_rng(2), draws=40)
    times, code = subject_draws(labels.subject, 40, np.random.default_rng(2))
    for f, j in ((0, 0), (5, 3)):
        rows = [np.repeat(np.arange(len(code)), count[code]) for count in times]
        drawn = [roc_auc_score(labels.presence[r, j], activation[r, f]) for r in rows]
        np.testing.assert_allclose((low[f, j], high[f, j]), np.quantile(drawn, [0.025, 0.975]), atol=1e-5)


def test_any_statistic_can_be_drawn(null_data):
    activation, labels = null_data
    low, high = bootstrap(lambda rows: activation[rows].mean(axis=0), labels.subject, np.random.default_rng(0), 300)
    sums = np.stack([activation[labels.subject == s].mean(axis=0) for s in range(20)])
    width = 2 * 1.96 * sums.std(axis=0) / np.sqrt(20)  # subjects have equal numbers of images
    np.testing.assert_allclose(high - low, width, rtol=0.25)


def test_too_few_subjects_and_too_many_missing_draws(rng):
    with pytest.raises(UserError, match="Found 4 subjects.*at least 10"):
        subject_draws(np.repeat(np.arange(4), 9), 10, rng)
    values = np.ones((100, 2))
    values[:6, 0] = np.nan
    low, _ = percentile_interval(values)
    assert np.isnan(low[0]) and low[1] == 1


def test_labels_are_chosen_on_some_people_and_reported_on_others(null_data, rng):
    activation, labels = null_data
    activation[:, 7] = labels.presence[:, 3] + 0.5 * rng.random(len(activation))
    table = selection.held_out_labels(activation, labels, np.random.default_rng(1))
    side = selection.subject_parts(labels.subject, 2, np.random.default_rng(1))
    assert not set(labels.subject[side == 0]) & set(labels.subject[side == 1])
    for row in table.itertuples():
        a, y = activation[:, row.filter], labels.presence[:, row.au - 1]
        report, choose = side == row.part, side != row.part
        assert row.auroc == pytest.approx(roc_auc_score(y[report], a[report]))
        assert row.chosen_auroc == pytest.approx(roc_auc_score(y[choose], a[choose]))
        assert row.average_precision == pytest.approx(average_precision_score(y[report], a[report]))
    planted = table[(table["filter"] == 7) & (table["kind"] == "label of filter")]
    assert set(planted["au"]) == {4} and planted["auroc"].min() > 0.9
    others = table[(table["filter"] != 7) & (table["kind"] == "filter of AU")]
    assert others["chosen_auroc"].mean() > others["auroc"].mean() + 0.05  # choosing flatters


def test_a_silent_filter_gets_no_label_and_no_people_no_split(null_data, rng):
    activation, labels = null_data
    activation[:, 2] = 0
    assert 2 not in set(selection.held_out_labels(activation, labels, rng)["filter"])
    with pytest.raises(UserError, match="Found 3 subjects; 2 parts need at least 4"):
        selection.subject_parts(np.arange(3), 2, rng)


def test_an_auroc_threshold_as_z(null_data):
    activation, labels = null_data
    value, z = auroc(activation, labels.presence), auroc_z(activation, labels.presence)
    slope = auroc_as_z(activation, labels.presence, 0.7) / 0.2
    np.testing.assert_allclose(slope * (value - 0.5), z, atol=1e-9)


def test_chance_labels_and_controls_on_the_same_footing(null_data, rng):
    activation, labels = null_data
    planted = activation.copy()
    planted[:, 7] = labels.presence[:, 3] + 0.5 * rng.random(len(activation))
    table = selection.compare_networks({"trained": planted, "untrained": activation}, labels, 0, permutations=200)
    trained, untrained = table.itertuples()
    assert trained.au_auroc > untrained.au_auroc and trained.family_wise >= 1 and untrained.family_wise == 0
    assert untrained.flattered_auroc > untrained.au_auroc
    assert trained.labels == untrained.labels + 1 or untrained.labels > 0
    cut = auroc_as_z(activation, labels.presence, 0.6)
    test = max_t(activation, labels.presence, exchangeable(labels.sequence), rng, 200, threshold=cut)
    chance = selection.chance_labels(test)
    best = np.abs(auroc(activation, labels.presence) - 0.5).max(axis=1)
    assert chance["labels"] == (best >= 0.1).sum()
    assert 0 < chance["chance_mean"] <= chance["chance_95"] <= 12 and chance["p"] > 0.01
    with pytest.raises(UserError, match="threshold"):
        selection.chance_labels(max_t(activation, labels.presence, exchangeable(labels.sequence), rng, 9))
