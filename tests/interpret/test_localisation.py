import numpy as np
import pytest
import torch

from fer_lib.errors import UserError
from fer_lib.interpret.decoders import decode, paste, units
from fer_lib.interpret.localisation import localisation_gain, localise, score_maps
from fer_lib.preprocess import prepare


def test_scores_by_hand():
    maps = torch.tensor([[[4.0, -3, 0], [1, 2, 0], [0, 0, 0]]]).repeat(4, 1, 1)
    masks = torch.zeros(4, 3, 3, dtype=torch.bool)
    masks[0, 0, :2] = True  # the two strongest
    masks[1, 0, 1] = masks[1, 1, 0] = masks[1, 2, 2] = True
    masks[3] = True
    scores = score_maps(maps, masks)
    np.testing.assert_allclose(scores["pointing"], [1, 0, np.nan, 1])
    np.testing.assert_allclose(scores["mass"], [0.7, 0.4, np.nan, 1])
    np.testing.assert_allclose(scores["rank"], [1, 1 / 3, np.nan, 1])
    np.testing.assert_allclose(scores["iou"], [1, 1 / 5, np.nan, 1])


def test_a_flat_map_scores_as_its_share_of_the_mask():
    mask = torch.zeros(1, 8, 8, dtype=torch.bool)
    mask[0, :2, :4] = True
    scores = score_maps(torch.ones(1, 8, 8), mask)
    assert scores["pointing"][0] == scores["mass"][0] == scores["rank"][0] == 0.125
    assert np.isnan(score_maps(torch.zeros(1, 8, 8), mask)["mass"][0])
    with pytest.raises(UserError, match="masks"):
        score_maps(torch.ones(1, 8, 8), mask[:, :4])


def test_decoded_maps_beside_their_baselines(network, pictures, rng):
    x, which = prepare(pictures), units(range(6), [5, 9, 70, 100, 200, 255], [12] * 6, [3, 8, 12, 15, 20, 12])
    maps = paste(decode(network, x, which, "guided"), which, 96)
    masks = maps.abs() > 0.3 * maps.abs().amax(dim=(1, 2), keepdim=True)  # the truth is where the map is strong
    table = localise(network, x, which, masks, rng)
    assert list(table["kind"].unique()) == ["decoded", "box", "other filter"] and len(table) == 18
    np.testing.assert_allclose(table["mass"][:6], score_maps(maps, masks)["mass"])
    gain = localisation_gain(table, rng).set_index(["score", "baseline"])
    assert gain.loc[("pointing", "box"), "decoded"] == 1
    assert (gain.xs("box", level="baseline")["gain"] > 0.2).all()
    assert gain.loc[("iou", "box"), "p"] < 0.05 and (gain["units"] == 6).all()
    persons = table.assign(person=np.tile([0, 0, 1, 1, 2, 2], 3))
    by_person = localisation_gain(persons, rng, by="person").set_index(["score", "baseline"])
    assert by_person["gain"].equals(gain["gain"])
    assert by_person.loc[("iou", "box"), "p"] > 0.2  # three witnesses that agree: 1 in 4
    lonely = localisation_gain(table[table["unit"] == 0], rng)
    assert lonely[["gain", "p"]].isna().all(axis=None)
