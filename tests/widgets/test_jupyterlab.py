"""All widgets live, in a real JupyterLab with a kernel: assets through the kernel, traits both ways, keys kept."""

import ast
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Locator, TimeoutError

from tests.widgets.lab_browser import browser  # noqa: F401 (a fixture)

PATIENCE = 120_000  # ms
STARTED = re.compile(r"\[[\d*]+\]")  # the prompt of a cell that runs or ran
SETUP = """from fer_lib.widgets import AlignmentExplorer, AULab, FacsTable, FilterExplorer, LeakLab, SeedStrip

seen = {}
rows = [dict(variant="AD", split=split, selection=selection, accuracy=0.8)
        for split in ("subject", "image") for selection in ("validation", "test")]

def watched(widget, trait):
    widget.observe(lambda change: seen.update({type(widget).__name__: change.new}), trait)
    return widget"""
WIDGETS = {  # class → the cell that shows it, what a reader does in it, and the trait's value in Python then
    "AULab": ('watched(AULab(), "probabilities")', lambda cell: _choose(cell, "surprise"), "surprise"),
    "FacsTable": ('watched(FacsTable(), "au")', lambda cell: cell.get_by_role("button", name="27 Mouth").click(), 27),
    "FilterExplorer": ('w = watched(FilterExplorer("conv1", 2), "filter")\nw', lambda cell: _right(cell, "slider"), 3),
    "AlignmentExplorer": (
        'watched(AlignmentExplorer(filter=3, au=12), "au")',
        lambda cell: _right(cell, "application"),
        14,
    ),
    "LeakLab": ('watched(LeakLab(rows=rows), "split")', lambda cell: _right(cell, "radio"), "image"),
    "SeedStrip": (
        'watched(SeedStrip(rows=rows), "selection")',
        lambda cell: cell.get_by_label("checkpoint chosen").select_option("test"),
        "test",
    ),
}
SAID = """told = seen | {"AULab": max(seen["AULab"], key=seen["AULab"].get)}
print(told)"""
CELLS = (SETUP, *(code for code, _, _ in WIDGETS.values()), SAID, "w.filter = 5")


def _right(cell: Locator, role: str) -> None:
    cell.get_by_role(role).first.focus()
    cell.get_by_role(role).first.press("ArrowRight")


def _choose(cell: Locator, expression: str) -> None:
    cell.get_by_role("button", name=expression).click()
    cell.locator("[aria-live=polite]", has_text=f"Now: {expression}").wait_for(state="attached")


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


def test_widgets_live_in_jupyterlab(lab: str, browser) -> None:  # noqa: F811
    with browser.new_context(viewport={"width": 1200, "height": 1000}) as context:
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.goto(lab)
        page.locator(".jp-NotebookPanel-toolbar [data-status='idle']").wait_for()
        cell = page.locator(".jp-Notebook .jp-CodeCell")

        def run(place: int) -> Locator:
            for _ in range(20):  # JupyterLab drops what is run before its session is there
                cell.nth(place).locator(".cm-content").click()
                page.locator(".jp-NotebookPanel-toolbar [data-jp-item-name='run']").click()
                try:
                    cell.nth(place).locator(".jp-InputPrompt", has_text=STARTED).wait_for(timeout=3000)
                    return cell.nth(place)
                except TimeoutError:
                    continue
            raise AssertionError(f"JupyterLab did not run cell {place}")

        run(0)
        for place, (_, drive, _) in enumerate(WIDGETS.values(), start=1):
            drive(run(place))
        said = run(len(WIDGETS) + 1).locator(".jp-OutputArea-output").text_content()
        assert ast.literal_eval(said) == {name: value for name, (_, _, value) in WIDGETS.items()}
        run(len(WIDGETS) + 2)
        page.wait_for_function("document.querySelector('[role=slider]').ariaValueNow === '5'")
