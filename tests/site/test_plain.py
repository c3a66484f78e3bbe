"""MyST said in plain Markdown: every directive and role becomes what it shows."""

from pathlib import Path

import pytest

from fer_lib.errors import UserError
from fer_lib.site.plain import plain

ROOT = Path(__file__).parents[2]
BIBLIOGRAPHY = ROOT / "book" / "references.bib"


def said(text: str) -> str:
    return plain(text, ROOT / "book" / "01-x.md", BIBLIOGRAPHY)


@pytest.mark.parametrize(
    ("myst", "markdown"),
    [
        ("{term}`action units <action unit>` and {term}`FACS`", "action units and FACS"),
        ("{cite}`khorrami2015,ekman1978`", "(Khorrami et al., 2015; Ekman and Friesen, 1978)"),
        ("{cite:t}`ekman1978` say", "Ekman and Friesen (1978) say"),
        ("{glue:text}`best_score:.2f`", "*[best score]*"),
        ("{math}`x^2`, {doc}`this <01-x>`", "$x^2$, [this](01-x.ipynb)"),
        ("(here)=\n# Title", "# Title"),
        ("% a note\ntext", "text"),
        ("[a](02-y.md) [b](reference/z.md#w) [c](https://example.org/q) [d](#e)",
         "[a](02-y.ipynb) [b](../book/reference/z.md#w) [c](https://example.org/q) [d](#e)"),
        ("```python\n{term}`x`\n```", "```python\n{term}`x`\n```"),
        (":::{note}\ntext\n:::", "> **Note**\n>\n> text"),
        ("```{math}\n:label: eq\n\nx = 1\n```", "$$\nx = 1\n$$"),
        ("```{figure} pictures/a.png\n:alt: A face\n\nTold.\n```", "![A face](../book/pictures/a.png)\n\nTold."),
        (":::{dropdown} More\nText\n:::", "<details><summary>More</summary>\n\nText\n\n</details>"),
    ],
)  # fmt: skip
def test_what_is_shown_is_what_is_said(myst: str, markdown: str) -> None:
    assert said(myst) == markdown


def test_boxes_in_boxes() -> None:
    assert said("::::{tip}\n:class: x\n\n:::{note} Mind\n{term}`this`\n:::\n::::") == (
        "> **Tip**\n>\n> > **Mind**\n> >\n> > this"
    )


def test_quiz_keeps_every_reason_and_hides_it() -> None:
    told = said("```{quiz} Why?\n- (right) Yes.\n\n  It is so.\n- No.\n\n  It is not.\n```")
    assert told.startswith("**Question.** Why?") and "(right)" not in told
    yes, no = told.split("<summary>")[1:]
    assert yes.startswith("Yes.</summary>") and "**Right.**" in yes and "It is so." in yes
    assert no.startswith("No.</summary>") and "**Not this one.**" in no and "It is not." in no


@pytest.fixture
def first(tmp_path: Path) -> Path:
    """The first of two chapters with labels; it need not say what is asked of it."""
    (tmp_path / "01-first.md").write_text("# First\n\n(near)=\n## Close by\n")
    figure = 'mystnb:\n  figure:\n    name: fig-far\n    caption: "Three points: two are high."'
    cell = f"```{{code-cell}} ipython3\n---\n{figure}\n---\nx = 1\n```"
    head = "---\njupytext: {text_representation: {extension: .md, format_name: myst}}\n"
    kernel = "kernelspec: {display_name: Python 3, language: python, name: python3}\n---\n"
    (tmp_path / "02-second.md").write_text(f"{head}{kernel}\n# Second\n\n(far)=\n\n## Far `off`\n\n{cell}\n")
    return tmp_path / "01-first.md"


@pytest.mark.parametrize(
    ("myst", "markdown"),
    [
        ("| [](near) | [above](near) |", "| Close by | above |"),
        ("[](far), [there](far)", "[Far `off`](02-second.ipynb), [there](02-second.ipynb)"),
        ("```python\nnets[0](far)\n```", "```python\nnets[0](far)\n```"),
        ("{numref}`fig-far` shows it.", "Figure “Three points” shows it."),
        ("{doc}`02-second`", "[Second](02-second.ipynb)"),
    ],
)
def test_labels_lead_somewhere_or_are_words(first: Path, myst: str, markdown: str) -> None:
    assert plain(myst, first, BIBLIOGRAPHY) == markdown


def test_unknown_figure_is_an_error(first: Path) -> None:
    with pytest.raises(UserError, match=r"01-first\.md: no cell makes the figure 'fig-none'"):
        plain("{numref}`fig-none`", first, BIBLIOGRAPHY)


def test_unknown_source_is_an_error() -> None:
    with pytest.raises(KeyError, match="nobody1900"):
        said("{cite}`nobody1900`")
