"""CK+ as it lies on disk: which files belong to which sequence, in folders or still zipped, and what their text says.

Files are known by their names (`S005_001_00000011_emotion.txt`), so any spelling of the folders above them serves:
`Emotion`, `Emotion_labels`, `FACS`, `FACS_labels`, one folder, several, or the zips as they were sent.
"""

import io
import json
import os
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple, Self

import numpy as np

from fer_lib import facs
from fer_lib.errors import UserError

UNTABLED_CODES = facs.UNTABLED_CODES | {
    40: "Sniff",
    50: "Speech",
    70: "Brows and forehead not visible",
    71: "Eyes not visible",
    72: "Lower face not visible",
    73: "Entire face not visible",
    74: "Unscorable",
    80: "Swallow",
    81: "Chewing",
    82: "Shoulder shrug",
    84: "Head shake",
    85: "Head nod",
    91: "Flash",
    92: "Partial flash",
    97: "Shiver or tremble",
    98: "Fast up-down look",
}
"""Also what a coder notes of behaviour and visibility (FACS manual of 2002, remembered): no action unit of the face."""

KINDS = {".png": "picture", "_emotion.txt": "emotion", "_facs.txt": "FACS", "_landmarks.txt": "landmarks"}
LANDMARKS = 68
REC_709 = (0.2125, 0.7154, 0.0721)
"""Shares of red, green and blue in skimage.color.rgb2gray, which the released code calls."""
PROVENANCE_FILE = "fer-lib-provenance.json"
"""Written by the exporter: faces in CK+'s layout that are not CK+ say so, also when they are zipped."""

_NAME = re.compile(r"(S\d{3})_(\d{3})_(\d+)(\.png|_emotion\.txt|_facs\.txt|_landmarks\.txt)", re.IGNORECASE)
_SEQUENCE_FOLDER = re.compile(r"(?:.*/)?[^/]*images[^/]*/(S\d{3})/(\d{3})")
_DEPTH = 5  # levels searched below the given folder, so that a wrong path does not walk the whole disk

LOOKED_FOR = (
    "looked for pictures such as cohn-kanade-images/S005/001/S005_001_00000011.png in its folders and in its .zip "
    "files; give the folder that holds cohn-kanade-images/, Emotion/, FACS/ and Landmarks/, or the zips as they came"
)


class Entry(NamedTuple):
    """A file on disk, or a member of a zip."""

    path: Path
    member: str = ""

    def __str__(self) -> str:
        return f"{self.path}:{self.member}" if self.member else str(self.path)


@dataclass
class SequenceFiles:
    """All files of one sequence: kind → frame number → entry."""

    subject: str
    number: str
    files: dict[str, dict[int, Entry]] = field(default_factory=lambda: {kind: {} for kind in KINDS.values()})

    @property
    def name(self) -> str:
        return f"{self.subject}_{self.number}"

    def only(self, kind: str) -> Entry | None:
        """The sequence's one file of this kind, or None. Raises UserError when there are several."""
        entries = list(self.files[kind].values())
        if len(entries) > 1:
            raise UserError(f"{entries[1]}: a second {kind} file of {self.name} beside {entries[0]}; keep one")
        return entries[0] if entries else None


class CKPlusFiles:
    """Index of a CK+ folder, of a folder of its zips, or of one zip. Use as a context manager: it holds zips open.

    `sequences`: name → SequenceFiles, sorted by name; a folder without any file still counts as a sequence. A file that
    is there twice counts once, as long as both copies say the same.
    Raises UserError when the path does not exist, a zip is damaged, or there is no picture in it.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._open = ExitStack()
        self._zips: dict[Path, zipfile.ZipFile] = {}
        self._copies: dict[Entry, list[Entry]] = {}
        self._provenance: Entry | None = None
        found: dict[str, SequenceFiles] = {}
        try:
            for name, entry in self._names():
                if (first := _file(found, name, entry)) not in (None, entry):
                    self._copies.setdefault(first, []).append(entry)
                if PurePosixPath(name).name == PROVENANCE_FILE:
                    self._provenance = entry
        except BaseException:
            self._open.close()
            raise
        self.sequences = dict(sorted(found.items()))
        if not any(sequence.files["picture"] for sequence in found.values()):
            self._open.close()
            raise UserError(f"{self.path}: no CK+ picture found; {LOOKED_FOR}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def has(self, kind: str) -> bool:
        return any(sequence.files[kind] for sequence in self.sequences.values())

    def exported_provenance(self) -> dict[str, Any]:
        """What the exporter said of these pictures; empty for the real CK+."""
        if self._provenance is None:
            return {}
        try:
            return dict(json.loads(self.read(self._provenance)))
        except ValueError as error:
            raise UserError(f"{self._provenance}: not JSON ({error}); export the set again") from error

    def read(self, entry: Entry) -> bytes:
        """The bytes of an entry. Raises UserError when they cannot be read, or when a copy of it differs."""
        content = self._content(entry)
        for copy in self._copies.get(entry, ()):
            if self._content(copy) != content:
                raise UserError(f"{copy}: differs from {entry}, which has the same name; keep the right one of the two")
        return content

    def _content(self, entry: Entry) -> bytes:
        try:
            return self._zips[entry.path].read(entry.member) if entry.member else entry.path.read_bytes()
        except (OSError, EOFError, zipfile.BadZipFile, zlib.error, RuntimeError) as error:
            raise UserError(f"{entry}: cannot be read ({error}); copy it again from your archive") from error

    def picture(self, entry: Entry, released: bool = False) -> np.ndarray:
        """Grey uint8 (H, W); colour becomes ITU-R 601 luma, or as `released` Rec. 709 luma, its fractions cut off.

        Raises UserError for a truncated or foreign file.
        """
        from PIL import Image, UnidentifiedImageError

        content = self.read(entry)
        try:
            with Image.open(io.BytesIO(content)) as image:
                mode = image.mode
                if released and mode.startswith(("RGB", "P")):
                    grey = (np.asarray(image.convert("RGB")) / 255 @ REC_709 * 255).astype(np.uint8)
                else:
                    grey = np.asarray(image.convert("L"))
        except UnidentifiedImageError as error:
            raise UserError(f"{entry}: {len(content)} bytes, not a picture; copy it again from your archive") from error
        except (OSError, SyntaxError, ValueError) as error:
            raise UserError(f"{entry}: not a whole picture ({error}); copy it again from your archive") from error
        if mode.startswith(("I", "F")):  # Pillow clips these to white
            raise UserError(f"{entry}: pixels of mode {mode}; expected 8 bits, grey or colour")
        return grey

    def emotion(self, entry: Entry) -> int:
        """Emotion code 0–7 (the index in facs.EMOTIONS)."""
        values = self._numbers(entry, "one emotion code, 0 to 7")
        if values.size != 1 or values.flat[0] not in range(len(facs.EMOTIONS)):
            raise UserError(f"{entry}: holds {values.flatten().tolist()}; expected one emotion code, 0 to 7")
        return int(values.flat[0])

    def facs(self, entry: Entry) -> dict[int, float]:
        """FACS code → intensity 0.2–1 (A–E), NaN where the coders gave none (0 in the file)."""
        rows = self._numbers(entry, "rows of an AU and its intensity")
        if rows.ndim != 2 or rows.shape[1] != 2:
            raise UserError(f"{entry}: {rows.shape[-1]} numbers a row; expected two, an AU and its intensity 0 to 5")
        return {_code(au, entry): _intensity(level, au, entry) for au, level in rows.tolist()}

    def landmarks(self, entry: Entry) -> np.ndarray:
        """float64 (68, 2), x to the right and y down in pixels of the frame."""
        points = self._numbers(entry, f"{LANDMARKS} rows of x and y")
        if points.shape != (LANDMARKS, 2):
            raise UserError(f"{entry}: numbers of shape {points.shape}; expected {LANDMARKS} rows of x and y")
        return points

    def _numbers(self, entry: Entry, expected: str) -> np.ndarray:
        text = self.read(entry).decode("utf-8", errors="replace")
        rows = [line.split() for line in text.splitlines() if line.strip()]
        if not rows:
            raise UserError(f"{entry}: the file is empty; expected {expected}. Copy it again from your archive")
        try:
            return np.array(rows, dtype=float)
        except ValueError as error:
            raise UserError(f"{entry}: {text.strip()[:40]!r} was not understood; expected {expected}") from error

    def _names(self) -> Iterator[tuple[str, Entry]]:
        """Path below the root → entry, files of folders before those of zips; folders end in '/'."""
        if not self.path.exists():
            raise UserError(f"{self.path}: no such file or folder; {LOOKED_FOR}")
        zips = [self.path] if self.path.is_file() else []
        for root, folders, files in os.walk(self.path, followlinks=True):  # a loop of links ends at _DEPTH
            folders.sort()
            if len(Path(root).relative_to(self.path).parts) >= _DEPTH:
                folders.clear()
            yield Path(root).as_posix() + "/", Entry(Path(root))
            zips += [Path(root, file) for file in sorted(files) if file.lower().endswith(".zip")]
            yield from ((Path(root, file).as_posix(), Entry(Path(root, file))) for file in files)
        for path in zips:
            yield from ((name, Entry(path, name)) for name in self._zip(path).namelist() if "__MACOSX" not in name)

    def _zip(self, path: Path) -> zipfile.ZipFile:
        try:
            self._zips[path] = self._open.enter_context(zipfile.ZipFile(path))
        except (OSError, zipfile.BadZipFile, NotImplementedError) as error:
            raise UserError(f"{path}: not a readable zip ({error}); {LOOKED_FOR}") from error
        return self._zips[path]


def _file(found: dict[str, SequenceFiles], name: str, entry: Entry) -> Entry | None:
    """File an entry under its sequence and give the first of its name; None for folders.

    `.DS_Store`, `._…` and other strangers match nothing and are left alone.
    """
    folder = _SEQUENCE_FOLDER.fullmatch(name.rstrip("/")) if name.endswith("/") else None
    match = folder or _NAME.fullmatch(PurePosixPath(name).name)
    if match is None:
        return None
    sequence = SequenceFiles(match[1].upper(), match[2])
    sequence = found.setdefault(sequence.name, sequence)
    return None if folder else sequence.files[KINDS[match[4].lower()]].setdefault(int(match[3]), entry)


def _code(au: float, entry: Entry) -> int:
    if au not in facs.ACTION_UNITS and au not in UNTABLED_CODES:
        raise UserError(f"{entry}: AU {au:g} is not in FACS; correct the number or remove the row")
    return int(au)


def _intensity(level: float, au: float, entry: Entry) -> float:
    if level not in range(6):
        raise UserError(f"{entry}: AU {au:g} has intensity {level:g}; expected 0 (not given) or 1 to 5 (A to E)")
    return level / 5 if level else float("nan")
