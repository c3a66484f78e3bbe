"""Do the checks notice a wrong answer? Mutate the solutions, one small change at a time, and count who is caught.

`python -m fer_lib.classroom.mutation` writes book/assignments/mutants.md. Every mutant counts, also one that changes no
behaviour, so that the share caught is a lower bound; the survivors are listed.
"""

from __future__ import annotations

import ast
import contextlib
import copy
import io
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from fer_lib.classroom.source import FOLDER, marked, read_source, sources, title_of
from fer_lib.classroom.submission import LOOK
from fer_lib.files import write_text

SECONDS = 10  # a mutant may loop for ever

_OPERATORS: dict[type, tuple[type, ...]] = {
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Div,),
    ast.Div: (ast.Mult,),
    ast.FloorDiv: (ast.Mult,),
    ast.Mod: (ast.FloorDiv,),
    ast.Pow: (ast.Mult,),
    ast.Gt: (ast.Lt, ast.GtE),
    ast.GtE: (ast.Lt, ast.Gt),
    ast.Lt: (ast.Gt, ast.LtE),
    ast.LtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.And: (ast.Or,),
    ast.Or: (ast.And,),
    ast.BitAnd: (ast.BitOr,),
    ast.BitOr: (ast.BitAnd,),
}
_NAMES = {
    **{"max": "min", "min": "max", "argmax": "argmin", "argmin": "argmax", "sum": "mean", "mean": "sum"},
    **{"std": "var", "zeros": "ones", "zeros_like": "ones_like", "ones_like": "zeros_like", "log": "log2"},
    **{"relu": "abs", "abs": "sign", "norm": "sum", "sorted": "list", "MaxPool2d": "AvgPool2d"},
}


@dataclass(frozen=True)
class Mutant:
    """One changed solution: in which cell, on which line of it, from what to what."""

    cell: str
    line: int
    change: str
    source: str


def mutants(cell: str, source: str) -> Iterator[Mutant]:
    """Every single change of an operator, sign, comparison, number, axis or name in the solution's own lines."""
    tree, own = ast.parse(source), _solution_lines(source)
    for number, node in enumerate(ast.walk(tree)):
        for change in _changes(node) if getattr(node, "lineno", 0) in own else ():
            other = copy.deepcopy(tree)
            target: Any = list(ast.walk(other))[number]
            before = ast.unparse(target)
            change(target)
            after = ast.unparse(target)
            if before != after:
                yield Mutant(cell, target.lineno, f"{before} → {after}", ast.unparse(other))


def _solution_lines(source: str) -> set[int]:
    """Line numbers between the marks of a solution; the scaffold around it is not the learner's."""
    own, inside = set(), False
    for number, line in enumerate(source.splitlines(), 1):
        inside = "BEGIN SOLUTION" in line or (inside and "END SOLUTION" not in line)
        if inside:
            own.add(number)
    return own


def _changes(node: Any) -> Iterator[Callable[[Any], None]]:
    """Functions that change a copy of the node in place."""
    if isinstance(node, ast.BinOp | ast.AugAssign | ast.BoolOp):
        for kind in _OPERATORS.get(type(node.op), ()):
            yield lambda other, kind=kind: setattr(other, "op", kind())
    elif isinstance(node, ast.Compare):
        for kind in _OPERATORS.get(type(node.ops[0]), ()):
            yield lambda other, kind=kind: setattr(other, "ops", [kind()])
    elif isinstance(node, ast.UnaryOp):
        yield lambda other: _becomes(other, other.operand)
    elif isinstance(node, ast.Constant) and type(node.value) is bool:
        yield lambda other: setattr(other, "value", not other.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int | float) and abs(node.value) > 1e-6:
        yield lambda other: setattr(other, "value", other.value + 1)
        yield lambda other: setattr(other, "value", other.value - 1)
    elif isinstance(node, ast.Constant) and node.value == 0:
        yield lambda other: setattr(other, "value", 1)
    elif isinstance(node, ast.Attribute) and node.attr in _NAMES:
        yield lambda other: setattr(other, "attr", _NAMES[other.attr])
    elif isinstance(node, ast.Name) and node.id in _NAMES:
        yield lambda other: setattr(other, "id", _NAMES[other.id])
    elif isinstance(node, ast.Return) and node.value is not None:
        yield lambda other: setattr(other, "value", None)


def _becomes(node: ast.AST, other: ast.AST) -> None:
    """Make `node` read like `other`: the operand without its sign."""
    node.__class__ = other.__class__
    node.__dict__ = dict(other.__dict__)


def survivors(notebook: NotebookNode) -> tuple[int, list[Mutant]]:
    """How many mutants there are, and those that the check of their own exercise lets pass."""
    space: dict = {"__name__": "notebook"}
    cells = [cell for cell in notebook.cells if cell.cell_type == "code" and LOOK not in cell.metadata.get("tags", ())]
    for cell in cells:
        _run(cell.source, space)
    checks, total, alive = marked(notebook, "grade"), 0, []
    for name, cell in marked(notebook, "solution").items():
        if cell.cell_type == "code" and "def " in cell.source:
            found = list(mutants(name, cell.source))
            total += len(found)
            alive += [mutant for mutant in found if _passes(mutant.source, checks[f"check-{name}"].source, space)]
            _run(cell.source, space)
    return total, alive


def _passes(mutant: str, check: str, space: dict) -> bool:
    """Whether the check passes with the mutant in place of its solution."""
    try:
        with _time_limit():
            _run(mutant, space)
            _run(check, space)
    except Exception:
        return False
    return True


def _run(source: str, space: dict) -> None:
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(source, "cell", "exec"), space)


@contextlib.contextmanager
def _time_limit() -> Iterator[None]:
    def stop(*_) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def report(notebook: NotebookNode) -> str:
    """A section of mutants.md: counts and survivors of one assignment."""
    total, alive = survivors(notebook)
    share = (total - len(alive)) / total
    lines = [f"## {title_of(notebook)}", "", f"{total - len(alive)} of {total} mutants caught ({share:.0%})."]
    if alive:
        rows = [f"| {each.cell} | {each.line} | `{each.change}` |" for each in alive]
        lines += ["", "| survivor in | line | change |", "|---|---|---|", *rows]
    return "\n".join(lines) + "\n"


HEAD = """<!-- generated by `python -m fer_lib.classroom.mutation`: do not edit -->
# Mutants of the solutions

Each solution was changed in one place at a time (an operator, a sign, a number, an axis, a name).
Then the check of its exercise was run. Every mutant counts, also those that change no behaviour.
"""


def main(folder: Path = FOLDER) -> None:
    """Write book/assignments/mutants.md."""
    parts = [report(read_source(path)) for path in sources(folder / "source")]
    write_text(folder / "mutants.md", "\n".join([HEAD, *parts]))
    print(f"wrote {folder / 'mutants.md'}")


if __name__ == "__main__":
    main()
