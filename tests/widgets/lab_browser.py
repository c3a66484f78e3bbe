"""A Chromium that draws WebGL in software, for the tests of the face and the lab."""

import pytest

from fer_lib.site.browser import CLOSED_FLAGS, find_chromium

SOFTWARE = ("--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")
CAMERA = ("--use-fake-device-for-media-stream",)


@pytest.fixture(scope="module")
def browser():
    """As tests/book's, every outside name blocked; and WebGL, and a camera that shows a test picture."""
    from playwright.sync_api import sync_playwright

    path = find_chromium()
    if path is None:
        pytest.fail("no Chromium to open the pages with: make browser installs one, or set FER_LIB_CHROMIUM")
    flags = [flag for flag in CLOSED_FLAGS if flag != "--disable-gpu"]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(path), args=[*flags, *SOFTWARE, *CAMERA])
        yield chromium
        chromium.close()
