from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest
import torch

from fer_lib.data.synthetic import pair_masks, pairs
from fer_lib.interpret import localisation, stages
from fer_lib.interpret.activations import Maxima
from fer_lib.model import ZeroBiasCNN
from fer_lib.preprocess import prepare

from . import made_up


@pytest.fixture(scope="module")
def network():
    model = ZeroBiasCNN(size=48, generator=torch.Generator().manual_seed(5), gain=1.0).eval()
    return stages.Network(model, prepare, made_up.EMOTIONS)


def maxima(count, value):
    place = np.zeros((count, 256), dtype=np.int64)
    return Maxima("conv3", np.full((count, 256), value, dtype=np.float32), place, np.ones((count, 256)), 12)


def test_an_aus_examples_are_of_its_own_best_filter(network):
    """Filter 7 is best for both AUs though its own label is AU 4, and AU 25 is no filter's label."""
    cells = [(7, 4, 9.0), (7, 12, 5.0), (7, 25, 2.0), (8, 4, 3.0), (8, 12, 4.0), (8, 25, 1.0), (9, 4, np.nan)]
    alignment = pd.DataFrame(cells, columns=["filter", "au", "value"]).assign(metric=stages.RANK, status="ok")
    alignment.loc[alignment["filter"] == 9, "status"] = "undefined: filter constant"
    other = alignment.assign(metric="auroc", value=10 - alignment["value"])  # not what ranks
    table = pd.concat([other, alignment], ignore_index=True)
    data = made_up.sequences()
    scan, pool3 = maxima(len(data), 1.0), np.ones((len(data), 1024), dtype=np.float32)
    found = stages.grouped_examples(scan, network, pool3, data, table, 3)
    best = found[found["kind"].str.startswith("AU")].groupby("kind")["filter"].unique().map(list)
    assert best.to_dict() == {"AU4": [7], "AU12": [7], "AU25": [7]}


@pytest.mark.parametrize(("au", "value"), [(9, 1.0), (12, 0.0)])
def test_labels_that_no_isolated_face_shows_give_an_empty_table(network, au, value):
    """AU 9 is in no pair; with value 0 the filter fires on no face."""
    faces, labels = made_up.probe("do-pairs"), pd.DataFrame({"filter": [3], "au": [au], "value": [5.0]})
    scan, rng = maxima(len(faces), value), np.random.default_rng(0)
    table = stages.localise_labels(network, faces, scan, labels, rng)
    assert table.empty and {*localisation.SCORES, "unit", "kind", "au", "person"} <= set(table.columns)
    one = stages.localise_labels(network, faces, maxima(len(faces), 1.0), labels.assign(au=12), rng)
    assert list(one.columns) == list(table.columns)


@dataclass(frozen=True)
class Planted(stages.Network):
    """Filter k is the intensity of the k-th probed AU, filter 3 its fall where AU 12 rises."""

    def scan(self, dataset, progress=False, layers=(stages.LAYER,)):
        scanned = super().scan(dataset, progress, layers)
        doses = dataset.au_intensity[:, [dataset.aus.index(au) for au in made_up.PROBED]]
        known = scanned.layers[stages.LAYER]
        value, person = known.value.copy(), 1 + np.unique(dataset.subject, return_inverse=True)[1] / 50
        value[:, :3] = doses * person[:, None]  # people differ, as a test needs
        value[:, 3] = 2 - value[:, made_up.PROBED.index(12)]
        scanned.layers[stages.LAYER] = replace(known, value=value)
        return scanned


def test_probes_find_what_was_planted(network, monkeypatch):
    """A filter that is an AU's intensity rises with the AU, keeps its label, and is shown with its own mask."""
    planted, shown = Planted(network.model, network.prepare, network.emotions), {}

    def localise(model, x, which, masks, rng):
        shown.update(which=which, masks=masks)
        columns = {"unit": range(len(which)), "image": which.image.numpy(), "filter": which.filter.numpy()}
        return pd.DataFrame(columns)

    monkeypatch.setattr(localisation, "localise", localise)
    labels = pd.DataFrame({"filter": range(3), "au": made_up.PROBED, "value": 5.0})
    probes = stages.probe(planted, labels, made_up.probe, np.random.default_rng(0), 200)
    own = probes.effects.merge(labels[["filter", "au"]])
    assert len(own) == 6 and (own["effect"] > 0.5).all() and (own["p"] < 0.05).all()
    falling = probes.effects.query("filter == 3 and au == 12")
    assert (falling["effect"] < -0.5).all()
    assert probes.survival.groupby("test").size().min() == 3 and probes.survival["survives"].all()
    assert (probes.slopes.merge(labels[["filter", "au"]])["slope"] > 0).all()
    do_pairs, design = made_up.probe("do-pairs"), pairs(made_up.probe("do-pairs"))
    place = {(do_pairs.subject[w], au): row for row, (w, au, context) in
             enumerate(zip(design.with_, design.au, design.context, strict=True)) if context == "isolated"}  # fmt: skip
    assert len(probes.localisation) == 36
    for unit, row in enumerate(probes.localisation.itertuples()):
        assert row.au == made_up.PROBED[row.filter]
        expected = pair_masks(do_pairs, rows=np.array([place[row.person, row.au]]))[0]
        assert np.array_equal(shown["masks"][unit].numpy(), np.asarray(expected))


def test_agreement_reads_the_labelled_filters(network):
    """Filters 200 to 205 harm the emotions of their AUs; all others harm nothing."""
    labels = pd.DataFrame({"filter": range(200, 206), "au": [12, 12, 4, 4, 9, 9]})
    emotions = list(network.emotions)
    table = pd.DataFrame(0.0, index=range(256), columns=[f"harm_{name}" for name in emotions])
    for filter_, name in zip(labels["filter"], ["happy"] * 2 + ["anger"] * 2 + ["disgust"] * 2, strict=True):
        table.loc[filter_, f"harm_{name}"] = 1.0
    harm = table.assign(filter=range(256), mode="zero")
    found = stages.agreement(network, harm, labels, np.random.default_rng(0))
    assert found["agreement"] > 0.5 > found["chance"]


def test_a_significant_fall_is_no_label():
    cells = {"filter": [0, 1, 2], "au": [4, 4, 12], "value": [6.0, -6.0, 6.0], "p_max": [0.01, 0.01, 0.2]}
    alignment = pd.DataFrame(cells).assign(metric=stages.RANK, status="ok")
    assert list(stages.significant_labels(alignment)["filter"]) == [0]
