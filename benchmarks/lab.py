"""How quick is the lab in a page? Against its budgets, in a Chromium that draws WebGL in software.

Ready: from opening the page to the first prediction shown (target 3 s). Slider: from moving a slider to the prediction
on the screen (120 ms). Frames: the face turned by the pointer for some seconds, at 400 px (30 a second); the canvas may
get coarser while it moves, so its width is told too. Face alone: how long a draft and a full drawing take at 400 px,
with no page around them. Bytes: everything the lab may load (6 MB). The last line is JSON.
"""

import json
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ipywidgets.embed import dependency_state, embed_data
from playwright.sync_api import Browser, Page, sync_playwright

from fer_lib.site import widgets as site
from fer_lib.site.browser import CLOSED_FLAGS, find_chromium
from fer_lib.site.serve import serving
from fer_lib.widgets import AULab
from fer_lib.widgets.modules import ASSETS

SOFTWARE = ("--enable-unsafe-swiftshader",)  # what Chromium falls back on where no graphics card is
HOST = Path(__file__).parents[1] / "book" / "site" / "widgets.js"
TARGETS = {"ready, s": 3, "slider, ms": 120, "frames a second": 30, "MB": 6}
OPENINGS, MOVES, SECONDS = 3, 20, 4
PAGE = """<!doctype html><html lang="en" data-content_root="./"><meta charset="utf-8"><title>Lab</title>
<link rel="icon" href="data:,"><link rel="stylesheet" href="_static/widgets/widgets.css">
<script type="{mime}">{state}</script><script src="_static/widgets.js" defer></script><body>{place}"""
WATCH = """new MutationObserver((_, watch) => {
  if (document.querySelector(".fer-lab-headline strong")) { window.ready = performance.now(); watch.disconnect(); }
}).observe(document, { childList: true, subtree: true });"""
MOVE = """async ([moves, rest]) => {
  const slider = document.querySelector('input[aria-label^="AU 12"]'), spent = [];
  const wait = (ms) => new Promise((done) => setTimeout(done, ms));
  const shown = () => new Promise((done) => new MutationObserver((_, watch) => {
    watch.disconnect();
    requestAnimationFrame(done);
  }).observe(document.querySelector(".fer-lab-headline"), { childList: true }));
  for (let i = 0; i < moves; i++) {
    await wait(rest);
    const start = performance.now(), after = shown();
    slider.value = 20 + 4 * i;
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    await after;
    spent.push(performance.now() - start);
  }
  return spent;
}"""
TURN = """async (seconds) => {
  const canvas = document.querySelector(".fer-lab-stage > canvas"), widths = [];
  const send = (kind, x) => canvas.dispatchEvent(new PointerEvent(kind, { pointerId: 1, clientX: x, clientY: 200 }));
  const frame = () => new Promise(requestAnimationFrame);
  canvas.setPointerCapture = () => {};
  send("pointerdown", 200);
  await frame();
  const start = performance.now();
  while (performance.now() - start < 1000 * seconds) {
    send("pointermove", 200 + 60 * Math.sin((performance.now() - start) / 400));
    await frame();
    widths.push(canvas.width);
  }
  const spent = performance.now() - start;
  send("pointerup", 200);
  return { frames: 1000 * widths.length / spent, width: widths.reduce((a, b) => a + b) / widths.length };
}"""

ALONE = """async () => {
  const [{ Face, NEUTRAL }, { Head }, { unzip }] = await Promise.all(["face", "head", "packed"].map((name) => import(`/js/${name}.js`)));
  const bytes = async (name) => (await fetch(`/assets/${name}`)).arrayBuffer();
  const manifest = JSON.parse(new TextDecoder().decode(await bytes("lab.json")));
  const part = async (name) => unzip(await bytes(name), manifest.files[name], name);
  const canvas = Object.assign(document.createElement("canvas"), { width: 400, height: 400 });
  const head = new Head(manifest, await part("lab_head.bin.gz")), face = new Face(canvas, head), name = "lab_person_00.bin.gz";
  face.wear(head.person(manifest.people[0], manifest.files[name], await part(name)));
  face.express(new Float32Array(2 * manifest.aus.length));
  const spent = { draft: [], show: [] };
  for (let i = 0; i < 40; i++) for (const kind of ["draft", "show"]) {
    const start = performance.now();
    face[kind]({ ...NEUTRAL, pose: [20 * Math.sin(i / 6), 0, 0] });
    face.finish();
    spent[kind].push(performance.now() - start);
  }
  return Object.fromEntries(Object.entries(spent).map(([kind, all]) => [kind, all.sort((a, b) => a - b)[20]]));
}"""  # noqa: E501


def face_alone(browser: Browser) -> dict[str, float]:
    """Median milliseconds of a draft and of a full drawing, in turn."""
    with serving(ASSETS.parent) as address, browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{address}/assets/lab.json")
        return page.evaluate(ALONE)


def write_site(folder: Path) -> None:
    """The lab on a page of its own, as the book's build makes it."""
    for name, text in [*((f"widgets/{name}", text) for name, text in site.scripts()), (HOST.name, HOST.read_text())]:
        target = folder / "_static" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    lab = AULab({12: 0.2, 6: 0.5})
    state = embed_data(views=[lab], state=dependency_state([lab], drop_defaults=False))["manager_state"]
    fill = {
        "mime": site.WIDGET_STATE_MIMETYPE,
        "state": site.page_state(json.dumps(state)),
        "place": site.place(lab.model_id),
    }
    (folder / "index.html").write_text(PAGE.format(**fill), encoding="utf-8")


@contextmanager
def opened(browser: Browser, address: str) -> Iterator[Page]:
    """The page in a fresh window, its lab ready."""
    with browser.new_context(viewport={"width": 1100, "height": 900}) as context:
        context.add_init_script(WATCH)
        page = context.new_page()
        page.goto(address)
        page.wait_for_function("window.ready")
        yield page


def measure(browser: Browser, address: str) -> dict[str, float]:
    ready = []
    for _ in range(OPENINGS):
        with opened(browser, address) as page:
            ready.append(page.evaluate("window.ready") / 1000)
            page.wait_for_timeout(1000)
    with opened(browser, address) as page:
        page.wait_for_timeout(1000)
        slider = page.evaluate(MOVE, [MOVES, 1000])
        turned = page.evaluate(TURN, SECONDS)
    alone = face_alone(browser)
    return {
        "ready, s": statistics.median(ready),
        "slider, ms": statistics.median(slider),
        "frames a second": turned["frames"],
        "canvas while it turns, px": turned["width"],
        "draft alone at 400 px, ms": alone["draft"],
        "full drawing alone at 400 px, ms": alone["show"],
        "MB": sum(path.stat().st_size for path in ASSETS.glob("*") if path.name.startswith(("lab", "network"))) / 1e6,
    }


def main() -> None:
    flags = [flag for flag in CLOSED_FLAGS if flag != "--disable-gpu"]
    with (
        tempfile.TemporaryDirectory() as name,
        serving(folder := Path(name)) as address,
        sync_playwright() as playwright,
    ):
        write_site(folder)
        browser = playwright.chromium.launch(executable_path=str(find_chromium()), args=[*flags, *SOFTWARE])
        found = measure(browser, f"{address}/index.html")
        browser.close()
    for name, value in found.items():
        print(f"{name}: {value:.2f}" + (f", target {TARGETS[name]}" if name in TARGETS else ""))
    ours, target = found["slider, ms"], TARGETS["slider, ms"]
    result = {"name": "slider to prediction", "ours": ours, "peer": target, "ratio": target / ours, "units": "ms"}
    print(json.dumps(result | {"peer_name": "the lab's own budget", "found": found, "targets": TARGETS}))


if __name__ == "__main__":
    main()
