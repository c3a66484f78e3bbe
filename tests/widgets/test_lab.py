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
    assert not page.get_by_role("group", name="Expressions").is_visible()  # there is no face to move
    own = {"name": "me.png", "mimeType": "image/png", "buffer": face_png()}
    page.get_by_label("Use a picture from this device").set_input_files(own)
    page.get_by_role("application", name="Face box").wait_for()
    page.get_by_role("button", name="fear, person 4").click()
    assert not page.get_by_role("button", name="Back to the face").is_visible()
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


SLOW_CAMERA = """window.streams = [];
const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async (wanted) => {
  const stream = await ask(wanted);
  window.streams.push(stream);
  await new Promise((done) => setTimeout(done, 500));
  return stream;
};"""
STOPPED = (
    "(count) => streams.length === count && streams.every((s) => s.getTracks().every((t) => t.readyState === 'ended'))"
)


def test_a_camera_asked_for_twice_is_switched_off(write_page, open_page, each_context) -> None:
    each_context(lambda context: context.add_init_script(SLOW_CAMERA))
    page = open_page(write_page("twice", AULab()), permissions=["camera"]).page
    camera = page.get_by_role("button", name="Camera")
    camera.click()
    camera.click()
    page.get_by_role("application", name="Face box").wait_for()
    back = page.get_by_role("button", name="Back to the face")
    back.focus()
    page.keyboard.press("Enter")
    page.wait_for_function(STOPPED, arg=2)
    assert page.evaluate("document.activeElement.getAttribute('aria-label')").startswith("Face.")


def test_a_picture_of_the_camera_can_be_held(write_page, open_page, each_context) -> None:
    each_context(lambda context: context.add_init_script(SLOW_CAMERA))
    page = open_page(write_page("hold", AULab()), permissions=["camera"]).page
    page.get_by_role("button", name="Camera").click()
    hold = page.get_by_role("button", name="Hold this picture")
    hold.wait_for()
    page.wait_for_timeout(500)
    hold.click()
    page.wait_for_function(STOPPED, arg=1)
    assert not hold.is_visible() and page.get_by_role("application", name="Face box").is_visible()
    page.locator(".fer-lab-filters:not(.fer-lab-old) li").first.wait_for()


def test_what_the_network_makes_of_an_own_picture_stays_in_the_page(write_page, open_page) -> None:
    """A kernel's model, written down here: it hears of the rendered face only."""
    page = open_page(write_page("kernel", AULab())).page
    page.evaluate("""async () => {
      const values = { aus: { 4: 0.8 }, person: 0, pose: [0, 0, 0], method: "guided", sides: false };
      const heard = window.heard = [];
      const model = { asset: ferWidgets.asset, get: (name) => values[name], on() {}, off() {}, save_changes() {},
        set: (name, value) => { values[name] = value; heard.push(name); } };
      const lab = await ferWidgets.load("au_lab"), place = document.body.appendChild(document.createElement("div"));
      place.id = "own";
      await lab.default.render({ model, el: place });
    }""")
    page.wait_for_function("() => heard.includes('probabilities')")
    page.evaluate("heard.length = 0")
    picture = {"name": "me.png", "mimeType": "image/png", "buffer": face_png()}
    page.locator("#own").get_by_label("Use a picture from this device").set_input_files(picture)
    page.locator("#own").get_by_role("application", name="Face box").press("+")
    says(page.locator("#own"), "happy")
    page.wait_for_timeout(500)
    assert page.evaluate("heard") == []


def test_an_upright_picture_is_shown_whole(write_page, open_page) -> None:
    """What the box frames is what the network sees: no part of the picture lies outside its stage."""
    page = open_page(write_page("upright", AULab()), viewport={"width": 390, "height": 844}).page
    content = io.BytesIO()
    Image.new("L", (300, 600), 128).save(content, "PNG")
    page.get_by_label("Use a picture from this device").set_input_files(
        {"name": "tall.png", "mimeType": "image/png", "buffer": content.getvalue()}
    )
    page.get_by_role("application", name="Face box").wait_for()
    stage, picture = (page.locator(part).bounding_box() for part in (".fer-lab-photo-stage", ".fer-lab-photo"))
    assert picture["height"] == pytest.approx(2 * picture["width"], abs=2)
    assert stage["y"] - 1 <= picture["y"] and picture["y"] + picture["height"] <= stage["y"] + stage["height"] + 1
    assert picture["height"] == pytest.approx(stage["height"], abs=2)


def test_sides_stay_apart_while_they_are_moved(write_page, open_page) -> None:
    page = open_page(write_page("sides", AULab())).page
    page.get_by_role("button", name="contempt").click()
    left, right = (page.get_by_role("slider", name=f"AU 14, Dimpler, {side}") for side in ("left", "right"))
    right.fill(left.input_value())  # alike for a moment
    right.press("ArrowRight")
    assert int(right.input_value()) == int(left.input_value()) + 1
    page.get_by_label("left and right apart").uncheck()
    both = page.get_by_role("slider", name="AU 14, Dimpler", exact=True)
    assert both.is_visible() and not page.get_by_label("left and right apart").is_checked()


def test_a_face_that_the_browser_takes_away_is_said(write_page, open_page) -> None:
    page = open_page(write_page("lost", AULab(SMILE), FacsTable(1))).page
    says(page, "happy")
    page.evaluate("""document.querySelectorAll(".fer-lab-stage > canvas").forEach((canvas) =>
      canvas.getContext("webgl2").getExtension("WEBGL_lose_context").loseContext())""")
    page.wait_for_function("() => document.body.innerText.split('taken the 3-D face away').length === 3")
    chooser = page.get_by_label("Use a picture from this device")
    chooser.set_input_files({"name": "me.png", "mimeType": "image/png", "buffer": face_png()})
    page.get_by_text("Your picture stays in this page").wait_for()


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


def test_the_face_follows_its_intensity_while_it_is_dragged(write_page, open_page) -> None:
    """No rise from rest at every step, and no word that is said again."""
    page = open_page(write_page("drag", FacsTable(12))).page
    page.wait_for_timeout(1500)  # the first rise is over
    said = page.locator(".fer-facs-spoken")
    said.evaluate("(each) => { each.textContent = 'as before'; }")
    shown = page.evaluate("""async () => {
      const canvas = document.querySelector(".fer-lab-stage canvas");
      const slider = document.querySelector(".fer-facs-strength input");
      const full = canvas.toDataURL();
      slider.dispatchEvent(new Event("input", { bubbles: true }));
      return canvas.toDataURL() === full;
    }""")
    assert shown and said.text_content() == "as before"


@pytest.mark.parametrize("aus", [{3: 0.5}, {12: 1.5}, {"X12": 0.5}])
def test_wrong_action_units_are_refused(aus: dict) -> None:
    with pytest.raises(UserError, match="AU|action unit"):
        AULab(aus)
