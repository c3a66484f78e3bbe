"""What the extension takes out of every page."""

import pytest
from sphinx.builders.html import _CascadingStyleSheet, _JavaScript

from fer_lib.site.extension import _is_outside, mended


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('<div class="citation" id="x" role="doc-biblioentry">', '<div class="citation" id="x">'),
        ('<div role="list" class="citation-list">', '<div class="citation-list">'),
        ('<ul role="list" class="other">', '<ul role="list" class="other">'),
        (
            '<th class="head"></th><th class="head"><p>a</p></th>',
            '<td class="head"></td><th class="head"><p>a</p></th>',
        ),
        ('<table id="T_1f"><thead id="T_2">', '<table id="T_1f" class="dataframe"><thead id="T_2">'),
        ('<thead><th id="T_0" class="col0" >&nbsp;</th></thead>', '<thead><td id="T_0" class="col0" ></td></thead>'),
        ('<section id="exercise-content">', "<section>"),
        ('<section class="x" id="solution-content">', '<section class="x">'),
        ('<section id="exercise-contents">', '<section id="exercise-contents">'),
    ],
)
def test_what_docutils_gets_wrong_is_mended_and_nothing_else(before: str, after: str) -> None:
    assert mended(before) == after


@pytest.mark.parametrize(
    ("file", "outside"),
    [
        (_JavaScript("https://example.org/x.js"), True),
        (_CascadingStyleSheet("_static/sphinx-thebe.css"), True),
        (_JavaScript(None, body='const THEBE_JS_URL = "https://example.org"'), True),
        (_JavaScript("_static/figures.js"), False),
        ("_static/site.css", False),
    ],
    ids=["host", "thebe style", "thebe script", "own script", "own name"],
)
def test_scripts_and_styles_of_other_hosts_are_dropped(file: object, outside: bool) -> None:
    assert _is_outside(file) is outside
