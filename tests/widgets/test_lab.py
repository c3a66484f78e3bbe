"""The AU lab and the FACS table in a page: driven by mouse and keyboard, compared with Python, and short of things."""

import io
import re
from collections.abc import Callable

import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from PIL import Image

from fer_lib.errors import UserError
from fer_lib.faces import Scene, au_tensor, render
from fer_lib.files import read_json
from fer_lib.model import load_pretrained
from fer_lib.preprocess import prepare
from fer_lib.widgets import AULab, FacsTable
from fer_lib.widgets.modules import ASSETS
from tests.widgets.lab_assets import tool
from tests.widgets.lab_browser import browser  # noqa: F401 (a fixture)

NO_WEBGL = """const real = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
  return kind === "webgl2" ? null : real.call(this, kind, ...rest);
};"""
PATIENCE = 120_000  # ms
SMILE = {12: 0.9, 6: 0.8, 25: 0.5}


def says(page, text: str) -> None:
    """Wait until the settled verdict names `text`."""
    page.locator("[aria-live=polite]", has_text=re.compile(rf"^Now: {text} ")).wait_for(state="attached")


def probabilities(page) -> list[float]:
    page.locator(".fer-w-twin", has_text="classes").wait_for()
    return [
        float(text) for text in page.locator(".fer-w-twin").first.locator("tbody td:nth-child(2)").all_text_contents()
    ]


def network_on(picture: torch.Tensor) -> torch.Tensor:
    """Class probabilities of one uint8 picture from Python's network."""
    model = load_pretrained(read_json(ASSETS / "lab.json")["network"]["name"])[0]
    with torch.no_grad():
        return model(prepare(picture)).softmax(1)[0]


@pytest.fixture
def each_context(browser, monkeypatch) -> Callable:  # noqa: F811
    """each_context(prepare): every window opened from now on is prepared so."""

    def add(prepare: Callable) -> None:
        make = browser.new_context

        def prepared(**options):
            context = make(**options)
            prepare(context)
            return context

        monkeypatch.setattr(browser, "new_context", prepared)

    return add


@pytest.fixture(autouse=True)
def patient(each_context) -> None:
    """Two busy cores draw in software: wait longer than usual."""
    each_context(lambda context: context.set_default_timeout(PATIENCE))


@pytest.mark.parametrize("from_disk", [False, True], ids=["served", "from disk"])
def test_by_mouse_and_by_keyboard(write_page, open_page, from_disk: bool) -> None:
    opened = open_page(write_page("lab", AULab(person=3)), from_disk=from_disk)
    page = opened.page
    page.get_by_role("button", name="surprise").click()
    says(page, "surprise")
    slider = page.get_by_role("slider", name="AU 12, Lip corner puller")
    page.get_by_role("button", name="Reset").click()
    slider.focus()
    page.keyboard.press("End")
    assert slider.get_attribute("aria-valuetext") == "100 %, intensity E"
    says(page, "happy")
    page.get_by_text("without 12").wait_for()
    assert page.locator(".fer-lab-filters li").count() == 6
    page.get_by_role("application", name="Face").focus()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    page.get_by_text("12° right: far beyond the training pictures").wait_for()
    page.keyboard.press("Home")
    page.get_by_text("drag to turn").wait_for()
    page.get_by_label("left and right apart").check()
    assert page.get_by_role("slider", name="AU 12, Lip corner puller, left").input_value() == "100"
    page.get_by_role("button", name="Person 6").click()
    page.get_by_role("radio", name="deconvnet").check(force=True)
    assert opened.troubles == []


def test_probabilities_are_pythons(write_page, open_page) -> None:
    page = open_page(write_page("same", AULab(SMILE | {"L14": 0.6}, person=5, pose=[4.0, -3.0, 0.0]))).page
    scene = Scene.neutral(1)
    scene.pose[:] = torch.tensor([[4.0, -3.0, 0.0]])
    picture = render([tool().people()[5]], au_tensor([SMILE | {"L14": 0.6}]), scene).to_uint8()
    assert torch.tensor(probabilities(page)) == pytest.approx(network_on(picture).numpy(), abs=0.03)


def test_without_webgl_stills_are_seen_all_the_same(write_page, open_page, each_context) -> None:
    each_context(lambda context: context.add_init_script(NO_WEBGL))
    opened = open_page(write_page("stills", AULab(), FacsTable(9)))
    page = opened.page
    assert page.get_by_text("cannot draw the 3-D face").count() == 2
    page.get_by_role("button", name="fear, person 4").click()
    still = render([tool().people()[3]], au_tensor([tool().presets()["fear"]])).to_uint8()
    expected = network_on(still)
    says(page, read_json(ASSETS / "lab.json")["network"]["emotions"][expected.argmax()])
    page.wait_for_timeout(500)
    assert torch.tensor(probabilities(page)) == pytest.approx(expected.numpy(), abs=1e-3)
    assert page.get_by_role("img", name="A face showing AU 9").is_visible()
    assert opened.troubles == []


def face_png() -> bytes:
    picture = render([tool().people()[3]], au_tensor([SMILE])).to_uint8()[0, 0].numpy()
    content = io.BytesIO()
    Image.fromarray(picture).resize((600, 600)).save(content, "PNG")
    return content.getvalue()


def test_own_pictures_stay_in_the_page(write_page, open_page, tmp_path) -> None:
    opened = open_page(write_page("picture", AULab({4: 0.8})))
    page, chooser = opened.page, opened.page.get_by_label("Use a picture from this device")
    chooser.set_input_files({"name": "me.png", "mimeType": "image/png", "buffer": face_png()})
    box = page.get_by_role("application", name="Face box")
    box.focus()
    for _ in range(6):
        page.keyboard.press("+")
    says(page, "happy")
    assert page.get_by_text("Your picture stays in this page").is_visible()
    chooser.set_input_files({"name": "bad.png", "mimeType": "image/png", "buffer": b"\x89PNG not really"})
    page.get_by_text("bad.png could not be read as a picture").wait_for()
    huge = tmp_path / "huge.png"
    with huge.open("wb") as file:
        file.truncate(41_000_000)
    chooser.set_input_files(huge)
    page.get_by_text("huge.png has 41 MB").wait_for()
    assert not box.is_visible()
    assert opened.troubles == []  # no request left the page's own address


def test_camera_allowed_and_refused(write_page, open_page) -> None:
    path = write_page("camera", AULab())
    opened = open_page(path, permissions=["camera"])
    opened.page.get_by_role("button", name="Camera").click()
    opened.page.get_by_role("application", name="Face box").wait_for()
    opened.page.get_by_role("button", name="Back to the face").click()
    assert opened.troubles == []
    refused = open_page(path)
    refused.page.get_by_role("button", name="Camera").click()
    refused.page.get_by_text("The camera was not allowed").wait_for()


def test_missing_and_damaged_files_are_said(write_page, open_page, site_folder) -> None:
    path = write_page("damaged", AULab())
    script = site_folder / "_static" / "widgets" / "assets" / "lab_network.bin.gz.js"
    whole = script.read_text()
    try:
        script.write_text(whole.replace(whole[2000:3000], "A" * 1000))
        assert "lab_network.bin.gz is damaged" in open_page(path).page.get_by_role("alert").first.text_content()
        script.unlink()
        assert "did not load" in open_page(path).page.get_by_role("alert").first.text_content()
    finally:
        script.write_text(whole)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_accessible_and_fit_for_a_phone(write_page, open_page, theme: str) -> None:
    opened = open_page(
        write_page(f"axe-{theme}", AULab(SMILE), FacsTable(1), theme=theme), viewport={"width": 380, "height": 800}
    )
    says(opened.page, "happy")
    # in a chapter, widgets stand below a section's heading
    opened.page.evaluate("document.querySelector('h1').insertAdjacentHTML('afterend', '<h2>Section</h2>')")
    found = Axe().run(opened.page).response["violations"]
    assert [f"{each['id']}: {each['nodes'][0]['html'][:160]}" for each in found] == []
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= 380


def test_cards_move_the_face(write_page, open_page) -> None:
    opened = open_page(write_page("facs", FacsTable(12)), reduced_motion="reduce")
    page = opened.page
    before = page.locator("canvas").screenshot()
    page.get_by_role("button", name="27 Mouth stretch").focus()
    page.keyboard.press("Enter")
    page.get_by_role("img", name="A face showing AU 27").wait_for()
    assert page.get_by_role("heading", name="AU 27: Mouth stretch").is_visible()
    assert page.locator("canvas").screenshot() != before
    assert not page.get_by_role("radio", name="left").is_visible()
    assert opened.troubles == []


@pytest.mark.parametrize("aus", [{3: 0.5}, {12: 1.5}, {"X12": 0.5}])
def test_wrong_action_units_are_refused(aus: dict) -> None:
    with pytest.raises(UserError, match="AU|action unit"):
        AULab(aus)
