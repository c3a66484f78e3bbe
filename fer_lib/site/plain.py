"""Say MyST in the Markdown that every notebook program shows: for the notebooks that Colab and Jupyter open."""

import re
import textwrap
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import jupytext
from pybtex.database import parse_file

from fer_lib import results
from fer_lib.errors import UserError
from fer_lib.site.ledger import shown
from fer_lib.site.quiz import RIGHT

_OPEN = re.compile(r"^(?P<fence>`{3,}|:{3,})\{(?P<name>[\w:-]+)\} *(?P<title>.*)$")
_OPTION = re.compile(r"^:([\w-]+):(?: +(.*))?$")
_ROLE = re.compile(r"\{(?P<role>[a-z:]+)\}`(?P<text>[^`]+)`")
_TITLED = re.compile(r"^(?P<title>.*?)\s*<(?P<target>[^<>]+)>$", re.DOTALL)
_LABEL = re.compile(r"\[(?P<text>[^\[\]]*)\]\((?P<label>[\w:-]+)\)")
_SECTION = re.compile(r"^\((?P<label>[\w:-]+)\)=\n+#+ (?P<title>.+)$", re.MULTILINE)
_HEADING = re.compile(r"^# (.+)$", re.MULTILINE)
_SENTENCE_PART = re.compile(r"[^.:;]+")
_LINK = re.compile(r"\]\((?!\w+:|#|/)(?P<path>[^)\s#]+)(?P<anchor>#[^)\s]*)?\)")
_TARGET = re.compile(r"^\([\w:-]+\)=\n|^%.*\n|^\{[.#][^}`]*\}\n", re.MULTILINE)


def plain(text: str, source: Path, bibliography: Path) -> str:
    """MyST Markdown as plain Markdown. `source` is the text's file; its links then lead from the folder notebooks/."""
    text = "\n".join(_blocks(_TARGET.sub("", text).split("\n")))
    parts = re.split(r"(^```.*?^```$)", text, flags=re.MULTILINE | re.DOTALL)
    return "".join(part if place % 2 else _prose(part, source, bibliography) for place, part in enumerate(parts))


def _prose(text: str, source: Path, bibliography: Path) -> str:
    """Text outside code with its roles and links said plainly."""
    text = _LABEL.sub(lambda found: _labelled(found, source), text)
    text = _ROLE.sub(lambda found: _role(found, source, bibliography), text)
    return _LINK.sub(lambda found: f"]({_moved(found['path'], source)}{found['anchor'] or ''})", text)


def _blocks(lines: list[str]) -> Iterator[str]:
    """The lines with every directive replaced by what it shows; what is inside is read in the same way."""
    place = 0
    while place < len(lines):
        found = _OPEN.match(lines[place])
        if not found:
            yield lines[place]
            place += 1
            continue
        end = next((n for n in range(place + 1, len(lines)) if lines[n].rstrip() == found["fence"]), len(lines))
        yield from _directive(found["name"], found["title"].strip(), lines[place + 1 : end])
        place = end + 1


def _directive(name: str, title: str, body: list[str]) -> Iterator[str]:
    options, body = _options(body)
    inside = list(_blocks(body))
    if name == "quiz":
        yield from _quiz(title, body)
    elif name == "math":
        yield from ("$$", *inside, "$$")
    elif name in ("figure", "image"):
        yield from (f"![{options.get('alt', '')}]({title})", "", *inside)
    elif name == "solution" or "dropdown" in (name, *options.get("class", "").split()):
        yield from _folded("Solution" if name == "solution" else title, inside)
    elif name == "exercise":
        yield from _quoted(f"Exercise. {title}".strip(), inside)
    elif name in ("only", "raw", "bibliography", "tableofcontents"):
        return
    elif name in ("code-block", "code"):
        yield from (f"```{title}", *body, "```")
    elif name in ("container", "grid", "tab-set", "div"):
        yield from inside
    else:
        yield from _quoted(title or name.capitalize(), inside)


def _options(body: list[str]) -> tuple[dict[str, str], list[str]]:
    options, place = {}, 0
    while place < len(body) and (found := _OPTION.match(body[place].strip())):
        options[found[1]] = found[2] or ""
        place += 1
    return options, textwrap.dedent("\n".join(body[place:])).strip("\n").split("\n")


def _quoted(title: str, lines: list[str]) -> Iterator[str]:
    yield from (f"> **{title}**", ">", *(f"> {line}".rstrip() for line in lines))


def _folded(title: str, lines: list[str]) -> Iterator[str]:
    yield from (f"<details><summary>{title}</summary>", "", *lines, "", "</details>")


def _quiz(question: str, body: list[str]) -> Iterator[str]:
    """Each choice folds out to its reason, as on the page."""
    yield from (f"**Question.** {question}", "")
    for choice in re.split(r"^- ", "\n".join(body), flags=re.MULTILINE)[1:]:
        answer, _, why = textwrap.dedent("  " + choice).partition("\n")
        right = answer.startswith(RIGHT)
        verdict = "**Right.**" if right else "**Not this one.**"
        yield from _folded(answer.removeprefix(RIGHT).strip(), [verdict, *textwrap.dedent(why).split("\n")])
        yield ""


def _labelled(found: re.Match, source: Path) -> str:
    """A link to a section: of another chapter to its file; of the same chapter the words alone."""
    if found["label"] not in _sections(source.parent):
        return found[0]
    chapter, title = _sections(source.parent)[found["label"]]
    text = found["text"] or title
    return text if chapter == source.name else f"[{text}]({chapter})"


def _chapters(folder: Path) -> list[Path]:
    return sorted(folder.glob("[0-9][0-9]-*.md"))


@cache
def _sections(folder: Path) -> dict[str, tuple[str, str]]:
    """The chapter and the title of every section that has a label."""
    return {
        found["label"]: (chapter.name, found["title"])
        for chapter in _chapters(folder)
        for found in _SECTION.finditer(chapter.read_text(encoding="utf-8"))
    }


@cache
def _captions(folder: Path) -> dict[str, str]:
    """The caption of every figure that a cell makes."""
    cells = [cell for chapter in _chapters(folder) for cell in jupytext.read(chapter).cells]
    figures = [cell.metadata.get("mystnb", {}).get("figure", {}) for cell in cells]
    return {figure["name"]: figure["caption"] for figure in figures if "name" in figure}


def _figure(label: str, source: Path) -> str:
    """A figure by the start of its caption: notebooks do not number them."""
    caption = _captions(source.parent).get(label)
    if caption is None:
        raise UserError(f"{source}: no cell makes the figure {label!r}; give the name of a figure with a caption")
    return f"Figure “{_SENTENCE_PART.match(caption)[0]}”"


def _page(path: str, title: str | None, source: Path) -> str:
    """A link to a page; its own title unless another is given."""
    file = f"{path}.md"
    return f"[{title or _HEADING.search((source.parent / file).read_text(encoding='utf-8'))[1]}]({file})"


def _role(found: re.Match, source: Path, bibliography: Path) -> str:
    role, text = found["role"], found["text"]
    titled = _TITLED.match(text)
    if role.startswith("cite"):
        cited = [_citation(key.strip(), bibliography) for key in text.split(",")]
        if role == "cite:t":
            return "; ".join(f"{who} ({year})" for who, year in cited)
        return "(" + "; ".join(f"{who}, {year}" for who, year in cited) + ")"
    if role == "ledger":
        return shown(results.value(text))
    if role.startswith("glue"):
        return f"*[{text.partition(':')[0].replace('_', ' ')}]*"  # notebooks.py lets the cells print it
    if role == "math":
        return f"${text}$"
    if role == "numref":
        return _figure(text, source)
    if role == "doc":
        return _page(titled["target"] if titled else text, titled["title"] if titled else None, source)
    return titled["title"] if titled and titled["title"] else text


@cache
def _entries(bibliography: Path):
    return parse_file(str(bibliography)).entries


def _citation(key: str, bibliography: Path) -> tuple[str, str]:
    entry = _entries(bibliography)[key]
    names = [" ".join(person.last_names).strip("{}") for person in entry.persons.get("author", [])]
    who = " and ".join(names) if len(names) < 3 else f"{names[0]} et al."
    return who, entry.fields["year"]


def _moved(path: str, source: Path) -> str:
    """A link of the source as it must be in notebooks/: chapters have their notebook there, all else stays."""
    if re.fullmatch(r"\d\d-[\w-]+\.md", path):
        return path.removesuffix(".md") + ".ipynb"
    return f"../{source.parent.name}/{path}"
