"""Read built pages: their links, anchors and what they load."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADS = {
    "script": "src",
    "img": "src",
    "iframe": "src",
    "source": "src",
    "video": "src",
    "audio": "src",
    "embed": "src",
}
LOADED_LINKS = {"stylesheet", "preload", "icon", "modulepreload", "manifest", "preconnect", "dns-prefetch"}
OUTSIDE = ("http://", "https://", "//")


@dataclass
class Page(HTMLParser):
    """One page: `ids` it defines, those it gives `twice`, `links` a reader can follow, `loads` of the browser."""

    path: Path
    root: Path  # of the site
    ids: set[str] = field(default_factory=set)
    twice: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    images: list[dict[str, str | None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.path.read_text(encoding="utf8"))

    def handle_starttag(self, tag: str, pairs: list[tuple[str, str | None]]) -> None:
        attributes = dict(pairs)
        if (name := attributes.get("id")) in self.ids:
            self.twice.append(name)
        self.ids.update(attributes[key] for key in ("id", "name") if attributes.get(key))
        if tag == "a" and attributes.get("href"):
            self.links.append(attributes["href"])
        if tag == "link" and LOADED_LINKS & set((attributes.get("rel") or "").split()):
            self.loads.append(attributes.get("href") or "")
        if tag in LOADS and attributes.get(LOADS[tag]):
            self.loads.append(attributes[LOADS[tag]])
        if tag == "img":
            self.images.append(attributes)

    def outside_loads(self) -> list[str]:
        """What this page would fetch from another host."""
        return [load for load in self.loads if load.startswith(OUTSIDE)]

    def target(self, link: str) -> tuple[Path, str] | None:
        """The file and anchor that a link of this page points to, or None for a link to another host or scheme."""
        parts = urlsplit(link)
        if parts.scheme or parts.netloc:
            return None
        place = unquote(parts.path)
        start = self.root if place.startswith("/") else self.path.parent
        file = (start / place.lstrip("/")).resolve() if place else self.path.resolve()
        return (file / "index.html" if file.is_dir() else file), unquote(parts.fragment)


def read_pages(folder: Path) -> dict[Path, Page]:
    """Every page below the folder by its resolved path, theme fragments left out."""
    paths = (path for path in sorted(folder.rglob("*.html")) if "_static" not in path.relative_to(folder).parts)
    return {path.resolve(): Page(path, folder) for path in paths}


def dead_links(pages: dict[Path, Page]) -> list[str]:
    """`page: link` for each link or load inside the site whose file or anchor is not there."""
    dead = []
    for page in pages.values():
        for link in dict.fromkeys(page.links + page.loads):
            if (target := page.target(link)) and not _is_there(*target, pages):
                dead.append(f"{page.path.name}: {link}")
    return dead


def _is_there(file: Path, anchor: str, pages: dict[Path, Page]) -> bool:
    if not file.exists():
        return False
    return not anchor or file not in pages or anchor in pages[file].ids
