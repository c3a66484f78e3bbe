"""The same widgets live, in a real JupyterLab with a kernel: assets through the kernel, traits both ways, keys kept."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import TimeoutError

STARTED = re.compile(r"\[[\d*]+\]")  # the prompt of a cell that runs or ran
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
    log = tmp_path / "log"  # a file: a pipe that nobody reads would stop the server
    with log.open("w") as errors, subprocess.Popen(command, stderr=errors, env=os.environ | homes) as process:
        try:
            yield f"{_address(process, log)}/lab/tree/widgets.ipynb"
        finally:
            process.terminate()


def _address(process: subprocess.Popen, log: Path) -> str:
    while process.poll() is None:
        if found := re.search(r"http://127\.0\.0\.1:\d+", log.read_text()):
            return found[0]
        time.sleep(0.2)
    raise AssertionError(f"JupyterLab did not start: {log.read_text()[-2000:]}")


def test_filter_explorer_lives_in_jupyterlab(lab: str, browser) -> None:
    with browser.new_context(viewport={"width": 1200, "height": 1000}) as context:
        page = context.new_page()
        page.set_default_timeout(90_000)
        page.goto(lab)
        page.locator(".jp-NotebookPanel-toolbar [data-status='idle']").wait_for()
        cell = page.locator(".jp-Notebook .jp-CodeCell")

        def run(place: int) -> None:
            for _ in range(20):  # JupyterLab drops what is run before its session is there
                cell.nth(place).locator(".cm-content").click()
                page.locator(".jp-NotebookPanel-toolbar [data-jp-item-name='run']").click()
                try:
                    return cell.nth(place).locator(".jp-InputPrompt", has_text=STARTED).wait_for(timeout=3000)
                except TimeoutError:
                    continue
            raise AssertionError(f"JupyterLab did not run cell {place}")

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
