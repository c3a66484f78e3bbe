"""Quizzes: one right choice, a reason for each, and radio buttons that belong together."""

import re
from pathlib import Path

import pytest
from sphinx.testing.util import SphinxTestApp

PAGE = """# Page

```{{quiz}} Which 1 < 2, *this*?
- (right) *This* one.

  It is marked.
- That one.{reason}
```
"""


def build(folder: Path, text: str) -> tuple[str, str]:
    (folder / "conf.py").write_text('extensions = ["myst_parser", "quiz_only"]')
    (folder / "quiz_only.py").write_text(
        "from fer_lib.site.quiz import Quiz\ndef setup(app):\n    app.add_directive('quiz', Quiz)\n"
    )
    (folder / "index.md").write_text(text)
    app = SphinxTestApp(srcdir=folder, builddir=folder / "build")
    app.build()
    page, warnings = (folder / "build" / "html" / "index.html").read_text(), app.warning.getvalue()
    app.cleanup()
    return page, warnings


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_choices_share_a_group_and_each_has_its_reason(source: Path) -> None:
    page, warnings = build(source, PAGE.format(reason="\n\n  It is not."))
    assert warnings == ""
    assert "<legend>Which 1 &lt; 2, <em>this</em>?</legend>" in page
    assert len(set(re.findall(r'type="radio" name="([^"]+)"', page))) == 1
    assert len(re.findall(r'type="radio"', page)) == 2 == page.count('class="fer-why"')
    assert "<em>This</em> one." in page and "(right)" not in page


def test_a_choice_without_a_reason_is_refused(source: Path) -> None:
    assert "has no reason" in build(source, PAGE.format(reason=""))[1]


def test_a_quiz_without_a_right_choice_is_refused(source: Path) -> None:
    text = PAGE.format(reason="\n\n  It is not.").replace("(right) ", "")
    assert "one of them marked (right)" in build(source, text)[1]
