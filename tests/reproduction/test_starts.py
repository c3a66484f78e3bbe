"""The starts of trainings: begun once, compared with what is recorded, and counted by how they ended."""

from dataclasses import asdict, replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from fer_lib import results
from fer_lib.errors import UserError
from fer_lib.evaluation.cell import Cell, run_cell
from fer_lib.files import write_json
from fer_lib.reproduction import starts
from fer_lib.reproduction.blocks import blocks
from fer_lib.reproduction.runs import recorded_file
from fer_lib.training import TrainConfig


@pytest.fixture(scope="module")
def trained(tiny_faces, tmp_path_factory):
    """A block of one cell on tiny faces, its recorded result, and the faces."""
    ledger, faces = tmp_path_factory.mktemp("ledger"), tiny_faces()
    config = TrainConfig.make("as_released", "AD", "quick", size=16, steps=400, batch_size=4, checkpoint_every=200)
    block = replace(blocks()["stills"], cells=(Cell(config, 0),))
    write_json(recorded_file(block, block.cells[0], ledger), run_cell(block.cells[0], faces, ledger / "run"))
    return SimpleNamespace(block=block, faces=faces, ledger=ledger)


def begin(trained, out, faces_of):
    pairs = [(trained.block, cell) for cell in trained.block.cells]
    return list(starts.study(pairs, faces_of, out, trained.ledger))


def test_a_start_ends_where_the_recorded_training_was(trained, tmp_path):
    (start,) = begin(trained, tmp_path, lambda block: trained.faces)
    assert start.recorded is not None and start.accuracy == start.recorded
    assert list(start.live) == [str(step) for step in range(0, 201, 10)]
    assert all(0 <= share <= 1 for share in start.live.values())


def test_a_start_is_begun_once(trained, tmp_path):
    first = begin(trained, tmp_path, lambda block: trained.faces)
    assert begin(trained, tmp_path, lambda block: pytest.fail("begun again")) == first


def test_a_broken_file_is_named(trained, tmp_path):
    begin(trained, tmp_path, lambda block: trained.faces)
    (path,) = tmp_path.rglob("*.json")
    path.write_text('{"block": "stills"}')
    with pytest.raises(UserError, match=f"{path}: not the start of a training"):
        begin(trained, tmp_path, lambda block: trained.faces)


def test_only_recorded_trainings_are_asked(tmp_path):
    assert starts.cells(tmp_path) == []
    block = blocks()["oddities"]
    path = recorded_file(block, block.cells[3], tmp_path)
    path.parent.mkdir(parents=True)
    path.touch()
    assert starts.cells(tmp_path) == [(block, block.cells[3])]


def started(fold, live, recorded=0.3):
    about = {"block": "stills", "configuration": "synthetic-tfd/7/as_released/AD", "fold": fold, "seed": 0}
    share = {"0": 1.0, "100": live / 2, "200": live}
    return asdict(starts.Start(**about, live=share, accuracy=0.3, recorded=recorded, threads=1, seconds=1.0))


def write(ledger, name, values):
    results.write(results.Entry(name, "x", 0, "0" * 40, {}, "2", "d", "0" * 64, 1.0, values), ledger)


def test_the_table_joins_starts_and_ends(tmp_path):
    assert starts.table(tmp_path).empty
    ends = [0.26, 0.9, 0.39, 0.41]
    cells = [
        {"configuration": "synthetic-tfd/7/as_released/AD", "fold": fold, "seed": 0, "validation": {"image": end}}
        for fold, end in enumerate(ends)
    ]
    write(tmp_path, "stills", {"cells": cells})
    found = [started(0, 0.0), started(1, 0.3, None), started(2, 0.06), started(3, 0.04, 0.31)]
    write(tmp_path, "starts", {"batches": 200, "starts": found})
    table = starts.table(tmp_path)
    assert list(table["network"]) == ["AD, as released"] * 4
    assert list(table["last"]) == [0, 30, 6, 4] and list(table["lowest"]) == [0, 15, 3, 2]
    assert list(table["first"]) == [100] * 4 and list(table["failed"]) == [True, False, True, False]
    assert list(table["same"]) == [True, None, True, False]
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
