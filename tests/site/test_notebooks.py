"""The notebooks for Colab and Jupyter are those of the chapters as they are now, and run where no page is."""

import ast
import re
from pathlib import Path

import nbformat
import pytest

from fer_lib.site import notebooks

ROOT = Path(__file__).parents[2]
CHAPTERS = notebooks.chapters(ROOT)
MYST_LEFT = re.compile(r"^(:{3,}|`{3,})\{|\{[a-z:]+\}`", re.MULTILINE)


@pytest.mark.parametrize("source", CHAPTERS, ids=lambda path: path.stem)
def test_notebook_is_fresh(source: Path) -> None:
    target = ROOT / notebooks.FOLDER / f"{source.stem}.ipynb"
    fresh = notebooks.text(source, notebooks.configured_repository(ROOT))
    assert target.read_text() == fresh, "run make notebooks"


def test_no_notebook_outlives_its_chapter() -> None:
    assert {path.stem for path in (ROOT / notebooks.FOLDER).iterdir()} == {path.stem for path in CHAPTERS}


@pytest.mark.parametrize("source", CHAPTERS, ids=lambda path: path.stem)
def test_notebook_is_plain_and_compiles(source: Path) -> None:
    made = notebooks.notebook(source, "https://github.com/owner/name")
    nbformat.validate(made)
    prose = [cell.source for cell in made.cells if cell.cell_type == "markdown"]
    assert [text for text in prose if MYST_LEFT.search(text)] == []
    codes = [cell.source for cell in made.cells if cell.cell_type == "code"]
    assert "git+https://github.com/owner/name" in codes[0]
    assert "do not edit" in prose[0]
    for code in codes[1:]:
        assert "myst_nb" not in code
        ast.parse(re.sub(r"^\s*[%!].*", "", code, flags=re.MULTILINE))


def test_glue_prints_what_the_page_would_say(capsys: pytest.CaptureFixture) -> None:
    code = "from myst_nb import glue\nglue('accuracy', '71 %', display=False)"
    exec(code.replace(*notebooks.PRINTED), {})
    assert capsys.readouterr().out == "accuracy: 71 %\n"
