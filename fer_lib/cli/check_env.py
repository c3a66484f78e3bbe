"""`fer-lib check-env`: for each need, OK or what to do."""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

import click
from packaging.requirements import Requirement

from fer_lib.site.browser import find_chromium

FREE_DISK_GB = 3


@dataclass(frozen=True)
class Check:
    """One need: `ok` is None where the need is optional and not met."""

    need: str
    ok: bool | None
    found: str
    cure: str = ""


@click.command("check-env")
@click.option("--book", is_flag=True, help="Also check what building and testing the book needs.")
def check_env(book: bool) -> None:
    """Say for each need of this project OK, or what to do. Exit code 1 if a need is not met."""
    checks = list(environment(book))
    for check in checks:
        click.echo(f"{_word(check.ok):4} {check.need}: {check.found}")
        if not check.ok and check.cure:
            click.echo(f"     -> {check.cure}")
    sys.exit(1 if any(check.ok is False for check in checks) else 0)


def _word(ok: bool | None) -> str:
    return {True: "OK", False: "FAIL", None: "--"}[ok]


def environment(book: bool = False) -> Iterator[Check]:
    """Every check in the order in which a newcomer would mend them."""
    yield _python()
    yield from packages({"", "book", "test", "classroom"} if book else {""})
    yield _torch()
    yield _disk(book)
    yield from _data()
    yield _chromium(book)


def _python() -> Check:
    found = ".".join(map(str, sys.version_info[:3]))
    return Check("Python 3.11 or newer", sys.version_info >= (3, 11), found, "install Python 3.11 and make a new .venv")


def packages(extras: set[str]) -> Iterator[Check]:
    """Each requirement of fer-lib for the named extras ("" = always), met or not by what is installed."""
    for requirement in map(Requirement, requires("fer-lib") or []):
        if requirement.marker is None or any(requirement.marker.evaluate({"extra": extra}) for extra in extras):
            yield _package(requirement)


def _package(requirement: Requirement) -> Check:
    cure = f'pip install "{requirement.name}{requirement.specifier}"'
    try:
        found = version(requirement.name)
    except PackageNotFoundError:
        return Check(requirement.name, False, "not installed", cure)
    return Check(f"{requirement.name} {requirement.specifier}", found in requirement.specifier, found, cure)


def _torch() -> Check:
    try:
        import torch

        from fer_lib.compat import import_torchvision

        import_torchvision()
    except Exception as error:  # any failure to import is the finding
        return Check("torch and torchvision import", False, f"{type(error).__name__}: {error}", "reinstall both")
    device = f"GPU {torch.cuda.get_device_name()}" if torch.cuda.is_available() else "no GPU needed, none used"
    return Check("torch and torchvision import", True, f"{torch.get_num_threads()} threads; {device}")


def _data() -> Iterator[Check]:
    """The cache and the reader's own sets, where the loaders look for them; nothing when these lack a package."""
    try:
        from fer_lib.data import OWN, own_path
        from fer_lib.data.cache import cache_folder
    except ImportError:
        return  # told by `packages`
    yield _cache(cache_folder())
    for variable, name in OWN.items():
        if path := own_path(variable):
            yield _own(variable, name, path)


def _cache(folder: Path) -> Check:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        return Check("cache folder can be written", False, f"{folder}: {error.strerror}", "set FER_LIB_CACHE elsewhere")
    return Check("cache folder can be written", True, str(folder))


def _disk(needed: bool) -> Check:
    free = shutil.disk_usage(Path.cwd()).free / 1e9
    need = f"{FREE_DISK_GB} GB of free disk here, to build the book"
    return Check(need, free >= FREE_DISK_GB or (False if needed else None), f"{free:.1f} GB", "free some space")


def _own(variable: str, name: str, path: Path) -> Check:
    cure = f"point {variable} at the file or folder of your {name}, or unset it to use the embedded synthetic faces"
    return Check(variable, path.exists(), str(path) if path.exists() else f"nothing at {path}", cure)


def _chromium(needed: bool) -> Check:
    found = find_chromium()
    cure = "apt-get install chromium, or playwright install chromium, or set FER_LIB_CHROMIUM=/path/to/chrome"
    need = "Chromium, to test the pages"
    return Check(need, True, str(found)) if found else Check(need, False if needed else None, "none found", cure)
