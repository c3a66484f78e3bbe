"""Make book/site/card.png, what other sites show beside a link to the book: `python tools/make_card.py`."""

import base64
import html
import io
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from fer_lib.faces import au_tensor, render, sample_identities
from fer_lib.files import write_atomic
from fer_lib.site.browser import find_chromium
from fer_lib.site.publish import CARD_SIZE

TARGET = Path(__file__).parent.parent / "book" / "site" / "card.png"
FACES = [{4: 0.9, 7: 0.8, 23: 0.7}, {9: 0.9, 10: 0.7}, {6: 0.9, 12: 1, 25: 0.5}, {1: 1, 2: 1, 5: 0.9, 26: 0.9}]
PAGE = """
<style>
  body {{ margin: 0; width: 1200px; height: 630px; background: #fff; color: #1f2430; font-family: sans-serif; }}
  h1 {{ font-size: 62px; line-height: 1.15; margin: 0; padding: 64px 64px 12px; }}
  p {{ font-size: 27px; margin: 0; padding: 0 64px; color: #4a5260; }}
  div {{ display: flex; gap: 24px; padding: 40px 64px 0; }}
  figure {{ margin: 0; text-align: center; font-size: 24px; }}
  img {{ width: 250px; height: 250px; border-radius: 8px; display: block; margin-bottom: 10px; }}
</style>
<h1>Do deep networks learn<br>facial action units?</h1>
<p>An executable book after Khorrami, Paine and Huang (2015)</p>
<div>{figures}</div>
"""


def main() -> None:
    faces = render(sample_identities(6, seed=7)[2:], au_tensor(FACES), size=250).to_uint8().numpy()
    figures = "".join(_figure(face[0], aus) for face, aus in zip(faces, FACES, strict=True))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(find_chromium()), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": CARD_SIZE[0], "height": CARD_SIZE[1]})
        page.set_content(PAGE.format(figures=figures))
        taken = page.screenshot()
        browser.close()
    card = Image.open(io.BytesIO(taken)).convert("RGB").quantize(64)
    write_atomic(TARGET, lambda partial: card.save(partial, "PNG", optimize=True))


def _figure(pixels, aus: dict[int, float]) -> str:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    name = html.escape("AU " + " + ".join(map(str, aus)))
    return f'<figure><img src="data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}">{name}</figure>'


if __name__ == "__main__":
    main()
