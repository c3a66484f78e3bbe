"""The explorers in a page: numbers are Python's, mouse and keyboard drive them, what is missing is said."""

import json

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe

from fer_lib.files import read_json
from fer_lib.widgets import AlignmentExplorer, FilterExplorer, LeakLab
from fer_lib.widgets.explorer_data import METRICS
from fer_lib.widgets.modules import ASSETS
from fer_lib.widgets.packed import read_pack

ROWS = [
    {"variant": "AD", "split": split, "selection": selection, "fold": fold, "accuracy": base + bonus + fold / 100}
    for split, base in (("subject", 0.7), ("image", 0.9))
    for selection, bonus in (("validation", 0.0), ("test", 0.03))
    for fold in range(3)
]


def violations(opened) -> list[str]:
    found = Axe().run(opened.page).response["violations"]
    return [f"{each['id']}: {each['nodes'][0]['html'][:120]}" for each in found]


def test_numbers_in_the_page_are_those_of_python(write_page, open_page) -> None:
    """Every measure, worked out again in the page from the kept maxima, for some cells of the shipped network."""
    manifest = read_json(ASSETS / "explorer.json")
    name = manifest["networks"][0]["file"]
    kept = read_pack(ASSETS / name, manifest["files"][name])
    cells = [(f, k) for f in range(0, 256, 37) for k in range(len(manifest["aus"]))]
    page = open_page(write_page("numbers", FilterExplorer())).page
    code = """async (cells) => {
      const s = await ferWidgets.load("statistics"), { openExplorer } = await ferWidgets.load("explorer_data");
      const data = await openExplorer({ asset: ferWidgets.asset }), network = await data.network(0);
      const y = data.labels.presence, measures = [s.auroc, s.klDivergence, s.averagePrecision, s.pearson];
      return cells.map(([f, k]) => { const x = network.activations(f);
        return [...measures.map((measure) => measure(x, y[k])), s.partialR(x, y, k)]; });
    }"""
    found = np.array(page.evaluate(code, cells), dtype=float)
    for place, metric in enumerate(name for name in METRICS if name != "kl_excess"):
        expected = [kept[f"value.{metric}"][cell] for cell in cells]
        np.testing.assert_allclose(found[:, place], expected, atol=1e-3, err_msg=metric)


@pytest.mark.parametrize("from_disk", [False, True], ids=["served", "from disk"])
def test_filter_explorer_by_keyboard_and_mouse(write_page, open_page, from_disk: bool) -> None:
    opened = open_page(write_page("filters", FilterExplorer()), from_disk=from_disk)
    page, grid = opened.page, opened.page.get_by_role("slider", name="Filter")
    first = grid.get_attribute("aria-valuenow")
    grid.focus()
    page.keyboard.press("ArrowRight")
    second = grid.get_attribute("aria-valuenow")
    assert second != first and page.get_by_role("heading", name=f"conv3 filter {second}").is_visible()
    grid.click(position={"x": 5, "y": 5})
    assert grid.get_attribute("aria-valuenow") == first
    page.get_by_role("radio", name="conv1").check(force=True)
    page.get_by_role("heading", name="conv1 filter 0").wait_for()
    assert not page.get_by_role("heading", name="Which action units?").is_visible()
    page.get_by_text("The pictures as a table").click()
    assert page.locator(".fer-w-detail table").first.locator("tbody tr").count() == 6
    assert opened.troubles == []


def late(page, part: str, seconds: float = 1.5) -> None:
    """Files whose name holds `part` come late, as on a slow line."""

    def answer(route) -> None:
        page.wait_for_timeout(1000 * seconds)
        route.continue_()

    page.route(f"**/*{part}*", answer)


def test_a_layer_that_comes_late_does_not_replace_a_newer_choice(write_page, open_page) -> None:
    page = open_page(write_page("late", FilterExplorer())).page
    late(page, "looks_conv2")
    page.get_by_role("radio", name="conv2").check(force=True)
    page.get_by_role("radio", name="conv1").check(force=True)
    page.get_by_role("heading", name="conv1 filter 0").wait_for()
    page.wait_for_timeout(2500)
    assert page.get_by_role("heading", name="conv1 filter 0").is_visible()
    assert page.get_by_role("radio", name="conv1").is_checked()


def test_a_network_that_comes_late_does_not_replace_a_newer_choice(write_page, open_page) -> None:
    page = open_page(write_page("late-network", AlignmentExplorer(filter=3, au=12))).page
    late(page, "network_identity")
    titles = page.get_by_label("network").locator("option").all_text_contents()
    identity = next(title for title in titles if "identit" in title)
    page.get_by_label("network").select_option(identity)
    page.get_by_label("network").select_option(titles[0])
    page.wait_for_timeout(2500)
    assert page.get_by_label("network").evaluate("(each) => each.selectedOptions[0].text") == titles[0]
    assert titles[0] in page.locator(".fer-w-note").last.text_content()


def test_open_tables_stay_open_and_keep_the_focus(write_page, open_page) -> None:
    page = open_page(write_page("open", FilterExplorer())).page
    summary = page.get_by_text("The pictures as a table")
    summary.click()
    page.get_by_label("pictures ranked by").select_option(index=2)
    assert page.locator(".fer-w-detail table").first.is_visible()
    page.get_by_role("slider", name="Filter").press("Control+ArrowRight")  # the browser's own
    summary.focus()
    page.evaluate("document.querySelector('[role=slider]').dispatchEvent(new KeyboardEvent('keydown', {key: 'End'}))")
    assert page.evaluate("document.activeElement.textContent") == "The pictures as a table"


def test_alignment_explorer_by_keyboard_and_by_measure(write_page, open_page) -> None:
    opened = open_page(write_page("alignments", AlignmentExplorer(filter=3, au=12)))
    page, matrix = opened.page, opened.page.get_by_role("application")
    assert page.get_by_role("heading", name="Filter 3 and AU 12").is_visible()
    matrix.focus()
    page.keyboard.press("ArrowRight")
    assert page.get_by_role("heading", name="Filter 3 and AU 14").is_visible()
    page.get_by_label("measure").select_option("pearson")
    assert "r. Arrow keys" in matrix.get_attribute("aria-label")
    facts = page.locator(".fer-w-facts").text_content()
    page.get_by_label("network").select_option(index=1)
    page.wait_for_function("(old) => document.querySelector('.fer-w-facts').textContent !== old", arg=facts)
    assert "untrained" in page.locator(".fer-w-note").last.text_content()
    page.get_by_role("button", name="Sort by AU 12").click()
    assert page.get_by_role("button", name="Sort by AU 12").get_attribute("aria-pressed") == "true"
    assert opened.troubles == []


def test_a_hypothesis_is_committed_before_anything_is_shown(write_page, open_page) -> None:
    manifest = read_json(ASSETS / "explorer.json")
    name = manifest["networks"][0]["file"]
    value = read_pack(ASSETS / name, manifest["files"][name])["value.auroc"]
    f, k = np.unravel_index(np.nanargmax(value), value.shape)
    opened = open_page(write_page("hypothesis", AlignmentExplorer()))
    page = opened.page
    page.get_by_role("radio", name="Test my hypothesis").check(force=True)
    commit = page.get_by_role("button", name="Commit and test")
    assert commit.is_disabled() and not page.locator(".fer-w-result").count()
    page.get_by_role("combobox", name="filter", exact=True).select_option(str(f))
    page.get_by_label("I think it answers to").select_option(str(k))
    commit.press("Enter")
    result = page.locator(".fer-w-result")
    result.wait_for()
    text = result.text_content()
    assert f"Your guess holds: filter {f} answers to AU {manifest['aus'][k]['au']}." in text
    assert "p = 0.002 (500 exchanges)" in text and "people other than those you saw" in text
    assert "1 of your 1 guess held" in page.locator(".fer-w").text_content()
    assert opened.troubles == []


def test_leak_lab_throws_its_switches(write_page, open_page) -> None:
    opened = open_page(write_page("leak", LeakLab(rows=ROWS)))
    page, verdict = opened.page, opened.page.locator(".fer-w-verdict")
    assert "Honest: AD 71.0 % ± 1.0" in verdict.text_content()
    page.get_by_role("radio", name="people kept apart").focus()
    page.keyboard.press("ArrowRight")
    assert "+20.0 points" in verdict.text_content()
    page.get_by_role("radio", name="on the test fold").check(force=True)
    assert "+23.0 points" in verdict.text_content()
    assert page.locator(".fer-w-dot").count() == 3
    assert opened.troubles == []


def test_leak_lab_of_something_without_checkpoints(write_page, open_page) -> None:
    rows = [{**row, "selection": "last"} for row in ROWS if row["selection"] == "validation"]
    opened = open_page(write_page("leak last", LeakLab(rows=rows, selection="last")))
    verdict = opened.page.locator(".fer-w-verdict")
    assert "Honest: AD 71.0 % ± 1.0" in verdict.text_content()
    opened.page.get_by_role("radio", name="people kept apart").focus()
    opened.page.keyboard.press("ArrowRight")
    assert "+20.0 points" in verdict.text_content()
    assert "validation" not in opened.page.locator(".fer-w").text_content()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_explorers_are_accessible_and_fit_a_phone(write_page, open_page, theme: str) -> None:
    path = write_page(f"all {theme}", FilterExplorer(), AlignmentExplorer(), LeakLab(rows=ROWS), theme=theme)
    opened = open_page(path, viewport={"width": 380, "height": 800}, reduced_motion="reduce", color_scheme=theme)
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= 380
    assert violations(opened) == []
    assert opened.page.locator(".fer-w-dot").first.evaluate("dot => getComputedStyle(dot).transitionDuration") == "0s"


@pytest.mark.parametrize("harm", ["gone", "cut short"])
def test_a_broken_asset_is_said(write_page, open_page, site_folder, harm: str) -> None:
    script = site_folder / "_static" / "widgets" / "assets" / "explorer_labels.bin.gz.js"
    whole = script.read_text()
    path = write_page("broken asset", AlignmentExplorer())
    try:
        if harm == "gone":
            script.unlink()
        else:
            script.write_text(f"ferWidgets.keep({json.dumps('explorer_labels.bin.gz')}, 'H4sIAAAA');")
        said = open_page(path).page.get_by_role("alert").text_content()
    finally:
        script.write_text(whole)
    assert ("did not load" if harm == "gone" else "damaged") in said
