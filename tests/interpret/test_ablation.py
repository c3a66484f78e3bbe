import copy

import numpy as np
import pytest
import torch

from fer_lib.errors import UserError
from fer_lib.facs import EMOTIONS
from fer_lib.interpret import ablation
from fer_lib.interpret.activations import scan
from fer_lib.preprocess import prepare


@pytest.fixture(scope="module")
def pooled(network, pictures):
    return torch.from_numpy(scan(network, pictures, prepare, layers=[]).pool3)


def hooked_logits(network, pictures, filters, value):
    """Re-run the network with some conv3 filters' outputs replaced after pooling."""

    def replace(module, inputs, output):
        output = output.clone()
        output[:, filters] = value[:, filters] if value is not None else 0
        return output

    handle = network.pool3.register_forward_hook(replace)
    try:
        with torch.no_grad():
            return network(prepare(pictures))
    finally:
        handle.remove()


@pytest.mark.parametrize("mode", ["zero", "mean"])
def test_fast_ablation_is_hooked_ablation(network, pictures, pooled, mode):
    """Check 8."""
    fast = ablation.ablate_each(network, pooled, mode)
    mean = pooled.mean(dim=0).reshape(1, 256, 2, 2) if mode == "mean" else None
    assert fast.shape == (256, 6, 8)
    for f in (0, 15, 16, 128, 255):
        torch.testing.assert_close(fast[f], hooked_logits(network, pictures, [f], mean), rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(ablation.ablate_each(network, pooled, mode, filters=[128, 0]), fast[[128, 0]])
    sets = torch.zeros(2, 256, dtype=torch.bool)
    sets[0, 16], sets[1, [3, 99, 200]] = True, True
    together = ablation.ablate_sets(network, pooled, sets, mode)
    assert torch.equal(together, ablation.ablate_sets(network, pooled, sets.long(), mode))
    torch.testing.assert_close(together[0], fast[16], rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(together[1], hooked_logits(network, pictures, [3, 99, 200], mean), rtol=1e-4, atol=1e-6)


def test_harm_is_the_fall_of_the_true_log_probability(network, pooled):
    emotion = np.array([0, 0, 3, -1, 3, 7], dtype=np.int16)
    logits = network.output(network.relu4(network.fc4(pooled))).detach()
    ablated = ablation.ablate_each(network, pooled, filters=[4, 5])
    harm = ablation.emotion_harm(logits, ablated, emotion)
    fall = torch.nn.functional.cross_entropy(ablated[1][[2, 4]], torch.tensor([3, 3]))
    fall = fall - torch.nn.functional.cross_entropy(logits[[2, 4]], torch.tensor([3, 3]))
    assert harm.shape == (2, 8) and harm[1, 3] == pytest.approx(float(fall), abs=1e-6)
    assert np.isnan(harm[:, 1]).all() and np.isfinite(harm[:, [0, 3, 7]]).all()
    right = (logits.argmax(1).numpy() == emotion)[emotion >= 0].mean()
    assert float(ablation.accuracy(logits, emotion)) == pytest.approx(right)
    with pytest.raises(UserError, match="5 emotions for 6 images"):
        ablation.emotion_harm(logits, ablated, emotion[:5])


def test_controls_are_like_the_filters_they_stand_for(network, pooled, rng):
    given = [3, 40, 99]
    drawn = ablation.matched_controls(network, pooled, given, rng, controls=30, pool=5)
    assert drawn.shape == (30, 3) and not np.isin(drawn, given).any()
    assert all(len(set(row)) == 3 for row in drawn)
    activity = np.log(pooled.reshape(6, 256, 4).mean(dim=(0, 2)).numpy() + 1e-6)
    spread = np.abs(activity[drawn] - activity[given]).mean()
    assert spread < 0.5 * np.abs(activity[:, None] - activity).mean()
    with pytest.raises(UserError, match="too few others"):
        ablation.matched_controls(network, pooled, range(200), rng)


def test_a_filter_that_carries_an_emotion_harms_it_more_than_its_like(network, pooled, rng):
    import copy

    model = copy.deepcopy(network)
    h = torch.rand(40, 1024, generator=torch.Generator().manual_seed(1))
    emotion = np.repeat([0, 1], 20)
    h[:20, 4 * 7 : 4 * 7 + 4] += 2  # filter 7 tells emotion 0
    with torch.no_grad():
        model.fc4.weight[:, 28:32] = 0.3 * model.output.weight[0][:, None].sign()
        model.output.weight.mul_(5)
    table = ablation.controlled_ablation(model, h, emotion, {"telltale": [7]}, rng, controls=39, emotions=EMOTIONS)
    told = table.set_index("emotion").loc["neutral"]
    assert told["harm"] > 10 * abs(told["control"]) and told["p"] == pytest.approx(1 / 40)
    assert np.isnan(table.set_index("emotion").loc["fear", ["harm", "p"]].astype(float)).all()


def test_predicted_pattern_reads_the_prototypes_and_agreement_finds_it(rng):
    aus = [12, 1, 4, 27, 15, 9]
    pattern = ablation.predicted_pattern(aus, EMOTIONS)
    assert pattern[0, EMOTIONS.index("happy")] == 1 and pattern[0, EMOTIONS.index("surprise")] < 0.2
    assert (pattern[:, 0] == 0).all() and pattern.max() <= 1
    assert ablation.pattern_agreement(pattern + 0.01 * rng.random(pattern.shape), aus, EMOTIONS, rng)["p"] < 0.01
    assert ablation.pattern_agreement(rng.random(pattern.shape), aus, EMOTIONS, rng)["p"] > 0.02


def test_wrong_pool3_and_modes_are_named(network, pooled):
    with pytest.raises(UserError, match="expected \\(N, 1024\\)"):
        ablation.ablate_each(network, pooled[:, :1000])
    with pytest.raises(UserError, match="Unknown ablation 'noise'"):
        ablation.ablate_each(network, pooled, "noise")


def test_controls_are_like_in_weight_too(network, pooled, rng):
    heavy = copy.deepcopy(network)
    with torch.no_grad():  # the upper half of the filters, 4 inputs each, weighs five times as much
        heavy.fc4.weight[:, 512:] *= 5
    for given in ([3, 40, 99], [130, 200, 251]):
        drawn = ablation.matched_controls(heavy, pooled, given, rng, controls=30)
        assert ((drawn >= 128) == (given[0] >= 128)).all()


def test_sets_are_taken_out_by_the_mode_that_was_asked_for(network, pooled, rng):
    emotion, given = np.arange(6) % 3, [3, 40, 99]
    logits = network.output(network.fc4(pooled.flatten(1)).relu()).detach()
    members = torch.zeros(1, 256, dtype=torch.bool)
    members[0, given] = True
    for mode in ("zero", "mean"):
        table = ablation.controlled_ablation(network, pooled, emotion, {"s": given}, rng, controls=3, mode=mode)
        expected = ablation.emotion_harm(logits, ablation.ablate_sets(network, pooled, members, mode), emotion)
        np.testing.assert_allclose(table["harm"], expected[0])
