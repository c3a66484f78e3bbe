import numpy as np
import pytest
from scipy.stats import norm

from fer_lib.errors import UserError
from fer_lib.interpret.divergence import divergence, excess_divergence
from fer_lib.interpret.exchange import Shuffle, exchangeable
from fer_lib.interpret.measures import auroc_z, average_precision, partial_r
from fer_lib.interpret.permutation import benjamini_hochberg, max_t, permuted

from .conftest import clustered


def test_groups_trade_whole_rows_with_groups_of_their_length_and_stratum(rng):
    group = np.array([0, 0, 1, 1, 2, 3, 3, 4, 5])
    strata = np.array([0, 1, 0, 1, 0, 1, 1, 0, 0])
    exchange = exchangeable(group, strata=strata)
    assert exchange.fixed == 2  # group 3 alone has strata (1, 1)
    for _ in range(20):
        source = exchange.permutation(rng)
        assert sorted(source) == list(range(9))
        np.testing.assert_array_equal(strata[source], strata)
        assert source[1] - source[0] == 1 and source[3] - source[2] == 1
        np.testing.assert_array_equal(source[5:7], [5, 6])


def test_frames_are_matched_by_number_whatever_their_order():
    exchange = exchangeable(np.array([0, 1, 0, 1]), frame=np.array([2, 1, 1, 2]))
    np.testing.assert_array_equal(exchange.tables[0], [[2, 0], [1, 3]])


def test_nothing_to_exchange_is_an_error():
    with pytest.raises(UserError, match="No two of the 2 groups"):
        exchangeable(np.array([0, 0, 1]))


def test_reduced_sums_equal_permuted_sums(null_data):
    activation, labels = null_data
    exchange = exchangeable(labels.sequence)
    shuffle = Shuffle(labels.presence, exchange)
    assert len(shuffle.reduce(activation)) == 60  # three apex frames added up, the neutral one dropped
    source = exchange.permutation(np.random.default_rng(1))
    order = np.random.default_rng(1).permutation(60)
    tables = shuffle._stack([order[:, None]])
    expected = activation.T @ labels.presence[source]
    np.testing.assert_allclose(shuffle.reduce(activation).T @ tables[:, 0], expected)


@pytest.mark.parametrize("unknown", [0.0, 0.1])
def test_observed_z_is_mann_whitneys_and_p_counts_permutations(null_data, rng, unknown):
    activation, labels = null_data
    presence = labels.presence.copy()
    presence[rng.random(presence.shape) < unknown] = np.nan
    exchange = exchangeable(labels.sequence)
    test = max_t(activation, presence, exchange, np.random.default_rng(3), permutations=50)
    if not unknown:
        np.testing.assert_allclose(test.z, auroc_z(activation, presence), atol=1e-9)
    assert np.abs(test.z - auroc_z(activation, presence)).max() < 0.15
    generator = np.random.default_rng(3)
    order = generator.permuted(np.tile(np.arange(60), (50, 1)), axis=1)
    null = np.stack([max_t_z(activation, presence[exchange.tables[0][row].ravel()]) for row in order])
    null, score = ((z - test.null_mean) / test.null_sd for z in (null, test.z))
    np.testing.assert_allclose(test.score, score)
    np.testing.assert_allclose(test.p, (1 + (np.abs(null) >= np.abs(score) - 1e-6).sum(axis=0)) / 51)
    np.testing.assert_allclose(test.null_max, np.abs(null).max(axis=(1, 2)))
    beaten = (test.null_max >= np.abs(score[..., None]) - 1e-6).sum(axis=-1)
    np.testing.assert_allclose(test.p_max, (1 + beaten) / 51)


@pytest.mark.parametrize("unknown", ["nothing", "sequences", "a column"])
def test_mean_and_spread_under_exchange_are_exact(rng, unknown):
    """Sequences of two lengths whose first frame is neutral, filters that answer to any expression."""
    activation, labels, sequence = expressive(rng)
    if unknown == "sequences":
        labels[np.isin(sequence, rng.permutation(60)[:12]), 1] = np.nan
    if unknown == "a column":
        labels[:, 1] = np.nan
    exchange = exchangeable(sequence)
    test = max_t(activation, labels, exchange, rng, 9)
    null = np.stack([max_t_z(activation, labels[exchange.permutation(rng)]) for _ in range(2000)])
    spread = null.std(axis=0)
    assert np.nanmax(np.abs(null.mean(axis=0) - test.null_mean) / spread) < 0.12
    assert np.nanmax(np.abs(spread / test.null_sd - 1)) < 0.08
    assert np.nanmax(test.null_mean) > 2 and np.nanmin(test.null_mean) < -2
    assert np.isnan(test.null_mean[:, 1]).all() == (unknown == "a column")


def test_pictures_that_trade_one_by_one_keep_mann_whitneys_z(null_data, rng):
    activation, labels = null_data
    test = max_t(activation, labels.presence, exchangeable(np.arange(len(activation))), rng, 9)
    assert np.abs(test.null_mean).max() < 1e-9 and np.abs(test.null_sd - 1).max() < 1e-9
    np.testing.assert_allclose(test.score, auroc_z(activation, labels.presence), atol=1e-9)


def test_answering_to_any_expression_is_no_evidence_for_an_action_unit():
    """Labels ignore the filters, yet |z| is large: the p-values stay uniform, and no common AU takes the labels."""
    p, labels_of_filters = [], []
    for seed in range(40):
        activation, labels, sequence = expressive(np.random.default_rng(seed), prevalence=(0.1, 0.2, 0.4, 0.7))
        test = max_t(activation, labels, exchangeable(sequence), np.random.default_rng(seed), 199)
        p.append(test.p)
        labels_of_filters.append(test.score.argmax(axis=1))
        assert np.abs(test.z).max() > 4
    assert 0.035 < (np.array(p) <= 0.05).mean() < 0.065
    share = np.bincount(np.ravel(labels_of_filters), minlength=4) / np.size(labels_of_filters)
    assert (np.abs(share - 0.25) < 0.1).all()


def test_what_no_exchange_changes_is_no_evidence(rng):
    activation, labels, sequence = expressive(rng)
    labels[:] = (np.append(True, sequence[1:] != sequence[:-1]) == 0)[:, None]  # every expressive frame has every AU
    test = max_t(activation, labels, exchangeable(sequence), rng, 19)
    assert np.abs(test.z).max() > 4 and (test.score == 0).all() and (test.p == 1).all() and (test.p_max == 1).all()


def expressive(rng, prevalence=(0.1, 0.3, 0.5)):
    """(N, F) filters that answer to any expression, up or down, and AU labels (N, A) that ignore which one it is."""
    sequence = np.repeat(np.arange(60), [4] * 40 + [3] * 20)
    moving = (np.append(True, sequence[1:] != sequence[:-1]) == 0)[:, None]
    activation = rng.normal(size=(60, 6))[sequence] + 0.5 * rng.normal(size=(len(sequence), 6))
    activation += moving * np.array([4.0, -4.0, 1.0, -1.0, 0.0, 2.0])
    return activation, (rng.random((60, len(prevalence))) < prevalence)[sequence] * moving * 1.0, sequence


def max_t_z(activation, presence):
    """The same z written out pair by pair."""
    from scipy.stats import rankdata

    ranks, z = rankdata(activation, axis=0), np.empty((activation.shape[1], presence.shape[1]))
    for j, column in enumerate(presence.T):
        seen = ~np.isnan(column)
        for f in range(len(z)):
            r = np.corrcoef(ranks[seen, f], column[seen])[0, 1] if seen.any() else np.nan
            z[f, j] = np.sqrt(max(seen.sum() - 1, 0)) * r
    return z


def test_benjamini_hochberg_ignores_undefined_cells():
    p = np.array([[0.01, np.nan], [0.04, 0.03]])
    np.testing.assert_allclose(benjamini_hochberg(p), [[0.03, np.nan], [0.04, 0.04]])


def test_family_wise_error_is_held_where_naive_tests_fail():
    """Science: null data with clustered rows; max-T by sequence holds 5 %, naive Mann–Whitney with BH does not."""
    false_families, naive_rate, naive_discoveries = 0, [], []
    for seed in range(400):
        activation, labels = clustered(np.random.default_rng(seed), filters=20)
        test = max_t(activation, labels.presence, exchangeable(labels.sequence), np.random.default_rng(seed), 199)
        false_families += (test.p_max <= 0.05).any()
        naive = 2 * norm.sf(np.abs(auroc_z(activation, labels.presence)))
        naive_rate.append((naive < 0.05).mean())
        naive_discoveries.append((benjamini_hochberg(naive) < 0.05).sum())
    assert false_families / 400 <= 0.06
    assert np.mean(naive_rate) > 0.15
    assert np.mean(np.array(naive_discoveries) > 0) > 0.5


def test_a_planted_filter_is_recovered(null_data, rng):
    activation, labels = null_data
    activation[:, 7] = labels.presence[:, 3] + 0.5 * rng.random(len(activation))
    exchange = exchangeable(labels.sequence)
    test = max_t(activation, labels.presence, exchange, rng, 500)
    assert np.unravel_index(np.nanargmax(test.z), test.z.shape) == (7, 3)
    assert test.p_max[7, 3] <= 0.01 and (test.p_max <= 0.05).sum() == 1
    excess = excess_divergence(activation, labels.presence, exchange, rng, 200)
    assert np.unravel_index(np.nanargmax(excess.z), excess.z.shape) == (7, 3)


def test_excess_divergence_is_unbiased_in_how_rare_the_unit_is():
    """Plug-in KL grows as AUs get rarer though nothing is there; the excess does not."""
    rng = np.random.default_rng(0)
    plug_in, excess = [], []
    for _ in range(6):
        activation, labels = rng.normal(size=(400, 60)), np.zeros((400, 4))
        for j, n1 in enumerate((8, 20, 60, 180)):
            labels[rng.permutation(400)[:n1], j] = 1
        result = excess_divergence(activation, labels, exchangeable(np.arange(400)), rng, 100)
        np.testing.assert_allclose(result.value, divergence(activation, labels), atol=1e-5)
        plug_in.append(result.value.mean(axis=0))
        excess.append(result.excess.mean(axis=0))
    plug_in, mean = np.mean(plug_in, axis=0), np.mean(excess, axis=0)
    error = np.std(excess, axis=0) / np.sqrt(6)
    assert (np.diff(plug_in) < 0).all() and plug_in[0] > 4 * plug_in[-1]
    assert (np.abs(mean) < 4 * error + 0.01 * plug_in).all()


def test_undefined_columns_stay_undefined(null_data, rng):
    activation, labels = null_data
    presence = labels.presence.copy()
    presence[:, 0], activation[:, 4] = np.nan, 0
    test = max_t(activation, presence, exchangeable(labels.sequence), rng, 50)
    excess = excess_divergence(activation, presence, exchangeable(labels.sequence), rng, 20)
    found = permuted(average_precision, activation, presence, exchangeable(labels.sequence), rng, 20)
    for table in (test.z, test.p, test.p_max, test.q, excess.value, excess.excess, excess.z, excess.p, *found.values()):
        assert np.isnan(table[:, 0]).all() and np.isnan(table[4]).all()
        assert np.isfinite(np.delete(table[:, 1:], 4, axis=0)).all()


@pytest.mark.parametrize(("measure", "signed"), [(average_precision, False), (partial_r, True)])
def test_measures_run_anew_find_what_is_planted_and_little_else(rng, measure, signed):
    activation, labels = rng.random((120, 8)), (rng.random((120, 4)) < 0.3).astype(float)
    activation[:, 2] += labels[:, 1]
    exchange = exchangeable(np.arange(120).astype(str))
    found = permuted(measure, activation, labels, exchange, rng, 99, signed=signed)
    assert found["p_max"][2, 1] == pytest.approx(1 / 100)
    others = np.delete(found["p"].ravel(), 2 * 4 + 1)
    assert 0.3 < others.mean() < 0.7 and (found["p_max"].ravel() <= 0.05).sum() <= 2


def test_permutations_side_by_side_are_the_same_permutations(rng):
    activation, labels = rng.random((30, 5)), (rng.random((30, 3)) < 0.4).astype(float)
    exchange, options = exchangeable(np.arange(30).astype(str)), (activation, labels)
    one, seven = (
        permuted(average_precision, *options, exchange, np.random.default_rng(3), 20, together=n) for n in (1, 7)
    )
    assert all(np.array_equal(one[name], seven[name]) for name in one)


def test_a_negative_partial_r_is_evidence(rng):
    activation, labels = rng.random((120, 6)), (rng.random((120, 3)) < 0.4).astype(float)
    activation[:, 2] -= labels[:, 1]
    found = permuted(partial_r, activation, labels, exchangeable(np.arange(120)), rng, 99, signed=True)
    assert found["p"][2, 1] == found["p_max"][2, 1] == pytest.approx(1 / 100)


def test_rare_units_can_win_the_maximum():
    """Average precision of a common AU is larger whatever the filters do: each AU is told from its own null mean."""
    rng = np.random.default_rng(0)
    activation, labels = rng.random((400, 20)), (rng.random((400, 2)) < (0.04, 0.5)).astype(float)
    found = permuted(average_precision, activation, labels, exchangeable(np.arange(400)), rng, 99)
    assert found["p_max"][:, 0].min() < 0.9
