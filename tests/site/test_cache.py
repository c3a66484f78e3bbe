"""The execution cache's key changes with what a result depends on, and with nothing else."""

import os
from pathlib import Path

import pytest

from fer_lib.site.cache import (
    KEPT_CACHES,
    begin,
    cache_folder,
    execution_digest,
    finish,
    remove_old_pages,
    site_digest,
)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in list(os.environ):
        if name.startswith("FER_LIB_"):
            monkeypatch.delenv(name)
    for name in ("fer_lib/model.py", "fer_lib/site/plotly.py", "environment.yml", "book/results/run.json", "book/a.md"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("one")
    return tmp_path


@pytest.mark.parametrize("name", ["fer_lib/model.py", "environment.yml", "book/results/run.json"])
def test_results_key_on_package_recipe_and_ledger(project: Path, name: str) -> None:
    before = execution_digest(project)
    (project / name).write_text("two")
    assert execution_digest(project) != before
    (project / name).write_text("one")
    assert execution_digest(project) == before


@pytest.mark.parametrize("name", ["fer_lib/site/plotly.py", "book/a.md"])
def test_text_and_site_change_no_result(project: Path, name: str) -> None:
    before = execution_digest(project)
    (project / name).write_text("two")
    assert execution_digest(project) == before


def test_own_data_have_their_own_results(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = execution_digest(project)
    monkeypatch.setenv("FER_LIB_CKPLUS", "/data/ckplus")
    assert execution_digest(project) != before
    monkeypatch.delenv("FER_LIB_CKPLUS")
    monkeypatch.setenv("FER_LIB_CACHE", "/elsewhere")
    assert execution_digest(project) == before


def test_old_caches_are_removed_and_the_current_one_kept(project: Path) -> None:
    folders = []
    for number in range(KEPT_CACHES + 2):
        (project / "fer_lib" / "model.py").write_text(str(number))
        folders.append(cache_folder(project, project / "_build"))
        os.utime(folders[-1], (number, number))
    kept = set((project / "_build" / ".execution").iterdir())
    assert len(kept) == KEPT_CACHES and folders[-1] in kept and folders[0] not in kept


def test_after_an_interrupted_build_sphinx_starts_anew_and_only_then(tmp_path: Path) -> None:
    doctrees = tmp_path / ".doctrees"
    doctrees.mkdir()
    begin(tmp_path, doctrees)
    assert doctrees.exists()
    begin(tmp_path, doctrees)  # the first never finished
    assert not doctrees.exists()
    doctrees.mkdir()
    finish(tmp_path)
    begin(tmp_path, doctrees)
    assert doctrees.exists()


def test_pages_that_are_gone_leave_the_site(tmp_path: Path) -> None:
    for name in ("book/a.html", "book/x/b.html", "_sources/book/a.md", "_sources/book/x/b.md", "search.html"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    remove_old_pages(tmp_path, {"book/x/b"})
    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {"book/x/b.html", "_sources/book/x/b.md", "search.html"}


def test_site_code_makes_pages_anew(tmp_path: Path) -> None:
    (tmp_path / "quiz.py").write_text("one")
    before = site_digest(tmp_path)
    assert site_digest(tmp_path) == before
    (tmp_path / "quiz.py").write_text("two")
    assert site_digest(tmp_path) != before
