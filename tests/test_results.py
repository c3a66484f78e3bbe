import dataclasses
import json
import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

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
        ({"values": [1]}, "values is a list; expected an object"),
        ({"wall_seconds": "x"}, "wall_seconds is 'x'; expected a number"),
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


@pytest.fixture
def repository(tmp_path):
    """A checkout with a file of code and a ledger, both committed."""
    (tmp_path / "book" / "results").mkdir(parents=True)
    (tmp_path / "code.py").write_text("1")
    (tmp_path / "book" / "results" / "first.json").write_text("{}")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "first")
    return tmp_path


def git(root, *words):
    known = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run(["git", "-C", str(root), *known, *words], check=True, capture_output=True)


def test_what_one_run_records_does_not_make_the_next_one_dirty(repository):
    results.write(entry(name="first"), repository / "book" / "results")
    results.write(entry(name="second"), repository / "book" / "results")
    (repository / "runs").mkdir()
    assert re.fullmatch(r"[0-9a-f]{40}", results.commit(repository / "book"))
    (repository / "code.py").write_text("2")
    assert re.fullmatch(r"[0-9a-f]{40}-dirty", results.commit(repository / "book"))
    assert results.commit(repository / "nowhere") == "unknown"


def test_an_entry_that_would_be_refused_is_refused_before_the_work(monkeypatch):
    monkeypatch.setattr(results, "commit", lambda: "a" * 40)
    results.check_recordable("a-run", "b-run")
    with pytest.raises(UserError, match="name is 'My Run'; expected lower case.*nothing was started"):
        results.check_recordable("a-run", "My Run")
    monkeypatch.setattr(results, "commit", lambda: "a" * 40 + "-dirty")
    with pytest.raises(UserError, match="commit the code, then record; nothing was started"):
        results.check_recordable("a-run")


def test_the_committed_ledger_is_sound():
    assert results.verify() == []


def test_an_installed_copy_has_the_ledger(tmp_path):
    """Colab and learners install the package: chapters read the ledger there, too."""
    source, root = tmp_path / "source", Path(results.__file__).parent.parent
    for name in ("pyproject.toml", "README.md", "LICENSE", "NOTICE", "fer_lib/__init__.py", "fer_lib/results.py"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / name, source / name)
    shutil.copytree(results.LEDGER, source / "book" / "results")
    build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index", "-q"]
    subprocess.run([*build, "--wheel-dir", str(tmp_path), str(source)], check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    held = {name.rpartition("/")[2] for name in zipfile.ZipFile(wheel).namelist() if "/data/share/fer-lib/" in name}
    assert held >= {f"{name}.json" for name in results.names()} | {"PROTOCOL.md"}
    assert results.PLACES[1] == Path(sysconfig.get_path("data"), "share", "fer-lib", "results")


def test_an_entry_under_another_name_is_refused(tmp_path):
    results.write(entry(), tmp_path)
    (tmp_path / "a-run.json").rename(tmp_path / "other.json")
    with pytest.raises(UserError, match="name is 'a-run'; expected the file's name, 'other'"):
        results.read("other", tmp_path)
    assert len(results.verify(tmp_path)) == 1
