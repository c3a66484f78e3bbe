"""Made sets: kept in the user's cache as data sets, or written out in CK+'s and TFD's layouts."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from fer_lib import facs
from fer_lib.data.cache import cache_folder, cached, partial_work
from fer_lib.data.dataset import FaceDataset
from fer_lib.data.export import SequenceRecord, write_ckplus, write_tfd
from fer_lib.data.synthetic.plan import Plan
from fer_lib.data.synthetic.sets import SEQUENCE_SETS, Job
from fer_lib.data.synthetic.workers import render_plan
from fer_lib.errors import UserError

LAYOUTS = ("ckplus", "tfd")


def make(job: Job, folder: Path | None = None, *, processes: int | None = None, progress: bool = True) -> FaceDataset:
    """The job's set from the cache, rendered first if it is not there.

    `folder`: instead of the cache. `processes`: all cores if None; their number changes no picture. Finished parts
    survive a kill. Raises UserError as `cached` does.
    """

    def render(parts: Path) -> FaceDataset:
        plan = job.plan()
        return plan.dataset(render_plan(plan, job, parts, processes, progress)[0], job.provenance())

    return cached(job.key, render, folder)


def export(job: Job, out: Path, layout: str, *, processes: int | None = None, progress: bool = True) -> Path:
    """Write a set in the layout of "ckplus" (whole sequences, landmarks) or "tfd" (`TFD_96x96.mat`); returns the path.

    Frames are face crops already: read CK+'s layout back with crop="none". Raises UserError for a layout that does
    not suit the set, a folder in use, a disk that refuses.
    """
    if layout not in LAYOUTS:
        raise UserError(f"layout {layout!r} is unknown; use one of {', '.join(LAYOUTS)}")
    if layout == "tfd":
        if job.name != "synthetic-tfd":
            raise UserError(f"{job.name} is not laid out like TFD; use synthetic-tfd")
        return write_tfd(make(job, processes=processes, progress=progress), out / f"TFD_{job.size}x{job.size}.mat")
    if job.name not in SEQUENCE_SETS or not job.every_frame:
        raise UserError(f"{job.name}: CK+'s layout needs whole sequences; use {', '.join(SEQUENCE_SETS)}, every frame")
    plan = job.plan()
    with partial_work(job.key) as parts:
        images, landmarks = render_plan(plan, job, parts, processes, progress)
    provenance = plan.provenance() | job.provenance()
    write_ckplus(records(plan, images, landmarks), out, provenance)
    shutil.rmtree(cache_folder() / f"{job.key}.parts", ignore_errors=True)
    return out


def records(plan: Plan, images: np.ndarray, landmarks: np.ndarray) -> Iterator[SequenceRecord]:
    """The plan's sequences as CK+ keeps them: labels of the apex, pictures and landmarks of every frame."""
    starts = np.flatnonzero(np.r_[True, plan.sequence[1:] != plan.sequence[:-1]])
    for rows in np.split(np.arange(len(plan)), starts[1:]):
        apex = rows[-1]
        subject, number = plan.sequence[apex].split("_")
        strength = plan.intensity[apex]
        letters = {au: facs.letter_of(float(x)) for au, x in zip(facs.AUS, strength, strict=True)}
        yield SequenceRecord(
            subject="S" + subject[1:],
            number=number,
            frames=images[rows, 0],
            emotion=plan.emotions[plan.emotion[apex]] if plan.emotion[apex] >= 0 else None,
            aus={au: letter for au, letter in letters.items() if letter} or None,
            landmarks=landmarks[rows],
        )
