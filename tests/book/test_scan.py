"""The HTML at rest: no dead link or anchor, nothing loaded from another host, alt text on every picture."""

import gzip
import re
from pathlib import Path

import pytest

from .scan import Page, dead_links, read_pages

MEMORY_LIMIT = 1500  # MB, of a chapter's kernel
PAGE_LIMIT = 400_000  # bytes, gzipped


@pytest.fixture(scope="module")
def pages(html: Path) -> dict[Path, Page]:
    return read_pages(html)


def test_no_dead_links(pages: dict[Path, Page]) -> None:
    assert len(pages) > 5
    assert dead_links(pages) == []


def test_nothing_is_loaded_from_another_host(pages: dict[Path, Page]) -> None:
    assert {page.path.name: page.outside_loads() for page in pages.values() if page.outside_loads()} == {}


def test_pictures_have_alt_text(pages: dict[Path, Page]) -> None:
    bare = [(page.path.name, image["src"]) for page in pages.values() for image in page.images if not image.get("alt")]
    assert bare == []


def test_no_name_is_given_twice(pages: dict[Path, Page]) -> None:
    assert {page.path.name: page.twice for page in pages.values() if page.twice} == {}


def test_pages_are_small(pages: dict[Path, Page]) -> None:
    sizes = {path.name: len(gzip.compress(path.read_bytes())) for path in pages}
    assert {name: size for name, size in sizes.items() if size > PAGE_LIMIT} == {}


def test_every_page_has_a_card_whose_picture_is_there(pages: dict[Path, Page], html: Path) -> None:
    for path, page in pages.items():
        if path.name not in ("404.html", "index.html") or path.parent.name == "book":
            card = dict(re.findall(r'<meta property="(og:[\w:]+)" content="([^"]*)">', page.path.read_text()))
            assert card["og:title"] and card["og:description"] and card["og:url"].endswith(path.name), path
            assert (html / "_static" / Path(card["og:image"]).name).is_file()


def test_the_sitemap_names_every_page_of_text(html: Path) -> None:
    named = re.findall(r"<loc>https?://[^/]+/([^<]+)</loc>", (html / "sitemap.xml").read_text())
    assert named and [name for name in named if not name.endswith(".html")] == []
    sources = {path.relative_to(html / "_sources").with_suffix("") for path in (html / "_sources").rglob("*.md")}
    assert {f"{source.as_posix()}.html" for source in sources} <= {name[name.find("book/") :] for name in named}


def test_every_executed_page_fits_in_a_small_machine(html: Path) -> None:
    status = (html / "book" / "reference" / "status.html").read_text(encoding="utf8")
    rows = re.findall(r"<tr.*?</tr>", status.partition("Machine and versions<a")[0], re.DOTALL)
    cells = [re.findall(r"<td>(?:<p>)?(.*?)(?:</p>)?</td>", row, re.DOTALL) for row in rows]
    memory = {row[0]: int(row[3]) for row in cells if len(row) == 5}
    assert len(memory) > 1
    assert {page: megabytes for page, megabytes in memory.items() if megabytes > MEMORY_LIMIT} == {}


def test_scan_finds_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(
        '<a href="b.html#here">x</a><a href="b.html#gone">x</a><a href="c.html">x</a><a href="https://example.org">x</a>'
        '<a href="/b.html">x</a><a href="/d.html">x</a>'
        '<script src="https://example.org/x.js"></script><link rel="stylesheet" href="missing.css"><img src="b.html">'
    )
    (tmp_path / "b.html").write_text('<p id="here">x</p>')
    pages = read_pages(tmp_path)
    assert dead_links(pages) == ["a.html: b.html#gone", "a.html: c.html", "a.html: /d.html", "a.html: missing.css"]
    assert pages[(tmp_path / "a.html").resolve()].outside_loads() == ["https://example.org/x.js"]
    assert not pages[(tmp_path / "a.html").resolve()].images[0].get("alt")
