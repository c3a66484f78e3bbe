"""Pictures that cells put into the page as text become files beside it: small pages, pictures that browsers keep."""

import base64
import hashlib
import re
from collections.abc import Callable
from pathlib import Path

from fer_lib.files import write_atomic

FOLDER = "_images"
KEPT_INSIDE = 1_000  # characters: smaller ones are not worth a request
_INSIDE = re.compile(r'(?<=src=")data:image/(?P<kind>png|webp|jpeg);base64,(?P<data>[A-Za-z0-9+/=\s]+)(?=")')
_NAMED = re.compile(rf"{FOLDER}/(fer-[0-9a-f]{{16}}\.\w+)")


def move_out(body: str, html: Path, address: Callable[[str], str]) -> str:
    """The page's body with its embedded pictures written below `html`; `address` makes a file's link from the page."""

    def write(found: re.Match) -> str:
        if len(found["data"]) < KEPT_INSIDE:
            return found[0]
        content = base64.b64decode(found["data"])
        file = f"{FOLDER}/fer-{hashlib.sha256(content).hexdigest()[:16]}.{found['kind']}"
        if not (html / file).exists():
            write_atomic(html / file, lambda partial: partial.write_bytes(content))
        return address(file)

    return _INSIDE.sub(write, body)


def remove_unused(html: Path) -> None:
    """Delete such pictures that no page shows any more."""
    used = {name for page in html.rglob("*.html") for name in _NAMED.findall(page.read_text(encoding="utf-8"))}
    for path in (html / FOLDER).glob("fer-*"):
        if path.name not in used:
            path.unlink()
