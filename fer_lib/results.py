"""The ledger: what long runs found, recorded once, so that prose and figures quote numbers and never retype them.

One JSON file an entry, book/results/NAME.json:
    schema, command, seed, commit, machine, torch, data, data_hash, wall_seconds, recorded (date), values
`values` is a tree of numbers and short texts; `value("NAME.path.to.number")` reads one of them.
"""

import json
import os
import platform
import re
import subprocess
import sysconfig
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fer_lib.errors import UserError
from fer_lib.files import read_json, write_json

SCHEMA = 1
PLACES = (
    Path(__file__).resolve().parent.parent / "book" / "results",  # of a checkout; chapters run in their folder
    Path(sysconfig.get_path("data")) / "share" / "fer-lib" / "results",  # of an installed copy: see pyproject.toml
)
LEDGER = next((place for place in PLACES if place.is_dir()), PLACES[0])
_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")


@dataclass(frozen=True)
class Entry:
    """One recorded run. `values` holds what it found; every other field says how to find it again."""

    name: str  # lower case, digits and hyphens: the file's name
    command: str  # as typed, from the repository's root
    seed: int | list[int]
    commit: str  # of the code
    machine: dict[str, Any]
    torch: str
    data: str
    data_hash: str
    wall_seconds: float
    values: dict[str, Any]
    recorded: str = field(default_factory=lambda: datetime.now(UTC).date().isoformat())
    schema: int = SCHEMA

    @classmethod
    def record(cls, name: str, *, command: str, seed: int | list[int], data: str, data_hash: str,
               wall_seconds: float, values: Mapping[str, Any]) -> "Entry":  # fmt: skip
        """An entry of this machine, this commit and this torch, now."""
        import torch

        return cls(
            name, command, seed, commit(), machine(), torch.__version__, data, data_hash, wall_seconds, dict(values)
        )


def write(entry: Entry, ledger: Path = LEDGER) -> Path:
    """Write the entry, atomically; replaces an older one of the same name. Raises UserError if it is not sound."""
    problems = list(_problems(asdict(entry), entry.name))
    if problems:
        raise UserError(f"ledger entry {entry.name}: {problems[0]}")
    path = Path(ledger) / f"{entry.name}.json"
    write_json(path, asdict(entry))
    return path


def differs(entry: Entry, ledger: Path = LEDGER) -> bool:
    """Whether the ledger has an entry of this name that holds other values; the code's commits may differ."""
    if entry.name not in names(ledger):
        return False
    old, new = read(entry.name, ledger).values, json.loads(json.dumps(entry.values))  # as it would be read again
    return old | {"commits": None} != new | {"commits": None}


def check_recordable(*names: str) -> None:
    """Raises UserError when entries of these names would be refused: ask before hours of work, not after them."""
    of_commit = _commit_problem(commit())
    for name in names:
        for problem in (_name_problem(name), of_commit):
            if problem:
                raise UserError(f"ledger entry {name}: {problem}; nothing was started")


def read(name: str, ledger: Path = LEDGER) -> Entry:
    """The entry called `name`. Raises UserError, naming those there are, when it is absent or does not verify."""
    path = Path(ledger) / f"{name}.json"
    if not path.is_file():
        raise UserError(f"{path}: no such ledger entry; found {', '.join(names(ledger)) or 'none'}")
    raw = read_json(path)
    problems = list(_problems(raw, name))
    if problems:
        raise UserError(f"{path}: {problems[0]}; record the run again")
    return Entry(**raw)


def names(ledger: Path = LEDGER) -> tuple[str, ...]:
    """Names of all entries, sorted."""
    return tuple(sorted(path.stem for path in Path(ledger).glob("*.json")))


def value(key: str, ledger: Path = LEDGER) -> Any:
    """One value: "NAME.path.to.it", list places as numbers. Raises UserError naming what the last found level holds."""
    name, *path = key.split(".")
    found: Any = read(name, ledger).values
    for depth, part in enumerate(path):
        try:
            found = found[int(part)] if isinstance(found, list) else found[part]
        except (KeyError, IndexError, TypeError, ValueError) as error:
            held = ", ".join(found) if isinstance(found, dict) else repr(found)
            where = ".".join([name, *path[:depth]])
            raise UserError(f"ledger: {where} holds no {part!r}; it holds {held}") from error
    return found


def verify(ledger: Path = LEDGER) -> list[str]:
    """Every problem of every entry, as "file: problem"; an empty list when the ledger is sound."""
    found = []
    for name in names(ledger):
        path = Path(ledger) / f"{name}.json"
        try:
            found += [f"{path}: {problem}" for problem in _problems(read_json(path), name)]
        except UserError as error:
            found.append(str(error))
    return found


def machine() -> dict[str, Any]:
    """What this machine is, in words and counts; nothing that names it."""
    import torch

    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "system": platform.system(),
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


def commit(root: Path | None = None) -> str:
    """The commit of the code, with "-dirty" when tracked files have changes; "unknown" outside a repository.

    Changes in the ledger do not count: what one block recorded is no change of the code that trains the next.
    """
    git = ["git", "-C", str(root or Path(__file__).parent)]
    changes = ["status", "--porcelain", "--untracked-files=no", "--", ":/", ":(top,exclude)book/results/*.json"]
    try:
        head, changed = (
            subprocess.run([*git, *words], capture_output=True, text=True, check=True).stdout.strip()
            for words in (["rev-parse", "HEAD"], changes)
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{head}-dirty" if changed else head


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _problems(raw: Any, name: str) -> Iterator[str]:
    if not isinstance(raw, dict):
        yield f"holds a {type(raw).__name__}; expected an object"
        return
    expected = set(Entry.__dataclass_fields__)
    for key in sorted(expected ^ raw.keys()):
        yield f"field {key!r} is {'missing' if key in expected else 'unknown'}"
    if raw.get("schema") != SCHEMA:
        yield f"schema is {raw.get('schema')!r}; this version reads {SCHEMA}"
    if raw.get("name") != name:
        yield f"name is {raw.get('name')!r}; expected the file's name, {name!r}"
    if problem := _name_problem(name):
        yield problem
    if not raw.get("values"):
        yield "values are empty"
    elif not isinstance(raw["values"], dict):
        yield f"values is a {type(raw['values']).__name__}; expected an object"
    if not isinstance(raw.get("wall_seconds"), int | float):
        yield f"wall_seconds is {raw.get('wall_seconds')!r}; expected a number"
    if not re.fullmatch(r"[0-9a-f]{64}", str(raw.get("data_hash"))):
        yield f"data_hash is {raw.get('data_hash')!r}; expected a sha256 in hexadecimal"
    if problem := _commit_problem(raw.get("commit")):
        yield problem


def _name_problem(name: str) -> str | None:
    return None if _NAME.fullmatch(name) else f"name is {name!r}; expected lower case, digits and hyphens"


def is_commit(found: Any) -> bool:
    """Whether `found` names a commit, and not changed code ("…-dirty") or code outside a repository ("unknown")."""
    return bool(re.fullmatch(r"[0-9a-f]{40}", str(found)))


def _commit_problem(found: Any) -> str | None:
    wanted = "expected a commit's 40 digits: commit the code, then record"
    return None if is_commit(found) else f"commit is {found!r}; {wanted}"
