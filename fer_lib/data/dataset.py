"""What a data set of faces is here: one small immutable table of arrays. numpy only."""

import hashlib
import json
import warnings
import zipfile
import zlib
from dataclasses import dataclass, field, replace
from functools import cached_property
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from fer_lib import facs
from fer_lib.data.counts import describe
from fer_lib.errors import UserError
from fer_lib.files import write_atomic

if TYPE_CHECKING:
    import pandas

FORMAT = "fer-lib face data set, version 1"
UNKNOWN, ABSENT, PRESENT = -1, 0, 1
UNUSED, TRAIN, VALIDATION, TEST = 0, 1, 2, 3

_DTYPES = {
    "images": np.uint8,
    "emotion": np.int16,
    "subject": np.str_,
    "sequence": np.str_,
    "frame": np.int32,
    "au_presence": np.int8,
    "au_intensity": np.float32,
    "folds": np.int8,
}


@dataclass(frozen=True, eq=False)
class FaceDataset:
    """N grey face pictures and what is known of each. Arrays handed in are kept, not copied, and become read-only.

    images        uint8 (N, 1, H, W)
    emotion       int16 (N,), index into `emotions`; −1 = unlabelled
    subject       str (N,); '' = not known
    sequence      str (N,), unique over subjects; still pictures are sequences of one
    frame         int32 (N,), the number in the file's name, or 0
    au_presence   int8 (N, A), columns as in `aus`: 1 present, 0 absent, −1 unknown
    au_intensity  float32 (N, A), 0–1 (A–E = .2–1); NaN where unknown or coded as present without intensity
    folds         int8 (N, F): 0 unused, 1 training, 2 validation, 3 test
    provenance    source, path, label ("synthetic faces", "your CK+", …), synthetic, skipped, notes, and `data_hash`:
                  the hash of the whole set as loaded, kept by every selection from it
    Raises UserError when shapes, lengths or values do not fit.
    """

    name: str
    images: np.ndarray
    emotion: np.ndarray
    emotions: tuple[str, ...]
    subject: np.ndarray
    sequence: np.ndarray
    frame: np.ndarray
    aus: tuple[int, ...]
    au_presence: np.ndarray
    au_intensity: np.ndarray
    folds: np.ndarray
    provenance: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if np.asarray(self.images).dtype != np.uint8:
            raise UserError(f"{self.name}: images are {np.asarray(self.images).dtype}; expected uint8, 0 to 255")
        for name, dtype in _DTYPES.items():
            array = _cast(self.name, name, np.asarray(getattr(self, name)), np.dtype(dtype))
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        object.__setattr__(self, "emotions", tuple(self.emotions))
        object.__setattr__(self, "aus", tuple(int(facs.action_unit(au).number) for au in self.aus))
        _validate(self)
        object.__setattr__(self, "provenance", {"data_hash": self.data_hash} | dict(self.provenance))

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        shape = "×".join(map(str, self.images.shape))
        return f"FaceDataset({self.name!r}, {shape}, {len(set(self.subject))} subjects, {', '.join(self.emotions)})"

    @cached_property
    def data_hash(self) -> str:
        """sha256 over names, types, shapes and bytes of every array, the emotions and the AUs; not the provenance."""
        digest = hashlib.sha256(json.dumps([self.emotions, self.aus]).encode())
        for name, dtype in _DTYPES.items():
            array = getattr(self, name)
            digest.update(f"{name} {np.dtype(dtype).kind} {array.shape}".encode())
            digest.update("\n".join(array).encode() if dtype is np.str_ else array.tobytes())
        return digest.hexdigest()

    def select(self, which: np.ndarray) -> Self:
        """The images at a boolean mask (N,) or at indices, in that order."""
        return self._take(which, {"subset": True})

    def split(self, fold: int) -> tuple[Self, Self, Self]:
        """(training, validation, test) of one fold; any of them may be empty."""
        if not 0 <= fold < self.folds.shape[1]:
            raise UserError(f"{self.name} has {self.folds.shape[1]} folds, counted from 0; fold {fold} was asked for")
        column = self.folds[:, fold]
        return tuple(self.select(column == part) for part in (TRAIN, VALIDATION, TEST))

    def with_emotions(self, emotions: tuple[str, ...]) -> Self:
        """Only the images of these emotions, relabelled in this order (the paper's six classes, for one)."""
        unknown = [emotion for emotion in emotions if emotion not in self.emotions]
        if unknown:
            raise UserError(f"{self.name} has no emotion {unknown[0]!r}; it has {', '.join(self.emotions)}")
        code = np.full(len(self.emotions) + 1, -1)  # the last cell serves the unlabelled, code −1
        for new, emotion in enumerate(emotions):
            code[self.emotions.index(emotion)] = new
        kept = code[self.emotion] >= 0
        return replace(
            self._take(kept, {"emotions_chosen": True}), emotion=code[self.emotion[kept]], emotions=tuple(emotions)
        )

    def with_folds(self, folds: np.ndarray) -> Self:
        """The same images under other folds (N, F)."""
        return replace(self, folds=folds)

    def resize(self, size: int) -> Self:
        """Pictures at size × size pixels, averaged over area when they shrink; they must be square."""
        try:
            return replace(self, images=resize_pictures(self.images, size))
        except UserError as error:
            raise UserError(f"{self.name}: {error}") from error

    def describe(self) -> "pandas.DataFrame":
        """pandas.DataFrame: every count found beside the published one, how sure that is, and what is missing."""
        return describe(self)

    def save(self, path: str | Path) -> Path:
        """Write one compressed .npz, whole or not at all. The same content gives the same arrays, never pickles."""
        path = Path(path)
        if path.suffix != ".npz":
            raise UserError(f"{path}: a data set is saved as .npz; give the file that ending")
        meta = {"format": FORMAT, "name": self.name, "emotions": self.emotions, "aus": self.aus}
        meta |= {"sha256": self.data_hash, "provenance": self.provenance}
        arrays = {name: getattr(self, name) for name in _DTYPES}
        write_atomic(path, lambda partial: _write_npz(partial, meta=np.array(json.dumps(meta)), **arrays))
        return path

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read what `save` wrote. Raises UserError when the file is missing, damaged or its content was changed."""
        meta, arrays = _read_npz(Path(path))
        given = {key: meta[key] for key in ("name", "emotions", "aus", "provenance")}
        dataset = cls(**given, **arrays)
        if dataset.data_hash != meta["sha256"]:
            raise UserError(
                f"{path}: content hashes to {dataset.data_hash[:12]}…, the file says {meta['sha256'][:12]}…: "
                "it was changed after it was made; delete it and make or fetch it again"
            )
        return dataset

    def _take(self, which: np.ndarray, extra: dict[str, Any]) -> Self:
        which = np.asarray(which)
        if which.dtype == bool and which.shape != (len(self),):
            raise UserError(f"{self.name}: mask of shape {which.shape} for {len(self)} images; give one value an image")
        index = np.flatnonzero(which) if which.dtype == bool else _cast(self.name, "index", which, np.dtype(np.intp))
        beyond = index[(index < -len(self)) | (index >= len(self))]
        if len(beyond):
            raise UserError(f"{self.name}: no image {beyond[0]}; expected indices 0 to {len(self) - 1}")
        arrays = {name: getattr(self, name)[index] for name in _DTYPES}
        return replace(self, **arrays, provenance=self.provenance | extra)


def resize_picture(picture: np.ndarray, size: int) -> np.ndarray:
    """uint8 (H, W) → uint8 (size, size); bilinear with antialiasing."""
    from PIL import Image

    return np.asarray(Image.fromarray(picture).resize((size, size), Image.Resampling.BILINEAR))


def resize_pictures(images: np.ndarray, size: int | None) -> np.ndarray:
    """uint8 (N, 1, H, H) → uint8 (N, 1, size, size); `size=None` leaves them. Raises UserError unless square."""
    check_size(size)
    count, _, height, width = images.shape
    if size is None or height == width == size:
        return images
    if height != width:
        raise UserError(f"images of {width}×{height} are not square; crop the faces before resizing")
    resized = np.empty((count, 1, size, size), np.uint8)
    for row, image in enumerate(images):
        resized[row, 0] = resize_picture(image[0], size)
    return resized


def check_size(size: int | None) -> None:
    """Raises UserError unless `size` is a whole number of pixels, 1 or more, or None."""
    if size is not None and not (isinstance(size, Integral) and size > 0):
        raise UserError(f"size={size!r} found; expected whole pixels a side, 1 or more, or None for the set's own")


def warn_skipped(skipped: list[dict[str, str]], total: int, what: str) -> None:
    """Warn of what on_error="skip" left out; the whole list is in provenance["skipped"]."""
    if skipped:
        warnings.warn(f"{len(skipped)} of {total} {what} left out, first: {skipped[0]['why']}", stacklevel=4)


def unknown_aus(count: int) -> dict[str, Any]:
    """The AU fields of a set that carries no AU labels."""
    shape = (count, len(facs.AUS))
    return {
        "aus": facs.AUS,
        "au_presence": np.full(shape, UNKNOWN, np.int8),
        "au_intensity": np.full(shape, np.nan, np.float32),
    }


def _cast(dataset: str, name: str, array: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """`array` as `dtype`. Raises UserError where that would change a number: whole ones are neither cut nor wrapped."""
    array = np.ascontiguousarray(array)
    if array.dtype == dtype or dtype.kind == "U":
        return array.astype(dtype, copy=False)
    if array.dtype.kind not in "biuf":
        raise UserError(f"{dataset}: {name} holds {array.dtype}; expected numbers")
    with np.errstate(invalid="ignore"):  # NaN and infinity are told below
        cast = array.astype(dtype)
    changed = array[cast != array] if dtype.kind == "i" else ()
    if len(changed):
        raise UserError(f"{dataset}: {name} {changed[0]} found; expected whole numbers that {dtype} holds")
    return cast


def _validate(dataset: FaceDataset) -> None:
    count, columns = len(dataset.images), len(dataset.aus)
    shapes = dict.fromkeys(("emotion", "subject", "sequence", "frame"), (count,))
    shapes |= dict.fromkeys(("au_presence", "au_intensity"), (count, columns))
    for name, shape in shapes.items():
        if getattr(dataset, name).shape != shape:
            raise UserError(f"{dataset.name}: {name} has shape {getattr(dataset, name).shape}; expected {shape}")
    if dataset.images.ndim != 4 or dataset.images.shape[1] != 1:
        raise UserError(f"{dataset.name}: images have shape {dataset.images.shape}; expected (N, 1, H, W)")
    if dataset.folds.ndim != 2 or len(dataset.folds) != count:
        raise UserError(f"{dataset.name}: folds have shape {dataset.folds.shape}; expected ({count}, F)")
    _within(dataset, "emotion", -1, len(dataset.emotions) - 1)
    _within(dataset, "au_presence", UNKNOWN, PRESENT)
    _within(dataset, "au_intensity", 0, 1)
    _within(dataset, "folds", UNUSED, TEST)


def _within(dataset: FaceDataset, name: str, low: int, high: int) -> None:
    array = getattr(dataset, name)
    bad = np.argwhere((array < low) | (array > high))  # NaN compares false: unknown intensity passes
    if len(bad):
        row = int(bad[0][0])
        where = f"image {row} (sequence {dataset.sequence[row]})"
        raise UserError(f"{dataset.name}: {name} {array[tuple(bad[0])]} at {where}; expected {low} to {high}")


def _write_npz(path: Path, **arrays: np.ndarray) -> None:
    with path.open("wb") as file:  # given a path, numpy would append its own ending
        np.savez_compressed(file, **arrays)


def _read_npz(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    if not path.is_file():
        raise UserError(f"{path}: no such file; expected a data set that FaceDataset.save wrote")
    try:
        with np.load(path, allow_pickle=False) as stored:
            meta = json.loads(str(stored["meta"]))
            arrays = {name: stored[name] for name in _DTYPES}
    except (ValueError, KeyError, EOFError, OSError, zipfile.BadZipFile, zlib.error) as error:
        raise UserError(f"{path}: not a readable data set ({error}); delete it and make or fetch it again") from error
    if meta.get("format") != FORMAT:
        raise UserError(f"{path}: format {meta.get('format')!r}; this version reads {FORMAT!r}")
    return meta, arrays
