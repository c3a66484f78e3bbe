"""What learners hand in: find the notebook, put back what is missing, say what was wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from fer_lib.classroom.source import STUB
from fer_lib.errors import UserError

LOOK = "look"  # the tag of cells that only show something: no grade needs them
LARGEST = 20 * 2**20  # bytes; ours have some 30 kB


@dataclass(frozen=True)
class Submission:
    """A notebook fit for grading, and notes for the teacher on what had to be mended."""

    notebook: NotebookNode
    notes: tuple[str, ...]


def read_submission(folder: Path, release: NotebookNode) -> Submission:
    """The submission in `folder` for the assignment whose released notebook is given.

    A renamed file, missing cells and a notebook of an older release are mended and noted. Raises UserError where there
    is nothing to grade: no notebook, several, a broken file, another assignment's notebook.
    """
    path, notes = _the_file(folder, _name(release))
    notebook = _read(path)
    ours, theirs = _ids(release), _ids(notebook)
    if not ours & theirs:
        other = notebook.metadata.get("fer_lib", {}).get("assignment", "something else")
        raise UserError(f"{path.name} is {other}, not {_name(release)}: it holds none of this assignment's cells")
    made_from = notebook.metadata.get("fer_lib", {}).get("release")
    if made_from != (today := release.metadata["fer_lib"]["release"]):
        notes.append(f"made from release {made_from or 'unknown'}, graded by the checks of release {today}")
    missing = _put_back(notebook, release)
    if missing:
        notes.append(f"cells missing and put back as handed out: {', '.join(missing)}")
    if untouched(notebook):
        notes.append("nothing was filled in")
    notebook.cells = [cell for cell in notebook.cells if LOOK not in cell.metadata.get("tags", ())]
    return Submission(_without_outputs(notebook), tuple(notes))


def _the_file(folder: Path, name: str) -> tuple[Path, list[str]]:
    found = [path for path in sorted(folder.glob("*.ipynb")) if not path.is_symlink()]
    wanted = folder / f"{name}.ipynb"
    if wanted in found:
        return wanted, [f"{len(found) - 1} further notebooks ignored"] if len(found) > 1 else []
    if len(found) != 1:
        raise UserError(f"{folder} holds {len(found)} notebooks and none is called {wanted.name}; expected that one")
    return found[0], [f"{found[0].name} was taken as {wanted.name}"]


def _read(path: Path) -> NotebookNode:
    if path.stat().st_size > LARGEST:
        raise UserError(f"{path.name} has {path.stat().st_size / 2**20:.0f} MiB; expected at most {LARGEST // 2**20}")
    try:
        notebook = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
        nbformat.validate(notebook)
    except Exception as error:  # nbformat raises a dozen types for the many ways to break a file
        raise UserError(f"{path.name} is not a notebook ({type(error).__name__}); ask for the file again") from error
    return notebook


def _name(release: NotebookNode) -> str:
    return release.metadata["fer_lib"]["assignment"]


def _id(cell: NotebookNode) -> str | None:
    marks = cell.metadata.get("nbgrader")
    return marks.get("grade_id") if isinstance(marks, dict) else None


def _ids(notebook: NotebookNode) -> set[str]:
    return {name for cell in notebook.cells if (name := _id(cell))}


def _put_back(notebook: NotebookNode, release: NotebookNode) -> list[str]:
    """Insert each missing marked cell, as released, behind the one it follows; return their names."""
    missing, place = [], 0
    for cell in release.cells:
        if not (name := _id(cell)):
            continue
        places = [number for number, other in enumerate(notebook.cells) if _id(other) == name]
        if not places:
            missing.append(name)
            notebook.cells.insert(place, cell.copy())
            places = [place]
        place = places[-1] + 1
    return missing


def untouched(notebook: NotebookNode) -> bool:
    """Whether every code answer still shows the stub."""
    answers = [cell for cell in notebook.cells if _is_answer(cell) and cell.cell_type == "code"]
    return all(STUB in cell.source for cell in answers)


def _is_answer(cell: NotebookNode) -> bool:
    return bool(_id(cell)) and bool(cell.metadata["nbgrader"].get("solution"))


def _without_outputs(notebook: NotebookNode) -> NotebookNode:
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook
