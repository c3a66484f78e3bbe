"""What a reader may count on in every chapter: a card, exercises with solutions, a quiz, key points, sources."""

import re
from pathlib import Path

import pytest

BOOK = Path(__file__).parents[2] / "book"
CHAPTERS = sorted(BOOK.glob("[01]?-*.md"))
EXERCISE = re.compile(r"^```\{exercise\}\n:label: (\S+)\n\n\*(?:Easy|Medium|Hard), \d+ minutes", re.MULTILINE)
SOLUTION = re.compile(r"^`{3,}\{solution\} (\S+)\n:class: dropdown", re.MULTILINE)
CAPTION = re.compile(r"^    caption: .+", re.MULTILINE)
NAMED = re.compile(r"^    name: (\S+)", re.MULTILINE)


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.name)
def test_every_part_is_there(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for part in ("{admonition} This chapter", "reference/status.md", "{quiz}", "{admonition} What can go wrong",
                 "{admonition} Key points", "## Sources"):  # fmt: skip
        assert part in text, part


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.name)
def test_exercises_say_how_hard_and_how_long_and_are_solved(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    labels = EXERCISE.findall(text)
    assert len(labels) >= 2
    assert len(labels) == text.count("{exercise}"), "an exercise lacks its difficulty or its minutes"
    assert sorted(SOLUTION.findall(text)) == sorted(labels)


def test_names_of_figures_and_exercises_are_used_once() -> None:
    texts = [path.read_text(encoding="utf-8") for path in CHAPTERS]
    names = [name for text in texts for name in (*NAMED.findall(text), *EXERCISE.findall(text))]
    assert len(names) == len(set(names))
    assert all(len(NAMED.findall(text)) == len(CAPTION.findall(text)) for text in texts)
