"""Action unit labels of a set of images, with what is unknown kept unknown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from fer_lib.errors import UserError
from fer_lib.facs import CKPLUS_AUS


@dataclass(frozen=True)
class AULabels:
    """Labels of N images for A action units.

    `presence` (N, A) is 1, 0 or NaN (unknown). `intensity` (N, A) lies in 0–1, NaN unknown; None if there is none.
    `sequence` and `subject` (N,) name the independent units; `emotion` (N,) holds class codes, −1 unlabelled.
    """

    aus: tuple[int, ...]
    presence: np.ndarray
    sequence: np.ndarray
    subject: np.ndarray
    emotion: np.ndarray
    intensity: np.ndarray | None = None

    def __post_init__(self) -> None:
        count, width = len(self.sequence), len(self.aus)
        for name in ("presence", "intensity"):
            table = getattr(self, name)
            if table is not None and table.shape != (count, width):
                raise UserError(
                    f"AU {name} table has shape {table.shape}, expected {(count, width)}: "
                    "one row an image, one column an action unit."
                )
        for name in ("subject", "emotion"):
            if len(getattr(self, name)) != count:
                raise UserError(f"{name} has {len(getattr(self, name))} entries for {count} images.")
        known = self.presence[~np.isnan(self.presence)]
        if not np.isin(known, (0, 1)).all():
            raise UserError("AU presence must be 1 (present), 0 (absent) or NaN (unknown).")

    def __len__(self) -> int:
        return len(self.sequence)

    @property
    def graded(self) -> np.ndarray:
        """Intensity where it was coded, else presence: (N, A), NaN unknown."""
        return self.presence if self.intensity is None else self.intensity

    def select(self, rows: np.ndarray) -> AULabels:
        """The labels of some images (mask or indices)."""
        parts = {name: getattr(self, name)[rows] for name in ("presence", "sequence", "subject", "emotion")}
        return replace(self, **parts, intensity=None if self.intensity is None else self.intensity[rows])

    def support(self) -> pd.DataFrame:
        """How often each AU is present, absent, unknown, and whether its alignment is defined at all.

        An AU that is present (or absent) in no image or in one sequence only cannot be told from that sequence's other
        peculiarities: its `status` says "undefined: …", otherwise "ok".
        """
        rows = []
        for au, column in zip(self.aus, self.presence.T, strict=True):
            present, absent = column == 1, column == 0
            rows.append(
                {
                    "au": au,
                    "present": int(present.sum()),
                    "absent": int(absent.sum()),
                    "unknown": int(np.isnan(column).sum()),
                    "sequences_present": len(np.unique(self.sequence[present])),
                    "sequences_absent": len(np.unique(self.sequence[absent])),
                }
            )
        table = pd.DataFrame(rows)
        table["status"] = [_status(row.sequences_present, row.sequences_absent) for row in table.itertuples()]
        return table


def _status(present: int, absent: int) -> str:
    for count, word in ((present, "present"), (absent, "absent")):
        if count == 0:
            return f"undefined: {word} in no image"
        if count == 1:
            return f"undefined: {word} in one sequence only"
    return "ok"


def labels_of(dataset, aus: Sequence[int] = CKPLUS_AUS, intensity: bool = False) -> AULabels:
    """The AU labels of a `FaceDataset`.

    With `intensity`, an AU coded as present without an intensity is unknown in the graded table; absent means 0.
    """
    missing = [au for au in aus if au not in dataset.aus]
    if missing:
        raise UserError(f"Data set {dataset.name!r} has no column for AU {missing}; it has {list(dataset.aus)}.")
    columns = [dataset.aus.index(au) for au in aus]
    coded = dataset.au_presence[:, columns]
    presence = np.where(coded < 0, np.nan, coded).astype(float)
    graded = None
    if intensity:
        graded = np.where(presence == 0, 0.0, dataset.au_intensity[:, columns].astype(float))
    return AULabels(
        tuple(aus),
        presence,
        np.asarray(dataset.sequence),
        np.asarray(dataset.subject),
        np.asarray(dataset.emotion),
        graded,
    )
