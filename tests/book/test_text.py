"""The sources of the book: short cells, numbers with a source, every page in the table of contents."""

import re
from pathlib import Path

import jupytext
import pytest
import yaml

from fer_lib.prose import problems
from fer_lib.site.pdf import reading_order

ROOT = Path(__file__).parents[2]
TEXTS = sorted((ROOT / "book").rglob("*.md"))
CHAPTERS = [path for path in TEXTS if path.parent.name == "book" and re.match(r"\d\d-", path.name)]
CELL_LINES, CELL_COLUMNS = 12, 94  # wider lines scroll on a laptop


@pytest.mark.parametrize("path", [*TEXTS, ROOT / "README.md"], ids=lambda path: path.name)
def test_quoted_numbers_have_a_source(path: Path) -> None:
    assert problems(path) == []


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_nothing_is_left_to_write(path: Path) -> None:
    assert re.findall(r"XX+|TODO|FIXME|TBD", path.read_text(encoding="utf8")) == []


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.name)
def test_cells_are_short_and_narrow(path: Path) -> None:
    cells = [cell for cell in jupytext.read(path).cells if cell.cell_type == "code"]
    assert cells
    hidden = {"remove-cell", "remove-input", "hide-input"}
    shown = [cell.source.splitlines() for cell in cells if not hidden & set(cell.metadata.get("tags", []))]
    assert [lines for lines in shown if len([line for line in lines if line]) > CELL_LINES] == []
    assert [line for lines in shown for line in lines if len(line) > CELL_COLUMNS] == []


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.name)
def test_notebooks_open_as_notebooks(path: Path) -> None:
    metadata = jupytext.read(path).metadata
    assert metadata["kernelspec"]["name"] == "python3"
    assert metadata["jupytext"]["text_representation"]["format_name"] == "myst"


def test_every_text_is_in_the_table_of_contents() -> None:
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text())
    texts = [path for path in (ROOT / "book").rglob("*") if path.suffix in (".md", ".ipynb")]
    pages = {path.relative_to(ROOT).with_suffix("").as_posix() for path in texts if path.parent.name != "source"}
    assert set(reading_order(toc)) == pages
