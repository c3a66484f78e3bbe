"""nbgrader itself grades: untouched, right, named wrong, hostile and broken submissions, with exact scores."""

import os
import shutil
import time
from pathlib import Path

import nbformat
import pytest
from click.testing import CliRunner

from fer_lib.classroom.grade import grade, main
from fer_lib.classroom.landlock import _version
from fer_lib.classroom.nursery import PLACE
from fer_lib.classroom.source import marked
from tests.assignments.notebooks import names, points, right, untouched, with_mistake
from tests.assignments.wrong import WRONG

HOSTILE = "02-folds"


def hand_in(course, name, learner, notebook, file=None):
    folder = course / "submitted" / learner / name
    folder.mkdir(parents=True, exist_ok=True)
    text = notebook if isinstance(notebook, str) else nbformat.writes(notebook)
    (folder / (file or f"{name}.ipynb")).write_text(text)


def graded(course, name, **limits):
    table = grade(course, name, **limits).set_index("learner")
    shutil.rmtree(course / "submitted")
    (course / "submitted").mkdir()
    return table


def test_a_warning_costs_no_points(course):
    """nbgrader gives nothing to a cell that wrote to stderr; a right answer that returns tensors makes torch warn."""
    folder, name = course("01-zero-bias"), "01-zero-bias"
    warned = right(name)
    cell = marked(warned, "solution")["euler"]
    cell.source += "\n_euler = euler\n\n\ndef euler(*given):\n    import warnings\n\n"
    cell.source += "    warnings.warn('so so', stacklevel=1)\n    return _euler(*given)\n"
    hand_in(folder, name, "warned", warned)
    table = graded(folder, name, seconds_a_cell=120)
    assert table.loc["warned", "points"] == table.loc["warned", "of"]


@pytest.mark.parametrize("name", names())
def test_nbgrader_gives_exact_scores(course, name):
    folder, most = course(name), points(right(name))
    release = nbformat.read(folder / "release" / name / f"{name}.ipynb", as_version=4)
    assert [cell.source for cell in release.cells] == [cell.source for cell in untouched(name).cells]
    hand_in(folder, name, "untouched", untouched(name))
    hand_in(folder, name, "right", right(name))
    for wrong in WRONG[name][:5]:
        hand_in(folder, name, wrong.name, with_mistake(name, wrong))
    table = graded(folder, name, seconds_a_cell=120)
    assert table.loc["right", "points"] == table.loc["right", "of"] == sum(most.values())
    assert table.loc["right", "by_hand"] in untouched(name).cells[-1].metadata["nbgrader"]["grade_id"]
    assert table.loc["untouched", "points"] == 0 and table.loc["untouched", "note"] == "nothing was filled in"
    for wrong in WRONG[name][:5]:
        expected = {place: 0 if place in wrong.checks else value for place, value in most.items()}
        assert table.loc[wrong.name, list(most)].to_dict() == expected, wrong.name


def test_what_kernels_leave_lies_where_it_is_cleared(course):
    """A submission's scratch folder is the nursery's, which goes when grading ends."""
    code = "import tempfile; from pathlib import Path; Path('where.txt').write_text(tempfile.mkdtemp())"
    folder = course(HOSTILE)
    hand_in(folder, HOSTILE, "curious", answer(code))
    graded(folder, HOSTILE)
    (note,) = folder.rglob("where.txt")
    assert Path(note.read_text()).is_relative_to(Path(os.environ[PLACE]).parent)
    note.unlink()


def answer(code, cell="subject-groups"):
    notebook = untouched(HOSTILE)
    marked(notebook, "solution")[cell].source = code
    return notebook


def edited_check():
    notebook = untouched(HOSTILE)
    for cell in marked(notebook, "grade").values():
        if cell.cell_type == "code":
            cell.source = "print('Right')"
            cell.metadata["nbgrader"]["points"] = 100
    return notebook


STUBBORN = """
while True:
    try:
        while True:
            pass
    except BaseException:
        pass
"""
REPLACED = """
import fer_lib.checks.folds as module
for name in ("subject_groups", "fold_table", "shared_people", "selection_bias", "nearest_labels"):
    setattr(module, name, lambda *answers, **options: None)
"""


def test_hostile_submissions_score_zero_in_time_and_harm_nothing(course, tmp_path):
    folder, outside = course(HOSTILE), tmp_path / "outside.txt"
    outside.write_text("precious")
    harm = f"open({str(outside)!r}, 'w').write('gone')\nimport os; os.remove({str(outside)!r})"
    shell = f"import subprocess; subprocess.run(['rm', {str(outside)!r}])"
    hostile = {
        "loop": answer("while True: pass"),
        "stubborn": answer(STUBBORN),
        "prints": answer("for _ in range(400): print('x' * 100_000)"),
        "writes": answer(harm),
        "removes": answer(f"import os; os.remove({str(outside)!r})"),
        "shell": answer(shell),
        "gradebook": answer(f"import sqlite3; sqlite3.connect({str(folder / 'gradebook.db')!r})"),
        "native": answer(f"import ctypes; ctypes.CDLL(None).unlink({str(outside)!r}.encode())"),
        "edits": edited_check(),
        "replaces": answer(REPLACED),
        "crashes": answer("import os; os._exit(0)"),
    }
    for learner, notebook in hostile.items():
        hand_in(folder, HOSTILE, learner, notebook)
    hand_in(folder, HOSTILE, "zz-right", right(HOSTILE))
    start = time.monotonic()
    if _version() < 1:
        hostile.pop("native")  # without Landlock this one needs a container
        shutil.rmtree(folder / "submitted" / "native")
    table = graded(folder, HOSTILE, seconds_a_cell=8, seconds=25)
    assert time.monotonic() - start < 35 * len(table)
    assert outside.read_text() == "precious"
    assert (table.loc[list(hostile), "points"] == 0).all(), table.to_string()
    assert "kernel died" in table.loc["crashes", "note"]
    assert table.loc["zz-right", "points"] == table.loc["zz-right", "of"]
    autograded = folder / "autograded" / "prints" / HOSTILE / f"{HOSTILE}.ipynb"
    assert autograded.stat().st_size < 2**21


def test_broken_submissions_are_explained_and_the_others_graded(course):
    folder, name, full = course(HOSTILE), HOSTILE, sum(points(right(HOSTILE)).values())
    old, missing = right(name), right(name)
    old.metadata["fer_lib"]["release"] = "000000000000"
    gone = ("fold-table", "check-shared-people")
    missing.cells = [cell for cell in missing.cells if cell.metadata.get("nbgrader", {}).get("grade_id") not in gone]
    hand_in(folder, name, "old", old)
    hand_in(folder, name, "missing", missing)
    hand_in(folder, name, "renamed", right(name), "my homework (2).ipynb")
    hand_in(folder, name, "other", untouched("04-alignment"))
    hand_in(folder, name, "not-json", "this is no notebook")
    hand_in(folder, name, "two", right(name), "a.ipynb")
    hand_in(folder, name, "two", right(name), "b.ipynb")
    surrogate, unmarked, listed = right(name), right(name), right(name)
    surrogate.cells[0].source = "half an emoji: EMOJI"
    unmarked.metadata["fer_lib"] = None
    listed.cells[0].metadata["nbgrader"] = {"grade_id": ["a"], "grade": False, "schema_version": 3}
    hand_in(folder, name, "odd-letter", nbformat.writes(surrogate).replace("EMOJI", "\\ud83d"))
    hand_in(folder, name, "odd-marks", unmarked)
    hand_in(folder, name, "odd-id", listed)
    (folder / "submitted" / "nothing").mkdir()
    table = graded(folder, name, seconds_a_cell=120)
    odd = table.loc[["odd-letter", "odd-marks", "odd-id"]]
    assert odd["note"].str.startswith("not graded").all() and not odd["points"].any()
    assert table["points"].drop(odd.index).to_dict() == {
        **{"missing": full - 3, "not-json": 0, "nothing": 0, "old": full, "other": 0, "renamed": full, "two": 0}
    }
    says = {
        "missing": "cells missing and put back as handed out: fold-table, check-shared-people",
        "not-json": "is not a notebook",
        "nothing": "holds 0 notebooks",
        "old": "made from release 000000000000",
        "other": "is 04-alignment, not 02-folds",
        "renamed": "my homework (2).ipynb was taken as 02-folds.ipynb",
        "two": "holds 2 notebooks",
    }
    for learner, words in says.items():
        assert words in table.loc[learner, "note"], table.loc[learner, "note"]


def test_the_command_says_what_it_can_grade(course, tmp_path):
    outcome = CliRunner().invoke(main, [str(course(HOSTILE)), "02-fold"])
    assert outcome.exit_code == 1 and "it has 02-folds" in outcome.output
    (tmp_path / "release" / "x").mkdir(parents=True)
    (tmp_path / "release" / "x" / "x.ipynb").write_text(nbformat.writes(untouched(HOSTILE)))
    outcome = CliRunner().invoke(main, [str(tmp_path), "x"])
    assert outcome.exit_code == 1 and "holds no nbgrader_config.py" in outcome.output
