"""ipywidgets linked by jslink on a page with no kernel: keyboard and mouse drive them, beside and among anywidgets."""

import json

import ipywidgets
import plotly.graph_objects as go
import pytest
from axe_playwright_python.sync_playwright import Axe
from traitlets import Unicode

from fer_lib.site.linked import complaints
from fer_lib.site.plotly import figure_html
from fer_lib.site.widgets import page_state
from fer_lib.widgets import SeedStrip
from tests.widgets.test_host import ROWS, Echo

FIGURE = go.Figure(go.Scatter(x=[1, 2], y=[3, 4]), layout={"meta": {"alt": "rises"}})


def trio() -> list[ipywidgets.Widget]:
    """A slider, a number that follows it and leads it, a bar that follows."""
    slider = ipywidgets.IntSlider(30, description="gain")
    number, bar = ipywidgets.IntText(30, description="number"), ipywidgets.IntProgress(30, description="bar")
    ipywidgets.jslink((slider, "value"), (number, "value"))
    ipywidgets.jsdlink((slider, "value"), (bar, "value"))
    return [slider, number, bar]


def values(page) -> list[int]:
    """What slider, number and bar say."""
    slider = page.get_by_role("slider", name="gain").get_attribute("aria-valuenow")
    bar = page.locator(".progress-bar").evaluate("(bar) => bar.style.width").rstrip("%")
    return [round(float(each)) for each in (slider, page.get_by_label("number").input_value(), bar)]


@pytest.mark.parametrize("from_disk", [False, True], ids=["served", "from disk"])
def test_keyboard_and_mouse_move_what_is_linked(write_page, open_page, from_disk: bool) -> None:
    opened = open_page(write_page("linked", *trio()), from_disk=from_disk)
    page = opened.page
    assert values(page) == [30, 30, 30]
    page.get_by_role("slider", name="gain").focus()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    assert values(page) == [34, 34, 34]
    track = page.locator(".noUi-target")
    width = track.bounding_box()["width"]
    track.click(position={"x": 0.75 * width, "y": 2})
    assert len(set(values(page))) == 1 and values(page)[0] == pytest.approx(75, abs=3)
    page.get_by_label("number").fill("12")
    page.keyboard.press("Tab")
    assert values(page) == [12, 12, 12]
    assert opened.troubles == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_beside_anywidgets_in_a_box_and_a_plotly_figure(write_page, open_page, theme: str) -> None:
    slider, number, bar = trio()
    echo, play = Echo(), ipywidgets.Play(description="play")
    ipywidgets.jslink((slider, "value"), (echo, "count"))
    ipywidgets.jslink((play, "value"), (slider, "value"))
    box = ipywidgets.VBox(
        [ipywidgets.HBox([slider, number, echo]), ipywidgets.Tab([play, bar], titles=["play", "bar"])]
    )
    figure = figure_html(json.loads(FIGURE.to_json())) + '<script src="_static/figures.js" defer></script>'
    opened = open_page(write_page(f"mixed-{theme}", box, echo, SeedStrip(rows=ROWS), theme=theme, more=figure))
    page, counts = opened.page, opened.page.get_by_role("button", name="DataView 7")
    page.locator(".fer-figure").scroll_into_view_if_needed()
    page.locator(".fer-figure[data-drawn]").wait_for()
    page.get_by_role("slider", name="gain").focus()
    page.keyboard.press("ArrowRight")
    assert counts.all_text_contents() == ["DataView 7 1", "DataView 7 1"]  # the keyboard starts from the linked value
    counts.first.click()
    assert values(page)[:2] == [2, 2]
    assert page.evaluate("[typeof define, typeof require, typeof Plotly]") == ["undefined", "undefined", "object"]
    assert opened.troubles == []
    page.evaluate("document.querySelector('h1').insertAdjacentHTML('afterend', '<h2>Section</h2>')")
    found = Axe().run(page, context=".fer-widget").response["violations"]
    assert [f"{each['id']}: {each['nodes'][0]['html'][:120]}" for each in found] == []


def test_a_page_of_anywidgets_alone_loads_none_of_it(write_page, open_page) -> None:
    path = write_page("alone", SeedStrip(rows=ROWS))
    page = open_page(path).page
    assert page.locator("script[src*='ipywidgets.js'], script[src*='html-manager']").count() == 0


class Foreign(ipywidgets.DOMWidget):
    _model_module = _view_module = Unicode("jupyter-elsewhere").tag(sync=True)
    _model_name = Unicode("ElsewhereModel").tag(sync=True)


def models_of(*shown: ipywidgets.Widget) -> dict:
    state = ipywidgets.embed.dependency_state(list(shown), drop_defaults=False)
    return json.loads(json.dumps(state))


def test_what_only_looks_alive_is_named() -> None:
    dead = ipywidgets.IntSlider(description="dead")
    shown = [*trio(), ipywidgets.VBox([dead, ipywidgets.HTML("text")]), ipywidgets.IntSlider(disabled=True), Foreign()]
    hidden = ipywidgets.IntSlider(description="not displayed")
    found = sorted(complaints(models_of(*shown, hidden), [each.model_id for each in shown]))
    assert [each.partition(":")[0] for each in found] == ["Elsewhere", "IntSlider 'dead' is shown but in no link"]


def test_only_what_the_shown_need_is_kept() -> None:
    slider, number, bar = trio()
    other = ipywidgets.IntText()
    state = json.dumps({"state": models_of(slider, number, bar, other, Foreign())})
    kept = json.loads(page_state(state, [slider.model_id]))["state"]
    assert {number.model_id, bar.model_id} <= kept.keys() and other.model_id not in kept


def test_a_widget_from_elsewhere_becomes_a_sentence() -> None:
    widget = Foreign()
    kept = json.loads(page_state(json.dumps({"state": models_of(widget)}), [widget.model_id]))["state"]
    assert "cannot show widgets of jupyter-elsewhere" in kept[widget.model_id]["state"]["value"]
