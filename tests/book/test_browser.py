"""Every page in a real browser with no network: light, dark and on a phone."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from pypdf import PdfReader

from fer_lib.site.pdf import draw_figures, print_page

from .conftest import HTML
from .scan import read_pages

VIEWS = {
    "light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 900}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 900}},
    "phone": {"color_scheme": "light", "viewport": {"width": 380, "height": 800}},
}
# What the theme leaves and no page of ours can mend: the name of its switch, and its logo outside landmarks.
THEME_LEAVES = {"label-content-name-mismatch", "region"}
PAGES = [name for path in read_pages(HTML) if (name := path.relative_to(HTML).as_posix()) != "index.html"]


class Visit:
    """A page, opened and scrolled through, with all that went wrong on the way."""

    def __init__(self, context, address: str) -> None:
        self.troubles: list[str] = []
        parts = urlsplit(address)
        self.own = (f"{parts.scheme}://{parts.netloc}/", "data:", "blob:")
        self.page = context.new_page()
        self.page.on("pageerror", lambda error: self.troubles.append(f"script error: {error}"))
        self.page.on("console", self._console)
        self.page.on("request", self._request)
        self.page.on("requestfailed", lambda request: self.troubles.append(f"failed: {request.url}"))
        self.page.on("response", lambda answer: answer.status >= 400 and self.troubles.append(f"missing: {answer.url}"))
        self.page.goto(address, wait_until="load")
        draw_figures(self.page)

    def _console(self, message) -> None:
        driver = "GL Driver Message (OpenGL, Performance" in message.text  # a hint to who wrote Chromium's software GL
        if message.type in ("error", "warning") and not driver:
            self.troubles.append(f"console {message.type}: {message.text}")

    def _request(self, request) -> None:
        if not request.url.startswith(self.own):
            self.troubles.append(f"outside request: {request.url}")

    def overflow(self) -> int:
        """Pixels by which the page is wider than the window."""
        return self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")

    def cut_texts(self) -> list[str]:
        """Words of figures and heads of picture tables that leave their place, so that they are cut off or collide."""
        return self.page.evaluate(CUT_TEXTS)


CUT_TEXTS = """() => {
  const cut = [];
  for (const figure of document.querySelectorAll(".fer-figure")) {
    const place = figure.getBoundingClientRect();
    for (const text of figure.querySelectorAll("svg text")) {
      const box = text.getBoundingClientRect();
      if (!text.textContent.trim() || !box.width) continue;
      const sides = [place.left - box.left, box.right - place.right, place.top - box.top, box.bottom - place.bottom];
      const over = Math.max(...sides);
      if (over > 2) cut.push(`${text.textContent}: ${Math.round(over)} px`);
    }
  }
  for (const head of document.querySelectorAll(".fer-sheet thead th"))
    if (head.scrollWidth > head.clientWidth + 2) cut.push(`head ${head.textContent}`);
  return cut;
}"""


@pytest.fixture(scope="module")
def contexts(browser) -> Iterator[dict]:
    """One window for each view, kept for all pages: scripts that they share are loaded once."""
    opened = {view: browser.new_context(**options) for view, options in VIEWS.items()}
    yield opened
    for context in opened.values():
        context.close()


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("view", VIEWS)
def test_page_opens_clean(contexts: dict, view: str, site: str, page: str) -> None:
    visit = Visit(contexts[view], f"{site}/{page}")
    assert visit.troubles == []
    assert visit.overflow() <= 0
    assert visit.cut_texts() == []
    if view != "phone":  # colours and structure are those of the light page
        assert accessibility_violations(visit) == []
    visit.page.close()


def accessibility_violations(visit: Visit) -> list[str]:
    found = Axe().run(visit.page).response["violations"]
    return [
        f"{violation['id']}: {json.dumps([node['target'] for node in violation['nodes']][:5])}"
        for violation in found
        if violation["id"] not in THEME_LEAVES
    ]


def test_the_root_leads_to_the_first_page(browser, site: str) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{site}/")
        page.wait_for_url(f"{site}/book/index.html")


def test_the_book_opens_from_disk(browser, html: Path) -> None:
    """As from the offline zip: figures drawn, nothing asked for that is not there."""
    page = next(path for path in PAGES if "fer-figure-plot" in (html / path).read_text(encoding="utf8"))
    with browser.new_context() as context:
        visit = Visit(context, (html / page).as_uri())
        assert visit.troubles == []
        assert visit.page.locator(".fer-figure .main-svg").count() > 0


def test_quizzes_answer_to_the_keyboard(browser, site: str, html: Path) -> None:
    page = next(path for path in PAGES if "fer-quiz" in (html / path).read_text(encoding="utf8"))
    with browser.new_context() as context:
        opened = Visit(context, f"{site}/{page}").page
        reasons = opened.locator(".fer-quiz").first.locator(".fer-why")
        assert not any(reason.is_visible() for reason in reasons.all())
        opened.locator(".fer-quiz input").first.focus()
        for place in range(reasons.count()):
            opened.keyboard.press("Space" if place == 0 else "ArrowDown")
            assert [reason.is_visible() for reason in reasons.all()].index(True) == place


def test_a_figure_follows_dark_mode(browser, site: str, html: Path) -> None:
    page = next(path for path in PAGES if "fer-figure-plot" in (html / path).read_text(encoding="utf8"))
    colours = {}
    for scheme in ("light", "dark"):
        with browser.new_context(color_scheme=scheme) as context:
            visit = Visit(context, f"{site}/{page}")
            colours[scheme] = visit.page.locator(".fer-figure .xtick text").first.evaluate(
                "e => getComputedStyle(e).fill"
            )
    assert colours["light"] != colours["dark"]


def test_a_figure_follows_a_phone_that_is_turned(browser, site: str, html: Path) -> None:
    page = next(path for path in PAGES if "fer-figure-plot" in (html / path).read_text(encoding="utf8"))
    upright, turned = {"width": 390, "height": 844}, {"width": 844, "height": 390}
    with browser.new_context(viewport=turned) as context:
        visit = Visit(context, f"{site}/{page}")
        before = legend_sides(visit)
        visit.page.set_viewport_size(upright)
        visit.page.wait_for_function("() => [...document.querySelectorAll('.fer-figure')].every(f => f.dataset.narrow)")
        visit.page.wait_for_timeout(500)
        assert visit.cut_texts() == []
        assert "h" in legend_sides(visit)
        visit.page.set_viewport_size(turned)
        visit.page.wait_for_function(
            "() => [...document.querySelectorAll('.fer-figure')].every(f => !f.dataset.narrow)"
        )
        visit.page.wait_for_timeout(500)
        assert legend_sides(visit) == before


def test_a_figure_that_cannot_be_drawn_says_what_it_shows(browser, site: str, html: Path) -> None:
    page = next(path for path in PAGES if "fer-figure-plot" in (html / path).read_text(encoding="utf8"))
    with browser.new_context() as context:
        opened = context.new_page()
        opened.route("**/plotly.min.js", lambda route: route.abort())
        opened.goto(f"{site}/{page}", wait_until="load")
        figure = opened.locator(".fer-figure").first
        figure.scroll_into_view_if_needed()
        opened.wait_for_function("() => document.querySelector('.fer-figure-plot').textContent")
        text = figure.locator(".fer-figure-plot").text_content()
        assert text.startswith(figure.get_attribute("aria-label")) and "plotly.min.js did not load" in text


def legend_sides(visit: Visit) -> list[str]:
    """How the legend of each figure runs: "h" below the plot, "v" at its side."""
    return visit.page.evaluate(
        "() => [...document.querySelectorAll('.fer-figure-plot')].map(p => p._fullLayout.legend?.orientation ?? '')"
    )


def test_glossary_links_show_their_definition_to_the_keyboard(browser, site: str, html: Path) -> None:
    page = next(path for path in PAGES if "glossary.html#term-" in (html / path).read_text(encoding="utf8"))
    with browser.new_context() as context:
        opened = Visit(context, f"{site}/{page}").page
        opened.locator('main a[href*="glossary.html#term-"]').first.focus()
        tip = opened.locator("[data-tippy-root]")
        tip.wait_for(timeout=5_000)
        assert len(tip.inner_text()) > 20


def test_a_page_prints_with_its_figures_and_hidden_answers(browser, site: str, html: Path, tmp_path: Path) -> None:
    page = next(path for path in PAGES if "fer-quiz" in (html / path).read_text(encoding="utf8"))
    reasons = re.findall(r'<div class="fer-why".*?</p>\s*<p>(\w+)', (html / page).read_text(encoding="utf8"), re.DOTALL)
    print_page(browser, f"{site}/{page}", tmp_path / "page.pdf")
    printed = PdfReader(tmp_path / "page.pdf")
    text = "\n".join(sheet.extract_text() for sheet in printed.pages)
    assert reasons and all(reason in text for reason in reasons)
    assert len(printed.outline) > 0 and "127.0.0.1" not in str([sheet.get("/Annots") for sheet in printed.pages])


def test_blocked_names_are_noticed(browser, site: str) -> None:
    """The check can fail: a page that asks another host is reported."""
    with browser.new_context() as context:
        visit = Visit(context, f"{site}/book/index.html")
        visit.page.set_content('<img src="https://example.org/picture.png" alt="x">')
        visit.page.wait_for_timeout(500)
        assert any("example.org" in trouble for trouble in visit.troubles)
