"""The command group: lazy, quick to list, and plain about a user's error."""

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from fer_lib import cli
from fer_lib.errors import UserError


@click.command("broken")
def broken() -> None:
    raise UserError("faces.csv: found 3 columns, expected 4")


def test_help_lists_commands_without_torch() -> None:
    code = "import sys; from fer_lib.cli import main; main(['--help'], standalone_mode=False)"
    code += "; assert 'torch' not in sys.modules"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert "check-env" in result.stdout


def test_every_listed_command_has_help() -> None:
    for name in cli.main.list_commands(click.Context(cli.main)):
        result = CliRunner().invoke(cli.main, [name, "--help"])
        assert result.exit_code == 0, f"{name}: {result.output}{result.exception}"


def test_user_error_is_one_line_and_exit_2(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(cli.COMMANDS, "broken", f"{__name__}:broken")
    monkeypatch.setitem(sys.modules, __name__, sys.modules[__name__])
    result = CliRunner().invoke(cli.main, ["broken"])
    assert (result.exit_code, result.output) == (2, "Error: faces.csv: found 3 columns, expected 4\n")


def test_unknown_command_is_a_usage_error() -> None:
    result = CliRunner().invoke(cli.main, ["paint"])
    assert result.exit_code == 2 and "paint" in result.output
