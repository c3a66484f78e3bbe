"""Grade a batch: `python -m fer_lib.classroom.grade COURSE ASSIGNMENT`. One bad submission never stops the others.

Submissions lie where nbgrader expects them, COURSE/submitted/LEARNER/ASSIGNMENT/. nbgrader's own autograder does the
work; a submission that it cannot finish (the kernel died, the time was up) scores zero with the reason. The table goes
to COURSE/scores-ASSIGNMENT.csv, and nbgrader's gradebook holds the same scores for hand-grading in its formgrader.
"""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import click
import nbformat
import pandas as pd
from nbformat import NotebookNode
from tqdm import tqdm

from fer_lib.classroom.course import SECONDS_A_CELL, open_course
from fer_lib.classroom.guard import SECONDS
from fer_lib.classroom.nursery import nursery
from fer_lib.classroom.source import marked
from fer_lib.classroom.submission import read_submission
from fer_lib.errors import UserError
from fer_lib.files import write_atomic, write_text

STAGED = "staged"  # mended copies; what learners handed in is left as it is


@dataclass(frozen=True)
class Graded:
    """One learner's points by check, what is still to be graded by hand, and notes."""

    learner: str
    points: dict[str, float]
    by_hand: tuple[str, ...]
    note: str


def grade(root: Path, assignment: str, *, seconds_a_cell: int = SECONDS_A_CELL, seconds: int = 600) -> pd.DataFrame:
    """Grade every learner's submission of one assignment; one row each: learner, points, of, each check, by_hand, note.

    A cell may run `seconds_a_cell`, a submission `seconds`. Raises UserError if the course lacks the assignment.
    """
    root = root.resolve()
    path = root / "release" / assignment / f"{assignment}.ipynb"
    if not path.is_file():
        raise UserError(f"{root}: no assignment {assignment!r}; it has {', '.join(_names(root / 'release')) or 'none'}")
    release = nbformat.read(path, as_version=4)
    settings = {"CourseDirectory__submitted_directory": STAGED, "Execute__timeout": seconds_a_cell}
    api = open_course(root, **settings)
    os.environ[SECONDS] = str(seconds)  # the kernels inherit it
    learners = _names(root / "submitted")
    with nursery():
        rows = [_grade_one(api, root, learner, release) for learner in tqdm(learners, desc=assignment, disable=None)]
    table = _table(rows, release)
    write_atomic(root / f"scores-{assignment}.csv", lambda partial: table.to_csv(partial, index=False))
    return table


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []


def _grade_one(api, root: Path, learner: str, release: NotebookNode) -> Graded:
    assignment = release.metadata["fer_lib"]["assignment"]
    zero = dict.fromkeys(_checks(release), 0.0)
    staged = root / STAGED / learner / assignment
    try:
        submission = read_submission(root / "submitted" / learner / assignment, release)
        shutil.rmtree(staged, ignore_errors=True)
        write_text(staged / f"{assignment}.ipynb", nbformat.writes(submission.notebook))
    except (UserError, OSError) as error:
        return Graded(learner, zero, (), f"not graded: {error}")
    except Exception as error:  # what a notebook can hold and still be valid has no end
        return Graded(learner, zero, (), f"not graded, the notebook is odd: {type(error).__name__}: {error}")
    outcome = api.autograde(assignment, learner, force=True, create=True)
    if not outcome["success"]:
        notes = (*submission.notes, f"zero, nbgrader could not finish: {_reason(outcome)}")
        return Graded(learner, zero, (), "; ".join(notes))
    points, by_hand = _points(api, assignment, learner)
    return Graded(learner, zero | points, by_hand, "; ".join(submission.notes))


def _reason(outcome: dict) -> str:
    """The last error that nbgrader logged, in one line."""
    text = outcome.get("log", "") + outcome.get("error", "")
    if "DeadKernelError" in text:
        return "the kernel died or its time was up (an exit, a crash, an endless loop, too much memory)"
    errors = re.findall(r"^\S*(?:Error|Exception): .*$", text, re.MULTILINE)
    return errors[-1][:200] if errors else "see nbgrader's log"


def _checks(release: NotebookNode) -> dict[str, float]:
    """Points of each automatic check."""
    graded = marked(release, "grade").items()
    return {name: float(cell.metadata["nbgrader"]["points"]) for name, cell in graded if cell.cell_type == "code"}


def _points(api, assignment: str, learner: str) -> tuple[dict[str, float], tuple[str, ...]]:
    with api.gradebook as gradebook:
        grades = gradebook.find_submission_notebook(assignment, assignment, learner).grades
        by_hand = tuple(grade.name for grade in grades if grade.needs_manual_grade)
        return {grade.name: grade.auto_score for grade in grades if grade.auto_score is not None}, by_hand


def _table(rows: list[Graded], release: NotebookNode) -> pd.DataFrame:
    checks = _checks(release)
    return pd.DataFrame(
        [
            {"learner": row.learner, "points": sum(row.points[name] for name in checks), "of": sum(checks.values())}
            | {name: row.points[name] for name in checks}
            | {"by_hand": " ".join(row.by_hand), "note": row.note}
            for row in rows
        ]
    )


@click.command()
@click.argument("course", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.argument("assignment")
@click.option("--cell-seconds", default=SECONDS_A_CELL, show_default=True, help="A cell may run this long.")
@click.option("--seconds", default=600, show_default=True, help="A submission may run this long.")
def main(course: Path, assignment: str, cell_seconds: int, seconds: int) -> None:
    """Grade all submissions of ASSIGNMENT in the nbgrader course folder COURSE."""
    try:
        table = grade(course, assignment, seconds_a_cell=cell_seconds, seconds=seconds)
    except UserError as error:
        raise click.ClickException(str(error)) from error
    click.echo(table.to_string(index=False) if len(table) else f"{course / 'submitted'}: no submissions")
    click.echo(f"wrote {course / f'scores-{assignment}.csv'}")


if __name__ == "__main__":
    main()
