"""Show docstrings, which are plain Markdown-like text, through autodoc, which expects reStructuredText."""

import re

SPECIAL = re.compile(r"([\\*|])|(?<=\w)(_)(?=\W|$)")
CODE = re.compile(r"`+([^`]+)`+")


def to_restructured(lines: list[str]) -> list[str]:
    """Docstring lines as reStructuredText: `code` marked as code, aligned tables kept as they are, the rest escaped."""
    paragraphs = re.split(r"\n\s*\n", "\n".join(lines).strip("\n"))
    return "\n\n".join(_paragraph(paragraph) for paragraph in paragraphs).split("\n") + [""]


def _paragraph(text: str) -> str:
    lines = text.split("\n")
    if any(re.search(r"\S {2,}\S", line) or line.startswith(" ") for line in lines):
        return "::\n\n" + "\n".join("    " + line for line in lines)
    return "\n".join(map(_line, lines))


def _line(text: str) -> str:
    parts = CODE.split(text)  # every second part was in backticks
    marked = [f"``{part}``" if place % 2 else SPECIAL.sub(r"\\\1\2", part) for place, part in enumerate(parts)]
    line = "\\ ".join(marked) if len(marked) > 1 else marked[0]
    return re.sub(r"^(\s*)([-+•] |\d+[.)] |\S+:$)", r"\1\\\2", line)
