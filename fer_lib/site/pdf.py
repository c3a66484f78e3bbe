"""`make pdf`: each page of the built book as a PDF, and the whole book as one, printed by Chromium."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml
from playwright.sync_api import Browser, Page, sync_playwright
from pypdf import PdfReader, PdfWriter
from tqdm import tqdm

from fer_lib.errors import UserError
from fer_lib.files import write_atomic
from fer_lib.site.browser import CLOSED_FLAGS, find_chromium
from fer_lib.site.offline import FOLDER
from fer_lib.site.serve import serving

MARGIN = "18mm"
SCALE = 0.8
WIDTH = round(660 / SCALE)  # px of the text on A4 between the margins: figures are drawn for it
FOOTER = (
    '<div style="font:8px sans-serif;color:#555;width:100%;margin:0 18mm;display:flex;justify-content:space-between">'
    '<span class="title"></span><span><span class="pageNumber"></span> / <span class="totalPages"></span></span></div>'
)
# Paper cannot unfold, and a link to this machine's own server leads nowhere.
PREPARE = """() => {
  document.querySelectorAll("details").forEach((details) => { details.open = true; });
  for (const link of document.querySelectorAll("a[href]")) {
    if (link.origin !== location.origin) continue;
    if (link.pathname === location.pathname && link.hash) link.setAttribute("href", link.hash);
    else link.removeAttribute("href");
  }
}"""


def reading_order(toc: dict) -> list[str]:
    """Every page of a _toc.yml, as readers meet them."""
    return [toc["root"], *_files(toc.get("parts", toc.get("chapters", [])))]


def _files(entries: Sequence[dict]) -> Iterator[str]:
    for entry in entries:
        if "file" in entry:
            yield entry["file"]
        yield from _files(entry.get("chapters", []))
        yield from _files(entry.get("sections", []))


def draw_figures(page: Page) -> None:
    """Bring each figure and each widget of a page into view and wait until it is drawn."""
    for figure in page.locator(".fer-figure").all():
        figure.scroll_into_view_if_needed()
        figure.locator("css=.main-svg").first.wait_for(timeout=20_000)
    for widget in page.locator(".fer-widget:visible").all():
        widget.scroll_into_view_if_needed()
        widget.and_(page.locator("[data-drawn]")).wait_for(timeout=30_000)


def print_page(browser: Browser, address: str, target: Path) -> None:
    """One page, figures drawn and boxes unfolded, as a tagged PDF with bookmarks."""
    with browser.new_context(color_scheme="light", viewport={"width": WIDTH, "height": 900}) as context:
        page = context.new_page()
        page.goto(address, wait_until="load")
        page.emulate_media(media="print")
        draw_figures(page)
        page.wait_for_function("!window.MathJax?.startup?.promise || window.MathJax.startup.promise.then(() => true)")
        page.evaluate(PREPARE)
        margin = dict.fromkeys(("top", "right", "bottom", "left"), MARGIN)
        shown = {
            "scale": SCALE,
            "display_header_footer": True,
            "header_template": "<span></span>",
            "footer_template": FOOTER,
        }
        write_atomic(
            target,
            lambda partial: page.pdf(path=partial, format="A4", margin=margin, tagged=True, outline=True, **shown),
        )


def bind(parts: Sequence[Path], target: Path) -> int:
    """One PDF of the parts, in order, with their bookmarks; returns its pages."""
    with PdfWriter() as whole:
        for part in parts:
            whole.append(PdfReader(part))
        write_atomic(target, whole.write)
        return len(whole.pages)


def main() -> None:
    html = Path("_build/html")
    if not (html / "index.html").exists():
        raise UserError(f"There is no book in {html.resolve()}: run make book first.")
    chromium = find_chromium()
    if chromium is None:
        raise UserError(
            "Printing needs a Chromium and none was found: run make browser, or set FER_LIB_CHROMIUM=/path/to/chrome."
        )
    pages = reading_order(yaml.safe_load(Path("_toc.yml").read_text()))
    folder = Path("_build/pdf")
    parts = [folder / f"{page.removeprefix('book/').replace('/', '-')}.pdf" for page in pages]
    with serving(html) as site, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(chromium), args=list(CLOSED_FLAGS))
        for page, part in zip(tqdm(pages, unit="page"), parts, strict=True):
            print_page(browser, f"{site}/{page}.html", part)
        browser.close()
    whole = folder / f"{FOLDER}.pdf"
    count = bind(parts, whole)
    print(f"{whole}: {count} pages, {whole.stat().st_size / 1e6:.1f} MB. Single pages are beside it.")


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(str(error))
