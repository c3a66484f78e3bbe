import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import linregress, spearmanr, ttest_1samp

from fer_lib import faces
from fer_lib.errors import UserError
from fer_lib.facs import AUS
from fer_lib.interpret import intervention, maximisation
from fer_lib.interpret.activations import filter_maxima
from fer_lib.preprocess import prepare

from . import fake_faces

PEOPLE = list(range(12))


@pytest.fixture(scope="module")
def effects():
    return intervention.do_au(fake_faces.encode, PEOPLE, (4, 9, 12), render=fake_faces.render)


def test_do_changes_one_unit_and_nothing_else(effects):
    table = intervention.effect_table(effects, np.random.default_rng(0), 50).set_index(["filter", "au"])
    assert table.loc[(0, 12), "effect"] == pytest.approx(0.4, abs=1e-6)  # dose 0.8 × light 0.5
    assert table.loc[(1, 12), "effect"] == pytest.approx(0.2, abs=1e-6)
    assert table.loc[(2, 12), "effect"] == pytest.approx(-0.4, abs=1e-6)
    assert table.loc[(0, 9), "effect"] == 0
    base = torch.zeros(12, 2, len(AUS))
    base[:, :, AUS.index(12)] = 0.5
    again = intervention.do_au(fake_faces.encode, PEOPLE, (12,), base=base, dose=1.0, render=fake_faces.render)
    np.testing.assert_allclose(again.difference[:, 0], 0.5, atol=1e-6)  # the AU itself is taken out of the base


def test_effect_statistics_are_scipys(rng):
    difference = rng.normal(0.3, 1, (40, 5))
    noisy = intervention.PairEffects(difference, np.repeat([4, 12], 20), np.tile(np.arange(10), 4))
    table = intervention.effect_table(noisy, np.random.default_rng(1), 999)
    for row in table.itertuples():
        mine = difference[np.repeat([4, 12], 20) == row.au, row.filter].reshape(2, 10).mean(axis=0)
        test = ttest_1samp(mine, 0)
        assert row.t == pytest.approx(test.statistic) and row.people == 10
        assert row.p == pytest.approx(test.pvalue, abs=0.06)
        assert row.d == pytest.approx(mine.mean() / mine.std(ddof=1))
        assert row.p_max >= row.p - 1e-12


def test_sign_flips_hold_the_family_wise_error_and_find_what_is_there():
    false = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        person = np.tile(np.arange(14), 3)
        shared = rng.normal(size=(14, 8))[person]  # one person's AUs and filters are alike
        null = intervention.PairEffects(shared + 0.5 * rng.normal(size=(42, 8)), np.repeat([1, 2, 4], 14), person)
        false += (intervention.effect_table(null, rng, 99)["p_max"] <= 0.05).any()
    assert false / 200 <= 0.08
    null.difference[null.au == 2, 3] += 3
    found = intervention.effect_table(null, rng, 199)
    assert list(found.loc[found["p_max"] <= 0.01, ["filter", "au"]].itertuples(index=False, name=None)) == [(3, 2)]


def test_effects_without_spread_are_undefined(effects):
    table = intervention.effect_table(effects, np.random.default_rng(0), 20)
    silent = table[(table["filter"] == 3) & (table["au"] == 4)].iloc[0]  # texture does not care
    assert silent["status"].startswith("undefined") and np.isnan(silent["p_max"])


def test_a_flip_without_spread_exceeds(rng):
    """Three people: of eight flips six give the same |t|, and two leave no spread, which is |t| = ∞."""
    difference = np.array([[1.0, 0.3], [1.0, 0.5], [-1.0, 0.8]])
    made = intervention.PairEffects(difference, np.repeat(4, 3), np.arange(3))
    table = intervention.effect_table(made, rng, 400)
    assert table.loc[0, "p"] == table.loc[0, "p_max"] == 1
    assert table.loc[1, "p"] == pytest.approx(1 / 4, abs=0.1)  # all eight differ but for the sign
    assert table.loc[1, "p_max"] == pytest.approx(1 / 2, abs=0.1)  # in two more flips filter 0 has no spread
    assert (table["status"] == "ok").all()


def test_pairs_of_a_data_set(rng):
    activation, person = rng.random((8, 3)), np.array([1, 1, 2, 2, 1, 1, 2, 2])
    made = intervention.pair_effects(activation, np.array([0, 2]), np.array([1, 3]), np.array([4, 4]), person)
    np.testing.assert_allclose(made.difference, activation[[1, 3]] - activation[[0, 2]])
    with pytest.raises(UserError, match="two different people"):
        intervention.pair_effects(activation, np.array([0]), np.array([2]), np.array([4]), person)
    with pytest.raises(UserError, match="2 pictures without and 1 with"):
        intervention.pair_effects(activation, np.array([0, 2]), np.array([1]), np.array([4]), person)


def test_dose_response_and_slopes(rng):
    dose = np.tile([0.0, 0.2, 0.4, 0.6, 0.8, 1.0], 8)
    au, person = np.repeat([4, 12], 24), np.repeat(np.arange(8) % 4, 6)
    activation = np.stack([person + 2 * dose * (au == 12), person - dose**2, person * 1.0], axis=1)
    response = intervention.dose_response(activation, au, dose, person)
    cell = response[(response["filter"] == 0) & (response["au"] == 12)]
    np.testing.assert_allclose(cell["mean"], 2 * cell["dose"], atol=1e-12)
    np.testing.assert_allclose(cell["sd"], 0, atol=1e-12)
    slopes = intervention.dose_slopes(response).set_index(["filter", "au"])
    assert slopes.loc[(0, 12), "slope"] == pytest.approx(2) and slopes.loc[(0, 12), "monotone"] == pytest.approx(1)
    assert slopes.loc[(1, 4), "slope"] == pytest.approx(linregress(dose[:6], -(dose[:6] ** 2)).slope)
    assert slopes.loc[(1, 4), "monotone"] == pytest.approx(spearmanr(dose[:6], -(dose[:6] ** 2)).statistic)
    assert np.isnan(slopes.loc[(2, 4), "monotone"])
    with pytest.raises(UserError, match="ladder of AU4 is incomplete"):
        intervention.dose_response(activation[1:], au[1:], dose[1:], person[1:])
    twice = np.append(np.arange(48), 8)
    with pytest.raises(UserError, match=r"AU4: person 1 has more than one picture at dose 0\.4"):
        intervention.dose_response(activation[twice], au[twice], dose[twice], person[twice])


def test_survival_needs_significance_sign_and_first_place():
    labels = pd.DataFrame({"filter": [0, 1, 2, 3], "au": [12, 12, 12, 4], "value": [5.0, 5, -5, 5]})
    cells = [(0, 4, 1, 0.9), (0, 12, 6, 0.01), (1, 4, 9, 0.01), (1, 12, 6, 0.01), (2, 4, 1, 1), (2, 12, 7, 0.01)]
    cells += [(3, 4, 2, 0.3), (3, 12, 1, 0.9)]
    table = intervention.survival(labels, pd.DataFrame(cells, columns=["filter", "au", "t", "p_max"]), "t")
    assert list(table["survives"]) == [True, False, False, False]
    assert list(table["largest"]) == [True, False, False, True]
    assert list(table["same_sign"]) == [True, True, False, True]
    assert list(table["significant"]) == [True, True, True, False]
    with pytest.raises(UserError, match=r"no AU \[9\]"):
        intervention.survival(labels.assign(au=9), pd.DataFrame(cells, columns=["filter", "au", "t", "p_max"]), "t")


@pytest.mark.parametrize("method", ["gradient", "search"])
def test_a_filter_says_which_units_it_wants(method):
    options = {"aus": (4, 9, 12), "render": fake_faces.render}
    if method == "search":
        found = maximisation.search_face(fake_faces.encode, [0, 1, 3], [1, 2], dose=1.0, **options)
        assert found[2].intensity == {4: 0, 9: 0, 12: 0}  # no AU moves the texture
        assert found[1].history[1] > found[1].history[0]
    else:
        found = [
            maximisation.maximise_face(fake_faces.encode, f, [1, 2], sparsity=0.05, steps=60, **options) for f in (0, 1)
        ]
    assert [au for au, dose in found[0].intensity.items() if dose > 0.5] == [12]
    assert [au for au, dose in found[1].intensity.items() if dose > 0.5] == [4, 12]
    assert found[0].activation == pytest.approx(found[0].rest + 0.5, abs=0.02)
    with pytest.raises(UserError, match="expected some of"):
        maximisation.search_face(fake_faces.encode, [0], [1], aus=(99,), render=fake_faces.render)


def test_pixels_climb_on_the_sphere(network):
    generator = torch.Generator().manual_seed(4)
    found = maximisation.maximise_pixels(network, [3, 77], generator, norm=2.0, steps=25)
    torch.testing.assert_close(found.patches.flatten(1).norm(dim=1), torch.full((2,), 2.0))
    assert (found.history.max(dim=0).values > 3 * found.history[0].abs()).all()
    whole = torch.zeros(2, 1, 96, 96)
    whole[:, 0, 34:66, 34:66] = found.patches  # unit (12, 12) sees rows 34 … 65
    response = network.activations(whole)[[0, 1], [3, 77], 12, 12]
    torch.testing.assert_close(response, found.history.max(dim=0).values, rtol=1e-4, atol=1e-6)


def test_with_the_real_renderer(network):
    people = faces.sample_identities(2, seed=3)
    encode = filter_maxima(network, prepare)
    effects = intervention.do_au(encode, people, (12,), supersample=1)
    assert effects.difference.shape == (2, 256) and np.abs(effects.difference).max() > 0
    found = maximisation.maximise_face(encode, 5, people[:1], aus=(12, 27), steps=2, supersample=1)
    assert set(found.intensity) == {12, 27} and len(found.history) == 3 and found.activation >= found.history[0]
