"""The static host: state and buffers reach the widget, modules load once, failures say so, clean-up happens."""

import anywidget
import pytest
import traitlets

from fer_lib.site import widgets as site
from fer_lib.widgets import SeedStrip

ROWS = [{"variant": "AD", "selection": "test", "seed": seed, "accuracy": 0.5 + seed / 10} for seed in range(3)]


class Echo(anywidget.AnyWidget):
    """Somebody else's widget: shows the bytes it was given and counts clicks."""

    _esm = """
    export default {
      initialize({ model }) { model.started = 1; },
      render({ model, el }) {
        const view = model.get("content"), button = document.createElement("button");
        const kind = `${view.constructor.name} ${view.getUint8(1)}`;
        const show = () => { button.textContent = `${kind} ${model.get("count")}`; };
        button.onclick = () => { model.set("count", model.get("count") + model.started); model.save_changes(); };
        model.on("change:count", show);
        show();
        el.append(button);
        return () => { window.left = true; };
      },
    };"""
    content = traitlets.Bytes(b"\x01\x07").tag(sync=True)
    count = traitlets.Int(0).tag(sync=True)


def test_other_widgets_work_too_and_are_cleaned_up(write_page, open_page) -> None:
    opened = open_page(write_page("echo", Echo()))
    button = opened.page.get_by_role("button")
    assert button.text_content() == "DataView 7 0"
    button.click()
    assert button.text_content() == "DataView 7 1"
    opened.page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide'))")
    assert opened.page.evaluate("window.left") is True
    assert opened.troubles == []


@pytest.mark.parametrize("from_disk", [False, True], ids=["served", "from disk"])
def test_modules_load_once_however_many_widgets_share_them(write_page, open_page, from_disk: bool) -> None:
    path = write_page("two", SeedStrip(rows=ROWS), SeedStrip(rows=ROWS, title="again"))
    assert path.read_text().count("_esm") == 0 and path.stat().st_size < 6000
    opened = open_page(path, from_disk=from_disk)
    assert opened.page.locator(".fer-w").count() == 2
    loaded = opened.page.evaluate("performance.getEntriesByType('resource').map(e => e.name.split('/').pop())")
    assert loaded.count("dom.js") <= 1 and opened.page.locator("script[src$='dom.js']").count() == 1
    assert opened.troubles == []


def test_what_is_missing_is_said(write_page, open_page, site_folder) -> None:
    path = write_page("broken", SeedStrip(rows=ROWS))
    path.write_text(path.read_text().replace('"seed_strip"', '"seedstrip"'))
    opened = open_page(path)
    said = opened.page.get_by_role("alert").text_content()
    assert "could not start" in said and "seedstrip.js did not load" in said


def test_text_cannot_close_the_script() -> None:
    state = '{"state": {"a": {"model_module": "anywidget", "state": {"_esm": "</script>", "_css": "x"}}}}'
    assert site.page_state(state) == '{"state":{"a":{"state":{"_esm":"<\\/script>"}}}}'
