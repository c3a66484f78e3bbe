"""`make notebooks`: each chapter as a plain notebook, notebooks/NN-slug.ipynb, for Colab, Binder and JupyterHub."""

import sys
from pathlib import Path

import jupytext
import nbformat
import yaml
from nbformat import NotebookNode

from fer_lib.errors import UserError
from fer_lib.files import write_text
from fer_lib.site.plain import plain

FOLDER = "notebooks"
HEAD = """\
*Generated from `{source}` by `make notebooks`; do not edit.*

Numbers that the cells print stand in the text by their names, *[like this]*."""
PRINTED = (  # a notebook has no page to glue numbers into
    "from myst_nb import glue\n",
    'def glue(name, value, display=False):\n    print(f"{name}: {value}")\n',
)
SETUP = """\
# Where fer_lib is not installed, as on Colab, this installs it.
import importlib.util

if importlib.util.find_spec("fer_lib") is None:
    %pip install --quiet "fer-lib @ git+{repository}"
"""


def chapters(root: Path) -> list[Path]:
    """The chapters' sources, in order."""
    return sorted((root / "book").glob("[0-9][0-9]-*.md"))


def notebook(source: Path, repository: str | None) -> NotebookNode:
    """The chapter as a notebook without outputs, in plain Markdown; it installs `repository` (URL@BRANCH)."""
    cells = [cell for cell in jupytext.read(source).cells if cell.source.strip()]
    bibliography = source.parent / "references.bib"
    written = [nbformat.v4.new_markdown_cell(HEAD.format(source=f"{source.parent.name}/{source.name}"))]
    if repository:
        written.append(nbformat.v4.new_code_cell(SETUP.format(repository=repository)))
    for cell in cells:
        if cell.cell_type == "code":
            written.append(nbformat.v4.new_code_cell(cell.source.replace(*PRINTED)))
            if caption := cell.metadata.get("mystnb", {}).get("figure", {}).get("caption"):
                told = plain(caption.strip(), source, bibliography)
                written.append(nbformat.v4.new_markdown_cell(f"**Figure.** {told}"))
        else:
            written.append(nbformat.v4.new_markdown_cell(plain(cell.source, source, bibliography)))
    for number, cell in enumerate(written):
        cell.id = f"cell-{number}"  # the same chapter gives the same bytes
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return nbformat.v4.new_notebook(cells=written, metadata={"kernelspec": kernel})


def text(source: Path, repository: str | None) -> str:
    """The notebook's file."""
    return nbformat.writes(notebook(source, repository)) + "\n"


def configured_repository(root: Path) -> str | None:
    """`repository` of _config.yml as URL@BRANCH, or None where its url is empty."""
    set_to = yaml.safe_load((root / "_config.yml").read_text()).get("repository") or {}
    return f"{set_to['url']}@{set_to.get('branch') or 'main'}" if set_to.get("url") else None


def write_all(root: Path) -> list[Path]:
    """Write every chapter's notebook and remove those whose chapter is gone."""
    repository = configured_repository(root)
    wanted = {root / FOLDER / f"{source.stem}.ipynb": source for source in chapters(root)}
    for old in set((root / FOLDER).glob("*.ipynb")) - wanted.keys():
        old.unlink()
    for target, source in wanted.items():
        write_text(target, text(source, repository))
    return list(wanted)


def main() -> None:
    """Write the notebooks of the project in this folder."""
    try:
        print(f"Wrote {len(write_all(Path()))} notebooks to {FOLDER}/")
    except UserError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
