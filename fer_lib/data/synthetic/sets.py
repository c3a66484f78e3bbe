"""Every synthetic set by name, and what decides its pictures."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache
from importlib import import_module
from pathlib import Path

from fer_lib import facs
from fer_lib.data.synthetic import ckplus_like, probes, stills
from fer_lib.data.synthetic.plan import Plan
from fer_lib.errors import UserError

DIFFICULTY = 1  # of the CK+-like sets and the probes; see Scene.sample and combinations.STRENGTH
TFD_DIFFICULTY = 2
SIZE = 96

SEQUENCE_SETS: dict[str, Callable[[int, int, bool], Plan]] = {
    "synthetic": ckplus_like.synthetic,
    "balanced": ckplus_like.balanced,
    "decorrelated": ckplus_like.decorrelated,
}
STILL_SETS: dict[str, Callable[[int, int], Plan]] = {
    "synthetic-tfd": stills.synthetic_tfd,
    "natural": stills.natural,
    "factorial": probes.factorial,
    "ladders": probes.ladders,
    "do-pairs": probes.do_pairs,
}
NAMES = (*SEQUENCE_SETS, *STILL_SETS)


@dataclass(frozen=True)
class Job:
    """Everything that decides the pictures of a set. Equal jobs give equal plans; `key` names them in the cache.

    `labelled_only` leaves out sequences without an emotion; sets of stills have none, and it is False there.
    `every_frame` keeps all 10–20 frames of each sequence. `renderer` is "module:function", called as `faces.render`.
    """

    name: str
    seed: int = 0
    difficulty: int | None = None
    size: int = SIZE
    labelled_only: bool = True
    every_frame: bool = False
    renderer: str = "fer_lib.faces:render"

    def __post_init__(self) -> None:
        if self.name not in NAMES:
            raise UserError(f"synthetic set {self.name!r} is unknown; use one of {', '.join(NAMES)}")
        if self.name in STILL_SETS:
            object.__setattr__(self, "labelled_only", False)
        if self.difficulty is None:
            object.__setattr__(self, "difficulty", TFD_DIFFICULTY if self.name == "synthetic-tfd" else DIFFICULTY)
        if self.difficulty not in (0, 1, 2):
            raise UserError(f"difficulty {self.difficulty!r} is unknown; use 0, 1 or 2")
        if not isinstance(self.seed, int) or self.seed < 0:
            raise UserError(f"seed {self.seed!r} found; expected a whole number, 0 or more")
        if self.every_frame and self.name not in SEQUENCE_SETS:
            raise UserError(f"{self.name} holds stills, not sequences; every_frame serves {', '.join(SEQUENCE_SETS)}")

    def plan(self) -> Plan:
        """What to render, drawn from the seed."""
        if self.name in STILL_SETS:
            return STILL_SETS[self.name](self.seed, self.difficulty)
        plan = SEQUENCE_SETS[self.name](self.seed, self.difficulty, not self.every_frame)
        return plan.select(plan.emotion >= 0) if self.labelled_only else plan

    @property
    def key(self) -> str:
        """Name and 12 hex digits over all fields and the code that draws."""
        content = json.dumps([asdict(self), fingerprint(self.renderer)], sort_keys=True)
        return f"{self.name}-{hashlib.sha256(content.encode()).hexdigest()[:12]}"

    def provenance(self) -> dict:
        """What the plan's own provenance does not say."""
        choices = {"size": self.size, "labelled_only": self.labelled_only, "every_frame": self.every_frame}
        return {"renderer": fingerprint(self.renderer)} | choices


@cache
def fingerprint(renderer: str) -> str:
    """12 hex digits over the code and data that draw the pictures: another version never meets this one's cache."""
    module = Path(import_module(renderer.partition(":")[0]).__file__)
    files = [module] if module.name != "__init__.py" else [*module.parent.glob("*.py"), *module.parent.glob("*.npz")]
    files += [Path(facs.__file__), *Path(__file__).parent.glob("*.py")]
    digest = hashlib.sha256()
    for file in sorted(files, key=lambda path: (path.parent.name, path.name)):
        digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()[:12]
