"""The teacher's pack, one zip: `make teacher-pack`, or with private variants `make teacher-pack KEY=../key`."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import click
import nbformat
import pandas as pd
from nbformat import NotebookNode

from fer_lib.classroom.course import make_course
from fer_lib.classroom.key import Key, read_key
from fer_lib.classroom.source import FOLDER, exercises, marked, read_source, sources, title_of
from fer_lib.errors import UserError
from fer_lib.files import write_atomic, write_text

TARGET = FOLDER.parents[1] / "_build" / "teacher-pack.zip"
README = """# Teacher's pack

{key}

- `course/` is an nbgrader course folder, with the assignments already generated. Put what learners hand in into
  `course/submitted/LEARNER/ASSIGNMENT/`, then grade one assignment with either of

      python -m fer_lib.classroom.grade course ASSIGNMENT     (mends renamed files and missing cells, writes a table)
      cd course && nbgrader autograde ASSIGNMENT              (nbgrader alone)

  Both need nbgrader, which `make setup` installs in the project's `.venv` (switch it on first: `. .venv/bin/activate`
  in the project's folder; elsewhere there: `pip install ".[classroom]"`); no Docker, no hub and no network. Learners'
  code runs behind a fence (`fer_lib.classroom.guard`), which stops accidents and pranks; where grades are worth an
  attack, use a container.
- `course/release/` holds what to hand out. `course/source/` holds the hidden tests: keep it to yourself.
- `solutions/` holds the notebooks with solutions, `rubrics.md` what is graded by hand and how.
- `timings.csv` lists minutes, difficulty, importance and points of every exercise.
- `mutants.md` says how many deliberate errors the checks catch, and which they miss.

Hand-grading: `cd course && jupyter lab`, then the Nbgrader menu, then Formgrader, which keeps the points in nbgrader's
gradebook. The table is written anew whenever the assignment is graded, so points that you write into it do not last.
Scores of automatic checks come from the learner's own process: read what looks too good.
"""
PRIVATE = "Made with a private key: hidden cases follow from its secret. The same key makes the same pack."
PUBLIC = (
    "**Made without a private key**: the seeds of the hidden cases follow from a published word, so a learner could\n"
    "work them out. For grades that count, make the pack with a key: `make teacher-pack KEY=folder`."
)


def build(target: Path, key: Key, folder: Path = FOLDER) -> Path:
    """Write the pack. Raises UserError if a source or the key is broken, or the disk full."""
    paths = sources(folder / "source")
    if unknown := sorted(set(key.hidden) - {path.stem for path in paths}):
        known = ", ".join(path.stem for path in paths)
        raise UserError(f"the key has hidden tests for {unknown[0]!r}; expected file names among {known}")
    with tempfile.TemporaryDirectory() as scratch:
        room = Path(scratch) / "teacher-pack"
        make_course(room / "course", paths, key)
        notebooks = [read_source(path) for path in paths]
        for path, notebook in zip(paths, notebooks, strict=True):
            write_text(room / "solutions" / f"{path.stem}.ipynb", nbformat.writes(notebook) + "\n")
        write_text(room / "rubrics.md", "\n".join(["# What is graded by hand", "", *map(rubric, notebooks)]))
        write_text(room / "timings.csv", timings(notebooks).to_csv(index=False))
        write_text(room / "README.md", README.format(key=PRIVATE if key.private else PUBLIC))
        shutil.copy(folder / "mutants.md", room)
        archive = shutil.make_archive(str(Path(scratch) / "pack"), "zip", scratch, "teacher-pack")
        write_atomic(target, lambda partial: shutil.copy(archive, partial))
    return target


def timings(notebooks: list[NotebookNode]) -> pd.DataFrame:
    """Every exercise's card as a row."""
    rows = [vars(card) | {"assignment": title_of(notebook)} for notebook in notebooks for card in exercises(notebook)]
    return pd.DataFrame(rows)[["assignment", *vars(exercises(notebooks[0])[0])]]


def rubric(notebook: NotebookNode) -> str:
    """The exercises that a person grades: points, task, model answer."""
    parts = [f"## {title_of(notebook)}", ""]
    by_hand = {name: cell for name, cell in marked(notebook, "grade").items() if cell.cell_type == "markdown"}
    for name, cell in by_hand.items():
        task = notebook.cells[notebook.cells.index(cell) - 1].source.split("\n<details>")[0]
        points = cell.metadata["nbgrader"]["points"]
        parts += [task.replace("## ", "### ", 1), "", f"**Cell `{name}`, {points} points. A full answer:**", ""]
        parts += [f"> {line}" if line else ">" for line in cell.source.splitlines()] + [""]
    return "\n".join(parts)


@click.command()
@click.option("--key", type=click.Path(path_type=Path, exists=True, file_okay=False), help="The private key folder.")
@click.option("--to", type=click.Path(path_type=Path, dir_okay=False), default=TARGET, help="Where the zip goes.")
def main(key: Path | None, to: Path) -> None:
    """Write the teacher's pack."""
    try:
        found = read_key(key)
        click.echo(f"wrote {build(to, found)}")
    except UserError as error:
        raise click.ClickException(str(error)) from error
    if not found.private:
        click.echo("No private key: hidden cases can be worked out by learners. For grades that count: KEY=folder")


if __name__ == "__main__":
    main()
