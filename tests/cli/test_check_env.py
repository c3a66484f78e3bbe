"""`fer-lib check-env` finds what is there, what lacks, and says the cure."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from packaging.requirements import Requirement

from fer_lib.cli.check_env import _package, check_env


def test_this_environment_passes() -> None:
    result = CliRunner().invoke(check_env)
    assert result.exit_code == 0, result.output
    assert "OK   torch and torchvision import" in result.output


@pytest.mark.parametrize(
    ("requirement", "found"), [("no-such-package-here>=1", "not installed"), ("numpy>=99", "2.")], ids=["absent", "old"]
)
def test_missing_and_old_packages_name_the_cure(requirement: str, found: str) -> None:
    check = _package(Requirement(requirement))
    assert check.ok is False and check.found.startswith(found)
    assert check.cure == f'pip install "{requirement}"'


def test_wrong_data_path_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FER_LIB_CKPLUS", str(tmp_path / "nowhere"))
    result = CliRunner().invoke(check_env)
    assert result.exit_code == 1
    assert f"FAIL FER_LIB_CKPLUS: nothing at {tmp_path / 'nowhere'}" in result.output


def test_unwritable_cache_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("FER_LIB_CACHE", str(tmp_path / "file" / "cache"))
    result = CliRunner().invoke(check_env)
    assert result.exit_code == 1 and "set FER_LIB_CACHE elsewhere" in result.output
