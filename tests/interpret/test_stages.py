import numpy as np
import pandas as pd
import pytest
import torch

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
