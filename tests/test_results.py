import dataclasses
import json
import re

import pytest

from fer_lib import results
from fer_lib.errors import UserError


def entry(**changes) -> results.Entry:
    fields = {
        "name": "a-run",
        "command": "fer-lib evaluate",
        "seed": [0, 1],
        "commit": "a" * 40,
        "machine": {"cores": 2},
    }
    fields |= {"torch": "2.13", "data": "synthetic faces", "data_hash": "b" * 64, "wall_seconds": 3.5}
    fields |= {"values": {"table": {"mean": 0.5, "folds": [0.25, 0.75]}, "note": "x", "sound": True}}
    return results.Entry(**(fields | changes))


def test_round_trip(tmp_path):
    path = results.write(entry(), tmp_path)
    assert path == tmp_path / "a-run.json"
    assert results.read("a-run", tmp_path) == entry()
    assert results.names(tmp_path) == ("a-run",) and results.verify(tmp_path) == []
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", json.loads(path.read_text())["recorded"])


def test_value_by_key(tmp_path):
    results.write(entry(), tmp_path)
    assert results.value("a-run.table.mean", tmp_path) == 0.5
    assert results.value("a-run.table.folds.1", tmp_path) == 0.75
    assert results.value("a-run", tmp_path)["note"] == "x"
    assert results.numbers(tmp_path) == {0.5, 0.25, 0.75}


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("b-run.x", "no such ledger entry; found a-run"),
        ("a-run.tabel", "a-run holds no 'tabel'; it holds table, note"),
        ("a-run.table.folds.2", "a-run.table.folds holds no '2'"),
        ("a-run.table.mean.x", "a-run.table.mean holds no 'x'; it holds 0.5"),
    ],
)
def test_unknown_keys(tmp_path, key, message):
    results.write(entry(), tmp_path)
    with pytest.raises(UserError, match=message):
        results.value(key, tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "A run"}, "lower case"),
        ({"commit": "a" * 40 + "-dirty"}, "commit the code"),
        ({"commit": "unknown"}, "commit the code"),
        ({"data_hash": "abc"}, "sha256"),
        ({"values": {}}, "values are empty"),
        ({"schema": 0}, "schema is 0"),
    ],
)
def test_unsound_entries_are_not_written(tmp_path, changes, message):
    with pytest.raises(UserError, match=message):
        results.write(entry(**changes), tmp_path)
    assert not list(tmp_path.iterdir())


def test_numbers_that_are_none_are_refused(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        results.write(entry(values={"x": float("nan")}), tmp_path)
    assert not list(tmp_path.iterdir())


def test_verify_names_file_and_problem(tmp_path):
    results.write(entry(), tmp_path)
    raw = dataclasses.asdict(entry(name="b-run")) | {"extra": 1}
    del raw["torch"]
    (tmp_path / "b-run.json").write_text(json.dumps(raw))
    (tmp_path / "c-run.json").write_text("{")
    found = results.verify(tmp_path)
    assert [re.search(r"(\w-run\.json): (.*)", line).groups() for line in found[:2]] == [
        ("b-run.json", "field 'extra' is unknown"),
        ("b-run.json", "field 'torch' is missing"),
    ]
    assert "c-run.json: not readable as JSON" in found[2]
    with pytest.raises(UserError, match=r"b-run\.json: field 'extra' is unknown; record the run again"):
        results.read("b-run", tmp_path)


def test_record_knows_machine_and_commit():
    made = results.Entry.record(
        "a-run", command="x", seed=0, data="synthetic", data_hash="b" * 64, wall_seconds=1, values={"x": 1}
    )
    assert made.torch.startswith("2.") and made.machine["cores"] >= 1
    assert re.fullmatch(r"[0-9a-f]{40}(-dirty)?|unknown", made.commit)


def test_the_committed_ledger_is_sound():
    assert results.verify() == []
