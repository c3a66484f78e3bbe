"""Make book/pictures/chapter.png, the read-me's picture of the built book: `python tools/make_picture.py [PAGE]`.

Shows the page at its first pictures or widget.
"""

import io
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from fer_lib.files import write_atomic
from fer_lib.site.browser import CLOSED_FLAGS, find_chromium
from fer_lib.site.serve import serving

ROOT = Path(__file__).parent.parent
TARGET = ROOT / "book" / "pictures" / "chapter.png"


def main(page: str = "book/02-faces") -> None:
    with serving(ROOT / "_build" / "html") as site, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(find_chromium()), args=list(CLOSED_FLAGS))
        opened = browser.new_page(viewport={"width": 1280, "height": 860}, color_scheme="light")
        opened.goto(f"{site}/{page}.html", wait_until="load")
        opened.locator(".bd-article :is(.fer-gallery, .fer-w)").first.evaluate(
            "(first) => scrollTo({ top: first.getBoundingClientRect().top - 320, behavior: 'instant' })"
        )
        opened.wait_for_timeout(2_000)
        taken = opened.screenshot()
        browser.close()
    picture = Image.open(io.BytesIO(taken)).convert("RGB").quantize(128)
    write_atomic(TARGET, lambda partial: picture.save(partial, "PNG", optimize=True))


if __name__ == "__main__":
    main(*sys.argv[1:])
