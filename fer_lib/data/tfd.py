"""TFD, the Toronto Face Database (Susskind, Anderson and Hinton 2010), from its .mat files.

`images` N×H×W uint8; `labs_ex` N×1: 1 anger … 7 neutral, −1 none; `labs_id` N×1, −1 none; `folds` N×5: 0 unlabelled,
1 training, 2 validation, 3 test. TFD contains Cohn–Kanade pictures: testing on one what was trained on the other leaks.
"""

from pathlib import Path

import numpy as np

from fer_lib import facs
from fer_lib.data.dataset import FaceDataset, resize_pictures, unknown_aus
from fer_lib.errors import UserError

KEYS = ("images", "labs_ex", "labs_id", "folds")
FILES = ("TFD_96x96.mat", "TFD_48x48.mat")
HOW_TO_ASK = (
    "TFD is given on request by its authors (J. Susskind, A. Anderson, G. Hinton, University of Toronto). "
    'Without it use load_dataset("synthetic-tfd")'
)


def load(
    path: str | Path,
    *,
    size: int | None = 96,
    labelled_only: bool = True,
    on_error: str = "raise",
) -> FaceDataset:
    """Read a .mat file, or a folder that holds TFD_96x96.mat or TFD_48x48.mat (the first found): five official folds.

    Nothing in one file can be left out, so `on_error` changes nothing here. AUs are unknown. Faces that the exporter
    wrote in this layout are named "synthetic-tfd".
    Raises UserError for a missing file or key, wrong shapes, or codes out of range.
    """
    file = _find(Path(path))
    raw = read_mat(file)
    kept = raw["labs_ex"] > 0 if labelled_only else np.ones(len(raw["images"]), bool)
    rows, identity = np.flatnonzero(kept), raw["labs_id"][kept]
    synthetic = "synthetic" in raw
    return FaceDataset(
        name="synthetic-tfd" if synthetic else "tfd",
        images=resize_pictures(raw["images"][kept][:, None], size),
        emotion=np.maximum(raw["labs_ex"][kept] - 1, -1),
        emotions=facs.TFD_EMOTIONS,
        subject=np.where(identity < 0, "", np.char.mod("%d", identity)),
        sequence=np.char.mod("picture %06d", rows),
        frame=np.zeros(len(rows)),
        folds=raw["folds"][kept],
        provenance={
            "source": "tfd",
            "path": str(file),
            "synthetic": synthetic,
            "label": "synthetic faces" if synthetic else "your TFD",
            "skipped": [],
            "notes": ["TFD contains Cohn–Kanade pictures: results across TFD and CK+ are contaminated"],
        },
        **unknown_aus(len(rows)),
    )


def read_mat(file: Path) -> dict[str, np.ndarray]:
    """Every variable of the file, the four of KEYS checked: images uint8 (N, H, W), labels int (N,), folds int (N, F).

    Raises UserError naming the file and the key.
    """
    raw = _loadmat(file)
    missing = [key for key in KEYS if key not in raw]
    if missing:
        held = ", ".join(sorted(key for key in raw if not key.startswith("__"))) or "nothing"
        raise UserError(f"{file}: no key {missing[0]!r}; expected {', '.join(KEYS)}, found {held}")
    images = raw["images"]
    if images.ndim != 3 or images.dtype != np.uint8:
        raise UserError(f"{file}: images are {images.dtype} {images.shape}; expected uint8 (N, H, W)")
    labels = {key: _whole(file, key, raw[key]).reshape(-1) for key in ("labs_ex", "labs_id")}
    arrays = raw | labels | {"folds": np.atleast_2d(_whole(file, "folds", raw["folds"]))}
    for key in KEYS[1:]:
        if len(arrays[key]) != len(images):
            raise UserError(f"{file}: {key} has {len(arrays[key])} rows for {len(images)} images; expected one each")
    _allowed(file, "labs_ex", arrays["labs_ex"], (-1, *range(1, len(facs.TFD_EMOTIONS) + 1)))
    _allowed(file, "folds", arrays["folds"], (0, 1, 2, 3))
    return arrays


def _find(path: Path) -> Path:
    if path.is_file():
        return path
    found = [path / name for name in FILES if (path / name).is_file()]
    if not found:
        raise UserError(f"{path}: no TFD found; looked for {' or '.join(FILES)}. {HOW_TO_ASK}")
    return found[0]


def _loadmat(file: Path) -> dict[str, np.ndarray]:
    from scipy.io import loadmat

    try:
        return loadmat(file)
    except NotImplementedError as error:
        raise UserError(f"{file}: saved as MATLAB 7.3, which is not read; save it again in MATLAB with -v7") from error
    except Exception as error:  # SciPy raises a dozen types for the many ways to break a file
        raise UserError(f"{file}: not a whole .mat file ({error}); copy it again from your archive") from error


def _whole(file: Path, key: str, values: np.ndarray) -> np.ndarray:
    if not np.issubdtype(values.dtype, np.number):
        raise UserError(f"{file}: {key} is an array of {values.dtype}, a MATLAB cell for one; expected numbers")
    if not np.array_equal(values, np.round(values)):
        raise UserError(f"{file}: {key} holds fractions or NaN; expected whole numbers")
    return values.astype(np.int64)


def _allowed(file: Path, key: str, values: np.ndarray, allowed: tuple[int, ...]) -> None:
    bad = np.argwhere(~np.isin(values, allowed))
    if len(bad):
        raise UserError(f"{file}: {key} is {values[tuple(bad[0])]} in row {bad[0][0]}; expected one of {allowed}")
