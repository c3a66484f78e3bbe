"""`fer-lib check-env` finds what is there, what lacks, and says the cure."""

import shutil
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from packaging.requirements import Requirement

from fer_lib.cli.check_env import _package, check_env, environment


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


def test_home_is_understood_as_the_loaders_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for folder in ("home/data", "work"):
        (tmp_path / folder).mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("FER_LIB_CACHE", "~/mycache")
    monkeypatch.setenv("FER_LIB_CKPLUS", "~/data")
    output = CliRunner().invoke(check_env).output
    assert f"OK   cache folder can be written: {tmp_path}/home/mycache" in output
    assert f"OK   FER_LIB_CKPLUS: {tmp_path}/home/data" in output
    assert not list((tmp_path / "work").iterdir())


@pytest.mark.parametrize(("book", "ok"), [(False, None), (True, False)])
def test_a_disk_that_is_nearly_full_stops_only_who_builds(
    monkeypatch: pytest.MonkeyPatch, book: bool, ok: bool
) -> None:
    usage = shutil.disk_usage(".")._replace(free=10**9)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    disk = next(check for check in environment(book) if "free disk" in check.need)
    assert (disk.ok, disk.found) == (ok, "1.0 GB")


def test_a_package_that_the_data_need_is_told_not_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fer_lib.data", None)
    needs = [check.need for check in environment()]
    assert "Chromium, to test the pages" in needs and "cache folder can be written" not in needs
