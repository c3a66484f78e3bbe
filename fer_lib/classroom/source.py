"""One source an assignment: MyST text with solutions, hints and nbgrader's marks on its cells."""

from __future__ import annotations

import copy
import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path

import jupytext
from nbformat import NotebookNode

from fer_lib.errors import UserError

FOLDER = Path(__file__).parents[2] / "book" / "assignments"
STUB = "# YOUR CODE HERE"
CARD = re.compile(
    r"^\*Difficulty (?P<difficulty>\d) of 5 · importance (?P<importance>\d) of 5 · (?P<minutes>\d+) minutes · "
    r"(?P<points>\d+) points(?P<hand>, graded by hand)?\*$",
    re.MULTILINE,
)
_MARKS = {"grade": False, "solution": False, "locked": False, "task": False, "schema_version": 3}


@dataclass(frozen=True)
class Exercise:
    """What an exercise's card says."""

    title: str
    difficulty: int
    importance: int
    minutes: int
    points: int
    by_hand: bool


def sources(folder: Path = FOLDER / "source") -> list[Path]:
    """The assignments' sources, in order. Raises UserError if there are none."""
    found = sorted(folder.glob("[0-9][0-9]-*.md"))
    if not found:
        raise UserError(f"{folder}: holds no assignment (01-….md); run this in a checkout of the project")
    return found


def read_source(path: Path) -> NotebookNode:
    """The teacher's notebook: solutions in, nbgrader's marks completed, cell ids that never change."""
    notebook = jupytext.read(path, fmt="md:myst")
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"{path.stem}-{number}"
        marks = cell.metadata.get("nbgrader")
        if marks is not None:
            # nbgrader itself locks every cell that is graded without being an answer
            locked = bool(marks.get("grade")) and not marks.get("solution")
            cell.metadata["nbgrader"] = _MARKS | {"cell_type": cell.cell_type, "locked": locked} | dict(marks)
    notebook.metadata.pop("jupytext", None)
    notebook.metadata["language_info"] = {"name": "python", "pygments_lexer": "ipython3"}
    notebook.metadata["mystnb"] = {"execution_mode": "off"}
    notebook.metadata["fer_lib"] = {"assignment": path.stem, "release": _release(notebook)}
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return notebook


def _release(notebook: NotebookNode) -> str:
    """Twelve digits that change whenever anything that is handed out or graded changes."""
    content = [(cell.cell_type, cell.source, cell.metadata.get("nbgrader")) for cell in notebook.cells]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]


def learners_notebook(teachers: NotebookNode) -> NotebookNode:
    """The notebook to hand out: nbgrader's own preprocessors take solutions, hidden tests and marks out."""
    from nbgrader import preprocessors
    from traitlets.config import Config

    notebook, config = copy.deepcopy(teachers), Config(clear_config())
    # the order of `nbgrader generate_assignment`
    for name in (
        *("LockCells", "ClearSolutions", "ClearOutput", "CheckCellMetadata"),
        *("ClearHiddenTests", "ClearMarkScheme", "ComputeChecksums"),
    ):
        notebook, _ = getattr(preprocessors, name)(config=config).preprocess(notebook, {})
    return notebook


def clear_config() -> dict:
    """How nbgrader stubs what it takes out: a comment, so that the scaffold around it still runs."""
    return {"ClearSolutions": {"code_stub": {"python": STUB}, "text_stub": "*Your answer here.*"}}


def exercises(notebook: NotebookNode) -> list[Exercise]:
    """The cards of an assignment, in order."""
    found = []
    for cell in notebook.cells:
        for match in CARD.finditer(cell.source) if cell.cell_type == "markdown" else ():
            title = re.findall(r"^## (.+)$", cell.source[: match.start()], re.MULTILINE)[-1]
            numbers = (int(match[name]) for name in ("difficulty", "importance", "minutes", "points"))
            found.append(Exercise(title, *numbers, by_hand=bool(match["hand"])))
    return found


def title_of(notebook: NotebookNode) -> str:
    """The first heading."""
    return notebook.cells[0].source.splitlines()[0].removeprefix("# ")


def marked(notebook: NotebookNode, mark: str) -> dict[str, NotebookNode]:
    """Cells with one of nbgrader's marks ("grade", "solution") by their grade_id."""
    cells = (cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get(mark))
    return {cell.metadata["nbgrader"]["grade_id"]: cell for cell in cells}
