"""FER2013 (Goodfellow et al. 2013) and FER+, its votes by ten people (Barsoum et al. 2016), from their csv files.

torchvision's reader does not serve here: it takes only the file whose md5 it knows, joins PublicTest and PrivateTest,
loses the row numbers that FER+ needs, and needs torch, which this floor does without. Its md5 still tells whether a
file is the published one (`ORIGINAL_MD5`).
"""

import hashlib
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fer_lib import facs
from fer_lib.data.dataset import TEST, TRAIN, VALIDATION, FaceDataset, resize_pictures, unknown_aus, warn_skipped
from fer_lib.errors import UserError

if TYPE_CHECKING:
    import pandas

FILE, VOTES_FILE = "fer2013.csv", "fer2013new.csv"
COLUMNS = ("emotion", "pixels", "Usage")
ORIGINAL_MD5 = "f8428a1edbd21e88f42c73edd2a14f95"
SIDE = 48
EMOTIONS = ("anger", "disgust", "fear", "happy", "sadness", "surprise", "neutral")
"""In the order of FER2013's codes 0 to 6."""
CODES = {str(code): code for code in range(len(EMOTIONS))}
USAGES = {"Training": TRAIN, "PublicTest": VALIDATION, "PrivateTest": TEST}
VOTES = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt", "unknown", "NF")
"""FER+'s columns; NF = no face."""
HOW_TO_ASK = (
    "FER2013 is the file fer2013.csv of the Kaggle contest 'Challenges in Representation Learning: Facial Expression "
    "Recognition'; FER+ adds fer2013new.csv from github.com/microsoft/FERPlus. "
    'Without them use load_dataset("synthetic")'
)

_SKIP = 'correct the file, or leave such rows out with on_error="skip" (--on-error skip)'


class _Rows(NamedTuple):
    """The good rows of a file of `total`, M of them, and why the others are not.

    number   int (M,), counted from 0
    emotion  int (M,), FER2013's code; part: int (M,), training, validation or test
    images   uint8 (M, 1, 48, 48)
    """

    total: int
    number: np.ndarray
    emotion: np.ndarray
    part: np.ndarray
    images: np.ndarray
    skipped: list[dict[str, str]]


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
    rows = _read_rows(file, _read_csv(file, COLUMNS), on_error)
    return _dataset("fer2013", file, rows, rows.emotion, EMOTIONS, size, np.ones(len(rows.number), bool))


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
    votes_file = find(path, VOTES_FILE)
    table, votes = _read_csv(file, COLUMNS), read_votes(votes_file)
    if len(table) != len(votes):
        raise UserError(
            f"{file} has {len(table)} rows, {VOTES_FILE} {len(votes)}; both must be the whole, unsorted files"
        )
    _check_order(file, table, votes_file)
    rows = _read_rows(file, table, on_error)
    emotion = _majority(votes[rows.number], agreement)
    kept = (emotion >= 0) | (not labelled_only)
    return _dataset("ferplus", file, rows, emotion, facs.EMOTIONS, size, kept)


def _check_order(file: Path, table: "pandas.DataFrame", votes_file: Path) -> None:
    """Raises UserError where `Usage` differs between the two files: their rows are not of the same pictures."""
    usage = _read_csv(votes_file, ()).get("Usage")
    sound = table["Usage"].isin(USAGES)  # a bad row is told, or left out, where rows are read
    differ = [] if usage is None else (sound & (table["Usage"] != usage)).to_numpy().nonzero()[0]
    if len(differ):
        row = differ[0]
        found, other = (str(column[row])[:40] for column in (usage, table["Usage"]))
        raise UserError(
            f"{votes_file}, row {row + 2}: Usage is {found!r}, {file.name} has {other!r} there; one of the two was "
            "sorted, and votes would go to other pictures: fetch both anew"
        )


def read_votes(file: Path) -> np.ndarray:
    """FER+'s votes, int (N, 10), columns as in VOTES. Raises UserError for a missing column or what is no count."""
    import pandas

    table = _read_csv(file, VOTES)[list(VOTES)]
    votes = table.apply(pandas.to_numeric, errors="coerce").to_numpy(float)
    with np.errstate(invalid="ignore"):  # NaN and infinity are told below
        whole = votes.astype(int)
    bad = np.argwhere((whole != votes) | (whole < 0))
    if len(bad):
        row, column = bad[0]
        found = table.iat[row, column]
        raise UserError(f"{file}, row {row + 2}: {VOTES[column]} is {found!r}; expected a whole number of votes")
    return whole


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


def _dataset(name, file, rows, emotion, emotions, size, kept) -> FaceDataset:
    """The good rows that are `kept`, bool (M,); `emotion` int (M,)."""
    warn_skipped(rows.skipped, rows.total, "rows")
    count = int(kept.sum())
    return FaceDataset(
        name=name,
        images=resize_pictures(rows.images[kept], size),
        emotion=emotion[kept],
        emotions=emotions,
        subject=np.full(count, ""),
        sequence=np.char.mod("row %05d", rows.number[kept]),
        frame=np.zeros(count),
        folds=rows.part[kept, None],
        provenance={
            "source": name,
            "path": str(file),
            "synthetic": False,
            "label": "your FER2013" if name == "fer2013" else "your FER+",
            "published_file": hashlib.md5(file.read_bytes()).hexdigest() == ORIGINAL_MD5,
            "skipped": rows.skipped,
            "notes": ["web photographs; the same person may be in training and test: subjects are not recorded"],
        },
        **unknown_aus(count),
    )


def _read_csv(file: Path, columns: tuple[str, ...]) -> "pandas.DataFrame":
    """Every cell as text. Raises UserError for a missing column."""
    import pandas

    try:
        table = pandas.read_csv(file, skipinitialspace=True, dtype=str, keep_default_na=False, index_col=False)
    except (OSError, ValueError) as error:  # pandas' parser errors are ValueErrors
        raise UserError(f"{file}: not readable as csv ({error}); fetch the file again") from error
    missing = [column for column in columns if column not in table]
    if missing:
        found = ", ".join(map(str, table.columns))
        raise UserError(f"{file}: no column {missing[0]!r}; expected {', '.join(columns)}, found {found}")
    return table


def _read_rows(file: Path, table: "pandas.DataFrame", on_error: str) -> _Rows:
    from tqdm import tqdm

    images = np.empty((len(table), SIDE * SIDE), np.uint8)
    labels, skipped = [], []
    cells = zip(*(table[column] for column in COLUMNS), strict=True)
    for row, (emotion, pixels, usage) in enumerate(tqdm(cells, "FER2013 rows", len(table), disable=None)):
        try:
            good = (row, _allowed("emotion", emotion, CODES), _allowed("Usage", usage, USAGES))
            images[row] = _picture(pixels)
            labels.append(good)
        except UserError as error:
            # Row 1 of the file is the header.
            why = f"{file}, row {row + 2}: {error}"
            if on_error == "raise":
                raise UserError(f"{why}; {_SKIP}") from error
            skipped.append({"sequence": f"row {row:05d}", "why": why})
    number, emotion, part = np.array(labels, int).reshape(-1, 3).T
    return _Rows(len(table), number, emotion, part, images[number].reshape(-1, 1, SIDE, SIDE), skipped)


def _allowed(column: str, text: str, codes: dict[str, int]) -> int:
    if text not in codes:
        raise UserError(f"{column} is {text[:40]!r}; expected one of {', '.join(codes)}")
    return codes[text]


def _picture(text: str) -> np.ndarray:
    """The pixels of a row, int (2304,)."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", DeprecationWarning)  # all that older numpy gives for text after the numbers
            values = np.fromstring(text, int, sep=" ")
    except (ValueError, DeprecationWarning) as error:
        raise UserError("pixels hold something else than whole numbers") from error
    if len(values) != SIDE * SIDE:
        raise UserError(f"{len(values):,} pixels; expected {SIDE * SIDE:,} ({SIDE}×{SIDE})")
    if values.min() < 0 or values.max() > 255:
        raise UserError(f"pixels from {values.min()} to {values.max()}; expected 0 to 255")
    return values
