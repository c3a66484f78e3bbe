import numpy as np
import pytest
import torch

from fer_lib.interpret import sanity
from fer_lib.interpret.decoders import decode, units
from fer_lib.preprocess import prepare


@pytest.fixture(scope="module")
def noise():
    return prepare(torch.rand(3, 1, 96, 96, generator=torch.Generator().manual_seed(0)))


def test_an_untrained_networks_deconvnet_is_about_the_image(network, noise):
    """Science: mean cosine between different filters' maps of a random net: 0.93, 0.96 and 0."""
    values = {
        method: sanity.filter_specificity(network, noise, torch.Generator().manual_seed(1), method, places=8, filters=8)
        for method in ("deconvnet", "guided", "gradient")
    }
    assert values["deconvnet"] > 0.8 and values["guided"] > 0.8 and abs(values["gradient"]) < 0.05


def test_specificity_is_the_mean_pairwise_cosine(network, noise):
    one = noise[:1]
    value = sanity.filter_specificity(network, one, torch.Generator().manual_seed(2), places=1, filters=5)
    generator = torch.Generator().manual_seed(2)
    _, y, x = (int(torch.randint(size, (), generator=generator)) for size in (1, 24, 24))
    chosen = torch.randperm(256, generator=generator)[:5]
    maps = decode(network, one, units([0] * 5, chosen, [y] * 5, [x] * 5)).flatten(1)
    cosine = torch.nn.functional.cosine_similarity(maps[:, None], maps[None], dim=2)
    assert value == pytest.approx(float((cosine.sum() - 5) / 20), abs=1e-5)


def test_randomising_goes_from_the_top_down_and_spares_the_original(network):
    before = {name: weight.clone() for name, weight in network.state_dict().items()}
    changed = []
    for name, copy in sanity.randomised(network, torch.Generator().manual_seed(0)):
        different = [n for n, w in copy.state_dict().items() if not torch.equal(w, before[n])]
        changed.append(name)
        assert different == sorted((f"{layer}.weight" for layer in changed), key=list(before).index)
        torch.testing.assert_close(
            getattr(copy, name).weight.sum(), before[f"{name}.weight"].sum(), rtol=1e-3, atol=1e-2
        )
    assert changed == ["output", "fc4", "conv3", "conv2", "conv1"]
    alone = dict(sanity.randomised(network, torch.Generator().manual_seed(0), cascade=False))
    assert torch.equal(alone["conv1"].conv3.weight, before["conv3.weight"])
    assert all(torch.equal(weight, before[name]) for name, weight in network.state_dict().items())


def test_parameter_randomisation_tells_gradient_from_deconvnet(network, noise):
    which = units([0, 1, 2] * 3, range(9), [5, 12, 20] * 3, [12, 4, 23] * 3)
    tables = {
        method: sanity.parameter_randomisation(network, noise, which, torch.Generator().manual_seed(3), method)
        for method in ("deconvnet", "gradient")
    }
    for table in tables.values():
        assert list(table["layer"]) == list(sanity.LAYERS)
        np.testing.assert_allclose(table["cosine"][:2], 1, atol=1e-6)  # above conv3: cannot matter
        np.testing.assert_allclose(table["spearman"][:2], 1, atol=1e-6)
    assert tables["deconvnet"]["cosine"][2] > 0.7 > 0.2 > abs(tables["gradient"]["cosine"][2])


def test_zero_bias_identities(network, noise, small_network):
    which = units([0, 1, 2] * 4, range(12), [0, 12, 23] * 4, [12, 4, 23] * 4)
    errors = sanity.zero_bias_identities(network, noise, which)
    assert errors["homogeneity"] < 1e-5 and errors["completeness"] < 1e-5
    small = torch.nn.functional.avg_pool2d(noise, 2)
    biased = sanity.zero_bias_identities(small_network, small, units([0, 1], [4, 5], [6, 6], [6, 6]))
    assert biased["homogeneity"] > 0.01


def test_null_data_mislead_naive_tests_and_plug_in_kl():
    result = sanity.null_simulation(np.random.default_rng(0), sequences=120, filters=64, permutations=200)
    assert result["naive_rejections"] > 0.15 and result["naive_discoveries"] > 20
    assert result["max_t_discoveries"] == 0
    assert result["kl_on_rarest"] > 0.6  # four of twenty AUs: 0.2 if rarity did not matter
