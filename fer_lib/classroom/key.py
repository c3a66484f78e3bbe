"""What the teacher keeps private, in a folder outside the repository: seeds of the variants, further hidden tests.

    key/secret.txt               any line of text: the seeds of all hidden cases follow from it
    key/hidden/01-zero-bias.py   optional: code after a line `# %% check-convolve` is added to that check's hidden tests

Without a key the seeds follow from a published word, so that a learner could look the cases up.
"""

from __future__ import annotations

import ast
import copy
import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path

from nbformat import NotebookNode

from fer_lib.classroom.source import marked
from fer_lib.errors import UserError

PUBLIC = "published"


@dataclass(frozen=True)
class Key:
    """`secret` gives the seeds; `hidden` holds further tests by assignment and grade_id."""

    secret: str = PUBLIC
    hidden: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def private(self) -> bool:
        return self.secret != PUBLIC

    def seed(self, assignment: str, grade_id: str) -> int:
        """The seed of one check's hidden cases: the same key gives the same cases."""
        digest = hashlib.sha256(f"{self.secret}/{assignment}/{grade_id}".encode()).digest()
        return int.from_bytes(digest[:4], "big") % 10**6 + 1  # never 0, the learners' own seed


def read_key(folder: Path | None) -> Key:
    """The key in `folder`; None gives the public one. Raises UserError if the folder lacks its secret."""
    if folder is None:
        return Key()
    path = folder / "secret.txt"
    secret = path.read_text(encoding="utf-8").strip() if path.is_file() else ""
    if not secret or secret == PUBLIC:
        raise UserError(f"{path}: expected one line of secret text; write any long phrase into it and keep it private")
    files = sorted((folder / "hidden").glob("*.py"))
    return Key(secret, {file.stem: _parts(file) for file in files})


def _parts(file: Path) -> dict[str, str]:
    """Code by the name after `# %%`. Raises UserError for code that does not parse or precedes every name."""
    text = file.read_text(encoding="utf-8")
    try:
        ast.parse(text)
    except SyntaxError as error:
        raise UserError(f"{file}, line {error.lineno}: {error.msg}; hidden tests must be Python") from error
    before, *parts = re.split(r"^# %%[ \t]*(\S+)[ \t]*$", text, flags=re.MULTILINE)
    if before.strip() or not parts:
        raise UserError(f"{file}: expected parts that begin with a line `# %% grade_id`, such as `# %% check-convolve`")
    return {name: code.strip() for name, code in zip(parts[::2], parts[1::2], strict=True)}


def with_hidden_tests(notebook: NotebookNode, key: Key) -> NotebookNode:
    """The teacher's notebook with hidden cases in every check: the same check on other seeds, then the key's tests."""
    notebook, name = copy.deepcopy(notebook), notebook.metadata["fer_lib"]["assignment"]
    checks = {place: cell for place, cell in marked(notebook, "grade").items() if cell.cell_type == "code"}
    extra = key.hidden.get(name, {})
    if unknown := sorted(set(extra) - set(checks)):
        raise UserError(f"the key has hidden tests for {unknown[0]!r} of {name}; its checks are {', '.join(checks)}")
    module = _module_of_checks(notebook)
    for place, cell in checks.items():
        again = _reseeded(cell.source, key.seed(name, place))
        lines = [cell.source, "### BEGIN HIDDEN TESTS", *_afresh(module), again, extra.get(place, "")]
        cell.source = "\n".join([*filter(None, lines), "### END HIDDEN TESTS"])
    return notebook


def _module_of_checks(notebook: NotebookNode) -> str:
    found = re.search(r"^from fer_lib\.checks import (\w+) as check$", notebook.cells[1].source, re.MULTILINE)
    if not found:
        raise UserError("the first code cell must say `from fer_lib.checks import … as check`")
    return found[1]


def _afresh(module: str) -> list[str]:
    """Lines that load the checks again, in case a submission has replaced them."""
    return [
        "import importlib, sys",
        "for name in [name for name in sys.modules if name.startswith('fer_lib.checks')]: del sys.modules[name]",
        f"check = importlib.import_module('fer_lib.checks.{module}')",
    ]


def _reseeded(source: str, seed: int) -> str:
    """`check.x(answer)` with `seed=…` added to the call."""
    tree = ast.parse(source)
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _is_check(node)]
    for call in calls:
        call.keywords.append(ast.keyword("seed", ast.Constant(seed)))
    if not calls:
        raise UserError(f"a check cell must call the checks, check.…(…); found {source!r}")
    return ast.unparse(tree)


def _is_check(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and getattr(call.func.value, "id", None) == "check"
