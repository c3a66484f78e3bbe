"""Buttons lead to files that are there; cards, sitemap and the page for lost readers follow the settings."""

import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

import pytest

from fer_lib.errors import UserError
from fer_lib.site import notebooks, publish

ROOT = Path(__file__).parents[2]
URL = "https://github.com/owner/name"


@pytest.mark.parametrize("source", notebooks.chapters(ROOT), ids=lambda path: path.stem)
def test_every_button_opens_the_chapters_notebook(source: Path) -> None:
    links = publish.launch_links(URL, "main", f"notebooks/{source.stem}.ipynb", "https://hub.example.org/")
    opened = {
        "Binder": parse_qs(urlsplit(links["Binder"]).query)["urlpath"][0].removeprefix("lab/tree/"),
        "Colab": urlsplit(links["Colab"]).path.removeprefix("/github/owner/name/blob/main/"),
        "JupyterHub": parse_qs(urlsplit(links["JupyterHub"]).query)["urlpath"][0].removeprefix("lab/tree/name/"),
    }
    assert [name for name, file in opened.items() if not (ROOT / file).is_file()] == []
    assert links["Binder"].startswith("https://mybinder.org/v2/gh/owner/name/main?")
    assert parse_qs(urlsplit(links["JupyterHub"]).query)["repo"] == [URL]


def test_without_a_hub_there_is_no_hub_button() -> None:
    assert publish.launch_links(URL, "main", "notebooks/x.ipynb").keys() == {"Binder", "Colab"}


@pytest.mark.parametrize("url", ["", URL, URL + "/", URL + ".git"])
def test_good_repositories(url: str) -> None:
    assert publish.repository({"repository_url": url}) == (URL if url else "")


@pytest.mark.parametrize("url", ["git@github.com:owner/name", "https://example.org/owner/name", "https://github.com/o"])
def test_bad_repositories_are_named(url: str) -> None:
    with pytest.raises(UserError, match=re.escape(repr(url))):
        publish.repository({"repository_url": url})


def test_card_is_absolute_and_escaped() -> None:
    tags = publish.card('A "b" & c', "What <it> is", "https://example.org/book/", "book/index.html")
    assert 'content="A &quot;b&quot; &amp; c"' in tags and "What &lt;it&gt; is" in tags
    assert 'property="og:image" content="https://example.org/book/_static/card.png"' in tags
    assert 'property="og:url" content="https://example.org/book/book/index.html"' in tags


def test_sitemap_names_every_page() -> None:
    text = publish.sitemap("https://example.org/book/", ["b.html", "a&b.html"])
    places = [element.text for element in ElementTree.fromstring(text).iter() if element.tag.endswith("loc")]
    assert places == ["https://example.org/book/a&b.html", "https://example.org/book/b.html"]
