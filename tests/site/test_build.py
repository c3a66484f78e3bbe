"""A small book of two pages, built as the real one is: what runs again, what stops it, what a kill leaves."""

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fer_lib.site import build as site_build
from fer_lib.site.build import told

CONFIG = """
title: A small book
only_build_toc_files: true
exclude_patterns: [_build]
execute: {execute_notebooks: cache, timeout: 60, raise_on_error: true}
repository: {url: "https://github.com/owner/name", branch: main}
html: {baseurl: "https://example.org/small/"}
sphinx:
  recursive_update: true
  extra_extensions: [fer_lib.site.extension]
  config: {mathjax_path: x.js, templates_path: [TEMPLATES], html_context: {default_mode: auto}}
"""
TEMPLATES = Path(__file__).parents[2] / "book" / "site" / "templates"
HEAD = """---
jupytext: {text_representation: {extension: .md, format_name: myst}}
kernelspec: {display_name: Python 3, language: python, name: python3}
---

# One

What it is.

"""


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("small")
    (root / "book").mkdir()
    (root / "_config.yml").write_text(CONFIG.replace("TEMPLATES", str(TEMPLATES)))
    (root / "_toc.yml").write_text("format: jb-book\nroot: book/index\nchapters:\n  - file: book/01-one\n")
    (root / "book" / "references.bib").write_text("")
    (root / "book" / "index.md").write_text("# Start\n\n[one](01-one.md)\n")
    return root


def write_cell(root: Path, code: str) -> None:
    (root / "book" / "01-one.md").write_text(f"{HEAD}```{{code-cell}} ipython3\n{code}\n```\n")


def command() -> list[str]:
    return [sys.executable, "-m", "fer_lib.site.build"]


def build(root: Path) -> tuple[int, str]:
    done = subprocess.run(command(), cwd=root, capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout + done.stderr


def test_a_full_disk_is_called_so() -> None:
    try:
        try:
            raise OSError(errno.ENOSPC, "No space left on device")
        except OSError as cause:
            raise RuntimeError("There was an error in building your book") from cause
    except RuntimeError as error:
        assert told(error).startswith("The disk is full.") and "make clean" in told(error)


def wrapped(cause: BaseException) -> RuntimeError:
    """As Jupyter Book and click raise it."""
    error = RuntimeError("box: Look above for the cause.")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (SystemExit(1), "The book was not built: each warning above names its file and line."),
        (KeyError("x"), "The book was not built: KeyError: 'x'"),
        (RuntimeError("no _toc.yml"), "The book was not built: RuntimeError: no _toc.yml"),
        (wrapped(PermissionError(13, "Permission denied", "_build/html")),
         "The book was not built: PermissionError: [Errno 13] Permission denied: '_build/html'"),
        (wrapped(KeyboardInterrupt()), "Interrupted; executed chapters are kept."),
        (SystemExit(KeyboardInterrupt()), "Interrupted; executed chapters are kept."),
    ],
    ids=["warnings", "stranger", "jupyter-book", "wrapped", "interrupted", "interrupted-in-sphinx"],
)  # fmt: skip
def test_what_stopped_a_build_is_told_apart(error: BaseException, words: str) -> None:
    assert told(error) == words


def test_warnings_are_told_too(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    monkeypatch.setattr(site_build.jupyter_book, "main", lambda *_, **__: sys.exit(1))
    monkeypatch.setattr(site_build, "environment", lambda book: [])
    with pytest.raises(SystemExit, match="1"):
        site_build.main()
    assert "each warning above names its file and line" in capsys.readouterr().err


def test_a_book_through_its_troubles(book: Path) -> None:
    write_cell(book, "import time\nopen('began', 'w').close()\ntime.sleep(60)")
    killed = subprocess.Popen(command(), cwd=book, start_new_session=True, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not (book / "book" / "began").exists():
        assert time.monotonic() < deadline
        time.sleep(0.2)
    os.killpg(killed.pid, signal.SIGKILL)

    write_cell(book, "x = 1\nraise ValueError('no such thing')")
    code, said = build(book)
    last = said[said.index("The book was not built") :]
    assert code != 0 and "01-one.md, line 11: cell 1 of 1 failed" in last and "ValueError: no such thing" in last
    assert "Traceback" not in last

    write_cell(book, "print('well ' + 'done')")
    code, said = build(book)
    assert code == 0 and "book/01-one: executing" in said and "Executing notebook using" not in said, said
    page = (book / "_build" / "html" / "book" / "01-one.html").read_text()
    assert "well done" in page

    code, said = build(book)
    assert code == 0 and "executing" not in said and "book/01-one: 1 cells" in said

    for link in ("mybinder.org/v2/gh/owner/name/main", "owner/name/edit/main/book/01-one.md", "owner/name/issues/new"):
        assert link in page
    assert 'content="What it is."' in page and "https://example.org/small/book/01-one.html" in page
    download = book / "_build" / "html" / "_sources" / "book" / "01-one.ipynb"
    assert "git+https://github.com/owner/name@main" in download.read_text()
    assert 'href="/small/"' in (book / "_build" / "html" / "404.html").read_text()
    root = (book / "_build" / "html" / "index.html").read_text()
    assert 'content="0; url=book/index.html"' in root and '<a href="book/index.html">' in root and "<title>" in root
    assert "https://example.org/small/book/01-one.html" in (book / "_build" / "html" / "sitemap.xml").read_text()
