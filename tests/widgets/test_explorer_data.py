"""The explorers' assets: made by one command, whole, and those of the shipped network and data."""

import gzip
import hashlib

import numpy as np
import pytest

from fer_lib.data import load_dataset
from fer_lib.errors import UserError
from fer_lib.files import read_json
from fer_lib.interpret.measures import auroc
from fer_lib.interpret.stages import Network
from fer_lib.model import ZeroBiasCNN, load_pretrained
from fer_lib.preprocess import prepare
from fer_lib.widgets import explorer_data
from fer_lib.widgets.modules import ASSETS
from fer_lib.widgets.packed import read_pack

STALE = "make it again by the command recorded in explorer.json (tools/make_explorer_data.py)"


@pytest.fixture(scope="module")
def manifest() -> dict:
    return read_json(ASSETS / explorer_data.MANIFEST)


@pytest.fixture(scope="module")
def faces():
    """Three people in small, all AUs known."""
    dataset = load_dataset("synthetic", size=24)
    return dataset.select(np.isin(dataset.subject, np.unique(dataset.subject)[:14]))


@pytest.fixture(scope="module")
def small(faces, tmp_path_factory) -> tuple[dict, dict]:
    """A manifest made of two small networks, and the arrays of its files."""
    folder = tmp_path_factory.mktemp("explorer")
    ready = Network(ZeroBiasCNN(size=24, gain=1.0), prepare, faces.emotions)
    about = {"title": "first", "source": "here", "size": 24, "weights_sha256": "0" * 64}
    sources = [explorer_data.Source(ready, about), explorer_data.source("untrained", "untrained:1", ready)]
    numbers = {"permutations": 20, "draws": 20, "progress": False}
    made = explorer_data.write(sources, lambda size: faces.resize(size), folder, command="test", **numbers)
    return made, {name: read_pack(folder / name, about) for name, about in made["files"].items()}


def test_every_file_is_the_one_the_manifest_lists(manifest: dict) -> None:
    for name, about in manifest["files"].items():
        content = gzip.decompress((ASSETS / name).read_bytes())
        assert hashlib.sha256(content).hexdigest() == about["sha256"], f"{name}: {STALE}"
    assert {path.name for path in ASSETS.glob("explorer*")} == {explorer_data.MANIFEST, *manifest["files"]}


def test_the_assets_are_of_the_shipped_network_and_data(manifest: dict) -> None:
    about = manifest["networks"][0]
    model, card = load_pretrained(about["source"])
    assert about["weights_sha256"] == card["weights_sha256"], STALE
    shipped = load_dataset("synthetic", size=about["size"])
    assert manifest["data"]["data_hash"] == shipped.data_hash, STALE
    few = np.arange(0, len(shipped), 109)  # a dozen pictures tell whether the maxima are this network's
    value = (
        explorer_data.source("", about["source"])
        .network.scan(shipped.select(few), layers=("conv3",))
        .layers["conv3"]
        .value
    )
    arrays = read_pack(ASSETS / about["file"], manifest["files"][about["file"]])
    kept = arrays["low"] + arrays["maxima"][:, few].T / manifest["levels"] * (arrays["high"] - arrays["low"])
    np.testing.assert_allclose(kept, value, atol=2e-3 * float(value.max()), err_msg=STALE)


def test_quantised_maxima_keep_the_statistics(small, faces) -> None:
    made, arrays = small
    network = arrays[made["networks"][0]["file"]]
    presence = arrays["explorer_labels.bin.gz"]["presence"].T.astype(float)
    defined = ~np.isnan(network["value.auroc"][0])
    expected = auroc(network["maxima"].T.astype(float), presence)
    np.testing.assert_allclose(expected[:, defined], network["value.auroc"][:, defined], atol=1e-3)
    assert network["harm"].shape == (256, len(faces.emotions))
    assert "harm" not in arrays[made["networks"][1]["file"]]  # an untrained network names no emotions


def test_looks_name_the_top_pictures(small, faces) -> None:
    made, arrays = small
    looks = arrays[made["networks"][0]["looks"]["conv2"]]
    maxima = made["networks"][0]
    scanned = Network(ZeroBiasCNN(size=24, gain=1.0), prepare, faces.emotions).scan(faces, layers=("conv2",))
    value = scanned.layers["conv2"].value
    for f in (0, 77):
        own = looks["image"][looks["start"][f] : looks["start"][f + 1]]
        best = own[looks["order.raw.all"][f]]
        assert value[best[0], f] == value[:, f].max() and len(best) == made["top"]
        assert len({faces.sequence[n] for n in own[looks["order.raw.one"][f]]}) == made["top"]
    assert maxima["looks"].keys() == {"conv1", "conv2", "conv3"}


def test_unknown_aus_are_refused(tiny_faces) -> None:
    with pytest.raises(UserError, match="no column for AU|every AU known"):
        explorer_data.label_pack(tiny_faces())


def test_an_untrained_network_needs_a_model(manifest: dict) -> None:
    with pytest.raises(UserError, match="another one before it"):
        explorer_data.source("untrained", "untrained:1")
