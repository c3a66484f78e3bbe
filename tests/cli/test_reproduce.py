"""`fer-lib reproduce` and the ledger's commands, without training."""

import shutil
from dataclasses import replace

import pytest
from click.testing import CliRunner

from fer_lib.cli import main
from fer_lib.cli.reproduce import STUDIES
from fer_lib.reproduction.blocks import blocks
from fer_lib.reproduction.runs import recorded_file
from fer_lib.results import LEDGER, read


def run(*words):
    return CliRunner().invoke(main, [*map(str, words)])


def listed(out, ledger):
    """The rows of `--list` by name: recorded, to reuse, planned, and what the block asks."""
    _, *rows, _ = run("reproduce", "--list", "--out", out, "--ledger", ledger).output.splitlines()
    return {row.split()[0]: row.split()[1:] for row in rows}


def test_list_names_every_block_and_how_far_it_is(tmp_path):
    rows = listed(tmp_path, tmp_path)
    assert list(rows) == [*blocks(), *STUDIES]
    assert all(rows[name][:3] == ["0", "0", str(len(block.cells))] for name, block in blocks().items())
    assert all(rows[name][0] == "no" for name in STUDIES)


def test_list_tells_what_is_recorded_from_what_can_be_reused(tmp_path):
    shutil.copy(LEDGER / "six-classes.json", tmp_path)  # the entry, not its cells
    shutil.copy(LEDGER / "controls.json", tmp_path)
    rows = listed(tmp_path / "none", tmp_path)
    assert rows["six-classes"][:3] == ["10", "0", "10"] and rows["controls"][0] == "yes"


def test_an_unknown_block_lists_the_known(tmp_path):
    result = run("reproduce", "gird", "--out", tmp_path)
    assert result.exit_code == 2 and "'gird' is unknown" in result.output and "grid" in result.output


def test_nothing_trained_is_nothing_recorded(tmp_path, monkeypatch):
    monkeypatch.setattr("fer_lib.results.commit", lambda: "0" * 40)
    result = run("reproduce", "networks", "--no-training", "--out", tmp_path, "--ledger", tmp_path)
    assert result.exit_code == 2 and "no cell is finished" in result.output


def test_recording_everything_passes_over_what_is_not_there(tmp_path, monkeypatch):
    monkeypatch.setattr("fer_lib.results.commit", lambda: "0" * 40)
    block = blocks()["six-classes"]
    path = recorded_file(block, block.cells[0], tmp_path)
    path.parent.mkdir(parents=True)
    shutil.copy(recorded_file(block, block.cells[0]), path)
    result = run("reproduce", "--no-training", "--out", tmp_path / "none", "--ledger", tmp_path)
    assert result.exit_code == 0, result.output
    assert [path.name for path in tmp_path.glob("*.json")] == ["six-classes.json"]
    assert result.output.count("no cell is finished; nothing to record") == len(blocks()) - 1


@pytest.mark.parametrize("name", STUDIES)
def test_a_study_is_not_made_without_training_and_says_so(name, tmp_path):
    result = run("reproduce", name, "--no-training", "--no-record", "--out", tmp_path, "--ledger", tmp_path)
    assert result.exit_code == 0 and f"{name}: left out" in result.output
    assert not list(tmp_path.iterdir())


def test_an_entry_keeps_what_only_it_holds(tmp_path, monkeypatch):
    """Of "biases" the twin's whole results are in no file: without them its entry would lose ten trainings."""
    monkeypatch.setattr("fer_lib.results.commit", lambda: "0" * 40)
    ledger = tmp_path / "ledger"
    shutil.copytree(LEDGER, ledger)
    before = (ledger / "biases.json").read_bytes()
    words = ("reproduce", "biases", "--no-training", "--out", tmp_path / "none", "--ledger", ledger)
    result = run(*words)
    assert result.exit_code == 0 and "The entry stays as it is; --replace writes" in result.output
    assert (ledger / "biases.json").read_bytes() == before
    assert "recorded in" in run(*words, "--replace").output
    assert (ledger / "biases.json").read_bytes() != before


def test_a_study_of_other_networks_takes_no_entrys_place(tmp_path, monkeypatch):
    monkeypatch.setattr("fer_lib.results.commit", lambda: "0" * 40)
    ledger = tmp_path / "ledger"
    shutil.copytree(LEDGER, ledger)
    held, before = read("controls", ledger), (ledger / "controls.json").read_bytes()
    monkeypatch.setattr(
        "fer_lib.cli.reproduce._controls", lambda *at: replace(held, recorded="2099-01-01") if at[-1] else None
    )
    words = ("reproduce", "controls", "--out", tmp_path / "none", "--ledger", ledger)
    assert "not recorded" in run(*words, "--no-record").output and (ledger / "controls.json").read_bytes() == before
    assert "recorded in" in run(*words).output and read("controls", ledger).recorded == "2099-01-01"  # same values

    other = replace(held, values={"networks": held.values["networks"][:1]})
    monkeypatch.setattr("fer_lib.cli.reproduce._controls", lambda *_: other)
    result = run(*words)
    assert result.exit_code == 0 and "The entry stays as it is; --replace writes" in result.output
    assert read("controls", ledger).values == held.values
    assert "recorded in" in run(*words, "--replace").output and read("controls", ledger).values == other.values


def test_what_changed_code_studied_may_be_looked_at_but_not_recorded(tmp_path, monkeypatch):
    studied = [{"network": "trained-fold00", "commit": "0" * 40 + "-dirty"}]
    monkeypatch.setattr("fer_lib.reproduction.summary.study_all", lambda *_: studied)
    monkeypatch.setattr("fer_lib.reproduction.networks.Pictures.__call__", lambda *_: None)
    monkeypatch.setattr("fer_lib.results.commit", lambda: "0" * 40)
    words = ("reproduce", "filters", "--out", tmp_path, "--ledger", tmp_path)
    result = run(*words, "--no-record")
    assert result.exit_code == 0 and "filters: not recorded" in result.output, result.output
    result = run(*words)
    assert result.exit_code == 2 and "trained-fold00 was studied by the code" in result.output
    assert not list(tmp_path.iterdir())


def test_recorded_cells_count_as_done_on_another_machine(tmp_path):
    block = blocks()["six-classes"]
    path = recorded_file(block, block.cells[0], tmp_path)
    path.parent.mkdir(parents=True)
    shutil.copy(recorded_file(block, block.cells[0]), path)
    assert listed(tmp_path / "none", tmp_path)["six-classes"][:3] == ["0", "1", "10"]


def test_filters_say_what_to_train_first(tmp_path):
    result = run("reproduce", "filters", "--no-record", "--out", tmp_path)
    assert result.exit_code == 2 and "fer-lib reproduce networks" in result.output


def test_a_changed_tree_is_refused_before_the_training(tmp_path, monkeypatch):
    monkeypatch.setattr("fer_lib.results.commit", lambda: "0" * 40 + "-dirty")
    monkeypatch.setattr("fer_lib.reproduction.runs.train", lambda *_, **__: pytest.fail("trained for nothing"))
    result = run("reproduce", "six-classes", "--out", tmp_path, "--ledger", tmp_path)
    assert result.exit_code == 2 and "commit the code, then record; nothing was started" in result.output


@pytest.mark.parametrize("key", ["C1a", "C2", "C3c"])
def test_verdicts_are_printed(key):
    assert key in run("ledger", "verdicts").output


def test_a_quick_check_of_an_empty_ledger_says_what_to_run(tmp_path):
    result = run("ledger", "--ledger", tmp_path, "verify", "--quick", "--out", tmp_path / "again")
    assert result.exit_code == 2 and "holds no entry" in result.output


def test_options_that_would_do_nothing_are_refused(tmp_path):
    result = run("reproduce", "networks", "--gpus", "1", "--out", tmp_path, "--ledger", tmp_path)
    assert result.exit_code == 2 and "--gpus was given and has no effect without --ray" in result.output
    result = run("reproduce", "networks", "--ray", "auto", "--jobs", "2", "--out", tmp_path, "--ledger", tmp_path)
    assert result.exit_code == 2 and "--jobs was given and has no effect on a Ray cluster" in result.output
    for words, message in (
        (("filters", "--jobs", "2"), "--jobs was given and has no effect on filters"),
        (("people", "--device", "cpu"), "--device was given and has no effect on people"),
        (("networks", "--no-training", "--device", "cpu"), "--device was given and has no effect with --no-training"),
        (("networks", "--no-record", "--replace"), "--replace was given and has no effect with --no-record"),
    ):
        result = run("reproduce", *words, "--out", tmp_path, "--ledger", tmp_path)
        assert result.exit_code == 2 and message in result.output, result.output
    result = run("ledger", "verify", "--cells", "5")
    assert result.exit_code == 2 and "--cells was given and has no effect without --quick" in result.output
