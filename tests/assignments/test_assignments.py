"""The sources, the notebooks made from them, and what their checks say."""

import re

import nbformat
import numpy as np
import pytest

from fer_lib.checks import intervention
from fer_lib.classroom.assignments import main, written
from fer_lib.classroom.source import STUB, exercises, marked, read_source, sources
from tests.assignments.notebooks import (
    BOOK,
    names,
    points,
    right,
    run_checks,
    untouched,
    what_is_printed,
    with_mistake,
)
from tests.assignments.wrong import WRONG


@pytest.mark.parametrize("source", sources(), ids=lambda path: path.stem)
def test_the_learners_notebook_is_fresh(source):
    target = BOOK / f"{source.stem}.ipynb"
    assert target.read_text() == written(read_source(source), source), f"{target} is stale: run `make assignments`"


def test_what_lacks_is_told_without_a_traceback(tmp_path):
    with pytest.raises(SystemExit, match="holds no assignment"):
        main(tmp_path)


@pytest.mark.parametrize("name", names())
def test_cards_hints_and_points_agree(name):
    teachers = read_source(BOOK / "source" / f"{name}.md")
    cards = exercises(teachers)
    graded = [cell.metadata["nbgrader"] for cell in marked(teachers, "grade").values()]
    assert [card.points for card in cards] == [marks["points"] for marks in graded]
    assert [card.by_hand for card in cards] == [marks["solution"] for marks in graded]
    headings = sum(cell.source.count("## Exercise") for cell in teachers.cells)
    text = "\n".join(cell.source for cell in teachers.cells if cell.cell_type == "markdown")
    assert len(cards) == headings and text.count("<details>") == 3 * headings
    assert "**You will be able to**" in teachers.cells[0].source
    assert f"About {sum(card.minutes for card in cards)} minutes" in teachers.cells[0].source


def test_five_assignments_with_names_of_their_own():
    taken = [place for name in names() for place in marked(untouched(name), "grade")]
    assert len(names()) == 5 and len(set(taken)) == len(taken)
    assert all(len(wrong) >= 5 for wrong in WRONG.values()) and set(WRONG) == set(names())


@pytest.mark.parametrize("name", names())
def test_learners_see_no_solution_and_their_scaffold_runs(name):
    notebook = untouched(name)
    assert "BEGIN" not in nbformat.writes(notebook)
    assert all(STUB in cell.source for cell in marked(notebook, "solution").values() if cell.cell_type == "code")
    said = run_checks(notebook)
    assert all(message.startswith("CheckFailed") for message in said.values()), said


@pytest.mark.parametrize("name", names())
def test_right_answers_pass_on_many_seeds(name):
    notebook = right(name)
    for seed in range(1, 6):
        for place, cell in marked(notebook, "grade").items():
            if cell.cell_type == "code" and place != "check-plan":
                cell.source = cell.source.split(")")[0].split(", seed")[0] + f", seed={seed})"
        said = run_checks(notebook)
        assert not any(said.values()) and set(said) == set(points(notebook)), said


@pytest.mark.parametrize(
    ("name", "wrong"), [pytest.param(name, w, id=f"{name}-{w.name}") for name in WRONG for w in WRONG[name]]
)
def test_a_named_mistake_is_diagnosed(name, wrong):
    said = run_checks(with_mistake(name, wrong))
    assert tuple(place for place, message in said.items() if message) == wrong.checks
    assert wrong.says in said[wrong.checks[0]] and said[wrong.checks[0]].startswith("CheckFailed"), said


@pytest.mark.parametrize("name", [name for name in names() if name[:2] in ("03", "04", "05")])
def test_model_answers_quote_what_the_cells_print(name):
    notebook = right(name)
    answer = "".join(cell.source for cell in marked(notebook, "solution").values() if cell.cell_type == "markdown")
    quoted = set(re.findall(r"\d+\.\d\d+", answer)) - {"0.05"}  # the level is a rule, not a result
    assert len(quoted) >= 2 and quoted <= set(re.findall(r"\d+\.\d\d+", what_is_printed(notebook)))


PLAN = {"filter": np.int64(5), "au": np.int64(12), "rivals": np.array([6, 25]), "people": np.int32(24)}
PLAN |= {"dose": np.float32(0.5), "falsified_if": "p of AU 12 is above 0.05"}


def test_a_plan_may_hold_numbers_of_a_table(capsys):
    intervention.plan(PLAN)
    assert "Right" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "says"),
    [({"rivals": 6}, "expected a list"), ({"dose": "0.8x"}, "dose '0.8x'"), ({"people": 24.0}, "24.0 people")],
)
def test_a_plan_that_is_off_is_told_in_words(change, says):
    with pytest.raises(AssertionError, match=says):
        intervention.plan(PLAN | change)
