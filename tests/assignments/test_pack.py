"""The teacher's pack and the private key."""

import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pandas as pd
import pytest

from fer_lib.classroom.key import PUBLIC, Key, read_key, with_hidden_tests
from fer_lib.classroom.pack import README, build
from fer_lib.classroom.source import marked, read_source, sources
from fer_lib.errors import UserError
from tests.assignments.notebooks import names, points, right


def key_folder(folder, hidden="# %% check-kl-bias\nassert kl_bias(3, 10, 10) == 0.2\n"):
    (folder / "hidden").mkdir(parents=True)
    (folder / "secret.txt").write_text("correct horse\n")
    (folder / "hidden" / "04-alignment.py").write_text(hidden)
    return folder


@pytest.fixture(scope="module")
def pack(tmp_path_factory, kernels):
    room = tmp_path_factory.mktemp("pack")
    with zipfile.ZipFile(build(room / "pack.zip", read_key(key_folder(room / "key")))) as archive:
        archive.extractall(room)
    return room / "teacher-pack"


def test_the_pack_is_complete_and_releases_no_secret(pack):
    assert {path.name for path in pack.iterdir()} == {
        *("course", "solutions", "rubrics.md", "timings.csv", "README.md", "mutants.md")
    }
    table = pd.read_csv(pack / "timings.csv")
    assert table.groupby("assignment").size().min() >= 6 and table["by_hand"].sum() == 5
    rubrics = (pack / "rubrics.md").read_text()
    assert all(f"Cell `{name}`" in rubrics for name in ("proof", "explain", "conclude", "judge", "defend"))
    for name in names():
        source, release = (
            (pack / "course" / part / name / f"{name}.ipynb").read_text() for part in ("source", "release")
        )
        assert "HIDDEN TESTS" in source and "seed=" in source
        assert not any(word in release for word in ("HIDDEN", "importlib", "correct horse", "SOLUTION"))
    assert "correct horse" not in "".join(path.read_text() for path in pack.rglob("*.ipynb"))


def test_the_way_to_hand_grading_is_one_that_nbgrader_has():
    page = Path(__file__).parents[2] / "book" / "teaching" / "running.md"
    for text in (README, page.read_text()):
        assert "`cd course && jupyter lab`, then the Nbgrader menu, then Formgrader" in text
        assert "nbgrader formgrader" not in text


def test_plain_nbgrader_grades_in_the_unpacked_course(pack):
    name, course = "04-alignment", pack / "course"
    folder = course / "submitted" / "ann" / name
    folder.mkdir(parents=True)
    (folder / f"{name}.ipynb").write_text(nbformat.writes(right(name)))
    command = [str(Path(sys.executable).parent / "nbgrader"), "autograde", name]
    outcome = subprocess.run(command, cwd=course, capture_output=True, text=True, timeout=300)
    assert outcome.returncode == 0, outcome.stderr
    graded = nbformat.read(course / "autograded" / "ann" / name / f"{name}.ipynb", as_version=4)
    checks = [cell for cell in marked(graded, "grade").values() if cell.cell_type == "code"]
    assert len(checks) == len(points(right(name)))
    assert all("HIDDEN TESTS" in cell.source for cell in checks)
    assert not [out for cell in checks for out in cell.outputs if out.output_type == "error"]


def test_the_seeds_follow_from_the_key():
    notebook = read_source(sources()[3])
    texts = [nbformat.writes(with_hidden_tests(notebook, key)) for key in (Key("a"), Key("a"), Key("b"))]
    assert texts[0] == texts[1] != texts[2]
    assert Key().secret == PUBLIC and not Key().private


def test_hidden_tests_of_an_unknown_assignment_are_refused(tmp_path):
    folder = key_folder(tmp_path / "key")
    (folder / "hidden" / "04-alignment.py").rename(folder / "hidden" / "04_alignment.py")
    with pytest.raises(UserError, match="hidden tests for '04_alignment'; expected file names among 01-zero-bias"):
        build(tmp_path / "pack.zip", read_key(folder))
    assert not (tmp_path / "pack.zip").exists()


@pytest.mark.parametrize(
    ("hidden", "says"),
    [
        ("assert True", "begin with a line"),
        ("# %% check-kl\nassert (", "must be Python"),
        ("# %% check-nothing\nassert True", "its checks are check-kl,"),
    ],
)
def test_a_broken_key_is_explained(tmp_path, hidden, says):
    with pytest.raises(UserError, match=says):
        with_hidden_tests(read_source(sources()[3]), read_key(key_folder(tmp_path / "key", hidden)))


def test_a_key_without_secret_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"secret\.txt"):
        read_key(tmp_path)
