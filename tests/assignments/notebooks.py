"""Notebooks to hand in, and running their cells without a kernel."""

from __future__ import annotations

import contextlib
import copy
import io
from functools import cache
from pathlib import Path

from nbformat import NotebookNode

from fer_lib.classroom.source import learners_notebook, marked, read_source, sources
from tests.assignments.wrong import Wrong


@cache
def _read() -> dict[str, tuple[NotebookNode, NotebookNode]]:
    books = {path.stem: read_source(path) for path in sources()}
    return {name: (book, learners_notebook(book)) for name, book in books.items()}


def names() -> list[str]:
    return [path.stem for path in sources()]


def right(name: str) -> NotebookNode:
    """The hand-out with every solution filled in, as a learner would hand it in."""
    teachers, learners = _read()[name]
    return with_answers(learners, {place: cell.source for place, cell in marked(teachers, "solution").items()})


def untouched(name: str) -> NotebookNode:
    return copy.deepcopy(_read()[name][1])


def with_answers(notebook: NotebookNode, answers: dict[str, str]) -> NotebookNode:
    notebook = copy.deepcopy(notebook)
    for place, cell in marked(notebook, "solution").items():
        cell.source = answers.get(place, cell.source)
    return notebook


def with_mistake(name: str, wrong: Wrong) -> NotebookNode:
    notebook = right(name)
    cell = marked(notebook, "solution")[wrong.cell]
    assert wrong.old in cell.source, f"{wrong}: the solution has changed"
    cell.source = cell.source.replace(wrong.old, wrong.new)
    return notebook


def run_checks(notebook: NotebookNode) -> dict[str, str]:
    """What each check says: '' where it passes."""
    space: dict = {"__name__": "notebook"}
    said = {}
    for cell in notebook.cells:
        if cell.cell_type != "code" or "look" in cell.metadata.get("tags", ()):
            continue
        marks = cell.metadata.get("nbgrader", {})
        with contextlib.redirect_stdout(io.StringIO()):
            if not marks.get("grade"):
                exec(compile(cell.source, "answer", "exec"), space)
                continue
            try:
                exec(compile(cell.source, "check", "exec"), space)
                said[marks["grade_id"]] = ""
            except Exception as error:
                said[marks["grade_id"]] = f"{type(error).__name__}: {error}"
    return said


def what_is_printed(notebook: NotebookNode) -> str:
    """What the cells that only show something print, run with the notebook's answers."""
    space: dict = {"__name__": "notebook"}
    said = io.StringIO()
    for cell in notebook.cells:
        if cell.cell_type == "code" and not cell.metadata.get("nbgrader", {}).get("grade"):
            with contextlib.redirect_stdout(said):
                exec(compile(cell.source, "cell", "exec"), space)
    return said.getvalue()


def points(notebook: NotebookNode) -> dict[str, float]:
    graded = marked(notebook, "grade").items()
    return {place: cell.metadata["nbgrader"]["points"] for place, cell in graded if cell.cell_type == "code"}


BOOK = Path(__file__).parents[2] / "book" / "assignments"
