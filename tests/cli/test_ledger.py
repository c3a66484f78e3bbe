"""`fer-lib ledger` says that a ledger is sound only where there is one."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from fer_lib.cli import main


def run(*arguments):
    return CliRunner().invoke(main, ["ledger", *map(str, arguments)])


@pytest.mark.parametrize("command", ["verify", "list"])
def test_a_folder_without_entries_is_named(tmp_path: Path, command: str) -> None:
    for folder, found in ((tmp_path / "nowhere", "no such folder"), (tmp_path, "holds no entry")):
        result = run("--ledger", folder, command)
        assert result.exit_code == 2 and f"{folder}: {found}; expected a ledger" in result.output
        assert "sound" not in result.output


def test_the_books_ledger_is_counted_and_listed() -> None:
    checked, listed = run("verify"), run("list")
    assert checked.exit_code == listed.exit_code == 0, checked.output
    count = sum(not line.startswith(" ") for line in listed.output.splitlines())
    assert count > 0 and f"{count} entries are sound" in checked.output


def test_a_seed_below_zero_is_refused() -> None:
    result = run("verify", "--quick", "--seed", "-1")
    assert result.exit_code == 2 and "'--seed': -1" in result.output
