import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge

from fer_lib.errors import UserError
from fer_lib.facs import EMOTIONS
from fer_lib.interpret import concepts

from .conftest import clustered


@pytest.fixture(scope="module")
def planted():
    """Pooled values of 240 images in which AU 3 raises filters 10–19."""
    rng = np.random.default_rng(3)
    _, labels = clustered(rng)
    h = rng.random((240, 1024)).astype(np.float32)
    h[:, 40:80] += labels.presence[:, 2:3].astype(np.float32)
    return h, labels


def test_directions_are_scikit_learns_ridge(planted):
    h, labels = (torch.from_numpy(part) for part in (planted[0], planted[1].presence))
    ours = concepts.concept_directions(h, labels)
    centred = h.double() - h.double().mean(dim=0)
    penalty = 0.1 * float((centred**2).sum(dim=0).mean())
    theirs = Ridge(alpha=penalty).fit(h.double().numpy(), labels.numpy()).coef_
    np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-6)


def test_captums_score_is_the_share_of_rising_logits(network, planted):
    h, present = torch.from_numpy(planted[0]), planted[1].presence[:, 2]
    direction = concepts.concept_directions(h, torch.from_numpy(present)[:, None])
    slopes = concepts.sensitivities(network, h[:50], 4)
    held = h[:50].clone().requires_grad_()
    network.output(network.relu4(network.fc4(held)))[:, 4].sum().backward()
    torch.testing.assert_close(slopes, held.grad, rtol=1e-4, atol=1e-7)
    classes = [h[:0], h[:20], h[:0], h[:0], h[:50], *[h[:0]] * 3]
    theirs = concepts.captum_scores(network, classes, h[present == 1], h[present == 0])
    assert theirs[4] == pytest.approx(float((slopes @ direction[0] > 0).float().mean()), abs=0.021)
    assert np.isnan(theirs[0]) and np.isfinite(theirs[1])


def test_the_table_finds_a_planted_direction_and_says_what_is_undefined(network, planted, rng):
    import copy

    h, labels = planted
    model = copy.deepcopy(network)
    with torch.no_grad():  # class 1 reads filters 10–19
        model.fc4.weight[:150, 40:80] += 0.05 * model.output.weight[1, :150, None].sign()
    presence = labels.presence.copy()
    presence[:, 0] = 0
    labels = type(labels)(labels.aus, presence, labels.sequence, labels.subject, labels.emotion)
    table = concepts.concept_table(model, h, labels, EMOTIONS[:4], rng, permutations=60)
    assert len(table) == 5 * 4
    planted_row = table[(table["au"] == 3) & (table["emotion"] == "anger")].iloc[0]
    assert planted_row["tcav"] > 0.95 and planted_row["auroc"] > 0.95
    assert set(table.loc[table["au"] == 1, "status"]) == {"undefined: present in no image"}
    assert table.loc[table["au"] == 1, ["tcav", "p", "q", "auroc"]].isna().all(axis=None)
    others = table[~table["au"].isin([1, 3])]
    assert others["auroc"].between(0.3, 0.7).all() and (others["p"] > 0.05).mean() > 0.7
    with pytest.raises(UserError, match="holds 239 images"):
        concepts.concept_table(model, h[1:], labels, EMOTIONS[:4], rng)


def test_concept_labels_trade_places_by_whole_sequences(network, planted, rng, monkeypatch):
    h, labels = planted
    presence = labels.presence[:, 2:3].copy()
    presence[0] = np.nan  # a picture that nobody coded
    labels = type(labels)((3,), presence, labels.sequence, labels.subject, labels.emotion)
    groups, exchangeable = [], concepts.exchangeable
    monkeypatch.setattr(concepts, "exchangeable", lambda group: groups.append(group) or exchangeable(group))
    concepts.concept_table(network, h, labels, EMOTIONS[:2], rng, permutations=5)
    np.testing.assert_array_equal(groups, [labels.sequence[1:]])
