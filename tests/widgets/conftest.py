"""Pages with widgets and no kernel, made as the book's build makes them, and a browser that reaches nothing else."""

import json
import shutil
from collections.abc import Callable, Iterator
from html import escape
from pathlib import Path

import pytest
from ipywidgets.embed import dependency_state, embed_data

from fer_lib.site import widgets as site
from fer_lib.site.plotly import plotly_script
from fer_lib.site.serve import serving
from tests.book.conftest import browser  # noqa: F401 (a fixture)

SITE = Path(__file__).parents[2] / "book" / "site"
BOOK_FILES = (site.HOST, "ipywidgets.js", site.IPYWIDGETS_STYLE, "figures.js")
STATE = "application/vnd.jupyter.widget-state+json"
PAGE = """<!doctype html><html lang="en" data-content_root="./" data-theme="{theme}"><head><meta charset="utf-8">
<title>{title}</title><link rel="stylesheet" href="_static/widgets/widgets.css"><link rel="icon" href="data:,">
<link rel="stylesheet" href="_static/ipywidgets.css">
<script type="{mime}">{state}</script><script src="_static/widgets.js" defer></script>
<style>body {{ margin: 0; padding: 8px; font: 16px system-ui; background: {ground}; color: {ink} }}</style></head>
<body><main><h1>{title}</h1>{places}</main></body></html>"""


@pytest.fixture(scope="session")
def site_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what a build puts under _static."""
    folder = tmp_path_factory.mktemp("site")
    for name, text in site.scripts():
        target = folder / "_static" / "widgets" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    shutil.copytree(SITE / site.MANAGER, folder / "_static" / site.MANAGER)
    for name in BOOK_FILES:
        shutil.copyfile(SITE / name, folder / "_static" / name)
    shutil.copyfile(plotly_script(), folder / "_static" / plotly_script().name)
    return folder


@pytest.fixture(scope="session")
def address(site_folder: Path) -> Iterator[str]:
    with serving(site_folder) as found:
        yield found


@pytest.fixture(scope="session")
def write_page(site_folder: Path) -> Callable[..., Path]:
    """write_page("name", widget, …, theme="light", more="<p>…</p>") → the page's file."""

    def write(name: str, *shown, theme: str = "light", more: str = "") -> Path:
        own = dependency_state(list(shown), drop_defaults=False)
        state = embed_data(views=list(shown), state=own)["manager_state"]
        places = "".join(site.place(widget.model_id) for widget in shown)
        ground, ink = {"light": ("#fff", "#222"), "dark": ("#14181e", "#ddd")}[theme]
        fill = {"mime": STATE, "theme": theme, "ground": ground, "ink": ink, "title": escape(name)}
        fill["places"] = places + more
        text = PAGE.format(state=site.page_state(json.dumps(state), [each.model_id for each in shown]), **fill)
        path = site_folder / f"{name}.html"
        path.write_text(text, encoding="utf-8")
        return path

    return write


class Opened:
    """A page in a window, and everything that went wrong in it."""

    def __init__(self, browser, address: str, **options) -> None:  # noqa: F811
        self.context = browser.new_context(**{"viewport": {"width": 1100, "height": 900}, **options})
        self.page = self.context.new_page()
        self.troubles: list[str] = []
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.page.on("requestfailed", lambda request: self.troubles.append(f"failed: {request.url}"))
        self.page.on("console", lambda message: message.type == "error" and self.troubles.append(message.text))
        self.page.on("request", self._request)
        self.own = address.rpartition("/")[0]
        self.page.goto(address)

    def _request(self, request) -> None:
        if not request.url.startswith((self.own, "blob:", "data:")):
            self.troubles.append(f"outside request: {request.url}")

    def drawn(self) -> "Opened":
        """Wait until every widget is drawn."""
        for place in self.page.locator(".fer-widget").all():
            place.scroll_into_view_if_needed()
        self.page.wait_for_function("!document.querySelector('.fer-widget:not([data-drawn])')")
        return self


@pytest.fixture
def open_page(browser, address: str) -> Iterator[Callable[..., Opened]]:  # noqa: F811
    """open_page(file, from_disk=False, **context options) → Opened."""
    opened: list[Opened] = []

    def go(path: Path, *, from_disk: bool = False, **options) -> Opened:
        opened.append(Opened(browser, path.as_uri() if from_disk else f"{address}/{path.name}", **options))
        return opened[-1].drawn()

    yield go
    for each in opened:
        each.context.close()
