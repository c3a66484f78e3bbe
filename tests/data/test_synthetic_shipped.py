"""The canonical bytes: whole, reproduced by the renderer, described truly, and without a shortcut to the label."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from fer_lib.data import load_dataset
from fer_lib.data.synthetic import Job, shipped
from fer_lib.data.synthetic.workers import render_rows
from fer_lib.errors import UserError

ROOT = Path(__file__).parents[2]
LIMIT = 12e6  # bytes


@pytest.fixture(scope="module")
def faces():
    return load_dataset("synthetic")


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location("describe_shipped_set", ROOT / "tools/describe_shipped_set.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_it_is_small_and_is_what_its_card_says(faces):
    card = json.loads(shipped.CARD.read_text())
    assert shipped.FILE.stat().st_size == card["bytes"] < LIMIT
    assert faces.data_hash == card["data_hash"] == faces.provenance["data_hash"]
    assert (len(faces), len(set(faces.sequence)), len(set(faces.subject))) == (1308, 327, 118)
    assert faces.provenance["label"] == "synthetic faces"
    assert not faces.describe().query("published.notna()").missing.any()


def test_the_recipe_still_draws_what_was_shipped(faces):
    plan = Job("synthetic").plan()
    again = plan.dataset(faces.images)
    assert again.data_hash == faces.data_hash
    assert again.provenance["identities"] == faces.provenance["identities"]


def test_the_renderer_reproduces_it_within_one_grey_level(faces):
    job = Job("synthetic")
    rows = np.linspace(0, len(faces) - 1, 12).astype(int)
    again, _ = render_rows(job.plan(), job, rows)
    difference = np.abs(again.astype(int) - faces.images[rows])
    assert difference.max() <= 1, f"rows {rows[difference.max((1, 2, 3)) > 1]}: run tools/make_shipped_set.py"


def test_smaller_pictures_are_averaged_from_it(faces):
    assert np.array_equal(load_dataset("synthetic", size=48).images, faces.resize(48).images)


def test_a_write_and_a_read_keep_everything(faces, tmp_path):
    some = faces.select(np.arange(8))
    sha256 = shipped.write(some, tmp_path / "set.npz")
    (tmp_path / "set.json").write_text(json.dumps({"sha256": sha256}))
    back = shipped.read(tmp_path / "set.npz", tmp_path / "set.json")
    assert back.data_hash == some.data_hash and back.provenance == some.provenance and back.name == some.name


@pytest.mark.parametrize("damage", ["changed", "cut", "missing"])
def test_damage_is_named_with_its_cure(faces, tmp_path, damage):
    path, card = tmp_path / "set.npz", tmp_path / "set.json"
    card.write_text(json.dumps({"sha256": shipped.write(faces.select(np.arange(8)), path)}))
    content = path.read_bytes()
    {
        "changed": lambda: path.write_bytes(content[:5000] + bytes([content[5000] ^ 1]) + content[5001:]),
        "cut": lambda: path.write_bytes(content[:-100]),
        "missing": path.unlink,
    }[damage]()
    expected = "cannot be read" if damage == "missing" else r"sha256 is .*, set\.json states"
    with pytest.raises(UserError, match=rf"set\.npz: .*{expected}.*reinstall fer-lib"):
        shipped.read(path, card)


def test_borders_tell_nothing_of_the_label(faces, tool):
    """Top and side edges see background, hair, light, pose and crop; the lower edge sees the chin drop."""
    scores = tool.borders(faces)
    assert scores["emotion"] < 1 / 7 + 0.06 and scores["apex"] < 0.5 + 0.05, scores
    face = np.zeros((96, 96), bool)
    face[20:88:3, 24:72:3] = True
    assert tool.borders(faces, face)["emotion"] > 0.4  # the same test sees the face where it looks at it


def test_the_card_shows_the_measured_numbers(tool):
    card = tool.CARD_PAGE.read_text()
    measured = json.loads(shipped.CARD.read_text())
    assert tool.block(measured) in card, "run python tools/describe_shipped_set.py"
    assert min(auroc for au, auroc in measured["readout"]["factorial"].items() if int(au) not in tool.WEAK) >= 0.9
    assert measured["accuracy"]["majority"] < measured["accuracy"]["linear pixels"] < measured["accuracy"]["HOG + LDA"]
