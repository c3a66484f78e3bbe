"""The same widgets live, in a real JupyterLab with a kernel: assets through the kernel, traits both ways, keys kept."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

CELLS = (
    'from fer_lib.widgets import FilterExplorer\nseen = []\nw = FilterExplorer(layer="conv1")\n'
    'w.observe(lambda change: seen.append(change.new), "filter")\nw',
    "print('seen', seen)",
    "w.filter = 5",
)


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[str]:
    """The address of a JupyterLab that shows one notebook."""
    cells = [nbformat.v4.new_code_cell(cell) for cell in CELLS]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), tmp_path / "widgets.ipynb")
    homes = {f"JUPYTER_{kind}_DIR": str(tmp_path / kind.lower()) for kind in ("CONFIG", "RUNTIME")}
    options = ["--no-browser", "--port=0", "--ip=127.0.0.1", "--IdentityProvider.token=", "--allow-root"]
    command = [sys.executable, "-m", "jupyterlab", *options, f"--ServerApp.root_dir={tmp_path}"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ | homes) as process:
        try:
            lines = (re.search(r"http://127\.0\.0\.1:(\d+)/lab", line) for line in process.stderr)
            port = next(found[1] for found in lines if found)
            yield f"http://127.0.0.1:{port}/lab/tree/widgets.ipynb"
        finally:
            process.terminate()


def test_filter_explorer_lives_in_jupyterlab(lab: str, browser) -> None:
    with browser.new_context(viewport={"width": 1200, "height": 1000}) as context:
        page = context.new_page()
        page.set_default_timeout(90_000)
        page.goto(lab)
        page.locator(".jp-NotebookPanel-toolbar [data-status='idle']").wait_for()
        cell = page.locator(".jp-Notebook .jp-CodeCell")

        def run(place: int) -> None:
            cell.nth(place).locator(".cm-content").click()
            page.keyboard.press("Control+Enter")

        run(0)
        grid = page.get_by_role("slider", name="Filter")
        grid.wait_for()
        before = int(grid.get_attribute("aria-valuenow"))
        grid.focus()
        page.keyboard.press("ArrowRight")
        assert int(grid.get_attribute("aria-valuenow")) == before + 1
        run(1)
        page.get_by_text(f"seen [{before + 1}]").wait_for()
        run(2)
        page.wait_for_function("document.querySelector('[role=slider]').getAttribute('aria-valuenow') === '5'")
