"""A tiny block through training, the ledger and back."""

import copy
import json
from dataclasses import replace

import numpy as np
import pytest

from fer_lib import results
from fer_lib.data import load_dataset
from fer_lib.errors import UserError
from fer_lib.evaluation import cell as cell_module
from fer_lib.evaluation.cell import Cell
from fer_lib.evaluation.contrast import contrast
from fer_lib.files import read_json, write_json
from fer_lib.interpret.folder import fingerprint
from fer_lib.reproduction import check, controls, networks, runs, summary
from fer_lib.reproduction.blocks import Block, blocks
from fer_lib.training import TrainConfig, load_run

COMMIT = "0" * 40


@pytest.fixture(scope="module", autouse=True)
def committed():
    """As if all code were committed, in whatever state the checkout is."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (results, cell_module, check):
            patch.setattr(module, "commit", lambda root=None: COMMIT)
        yield


@pytest.fixture(scope="module")
def faces():
    return load_dataset("synthetic", size=16)


@pytest.fixture(scope="module")
def block():
    tiny = {"steps": 2, "size": 16, "checkpoint_every": 1, "batch_size": 8, "warmup": 0}
    cells = [Cell(TrainConfig.make(recipe, "AD", "quick", **tiny), f)
             for recipe in ("as_released", "as_described") for f in (0, 1)]  # fmt: skip
    return Block("tiny", "Does it run?", tuple(cells))


@pytest.fixture(scope="module")
def out(block, faces, tmp_path_factory):
    folder = tmp_path_factory.mktemp("reproduction")
    runs.train(block, folder, faces, progress=False)
    return folder


def test_an_entry_holds_rows_and_contrasts(block, out, tmp_path):
    path = runs.record(block, runs.finished(block, out, tmp_path), "fer-lib reproduce tiny", tmp_path)
    values = json.loads(path.read_text())["values"]
    assert (values["planned"], values["finished"]) == (4, 4)
    rows = {row["fold"]: row for row in values["cells"] if "as_described" in row["configuration"]}
    base = {row["fold"]: row for row in values["cells"] if "as_released" in row["configuration"]}
    (found,) = values["contrasts"].values()
    expected = np.mean([rows[f]["validation"]["image"] - base[f]["validation"]["image"] for f in (0, 1)])
    assert found["image"]["difference"] == pytest.approx(expected, abs=1e-5) and found["image"]["pairs"] == 2


def test_an_unfinished_block_says_so(block, out, tmp_path):
    more = replace(block, cells=(*block.cells, Cell(replace(block.cells[0].config, seed=9), 0)))
    values = json.loads(runs.record(more, runs.finished(more, out, tmp_path), "x", tmp_path).read_text())["values"]
    assert (values["planned"], values["finished"]) == (5, 4)
    with pytest.raises(UserError, match="no cell is finished"):
        runs.record(block, [], "x", tmp_path)


def test_another_machine_goes_on_with_what_is_recorded(block, out, faces, tmp_path, monkeypatch):
    """Two of four cells are recorded; elsewhere the other two are trained, and an altered training is not taken."""
    half = replace(block, cells=block.cells[:2])
    ledger, elsewhere = tmp_path / "ledger", tmp_path / "elsewhere"
    runs.record(half, runs.finished(half, out, ledger), "x", ledger)
    assert sorted(path.name for path in ledger.glob("*.json")) == ["tiny.json"]
    runs.train(block, elsewhere, faces, ledger, progress=False)
    trained = [cell for cell in block.cells if runs.result_file(block, cell, elsewhere).is_file()]
    assert trained == list(block.cells[2:])
    found = runs.finished(block, elsewhere, ledger)
    assert [row["recipe"] for row in found] == ["as_released"] * 2 + ["as_described"] * 2
    longer = replace(half, cells=tuple(replace(c, config=replace(c.config, steps=3)) for c in half.cells))
    runs.train(longer, tmp_path / "longer", faces, ledger, progress=False)
    assert len(runs.finished(longer, tmp_path / "longer", tmp_path)) == 2
    kept = replace(half, keep=True, cells=half.cells[:1])
    runs.train(kept, tmp_path / "kept", faces, ledger, progress=False)
    assert list((tmp_path / "kept" / block.folder / "runs").iterdir())


def test_an_entry_does_not_silently_lose_what_it_holds(block, out, tmp_path):
    whole = runs.finished(block, out, tmp_path)
    assert runs.at_stake(block, whole, tmp_path) is None  # nothing is recorded yet
    runs.record(block, whole[:3], "x", tmp_path)
    assert runs.at_stake(block, whole, tmp_path) is None  # one more is no loss
    runs.record(block, whole, "x", tmp_path)
    other = copy.deepcopy(whole[:2])
    for row in other[1]["checkpoints"]:
        row["test"]["image"] += 0.01
    found = runs.at_stake(block, other, tmp_path)
    assert "of the 4 trainings of the entry, 2 are not at hand and 1 ended otherwise here" in found


def test_what_changed_code_trained_is_not_recorded(block, out, tmp_path):
    whole = runs.finished(block, out, tmp_path)
    whole[1] |= {"commit": f"{COMMIT}-dirty"}
    with pytest.raises(UserError, match=f"{block.cells[1].key} was trained by the code '0+-dirty'; expected a commit"):
        runs.record(block, whole, "x", tmp_path)
    assert not list(tmp_path.rglob("*.json"))


def test_a_network_that_is_to_be_kept_is_trained_where_only_its_result_is_left(block, faces, tmp_path):
    """Blocks share folders: one that keeps no networks may have finished the cell before."""
    one = replace(block, cells=block.cells[:1])
    runs.train(one, tmp_path, faces, tmp_path / "ledger", progress=False)
    assert runs.kept(one, tmp_path) == 0
    runs.train(replace(one, keep=True), tmp_path, faces, tmp_path / "ledger", progress=False)
    assert runs.kept(one, tmp_path) == 1
    folder = tmp_path / block.folder / "runs" / one.cells[0].key
    for path in (folder / "state.safetensors", max((folder / "checkpoints").iterdir())):
        path.unlink()  # as if it had been stopped before its first save
    assert runs.kept(one, tmp_path) == 0
    runs.train(replace(one, keep=True), tmp_path, faces, tmp_path / "ledger", progress=False)
    assert runs.kept(one, tmp_path) == 1


def test_a_control_that_was_stopped_is_not_studied(block, faces, tmp_path, monkeypatch):
    monkeypatch.setattr(controls, "SEEDS", range(1))
    monkeypatch.setattr(controls.TrainConfig, "make", lambda preset, seed: block.cells[0].config)
    controls.train_controls(faces, tmp_path, progress=False)
    (subject,) = networks.subjects(tmp_path, lambda name: faces, ("identity",))
    assert subject.name == "identity-seed0"
    (controls.folder(tmp_path, "identity", 0) / "checkpoints" / "step-000002.safetensors").unlink()
    with pytest.raises(UserError, match="identity-seed0: no checkpoint at step 2; expected 2, up to step 2"):
        list(networks.subjects(tmp_path, lambda name: faces, ("identity",)))


def test_the_networks_of_96_px_stand_beside_untrained_ones_of_that_size(faces, tmp_path, monkeypatch):
    tiny = TrainConfig.make(preset="quick", size=16, steps=2, checkpoint_every=1, batch_size=8, warmup=0)
    block = Block("tiny", "Does it run?", (Cell(tiny, 0),), keep=True)
    runs.train(block, tmp_path, faces, tmp_path / "ledger", progress=False)
    path = runs.result_file(block, block.cells[0], tmp_path)
    result = read_json(path)
    result["selected"]["validation"]["step"], result["selected"]["test"]["step"] = 1, 2
    write_json(path, result)
    _, groups = networks.LOOKED_AT["filters-96"]
    subjects = list(networks.subjects(tmp_path, lambda name: faces, groups, block))
    assert [subject.name for subject in subjects] == ["trained-fold00", *(f"untrained-seed{i}" for i in range(1, 6))]
    assert all(subject.network.scan(faces.select([0])).layers["conv3"].value.shape == (1, 256) for subject in subjects)
    first, second = (load_run(tmp_path / block.folder / "runs" / block.cells[0].key, step)[0] for step in (1, 2))
    studied = fingerprint(subjects[0].network.model)
    assert studied == fingerprint(first) != fingerprint(second)
    trained, *untrained = (subject.faces for subject in subjects)
    assert untrained == [None] * 5 and set(trained.subject).isdisjoint(faces.split(0)[0].subject)


def test_cells_on_different_data_are_not_mixed(block, out, tmp_path):
    mixed = runs.finished(block, out, tmp_path)
    mixed[0] |= {"data_hash": "f" * 64}
    with pytest.raises(UserError, match="2 versions of synthetic"):
        runs.record(block, mixed, "x", tmp_path)


def test_half_a_result_is_refused_by_name(block, out, tmp_path):
    """A file beside the ledger that lost a field, or is no result at all: a clear error, and nothing is recorded."""
    path = runs.recorded_file(block, block.cells[0], tmp_path)
    whole = runs.finished(block, out, tmp_path)[0]
    for broken, message in (
        ({name: value for name, value in whole.items() if name != "machine"}, "it lacks machine"),
        ([], "it lacks checkpoints, commit"),
        (whole | {"schema": 0}, "its schema is 0"),
    ):
        write_json(path, broken)
        with pytest.raises(UserError, match=f"{path.name}: not the result of a training: {message}"):
            runs.finished(block, tmp_path / "none", tmp_path)
    assert not list(tmp_path.glob("*.json"))


def test_kept_networks_are_told_apart_from_recorded_results(block, faces, tmp_path, monkeypatch):
    one = replace(block, cells=block.cells[:1], keep=True)
    runs.train(one, tmp_path / "here", faces, tmp_path, progress=False)
    runs.record(one, runs.finished(one, tmp_path / "here", tmp_path), "x", tmp_path)
    assert (runs.kept(one, tmp_path / "here"), runs.kept(one, tmp_path / "elsewhere")) == (1, 0)
    assert len(runs.finished(one, tmp_path / "elsewhere", tmp_path)) == 1


def test_recorded_rows_are_those_of_their_cells():
    """What the book quotes agrees with the trainings that lie beside the ledger; an older entry may have had others."""
    compared = 0
    for name, block in blocks().items():
        values = results.read(name).values if name in results.names() else {"cells": [], "commits": []}
        paths = (runs.recorded_file(block, cell) for cell in block.cells)
        held = [
            result for path in paths if path.is_file() and (result := read_json(path))["commit"] in values["commits"]
        ]
        for row in map(runs._row, held):
            assert row in values["cells"], name
            compared += 1
    assert compared >= 20


@pytest.mark.parametrize("name", sorted({*blocks()} & {*results.names()}))
def test_means_and_contrasts_of_an_entry_are_those_of_its_rows(name):
    values = results.read(name).values
    by: dict[str, dict[tuple[int, int], float]] = {}
    for row in values["cells"]:
        by.setdefault(row["configuration"], {})[row["fold"], row["seed"]] = row["validation"]["image"]
    first, *others = by
    assert by.keys() == values["configurations"].keys()
    for configuration, scores in by.items():
        recorded = values["configurations"][configuration]["accuracy"]["validation"]["image"]["mean"]
        assert np.mean(list(scores.values())) == pytest.approx(recorded, abs=1e-5), configuration
    assert set(values["contrasts"]) == set(others)
    for other in others:
        pairs = by[other].keys() & by[first].keys()
        difference = np.mean([by[other][pair] - by[first][pair] for pair in pairs])
        found = values["contrasts"][other]["image"]
        assert difference == pytest.approx(found["difference"], abs=1e-5), other
        assert found["low"] is None or found["low"] < found["difference"] < found["high"]


def test_groups_of_filters_are_those_of_its_networks():
    values = results.read("filters").values
    again = summary.groups([row | {"network": name} for name, row in values["networks"].items()])
    assert again == values["groups"]


def test_the_interval_is_nadeau_and_bengios():
    """By hand: differences .1 and .3, test 10, training 90: sd = .1414, half = t(.975; 1) sd sqrt(1/2 + 1/9)."""
    base = {"data": "d", "emotions": ["a", "b"], "split": "folds", "variant": "AD", "zero_bias": True, "seed": 0}
    base |= {"selected": {"validation": {"step": 1}}, "images": {"training": 90, "test": 10}}
    cells = [
        base | {"recipe": recipe, "fold": fold, "checkpoints": [{"step": 1, "test": {"image": score}}]}
        for recipe, fold, score in (("one", 0, 0.6), ("one", 1, 0.9), ("two", 0, 0.5), ("two", 1, 0.6))
    ]
    found = contrast(cells, "d/2/one/AD", "d/2/two/AD")
    assert found["difference"] == pytest.approx(0.2)
    assert found["high"] - found["difference"] == pytest.approx(12.7062 * 0.141421 * (1 / 2 + 1 / 9) ** 0.5, rel=1e-4)
    assert contrast(cells, "d/2/one/AD", "d/2/three/AD")["difference"] is None


def test_shuffling_keeps_counts_and_sequences_together(faces):
    dealt = controls.shuffled(faces, 0)
    units = {}
    for name, old, new in zip(faces.sequence, faces.emotion, dealt.emotion, strict=True):
        assert units.setdefault((name, old), new) == new
    assert (dealt.emotion != faces.emotion).mean() > 0.4
    before = sorted(faces.emotion[np.unique(faces.sequence + faces.emotion.astype(str), return_index=True)[1]])
    assert sorted(units.values()) == before


def test_identity_labels_are_the_people(faces):
    named = controls.identity(faces, 0)
    assert len(named.emotions) == len(set(faces.subject))
    assert (np.array(named.emotions)[named.emotion] == faces.subject).all()


def test_controls_are_recorded_with_what_they_know_of_their_labels(block, faces, tmp_path, monkeypatch):
    monkeypatch.setattr(controls, "SEEDS", range(1))
    monkeypatch.setattr(controls.TrainConfig, "make", lambda preset, seed: block.cells[0].config)
    found = controls.train_controls(faces, tmp_path / "runs", progress=False)
    entry = controls.entry(found, faces, "fer-lib reproduce controls")
    shuffled, identity = entry.values["networks"]
    assert (shuffled["kind"], shuffled["classes"], identity["kind"]) == ("shuffled", 8, "identity")
    assert 0.3 < shuffled["commonest"] < 0.7 and identity["commonest"] < 0.05
    assert all(0 <= row["training_accuracy"] <= 1 for row in (shuffled, identity))
    assert entry.wall_seconds > 0 and [row["kind"] for row in found] == ["shuffled", "identity"]


def test_a_recorded_cell_comes_out_the_same(block, out, faces, tmp_path, monkeypatch):
    monkeypatch.setattr(check, "blocks", lambda: {"tiny": block})
    monkeypatch.setattr(check, "load_dataset", lambda name, size: faces)
    with pytest.raises(UserError, match="no recorded cells"):
        next(check.rerun_sample(1, 0, tmp_path / "again", tmp_path))
    runs.record(block, runs.finished(block, out, tmp_path), "x", tmp_path)
    found = list(check.rerun_sample(2, 0, tmp_path / "again", tmp_path))
    assert len({rerun.cell for rerun in found}) == 2 and all(
        rerun.found == pytest.approx(rerun.recorded, abs=1e-6) for rerun in found
    )
    assert not check.Rerun("b", "c", 0.5, 0.56).holds


def test_a_check_trains_again_unless_this_very_code_did(block, out, faces, tmp_path, monkeypatch):
    monkeypatch.setattr(check, "blocks", lambda: {"tiny": block, "twin": replace(block, name="twin")})
    monkeypatch.setattr(check, "load_dataset", lambda name, size: faces)
    for name in ("tiny", "twin"):  # two blocks that share their cells
        runs.record(replace(block, name=name), runs.finished(block, out, tmp_path), "x", tmp_path)
    trained = []
    fit = cell_module.fit
    monkeypatch.setattr(cell_module, "fit", lambda *words, **named: trained.append(1) or fit(*words, **named))
    assert len(list(check.rerun_sample(99, 0, tmp_path / "again", tmp_path))) == 4 == len(trained)
    list(check.rerun_sample(99, 0, tmp_path / "again", tmp_path))
    assert len(trained) == 4  # this code has trained them
    monkeypatch.setattr(check, "commit", lambda: "1" * 40)
    monkeypatch.setattr(cell_module, "commit", lambda: "1" * 40)
    list(check.rerun_sample(1, 0, tmp_path / "again", tmp_path))
    assert len(trained) == 5
    monkeypatch.setattr(check, "commit", lambda: "1" * 40 + "-dirty")
    monkeypatch.setattr(cell_module, "commit", lambda: "1" * 40 + "-dirty")
    for _ in range(2):
        list(check.rerun_sample(1, 0, tmp_path / "again", tmp_path))
    assert len(trained) == 7
