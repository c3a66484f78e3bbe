"""Made sets: kept in the user's cache as data sets, or written out in CK+'s and TFD's layouts."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from fer_lib import facs
from fer_lib.data.cache import cache_folder, cached, partial_work
from fer_lib.data.dataset import FaceDataset
from fer_lib.data.export import SequenceRecord, write_ckplus, write_tfd
from fer_lib.data.folder import check_free
from fer_lib.data.synthetic.plan import Plan
from fer_lib.data.synthetic.sets import SEQUENCE_SETS, Job, fingerprint
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


def made_file(name: str, path: Path) -> Path | None:
    """The .npz that `path` is, or the NAME.npz in the folder `path`; None for a folder without one."""
    file = path if path.suffix == ".npz" else path / f"{name}.npz"
    return file if file == path or file.exists() else None


def read_made(name: str, file: Path, size: int | None, labelled_only: bool, asked: dict[str, Any]) -> FaceDataset:
    """What `fer-lib data make NAME` wrote to `file`, at size × size pixels or as it is.

    Raises UserError when the file is damaged, was changed, is another set than NAME with what was `asked` of Job's
    fields, or has smaller pictures.
    """
    faces = FaceDataset.load(file)
    expected = {"source": name} | asked | ({} if labelled_only else {"labelled_only": False})
    if "renderer" in asked:
        expected["renderer"] = fingerprint(asked["renderer"])
    for what, value in expected.items():
        if (found := faces.provenance.get(what)) != value:
            raise UserError(f"{file}: {what} is {found!r}, {value!r} was asked for; ask for that, or name another file")
    side = faces.images.shape[-1]
    if size and size > side:
        raise UserError(f"{file}: pictures of {side} pixels, {size} were asked for; ask for {side} or make it larger")
    faces = _labelled(faces) if labelled_only and name in SEQUENCE_SETS else faces
    return faces.resize(size or side)


def _labelled(faces: FaceDataset) -> FaceDataset:
    """A set of its own, not a selection: what `make` gives when only the labelled sequences are wanted."""
    provenance = {what: value for what, value in faces.provenance.items() if what != "data_hash"}
    return replace(faces.select(faces.emotion >= 0), provenance=provenance | {"labelled_only": True})


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
    check_free(out)
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
