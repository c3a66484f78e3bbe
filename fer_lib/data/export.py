"""Write faces in the layouts of CK+ and TFD, whole or not at all, so that their loaders read them back."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fer_lib import facs
from fer_lib.data.ckplus_files import LANDMARKS, PROVENANCE_FILE, UNTABLED_CODES
from fer_lib.data.dataset import FaceDataset
from fer_lib.data.folder import atomic_folder
from fer_lib.errors import UserError
from fer_lib.files import write_atomic

SYNTHETIC = {"synthetic": True, "label": "synthetic faces"}


@dataclass(frozen=True)
class SequenceRecord:
    """One sequence, neutral to apex, as CK+ keeps it.

    subject    'S' and three digits; number: three digits
    frames     uint8 (T, H, W)
    emotion    one of facs.EMOTIONS, or None: no emotion file
    aus        AU → letter A–E at the apex, '' = present, intensity not given; None: no FACS file
    landmarks  float (T, 68, 2), x to the right and y down in pixels, or None: no landmark files
    """

    subject: str
    number: str
    frames: np.ndarray
    emotion: str | None
    aus: Mapping[int, str] | None
    landmarks: np.ndarray | None = None

    def __post_init__(self) -> None:
        name = f"{self.subject}_{self.number}"
        if not re.fullmatch(r"S(?!000)[0-9]{3}_(?!000)[0-9]{3}", name):
            raise UserError(f"sequence {name}: CK+ names subjects S001 to S999 and sequences 001 to 999")
        if self.frames.ndim != 3 or self.frames.dtype != np.uint8 or not len(self.frames):
            raise UserError(f"{name}: frames are {self.frames.dtype} {self.frames.shape}; expected uint8 (T, H, W)")
        if self.landmarks is not None and self.landmarks.shape != (len(self.frames), LANDMARKS, 2):
            expected = (len(self.frames), LANDMARKS, 2)
            raise UserError(f"{name}: landmarks have shape {self.landmarks.shape}; expected {expected}")
        if self.emotion is not None and self.emotion not in facs.EMOTIONS:
            raise UserError(f"{name}: emotion {self.emotion!r} is unknown; use one of {', '.join(facs.EMOTIONS)}")
        if self.aus is not None and not self.aus:
            raise UserError(f"{name}: no AU at the apex; give at least one, or None to write no FACS file")


def write_ckplus(
    records: Iterable[SequenceRecord], path: str | Path, provenance: Mapping[str, Any] = SYNTHETIC
) -> Path:
    """Write sequences, one at a time as they come, in CK+'s real layout; the folder appears when all are written.

    cohn-kanade-images/S005/001/S005_001_00000011.png, Emotion/, FACS/ (apex frame), Landmarks/ (every frame).
    `provenance` is what the loader will say of the pictures. Raises UserError when `path` is not empty, when a
    sequence comes twice, or when the disk refuses.
    """
    with atomic_folder(path) as folder:
        (folder / PROVENANCE_FILE).write_text(json.dumps(dict(provenance), indent=1), encoding="utf-8")
        for record in records:
            _write_sequence(record, folder)
    return Path(path)


def check_absent(path: str | Path) -> None:
    """Raises UserError when something lies at `path`: it may be the real set, which nobody can make again."""
    if Path(path).exists():
        raise UserError(f"{path} is there already; nothing was overwritten. Name another folder, or move it away")


def write_tfd(dataset: FaceDataset, path: str | Path) -> Path:
    """Write TFD's .mat: images, labs_ex, labs_id, folds; a synthetic set also a key `synthetic`.

    Raises UserError when there is a file already, an emotion has no code in TFD, or the disk refuses.
    """
    from scipy.io import savemat

    check_absent(path)
    unknown = set(dataset.emotions) - set(facs.TFD_EMOTIONS)
    if unknown:
        raise UserError(f"{dataset.name}: TFD has no code for {sorted(unknown)[0]!r}; choose with_emotions first")
    codes = np.array([*(facs.TFD_EMOTIONS.index(emotion) + 1 for emotion in dataset.emotions), -1])
    people = sorted(set(dataset.subject) - {""})
    identity = {subject: number for number, subject in enumerate(people, 1)} | {"": -1}
    content = {
        "images": dataset.images[:, 0],
        "labs_ex": codes[dataset.emotion][:, None].astype(np.int16),
        "labs_id": np.array([[identity[subject]] for subject in dataset.subject], np.int32),
        "folds": dataset.folds,
    }
    if dataset.provenance.get("synthetic"):
        content["synthetic"] = np.ones((1, 1), np.uint8)
    path = Path(path)
    write_atomic(path, lambda partial: savemat(partial, content, appendmat=False, do_compression=True))
    return path


def _write_sequence(record: SequenceRecord, root: Path) -> None:
    images = _folder(root, "cohn-kanade-images", record)
    if any(images.iterdir()):
        raise UserError(f"{record.subject}_{record.number} comes twice; give every sequence its own number")
    for number, frame in enumerate(record.frames, 1):
        _write_png(frame, images / f"{_stem(record, number)}.png")
        if record.landmarks is not None:
            target = _folder(root, "Landmarks", record) / f"{_stem(record, number)}_landmarks.txt"
            _write_rows(target, record.landmarks[number - 1])
    apex = _stem(record, len(record.frames))
    if record.emotion is not None:
        target = _folder(root, "Emotion", record) / f"{apex}_emotion.txt"
        _write_rows(target, [[facs.EMOTIONS.index(record.emotion)]])
    if record.aus is not None:
        target = _folder(root, "FACS", record) / f"{apex}_facs.txt"
        _write_rows(target, [[_code(au), _level(letter)] for au, letter in sorted(record.aus.items())])


def _folder(root: Path, kind: str, record: SequenceRecord) -> Path:
    folder = root / kind / record.subject / record.number
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _stem(record: SequenceRecord, number: int) -> str:
    return f"{record.subject}_{record.number}_{number:08d}"


def _write_png(frame: np.ndarray, path: Path) -> None:
    from PIL import Image

    Image.fromarray(frame).save(path)


def _write_rows(path: Path, rows: Iterable[Iterable[float]]) -> None:
    """CK+'s own number format: `   9.0000000e+00   4.0000000e+00`."""
    path.write_text("".join("".join(f"   {value:.7e}" for value in row) + "\n" for row in rows), encoding="ascii")


def _code(au: int) -> int:
    return au if au in UNTABLED_CODES else facs.action_unit(au).number


def _level(letter: str) -> int:
    return round(facs.intensity_of(letter) * 5) if letter else 0
