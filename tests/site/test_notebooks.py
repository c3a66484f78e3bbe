"""The notebooks for Colab and Jupyter are those of the chapters as they are now, and run where no page is."""

import ast
import re
from pathlib import Path

import nbformat
import pytest

from fer_lib.site import notebooks

ROOT = Path(__file__).parents[2]
CHAPTERS = notebooks.chapters(ROOT)
LABEL = re.compile(r"^(?:\(([\w:-]+)\)=| *:?(?:name|label): ([\w:-]+))$", re.MULTILINE)
LINK = re.compile(r"\]\((?!\w+:|#)([^)\s#]*)")
MYST_LEFT = re.compile(r"^(:{3,}|`{3,})\{|\{[a-z:]+\}`", re.MULTILINE)


@pytest.mark.parametrize("source", CHAPTERS, ids=lambda path: path.stem)
def test_notebook_is_fresh(source: Path) -> None:
    target = ROOT / notebooks.FOLDER / f"{source.stem}.ipynb"
    fresh = notebooks.text(source, notebooks.configured_repository(ROOT))
    assert target.read_text() == fresh, "run make notebooks"


@pytest.mark.parametrize(
    ("settings", "place"),
    [
        ("{url: 'https://github.com/owner/name', branch: side}", "https://github.com/owner/name@side"),
        ("{url: 'https://github.com/owner/name'}", "https://github.com/owner/name@main"),
        ("{url: '', branch: main}", None),
    ],
)
def test_the_branch_of_the_buttons_is_installed(tmp_path: Path, settings: str, place: str | None) -> None:
    (tmp_path / "_config.yml").write_text(f"repository: {settings}\n")
    assert notebooks.configured_repository(tmp_path) == place


def test_no_notebook_outlives_its_chapter() -> None:
    assert {path.stem for path in (ROOT / notebooks.FOLDER).iterdir()} == {path.stem for path in CHAPTERS}


@pytest.mark.parametrize("source", CHAPTERS, ids=lambda path: path.stem)
def test_notebook_is_plain_and_compiles(source: Path) -> None:
    made = notebooks.notebook(source, "https://github.com/owner/name@side")
    nbformat.validate(made)
    prose = [cell.source for cell in made.cells if cell.cell_type == "markdown"]
    assert [text for text in prose if MYST_LEFT.search(text)] == []
    codes = [cell.source for cell in made.cells if cell.cell_type == "code"]
    assert '"fer-lib @ git+https://github.com/owner/name@side"' in codes[0]
    assert "do not edit" in prose[0]
    for code in codes[1:]:
        assert "myst_nb" not in code
        ast.parse(re.sub(r"^\s*[%!].*", "", code, flags=re.MULTILINE))


def test_no_link_is_dead_and_no_label_is_told() -> None:
    labels = {name for source in CHAPTERS for found in LABEL.findall(source.read_text()) for name in found if name}
    assert len(labels) > 50
    raw = re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, labels))})(?![\w-])|\[\]\(")
    wrong = {}
    for source in CHAPTERS:
        cells = notebooks.notebook(source, None).cells
        prose = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
        dead = [link for link in LINK.findall(prose) if not (ROOT / notebooks.FOLDER / link).is_file()]
        if found := dead + raw.findall(prose):
            wrong[source.stem] = found
    assert wrong == {}


def test_captions_stand_below_their_figures() -> None:
    cells = notebooks.notebook(CHAPTERS[1], None).cells
    place = next(n for n, cell in enumerate(cells) if cell.source.startswith("**Figure.** Three sequences: the first"))
    assert cells[place - 1].cell_type == "code"


def test_a_full_disk_is_told_without_a_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "_config.yml").write_text("title: x\n")
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "01-x.md").write_text(CHAPTERS[0].read_text())
    (tmp_path / "book" / "references.bib").write_text((ROOT / "book" / "references.bib").read_text())

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(SystemExit, match=r"01-x\.ipynb.*nothing was overwritten"):
        notebooks.main()


def test_glue_prints_what_the_page_would_say(capsys: pytest.CaptureFixture) -> None:
    code = "from myst_nb import glue\nglue('accuracy', '71 %', display=False)"
    exec(code.replace(*notebooks.PRINTED), {})
    assert capsys.readouterr().out == "accuracy: 71 %\n"
