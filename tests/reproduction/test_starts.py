"""The starts of trainings: begun once, compared with what is recorded, and counted by how they ended."""

from dataclasses import asdict, replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from fer_lib import results
from fer_lib.cli import main
from fer_lib.errors import UserError
from fer_lib.evaluation.cell import Cell, run_cell
from fer_lib.files import read_json, write_json
from fer_lib.reproduction import starts
from fer_lib.reproduction.blocks import blocks
from fer_lib.reproduction.runs import recorded_file
from fer_lib.training import TrainConfig


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(starts, "BATCHES", 60)


@pytest.fixture(scope="module")
def trained(tiny_faces, tmp_path_factory):
    """A block of one cell on tiny faces, which learns, its recorded result, and the faces."""
    ledger, faces = tmp_path_factory.mktemp("ledger"), tiny_faces()
    options = {"size": 16, "steps": 120, "batch_size": 16, "checkpoint_every": 60, "learning_rate": 0.01, "warmup": 0}
    cell = Cell(TrainConfig.make("as_described", "plain", "quick", **options), 0)
    block = replace(blocks()["stills"], cells=(cell,))
    write_json(recorded_file(block, cell, ledger), run_cell(cell, faces, ledger / "run"))
    return SimpleNamespace(block=block, cell=cell, faces=faces, ledger=ledger)


def begin(trained, out, faces=None, cell=None):
    pairs = [(trained.block, cell or trained.cell)]
    return list(starts.study(pairs, lambda block: faces or trained.faces, out, trained.ledger))


def test_a_start_ends_where_the_recorded_training_was(trained, tmp_path):
    (row,) = begin(trained, tmp_path)
    start = row["start"]
    majority = read_json(recorded_file(trained.block, trained.cell, trained.ledger))["majority"]
    assert start.accuracy == start.recorded > majority + 0.2  # what a network with one answer cannot have
    assert list(start.live) == [str(step) for step in range(0, 61, 10)]
    assert all(0 < share <= 1 for share in start.live.values())


def test_a_start_is_begun_once(trained, tmp_path, monkeypatch):
    first = begin(trained, tmp_path)
    monkeypatch.setattr(starts, "watch_start", lambda *_, **__: pytest.fail("begun again"))
    assert begin(trained, tmp_path) == first


def test_the_start_of_another_training_is_not_taken(trained, tmp_path):
    begin(trained, tmp_path)
    slower = replace(trained.cell, config=replace(trained.cell.config, learning_rate=0.001))
    with pytest.raises(UserError, match="the start of another training"):
        begin(trained, tmp_path, cell=slower)
    with pytest.raises(UserError, match="the start of another training"):
        begin(trained, tmp_path, faces=replace(trained.faces, images=trained.faces.images[::-1].copy()))


@pytest.mark.parametrize("text", ['{"block": "stills"}', '{"start": {"block": "stills"}}'])
def test_a_broken_file_is_named(trained, tmp_path, text):
    begin(trained, tmp_path)
    (path,) = tmp_path.rglob("*.json")
    path.write_text(text)
    with pytest.raises(UserError, match=f"{path}: not the start of a training"):
        begin(trained, tmp_path)


def test_the_entry_takes_nothing_that_another_run_of_the_same_would_change(trained, tmp_path, monkeypatch):
    monkeypatch.setattr(starts, "commit", lambda: "0" * 40)
    one, two = (starts.entry(begin(trained, tmp_path / name), "faces", "x") for name in ("one", "two"))
    assert one.values == two.values and one.wall_seconds > 0
    assert one.values["data_hashes"] == {"stills": trained.faces.provenance["data_hash"]}


def test_the_command_begins_what_is_recorded_and_says_so_when_done(trained, tmp_path, monkeypatch):
    monkeypatch.setattr("fer_lib.results.commit", lambda: "0" * 40)
    monkeypatch.setattr(starts, "commit", lambda: "0" * 40)
    monkeypatch.setattr(starts, "cells", lambda ledger: [(trained.block, trained.cell)])
    monkeypatch.setattr("fer_lib.cli.options.load_faces", lambda *_: trained.faces)
    call = ["reproduce", "starts", "--ledger", str(trained.ledger), "--out", str(tmp_path), "--device", "cpu"]
    first, second = (CliRunner().invoke(main, call).output for _ in range(2))
    assert "1 of 1: stills, " in first and "starts: recorded in" in first
    assert "starts: all 1 are recorded" in second
    (trained.ledger / "starts.json").unlink()


def test_the_command_without_anything_recorded(tmp_path, monkeypatch):
    monkeypatch.setattr("fer_lib.results.commit", lambda: "0" * 40)
    result = CliRunner().invoke(main, ["reproduce", "starts", "--ledger", str(tmp_path), "--out", str(tmp_path)])
    assert result.exit_code == 0 and "none of its trainings is recorded" in result.output


def test_only_recorded_trainings_are_asked(tmp_path):
    assert starts.cells(tmp_path) == []
    block = blocks()["oddities"]
    path = recorded_file(block, block.cells[3], tmp_path)
    path.parent.mkdir(parents=True)
    path.touch()
    assert starts.cells(tmp_path) == [(block, block.cells[3])]


def started(fold, live, accuracy=0.3, recorded=0.3):
    about = {"block": "stills", "configuration": "synthetic-tfd/7/as_released/AD", "fold": fold, "seed": 0}
    share = {"0": 1.0, "100": live / 2, "200": live}
    return asdict(starts.Start(**about, live=share, accuracy=accuracy, recorded=recorded))


def test_the_table_joins_starts_and_ends(tmp_path):
    assert starts.table(tmp_path).empty
    block = blocks()["stills"]
    first = read_json(recorded_file(block, block.cells[0]))
    tables = ([[26, 0], [74, 0]], [[26, 0], [10, 64]], [[26, 0], [61, 13]], [[26, 0], [59, 15]])
    for cell, counts in zip(block.cells[::2], tables, strict=False):
        first |= {"fold": cell.fold, "majority": 0.3}
        first["selected"]["validation"]["confusion"] = counts
        write_json(recorded_file(block, cell, tmp_path), first)
    found = [started(0, 0.0), started(1, 0.3, 0.31, None), started(2, 0.06, 0.4, 0.4), started(3, 0.04, 0.3, 0.31)]
    found.append(started(4, 0.5))  # its training is not recorded
    values = {"batches": 200, "starts": found}
    results.write(results.Entry("starts", "x", 0, "0" * 40, {}, "2", "d", "0" * 64, 1.0, values), tmp_path)
    table = starts.table(tmp_path)
    assert list(table["network"]) == ["AD, as released"] * 4
    assert list(table["last"]) == [0, 30, 6, 4] and list(table["lowest"]) == [0, 15, 3, 2]
    assert list(table["first"]) == [100] * 4 and list(table["accuracy"]) == pytest.approx([26, 90, 39, 41])
    assert list(table["failed"]) == [True, False, True, False]
    assert list(table["one_answer"]) == [True, False, False, False]
    assert list(table["same"]) == [True, None, True, False]
    assert list(table["telling"]) == [False, False, True, False]
    assert starts.by_end(table) == {
        "failed": 2,
        "learned": 2,
        "failed_silent": 1,
        "learned_silent": 1,
        "auroc": pytest.approx(3 / 4),  # of four pairs one goes the wrong way
    }


def test_no_auroc_where_all_ended_alike():
    rows = pd.DataFrame({"failed": [True, True], "last": [0.0, 3.0]})
    assert np.isnan(starts.by_end(rows)["auroc"])
