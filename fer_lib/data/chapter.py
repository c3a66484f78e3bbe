"""The data a chapter of the book runs on: yours where FER_LIB_CKPLUS, FER_LIB_TFD or FER_LIB_FER2013 name them."""

from typing import Any

from fer_lib.data import OWN, FaceDataset, load_dataset, own_path
from fer_lib.errors import UserError

CODED = ("ckplus",)  # the only one of the three that comes with action units


def chapter_dataset(*, aus: bool = True, **options: Any) -> FaceDataset:
    """The first of the reader's own sets that is named in the environment, else the embedded synthetic faces.

    With `aus` only sets with coded action units count, which is CK+. `options` go to `load_dataset`. Put
    `provenance["label"]` of what you get under every figure: it says whose data they are.
    Raises UserError, saying what was looked for, when a variable names a place that does not hold its set, and for an
    option that the set has not.
    """
    for variable, name in OWN.items():
        if own_path(variable) and (name in CODED or not aus):
            return _own(variable, options)
    return load_dataset("synthetic", **options)


def _own(variable: str, options: dict[str, Any]) -> FaceDataset:
    try:
        return load_dataset(OWN[variable], **options)
    except UserError as error:
        raise UserError(f"{variable}: {error}. Unset {variable} to run on the embedded synthetic faces") from error
