"""Look through a copy of a data set: what is there, what is missing, what is broken."""

import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from fer_lib import facs
from fer_lib.data import fer2013, tfd
from fer_lib.data.ckplus import APEX_FRAMES, check_apex
from fer_lib.data.ckplus_files import CKPlusFiles, SequenceFiles
from fer_lib.data.counts import PUBLISHED, UNVERIFIED, Count
from fer_lib.errors import UserError


@dataclass(frozen=True)
class Report:
    """`missing` and `broken` fail the check; `notes` do not (counts that nobody has verified, oddities)."""

    path: Path
    as_: str
    present: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return not (self.missing or self.broken)

    @property
    def exit_code(self) -> int:
        return 0 if self.ok else 1

    def text(self) -> str:
        """The report in lines: present, missing, broken, notes, and a verdict."""
        parts = (("there", self.present), ("missing", self.missing), ("broken", self.broken), ("note", self.notes))
        lines = [f"{title}: {line}" for title, items in parts for line in items]
        verdict = "complete" if self.ok else f"not complete ({len(self.missing)} missing, {len(self.broken)} broken)"
        return "\n".join([f"{self.path} as {self.as_}", *lines, f"verdict: {verdict}"])


def check(path: str | Path, as_: str) -> Report:
    """Read everything under `path` as "ckplus", "tfd", "fer2013" or "ferplus"; never stops at the first fault.

    Raises UserError only for an unknown `as_`: whatever is wrong with the data is in the report.
    """
    checks = {"ckplus": _check_ckplus, "tfd": _check_tfd, "fer2013": _check_fer2013, "ferplus": _check_ferplus}
    if as_ not in checks:
        raise UserError(f"check as {as_!r} is unknown; use one of {', '.join(checks)}")
    try:
        return checks[as_](Path(path))
    except UserError as error:
        return Report(Path(path), as_, broken=(str(error),))


def _check_ckplus(path: Path) -> Report:
    from tqdm import tqdm

    with CKPlusFiles(path) as files:
        found, broken, notes = Counter(), [], []
        exported = files.exported_provenance()
        for sequence in tqdm(files.sequences.values(), desc="CK+ sequences", disable=None):
            broken += _faults(files, sequence)
            notes += _tally(files, sequence, found)
        found["subjects"] = len({sequence.subject for sequence in files.sequences.values()})
    present = [f"{found[item]} {item}" for item in sorted(found, key=_emotions_and_aus_last)]
    missing = [f"every {kind} file" for kind in ("emotion", "FACS", "landmarks") if not files.has(kind)]
    if not exported:
        counts = [count for count in PUBLISHED["ckplus, unlabelled too"] if count.item != "images"]
        short, unsure = _against(found, counts, skip_aus=not files.has("FACS"))
        missing, notes = missing + short, notes + unsure
    return Report(path, "ckplus", tuple(present), tuple(missing), tuple(broken), tuple(notes))


def _emotions_and_aus_last(item: str) -> tuple:
    kind, _, rest = item.partition(" ")
    return (kind == "emotion", kind == "AU", int(rest) if kind == "AU" else 0, item)


def _faults(files: CKPlusFiles, sequence: SequenceFiles) -> Iterator[str]:
    """Every fault of a sequence, one line each: unreadable pictures and labels, too few frames, labels missing."""
    readers: dict[str, Callable] = {
        "picture": files.picture,
        "emotion": files.emotion,
        "FACS": files.facs,
        "landmarks": files.landmarks,
    }
    for kind, read in readers.items():
        for entry in sequence.files[kind].values():
            if fault := _fault(lambda read=read, entry=entry: read(entry)):
                yield fault
    frames = len(sequence.files["picture"])
    if frames <= APEX_FRAMES:
        yield f"{sequence.name}: {frames} frames; expected at least {APEX_FRAMES + 1}"
    if files.has("FACS") and not sequence.files["FACS"]:
        yield f"{sequence.name}: no FACS file"
    for kind in ("emotion", "FACS"):
        if fault := _fault(lambda kind=kind: sequence.only(kind)):
            yield fault
    if fault := _fault(lambda: check_apex(sequence)):
        yield fault


def _fault(read: Callable) -> str:
    try:
        read()
    except UserError as error:
        return str(error)
    return ""


def _tally(files: CKPlusFiles, sequence: SequenceFiles, found: Counter) -> list[str]:
    """Count what the sequence has; a note where its AUs do not meet CK+'s criterion for its emotion."""
    found["sequences"] += 1
    found["pictures"] += len(sequence.files["picture"])
    found["landmark files"] += len(sequence.files["landmarks"])
    try:
        emotion, coding = sequence.only("emotion"), sequence.only("FACS")
        code = None if emotion is None else files.emotion(emotion)
        aus = None if coding is None else files.facs(coding)
    except UserError:
        return []  # told by _faults
    if aus is not None:
        found["FACS files"] += 1
        found.update(f"AU {au}" for au in aus if au in facs.ACTION_UNITS)
    if code is None:
        return []
    found["sequences with an emotion"] += 1
    found[f"emotion {facs.EMOTIONS[code]}"] += 1
    return _criterion_note(sequence.name, facs.EMOTIONS[code], aus)


def _criterion_note(name: str, emotion: str, aus: dict[int, float] | None) -> list[str]:
    if aus is None or emotion == "neutral":
        return []
    met = facs.ckplus_emotions({au: level for au, level in aus.items() if au in facs.ACTION_UNITS})
    if emotion in met:
        return []
    return [f"{name}: labelled {emotion}, but its AUs {sorted(aus)} meet the criteria of {', '.join(met) or 'none'}"]


def _against(found: Counter, counts: list[Count], skip_aus: bool) -> tuple[list[str], list[str]]:
    """(what is missing, differences from unverified counts)"""
    found = found | Counter({"emotion neutral": found["sequences with an emotion"]})  # each first frame
    missing, notes = [], []
    for count in counts:
        if found[count.item] == count.value or (skip_aus and count.item.startswith("AU")):
            continue
        line = f"{count.item}: {found[count.item]} of {count.value} published ({count.sure})"
        (notes if count.sure == UNVERIFIED or found[count.item] > count.value else missing).append(line)
    return missing, notes


def _check_tfd(path: Path) -> Report:
    return _check_table(path, "tfd", lambda: tfd.load(path, size=None, labelled_only=False))


def _check_fer2013(path: Path) -> Report:
    return _check_table(path, "fer2013", lambda: fer2013.load(path, size=None, on_error="skip"))


def _check_ferplus(path: Path) -> Report:
    return _check_table(
        path, "ferplus", lambda: fer2013.load_plus(path, size=None, labelled_only=False, on_error="skip")
    )


def _check_table(path: Path, as_: str, load: Callable) -> Report:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what was left out stands in the report
        dataset = load()
    table = dataset.describe()
    present = [f"{row.found} {row.item}" for row in table.itertuples() if row.found]
    missing = [f"{row.item}: {row.missing} ({row.sure})" for row in table.itertuples() if "missing" in row.missing]
    broken = [entry["why"] for entry in dataset.provenance["skipped"]]
    if dataset.provenance["synthetic"]:
        missing = []
    return Report(path, as_, tuple(present), tuple(missing), tuple(broken), tuple(dataset.provenance["notes"]))
