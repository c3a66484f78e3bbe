"""Sets of rendered faces: shipped with the package, or made on demand from recipes and kept in the cache."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fer_lib.data.dataset import FaceDataset
from fer_lib.data.synthetic import shipped
from fer_lib.data.synthetic.making import export, made_file, make, read_made
from fer_lib.data.synthetic.plan import ATTRIBUTES
from fer_lib.data.synthetic.probes import Pairs, pairs
from fer_lib.data.synthetic.sets import NAMES, SIZE, Job
from fer_lib.errors import UserError

if TYPE_CHECKING:
    import pandas


def load(
    name: str,
    path: str | Path | None = None,
    *,
    size: int | None = SIZE,
    labelled_only: bool = True,
    on_error: str = "raise",
    processes: int | None = None,
    progress: bool = True,
    seed: int | None = None,
    difficulty: int | None = None,
    every_frame: bool | None = None,
    renderer: str | None = None,
) -> FaceDataset:
    """A synthetic set by name; see `fer_lib.data.load_dataset`.

    `path`: folder to keep it in, instead of the cache; or a .npz that `fer-lib data make` wrote, or its folder, which
    is read instead. seed … renderer: as in `Job`, whose defaults, or what the .npz holds, stand for None.
    The canonical "synthetic" is read from the package; everything else is rendered on all cores and kept. Below 96
    pixels pictures are averaged from those of 96; above, they are rendered at their size.
    """
    choices = {"seed": seed, "difficulty": difficulty, "every_frame": every_frame, "renderer": renderer}
    asked = {option: value for option, value in choices.items() if value is not None}
    folder = None if path is None else Path(path).expanduser()
    if folder and (file := made_file(name, folder)):
        return read_made(name, file, size, labelled_only, asked)
    size = size or SIZE
    job = Job(name, size=max(size, SIZE), labelled_only=labelled_only, **asked)
    if path is None and job == Job("synthetic") and shipped.CARD.exists():
        return shipped.read().resize(size)
    return make(job, folder, processes=processes, progress=progress).resize(size)


def people_table(dataset: FaceDataset) -> "pandas.DataFrame":
    """Who is in each picture, N rows: subject, gender, age (years), descent, skin_tone (0 dark … 1 light)."""
    import pandas

    who = dataset.provenance.get("identities")
    if who is None:
        raise UserError(f"{dataset.name} does not say who is in its pictures; only synthetic sets know")
    rows = [{"subject": subject, **who[subject]} for subject in dataset.subject]
    return pandas.DataFrame(rows, columns=["subject", *ATTRIBUTES])


def pair_masks(dataset: FaceDataset, tau: float = 0.02, rows: np.ndarray | None = None) -> np.ndarray:
    """Where each do(AU) pair differs by more than `tau` of full scale, bool (P, H, W).

    Computed from the stored pictures, whose grain is the same in both, to the nearest grey level. `rows`: pairs.
    """
    chosen = pairs(dataset)
    which = slice(None) if rows is None else rows
    with_, without = (dataset.images[index[which], 0].astype(np.int16) for index in (chosen.with_, chosen.without))
    return np.abs(with_ - without) > tau * 255


__all__ = ["NAMES", "Job", "Pairs", "export", "load", "make", "pair_masks", "pairs", "people_table"]
