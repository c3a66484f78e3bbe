"""FER2013 (Goodfellow et al. 2013) and FER+, its votes by ten people (Barsoum et al. 2016), from their csv files.

torchvision's reader does not serve here: it takes only the file whose md5 it knows, joins PublicTest and PrivateTest,
loses the row numbers that FER+ needs, and needs torch, which this floor does without. Its md5 still tells whether a
file is the published one (`ORIGINAL_MD5`).
"""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fer_lib import facs
from fer_lib.data.dataset import FaceDataset, resize_pictures, unknown_aus, warn_skipped
from fer_lib.errors import UserError

if TYPE_CHECKING:
    import pandas

FILE, VOTES_FILE = "fer2013.csv", "fer2013new.csv"
ORIGINAL_MD5 = "f8428a1edbd21e88f42c73edd2a14f95"
SIDE = 48
EMOTIONS = ("anger", "disgust", "fear", "happy", "sadness", "surprise", "neutral")
"""In the order of FER2013's codes 0 to 6."""
USAGES = {"Training": 1, "PublicTest": 2, "PrivateTest": 3}
VOTES = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt", "unknown", "NF")
"""FER+'s columns; NF = no face."""
HOW_TO_ASK = (
    "FER2013 is the file fer2013.csv of the Kaggle contest 'Challenges in Representation Learning: Facial Expression "
    "Recognition'; FER+ adds fer2013new.csv from github.com/microsoft/FERPlus. "
    'Without them use load_dataset("synthetic")'
)

_SKIP = 'correct the file, or leave such rows out with on_error="skip"'


def load(
    path: str | Path,
    *,
    size: int | None = 96,
    labelled_only: bool = True,
    on_error: str = "raise",
) -> FaceDataset:
    """Read fer2013.csv (or the folder that holds it): one fold, Training / PublicTest / PrivateTest.

    Subjects and AUs are unknown. Every row has a label, so `labelled_only` changes nothing.
    Raises UserError for a missing column or a bad row; with on_error="skip" such rows go to provenance["skipped"].
    """
    file = find(path, FILE)
    table = _read_table(file)
    emotion = table["emotion"].to_numpy()
    return _dataset("fer2013", file, table, emotion, EMOTIONS, size=size, on_error=on_error)


def load_plus(
    path: str | Path,
    *,
    size: int | None = 96,
    labelled_only: bool = True,
    on_error: str = "raise",
    agreement: float = 0.5,
) -> FaceDataset:
    """Read the folder of fer2013.csv and fer2013new.csv: FER2013's pictures with FER+'s eight emotions.

    A picture's emotion is the one with more than `agreement` of its votes; without one, or where "unknown" or "no
    face" wins, it is unlabelled (−1) and left out unless labelled_only=False. Raises UserError as `load` does.
    """
    file = find(path, FILE)
    table, votes = _read_table(file), read_votes(find(path, VOTES_FILE))
    if len(table) != len(votes):
        raise UserError(
            f"{file} has {len(table)} rows, {VOTES_FILE} {len(votes)}; both must be the whole, unsorted files"
        )
    emotion = _majority(votes, agreement)
    wanted = emotion >= 0 if labelled_only else None
    return _dataset("ferplus", file, table, emotion, facs.EMOTIONS, size=size, on_error=on_error, wanted=wanted)


def read_votes(file: Path) -> np.ndarray:
    """FER+'s votes, int (N, 10), columns as in VOTES. Raises UserError for a missing column or no number."""
    import pandas

    table = _read_csv(file)
    _need_columns(file, table, VOTES)
    votes = table[list(VOTES)].apply(pandas.to_numeric, errors="coerce").to_numpy(float)
    bad = np.argwhere(~(votes >= 0))
    if len(bad):
        row, column = bad[0]
        raise UserError(f"{file}, row {row + 2}: {VOTES[column]} is no count of votes; expected a whole number")
    return votes.astype(int)


def find(path: str | Path, name: str) -> Path:
    """`path` itself when it is that file, else the file of that name in or beside it."""
    path = Path(path)
    file = path if path.name == name else (path.parent if path.is_file() else path) / name
    # fer2013.csv under another name is fine, as long as the path names a file.
    file = path if name == FILE and path.is_file() and path.name != VOTES_FILE else file
    if not file.is_file():
        raise UserError(f"{file}: no such file. {HOW_TO_ASK}")
    return file


def _majority(votes: np.ndarray, agreement: float) -> np.ndarray:
    """Index in facs.EMOTIONS of the winner, −1 where none has its majority or a non-emotion wins."""
    names = {"happiness": "happy"}
    code = np.array([facs.EMOTIONS.index(names.get(v, v)) if names.get(v, v) in facs.EMOTIONS else -1 for v in VOTES])
    share = votes / np.maximum(votes.sum(1, keepdims=True), 1)
    return np.where(share.max(1) > agreement, code[share.argmax(1)], -1)


def _dataset(name, file, table, emotion, emotions, *, size, on_error, wanted=None) -> FaceDataset:
    images, good, skipped = _pictures(file, table, on_error)
    warn_skipped(skipped, len(table), "rows")
    kept = good if wanted is None else good & wanted
    rows = np.flatnonzero(kept)
    return FaceDataset(
        name=name,
        images=resize_pictures(images[kept[good]], size),
        emotion=emotion[rows],
        emotions=emotions,
        subject=np.full(len(rows), ""),
        sequence=np.char.mod("row %05d", rows),
        frame=np.zeros(len(rows)),
        folds=table["Usage"].map(USAGES).to_numpy()[rows, None],
        provenance={
            "source": name,
            "path": str(file),
            "synthetic": False,
            "label": "your FER2013" if name == "fer2013" else "your FER+",
            "published_file": hashlib.md5(file.read_bytes()).hexdigest() == ORIGINAL_MD5,
            "skipped": skipped,
            "notes": ["web photographs; the same person may be in training and test: subjects are not recorded"],
        },
        **unknown_aus(len(rows)),
    )


def _read_table(file: Path) -> "pandas.DataFrame":
    table = _read_csv(file)
    _need_columns(file, table, ("emotion", "pixels", "Usage"))
    for column, allowed in (("emotion", set(range(len(EMOTIONS)))), ("Usage", set(USAGES))):
        bad = table.index[~table[column].isin(allowed)]
        if len(bad):
            value = table[column][bad[0]]
            raise UserError(f"{file}, row {bad[0] + 2}: {column} is {value!r}; expected one of {sorted(allowed)}")
    return table


def _read_csv(file: Path) -> "pandas.DataFrame":
    import pandas

    try:
        return pandas.read_csv(file, skipinitialspace=True)
    except (OSError, ValueError) as error:  # pandas' parser errors are ValueErrors
        raise UserError(f"{file}: not readable as csv ({error}); fetch the file again") from error


def _need_columns(file: Path, table: "pandas.DataFrame", columns: tuple[str, ...]) -> None:
    missing = [column for column in columns if column not in table]
    if missing:
        found = ", ".join(map(str, table.columns))
        raise UserError(f"{file}: no column {missing[0]!r}; expected {', '.join(columns)}, found {found}")


def _pictures(file: Path, table: "pandas.DataFrame", on_error: str) -> tuple[np.ndarray, np.ndarray, list[dict]]:
    """images (M, 1, 48, 48) of the good rows, which rows are good (N,), and why the others are not."""
    images, good, skipped = [], np.zeros(len(table), bool), []
    for row, text in enumerate(table["pixels"]):
        try:
            images.append(_picture(str(text)))
            good[row] = True
        except UserError as error:
            # Row 1 of the file is the header.
            why = f"{file}, row {row + 2}: {error}"
            if on_error == "raise":
                raise UserError(f"{why}; {_SKIP}") from error
            skipped.append({"sequence": f"row {row:05d}", "why": why})
    return np.array(images, np.uint8).reshape(-1, 1, SIDE, SIDE), good, skipped


def _picture(text: str) -> np.ndarray:
    try:
        values = np.array(text.split(), dtype=int)
    except ValueError as error:
        raise UserError(f"pixels hold something else than whole numbers ({error})") from error
    if len(values) != SIDE * SIDE:
        raise UserError(f"{len(values):,} pixels; expected {SIDE * SIDE:,} ({SIDE}×{SIDE})")
    if values.min() < 0 or values.max() > 255:
        raise UserError(f"pixels from {values.min()} to {values.max()}; expected 0 to 255")
    return values
