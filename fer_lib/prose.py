"""Numbers in prose: which ones are quoted, and whether they are true to their source.

Three ways to quote a result in book/**/*.md or README.md; a test refuses every other:

    {ledger}`ENTRY.path.to.number`        the site prints the ledger's number; nothing is typed
    93.1 % <!-- ledger: ENTRY.path -->    typed, for README, and compared with the ledger at the digits it shows
    95.1 %                                typed, because it is one of the paper's own (`fer_lib.paper`)

Looked at are decimal per cents, decimals around "±", and decimals told as an accuracy, AUROC or IoU; code, mathematics
and front matter are not prose. A whole number, such as a 95 % interval, is not taken for a result.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fer_lib import results
from fer_lib.errors import UserError
from fer_lib.paper import PAPER

_FENCE = re.compile(r"\s*(`{3,}|~{3,}|:{3,})\s*(.*)")
_CODE = re.compile(r"(?!\{)|\{(code|code-cell|code-block|literalinclude|math|raw|mermaid|eval-rst)\}")
_NOT_PROSE = re.compile(
    r"\A---\n.*?\n---\n"  # front matter
    r"|^\$\$.*?\$\$|\$[^$\n]+\$"
    r"|(?<![`}])`[^`\n]+`"  # inline code, but not a role's text
    r"|https?://\S+",
    re.MULTILINE | re.DOTALL,
)
_DECIMAL = r"\d+\.\d+"
_QUOTED = re.compile(
    rf"(?<![\w.])(?P<percent>{_DECIMAL})(?=\s*(?:%|per cent|percent))"
    rf"|(?<![\w.])(?P<mean>{_DECIMAL})(?=\s*±)"
    rf"|(?<=±)\s*(?P<spread>{_DECIMAL})"
    rf"|(?:accuracy|AUROC|IoU)\b[^.\d\n]{{0,20}}(?P<share>0\.\d+)"
)
_ROLE = re.compile(r"\{ledger\}`([^`]+)`")
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_SOURCE = re.compile(r"<!--\s*ledger:\s*(\S+)\s*-->")


def power_of_ten(value: float) -> str:
    """One digit and a power, as prose writes it: 2.1e-07 → "2 × 10⁻⁷"; 0 → "0"."""
    if value == 0:
        return "0"
    digit, exponent = f"{value:.0e}".split("e")
    return f"{digit} × 10{str(int(exponent)).translate(_RAISED)}"


@dataclass(frozen=True)
class Quote:
    """A number in prose. `source` is the ledger key that marks it, the nearest one after it on its line."""

    line: int  # from 1
    text: str  # as typed
    kind: str  # "percent", "share", or around "±": "mean" or "spread"
    source: str | None

    def shows(self, value: float) -> bool:
        """Whether the text is the ledger's `value`, a share of 1, rounded to the digits shown."""
        scales = {"percent": (100,), "share": (1,)}.get(self.kind, (1, 100))
        return any(self.is_typed(scale * value) for scale in scales)

    def is_typed(self, number: float) -> bool:
        """Whether the text is the very number, rounded to the digits shown."""
        return f"{number:.{len(self.text.partition('.')[2])}f}" == self.text


def prose(text: str) -> str:
    """The text with code, mathematics, addresses and front matter blanked; lines keep their numbers."""
    text = _NOT_PROSE.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)
    return "\n".join(_without_code(text.split("\n")))


def _without_code(lines: list[str]) -> Iterator[str]:
    """Lines of fenced code blanked; a directive such as {note} holds prose."""
    fences: list[tuple[str, bool]] = []  # open ones: how each closes, and whether it holds code
    for line in lines:
        fence = _FENCE.match(line)
        if fences and line.strip() == fences[-1][0]:
            fences.pop()
            yield ""
        elif fences and fences[-1][1]:
            yield ""
        elif fence:
            fences.append((fence[1], bool(_CODE.match(fence[2]))))
            yield ""
        else:
            yield line


def quotes(text: str) -> Iterator[Quote]:
    """Every number that the prose of a Markdown text quotes as a result."""
    for number, line in enumerate(prose(text).splitlines(), 1):
        for match in _QUOTED.finditer(line):
            source = _SOURCE.search(line, match.end())
            kind = str(match.lastgroup)
            yield Quote(number, match[kind].strip(), kind, source[1] if source else None)


def problems(path: Path, ledger: Path = results.LEDGER) -> list[str]:
    """Every quoted number of the file that its source does not bear out, and every role whose key is not there."""
    text = path.read_text(encoding="utf-8")
    found = [f"{path}:{quote.line}: {trouble}" for quote in quotes(text) if (trouble := _trouble(quote, ledger))]
    for number, line in enumerate(text.splitlines(), 1):
        found += [f"{path}:{number}: {trouble}" for key in _ROLE.findall(line) if (trouble := _missing(key, ledger))]
    return found


def _trouble(quote: Quote, ledger: Path) -> str | None:
    if quote.source is None:
        if any(quote.is_typed(number) for value in PAPER.values() for number in (value.value, value.sd) if number):
            return None
        return (
            f"{quote.text} has no source; read it from the ledger with {{ledger}}`ENTRY.path`, or mark it "
            "<!-- ledger: ENTRY.path --> behind the number"
        )
    missing = _missing(quote.source, ledger)
    if missing or quote.shows(results.value(quote.source, ledger)):
        return missing
    return f"{quote.text} is quoted, but the ledger's {quote.source} is {results.value(quote.source, ledger):g}"


def _missing(key: str, ledger: Path) -> str | None:
    try:
        found = results.value(key, ledger)
    except UserError as error:
        return str(error)
    return (
        None
        if isinstance(found, int | float | str)
        else f"ledger key {key} is no single number: {type(found).__name__}"
    )
