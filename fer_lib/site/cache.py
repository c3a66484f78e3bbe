"""The key of the execution cache: what a chapter's numbers depend on beside its own cells."""

import hashlib
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

KEPT_CACHES = 3
UNFINISHED = ".unfinished"
RECIPES = ("environment.yml", "requirements.lock")
OUTSIDE_THE_CELLS = (
    "checks",
    "classroom",
    "cli",
    "site",
    "widgets/js",
    "widgets/assets",
)  # no cell's result depends on these
SUFFIXES = {".py", ".js", ".json", ".npz", ".safetensors"}


def execution_digest(root: Path) -> str:
    """Hash of the package, its data, the ledger, the recipes of the environment, Python, and the reader's data paths.

    jupyter-cache keys on the cells alone, so an edit to `fer_lib` would re-run nothing; this key re-runs every
    chapter, and going back to the old code finds the old results again.
    """
    digest = hashlib.sha256(sys.version.encode())
    for path in _sources(root):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    for name, value in sorted(os.environ.items()):
        if name.startswith("FER_LIB_") and name not in {"FER_LIB_CACHE", "FER_LIB_CHROMIUM"}:
            digest.update(f"{name}={value}".encode())
    return digest.hexdigest()[:16]


def _sources(root: Path) -> Iterator[Path]:
    package = root / "fer_lib"
    yield from (root / name for name in RECIPES if (root / name).exists())
    yield from sorted((root / "book" / "results").glob("*.json"))
    for path in sorted(package.rglob("*")):
        outside = any(path.is_relative_to(package / room) for room in OUTSIDE_THE_CELLS)
        if path.is_file() and path.suffix in SUFFIXES and not outside:
            yield path


def site_digest(package: Path) -> str:
    """Hash of the code that turns texts into pages: when it changes, all pages are made again, none is executed."""
    digest = hashlib.sha256()
    for path in sorted(package.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def cache_folder(root: Path, build: Path) -> Path:
    """The cache for the package as it is now, under `build`; the oldest beyond KEPT_CACHES are removed."""
    folder = build / ".execution" / execution_digest(root)
    folder.mkdir(parents=True, exist_ok=True)
    os.utime(folder)
    by_age = sorted(folder.parent.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
    for old in by_age[KEPT_CACHES:]:
        shutil.rmtree(old)
    return folder


def begin(build: Path, doctrees: Path) -> None:
    """Mark the build as begun. After one that did not end well Sphinx starts anew, executed chapters kept.

    Else Sphinx would neither write a half-written page again nor repeat the warnings of pages it has read.
    """
    mark = build / UNFINISHED
    if mark.exists():
        shutil.rmtree(doctrees, ignore_errors=True)
    build.mkdir(parents=True, exist_ok=True)
    mark.touch()


def finish(build: Path) -> None:
    """Take the mark of `begin` away: the build ended well."""
    (build / UNFINISHED).unlink(missing_ok=True)


def remove_old_pages(html: Path, pages: set[str]) -> None:
    """Delete what the site still holds of pages that the book no longer has."""
    for folder, suffixes in (("book", {".html"}), ("_sources/book", {".md", ".ipynb"})):
        for path in list((html / folder).rglob("*")):
            page = path.relative_to(html).as_posix().removeprefix("_sources/")
            if path.suffix in suffixes and page.removesuffix(path.suffix) not in pages:
                path.unlink()
