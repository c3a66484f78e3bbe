"""One door for every data set: `load_dataset`. Modules behind it load only when their set is asked for."""

import os
from collections.abc import Callable
from importlib import import_module
from inspect import Parameter, signature
from pathlib import Path
from typing import Any, NamedTuple

from fer_lib.data.dataset import FaceDataset, check_size
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
OWN: dict[str, str] = {door.variable: name for name, door in _REAL.items() if name != "ferplus"}
"""Environment variable → the set that lies where it says; FER+ lies beside FER2013."""

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
    synthetic ones are shipped or made on demand (`path` then names where to keep them, or what `fer-lib data make`
    wrote). `options` go to the set's own loader (crop="released" for CK+, agreement=… for FER+).
    Raises UserError for an unknown name or option, a set that is not there, or a broken file; on_error="skip" leaves
    broken sequences out and lists them in provenance["skipped"].
    """
    if name not in DATASETS:
        raise UserError(f"data set {name!r} is unknown; use one of {', '.join(DATASETS)}")
    if on_error not in ("raise", "skip"):
        raise UserError(f'on_error={on_error!r} is unknown; use "raise" or "skip"')
    check_size(size)
    options |= {"size": size, "labelled_only": labelled_only, "on_error": on_error}
    loader = _loader(name)
    _check_options(name, loader, options)
    return loader(name, path, **options) if name in _SYNTHETIC else loader(_path(name, path), **options)


def own_path(variable: str) -> Path | None:
    """The place that FER_LIB_CKPLUS, FER_LIB_TFD or FER_LIB_FER2013 names, `~` expanded; None where it is not set."""
    given = os.environ.get(variable)
    return Path(given).expanduser() if given else None


def _loader(name: str) -> Callable[..., FaceDataset]:
    place = "fer_lib.data.synthetic:load" if name in _SYNTHETIC else _REAL[name].loader
    module, function = place.split(":")
    return getattr(import_module(module), function)


def _check_options(name: str, loader: Callable, options: dict[str, Any]) -> None:
    known = [p.name for p in signature(loader).parameters.values() if p.kind is Parameter.KEYWORD_ONLY]
    unknown = [option for option in options if option not in known]
    if unknown:
        raise UserError(f"{name}: option {unknown[0]!r} is unknown; it takes {', '.join(known)}")


def _path(name: str, path: str | Path | None) -> Path:
    variable = _REAL[name].variable
    given = Path(path).expanduser() if path else own_path(variable)
    if given:
        return given
    how = import_module(_REAL[name].loader.split(":")[0]).HOW_TO_ASK
    raise UserError(
        f"{name}: no path was given and {variable} is not set. If you have the data, pass path=… or set {variable} to "
        f"its folder. {how}"
    )


__all__ = ["DATASETS", "OWN", "FaceDataset", "load_dataset", "own_path"]
