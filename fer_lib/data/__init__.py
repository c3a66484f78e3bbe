"""One door for every data set: `load_dataset`. Modules behind it load only when their set is asked for."""

import os
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from fer_lib.data.dataset import FaceDataset
from fer_lib.errors import UserError


class _Door(NamedTuple):
    loader: str
    variable: str
    what: str


_REAL = {
    "ckplus": _Door("fer_lib.data.ckplus:load", "FER_LIB_CKPLUS", "CK+: 593 sequences, FACS-coded (signed agreement)"),
    "tfd": _Door("fer_lib.data.tfd:load", "FER_LIB_TFD", "Toronto Face Database: stills, seven classes (on request)"),
    "fer2013": _Door("fer_lib.data.fer2013:load", "FER_LIB_FER2013", "FER2013: 35,887 web stills, seven classes"),
    "ferplus": _Door("fer_lib.data.fer2013:load_plus", "FER_LIB_FER2013", "FER+: FER2013 relabelled by ten people"),
}
_SYNTHETIC = {
    "synthetic": "rendered faces in CK+'s make-up: 327 sequences, 1,308 images, AUs known",
    "synthetic-tfd": "rendered stills in TFD's make-up: seven classes, five folds",
    "natural": "probe: AUs drawn through emotion prototypes",
    "factorial": "probe: AUs drawn independently, balanced over people, pose and light",
    "ladders": "probe: one AU at a time, intensity 0 to 1",
    "do-pairs": "probe: pairs of pictures that differ in one AU only",
    "balanced": "as synthetic, people balanced over gender and descent",
    "decorrelated": "training set whose AUs are independent of the emotion beyond the criteria",
}
DATASETS: dict[str, str] = _SYNTHETIC | {name: door.what for name, door in _REAL.items()}
"""Every name that `load_dataset` knows, with one line on what it is."""


def load_dataset(
    name: str,
    path: str | Path | None = None,
    *,
    size: int | None = 96,
    labelled_only: bool = True,
    on_error: str = "raise",
    **options: Any,
) -> FaceDataset:
    """Load a data set by name as a FaceDataset of size × size pictures.

    Real sets are read from `path`, or from the folder named in FER_LIB_CKPLUS, FER_LIB_TFD or FER_LIB_FER2013;
    synthetic ones are shipped or made on demand (`path` then names where to keep them). `options` go to the set's own
    loader (crop="released" for CK+, agreement=… for FER+).
    Raises UserError for an unknown name, a set that is not there, or a broken file; on_error="skip" leaves broken
    sequences out and lists them in provenance["skipped"].
    """
    if name not in DATASETS:
        raise UserError(f"data set {name!r} is unknown; use one of {', '.join(DATASETS)}")
    if on_error not in ("raise", "skip"):
        raise UserError(f'on_error={on_error!r} is unknown; use "raise" or "skip"')
    options |= {"size": size, "labelled_only": labelled_only, "on_error": on_error}
    if name in _SYNTHETIC:
        return import_module("fer_lib.data.synthetic").load(name, path, **options)
    return _loader(name)(_path(name, path), **options)


def _loader(name: str):
    module, function = _REAL[name].loader.split(":")
    return getattr(import_module(module), function)


def _path(name: str, path: str | Path | None) -> Path:
    variable = _REAL[name].variable
    given = path if path is not None else os.environ.get(variable)
    if given:
        return Path(given).expanduser()
    how = import_module(_REAL[name].loader.split(":")[0]).HOW_TO_ASK
    raise UserError(
        f"{name}: no path was given and {variable} is not set. If you have the data, pass path=… or set {variable} to "
        f"its folder. {how}"
    )


__all__ = ["DATASETS", "FaceDataset", "load_dataset"]
