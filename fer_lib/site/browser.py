"""Find, or install, a Chromium that can drive the built pages."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge")
MAC = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
CLOSED_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
)  # headless, and every outside name blocked
PLAYWRIGHT = ("chromium-*/chrome-linux*/chrome", "chromium-*/chrome-mac*/Chromium.app/Contents/MacOS/Chromium")


def find_chromium() -> Path | None:
    """The Chromium named by FER_LIB_CHROMIUM, else one on the path, else one that playwright installed, else None."""
    if named := os.environ.get("FER_LIB_CHROMIUM"):
        return Path(named) if Path(named).exists() else None
    found = [Path(path) for path in map(shutil.which, NAMES) if path]
    found += [path for path in map(Path, MAC) if path.exists()]
    return next(iter(found + _from_playwright()), None)


def _from_playwright() -> list[Path]:
    folders = [os.environ.get("PLAYWRIGHT_BROWSERS_PATH"), "~/.cache/ms-playwright", "~/Library/Caches/ms-playwright"]
    kept = [Path(folder).expanduser() for folder in folders if folder]
    return [path for folder in kept for pattern in PLAYWRIGHT for path in sorted(folder.glob(pattern))]


def install_chromium() -> None:
    """Install a Chromium: the system's package as root (or by sudo without a password), else playwright's own."""
    for command in _installers():
        print("No Chromium was found; trying:", " ".join(command), flush=True)
        if subprocess.run(command, check=False, stdout=subprocess.DEVNULL).returncode:
            continue
        if find_chromium():
            return


def _installers() -> Iterator[list[str]]:
    if shutil.which("apt-get"):
        root = [] if os.geteuid() == 0 else ["sudo", "-n"]
        if not root or shutil.which("sudo"):
            subprocess.run([*root, "apt-get", "update", "-qq"], check=False)
            yield [*root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y", "-qq", "chromium"]
    yield [sys.executable, "-m", "playwright", "install", "chromium"]


def main() -> None:
    """`make browser`: say which Chromium will drive the pages, after installing one if there is none."""
    named = os.environ.get("FER_LIB_CHROMIUM")
    if named and not Path(named).exists():
        sys.exit(f"FER_LIB_CHROMIUM is {named}, and nothing is there: name a Chromium's program, or unset it.")
    if not find_chromium():
        install_chromium()
    if found := find_chromium():
        print(f"The pages will be tested with {found}")
        return
    print(
        "No Chromium could be found or installed. Install one (Debian: apt-get install chromium), or set "
        "FER_LIB_CHROMIUM=/path/to/chrome. Until then the browser tests fail; all others run.",
        file=sys.stderr,
    )


if __name__ == "__main__":
    main()
