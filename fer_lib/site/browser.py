"""Find a Chromium that can drive the built pages."""

import os
import shutil
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge")
MAC = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
PLAYWRIGHT = ("chromium-*/chrome-linux*/chrome", "chromium-*/chrome-mac*/Chromium.app/Contents/MacOS/Chromium")


def find_chromium() -> Path | None:
    """The Chromium named by FER_LIB_CHROMIUM, else one on the path, else one that playwright installed, else None."""
    named = os.environ.get("FER_LIB_CHROMIUM")
    found = [Path(named)] if named else [Path(path) for path in map(shutil.which, NAMES) if path]
    found += [path for path in map(Path, MAC) if path.exists()]
    return next(iter(found + _from_playwright()), None)


def _from_playwright() -> list[Path]:
    folders = [os.environ.get("PLAYWRIGHT_BROWSERS_PATH"), "~/.cache/ms-playwright", "~/Library/Caches/ms-playwright"]
    kept = [Path(folder).expanduser() for folder in folders if folder]
    return [path for folder in kept for pattern in PLAYWRIGHT for path in sorted(folder.glob(pattern))]
