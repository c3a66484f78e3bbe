"""The built book, served on this machine, and a browser that can reach nothing else."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fer_lib.site.browser import CLOSED_FLAGS, find_chromium
from fer_lib.site.serve import serving

ROOT = Path(__file__).parent.parent.parent
HTML = ROOT / "_build" / "html"


@pytest.fixture(scope="session")
def html() -> Path:
    """The built book. `make test` builds it first; here its absence is an error, never a skip."""
    if not (HTML / "index.html").exists():
        pytest.fail(f"there is no book in {HTML}: run make book first")
    return HTML


@pytest.fixture(scope="session")
def site(html: Path) -> Iterator[str]:
    """The address of the book on a free port."""
    with serving(html) as address:
        yield address


@pytest.fixture(scope="module")  # closed with its module: two at once would share one event loop
def browser():
    """A headless Chromium with every outside name blocked."""
    from playwright.sync_api import sync_playwright

    path = find_chromium()
    if path is None:
        pytest.fail("no Chromium to open the pages with: make browser installs one, or set FER_LIB_CHROMIUM")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(path), args=list(CLOSED_FLAGS))
        yield chromium
        chromium.close()
