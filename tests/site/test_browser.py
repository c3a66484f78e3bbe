"""A Chromium is found where one is, and installers are tried in the right order."""

import os
from pathlib import Path

import pytest

from fer_lib.site import browser


def test_named_chromium_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FER_LIB_CHROMIUM", str(tmp_path / "mine"))
    with pytest.raises(SystemExit, match="nothing is there"):
        browser.main()
    (tmp_path / "mine").touch()
    assert browser.find_chromium() == tmp_path / "mine"


def test_playwrights_own_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    chrome = tmp_path / "chromium-1" / "chrome-linux64" / "chrome"
    chrome.parent.mkdir(parents=True)
    chrome.write_text("")
    monkeypatch.delenv("FER_LIB_CHROMIUM", raising=False)
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path))
    monkeypatch.setattr(browser, "MAC", ())
    monkeypatch.setenv("PATH", os.devnull)
    assert browser.find_chromium() == chrome


def test_without_any_the_message_says_what_to_do(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setattr(browser, "find_chromium", lambda: None)
    monkeypatch.setattr(browser, "_installers", lambda: iter([["false"]]))
    browser.main()
    assert "set FER_LIB_CHROMIUM=/path/to/chrome" in " ".join(capsys.readouterr().err.split())
