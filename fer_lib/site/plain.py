"""Say MyST in the Markdown that every notebook program shows: for the notebooks that Colab and Jupyter open."""

import re
import textwrap
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from pybtex.database import parse_file

from fer_lib import results
from fer_lib.site.ledger import shown
from fer_lib.site.quiz import RIGHT

_OPEN = re.compile(r"^(?P<fence>`{3,}|:{3,})\{(?P<name>[\w:-]+)\} *(?P<title>.*)$")
_OPTION = re.compile(r"^:([\w-]+):(?: +(.*))?$")
_ROLE = re.compile(r"\{(?P<role>[a-z:]+)\}`(?P<text>[^`]+)`")
_TITLED = re.compile(r"^(?P<title>.*?)\s*<(?P<target>[^<>]+)>$", re.DOTALL)
_LINK = re.compile(r"\]\((?!\w+:|#|/)(?P<path>[^)\s#]+)(?P<anchor>#[^)\s]*)?\)")
_TARGET = re.compile(r"^\([\w:-]+\)=\n|^%.*\n|^\{[.#][^}`]*\}\n", re.MULTILINE)


def plain(text: str, source: Path, bibliography: Path) -> str:
    """MyST Markdown as plain Markdown. `source` is the text's file; its links then lead from the folder notebooks/."""
    text = "\n".join(_blocks(_TARGET.sub("", text).split("\n")))
    text = _outside_code(text, lambda part: _ROLE.sub(lambda found: _role(found, bibliography), part))
    return _LINK.sub(lambda found: f"]({_moved(found['path'], source)}{found['anchor'] or ''})", text)


def _outside_code(text: str, change: Callable[[str], str]) -> str:
    parts = re.split(r"(^```.*?^```$)", text, flags=re.MULTILINE | re.DOTALL)
    return "".join(part if place % 2 else change(part) for place, part in enumerate(parts))


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


def _role(found: re.Match, bibliography: Path) -> str:
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
