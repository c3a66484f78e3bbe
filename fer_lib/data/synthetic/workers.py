"""Worker processes that render a plan part by part, each part a file, so that a kill loses little.

The workers are programs of their own, not forks: torch's threads survive no fork, and `multiprocessing` would run the
caller's script again. They end with this process, for want of a reader.
"""

import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

import numpy as np
from tqdm import tqdm

from fer_lib.data.cache import VARIABLE
from fer_lib.data.synthetic.plan import Plan
from fer_lib.data.synthetic.sets import Job
from fer_lib.errors import UserError
from fer_lib.files import write_atomic

PART = 48  # pictures
PROGRAM = "import sys; from fer_lib.data.synthetic.workers import main; sys.exit(main(sys.argv[1:]))"
USERS_ERROR = 2  # exit code of a worker stopped by a UserError


def render_rows(plan: Plan, job: Job, rows: slice | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The plan's pictures at `rows`, uint8 (n, 1, H, W), and their landmarks, float32 (n, 68, 2)."""
    import torch

    module, function = job.renderer.split(":")
    render = getattr(import_module(module), function)
    chosen = plan.select(rows)
    people = [chosen.people.identities[person] for person in chosen.person]
    with torch.no_grad():
        out = render(people, torch.from_numpy(chosen.aus), chosen.scene(), size=job.size, outputs=("landmarks",))
    return out.to_uint8().numpy(), out.landmarks.numpy().astype(np.float32)


def render_plan(plan: Plan, job: Job, folder: Path, processes: int | None, progress: bool):
    """All pictures and landmarks of a plan, as `render_rows`; finished parts stay in `folder` and are not made again.

    `processes`: workers, all cores if None. Their number changes no picture. Raises UserError when a part cannot be
    written or a worker is killed, RuntimeError when one fails.
    """
    parts = [Part(folder, number, len(plan)) for number in range(-(-len(plan) // PART))]
    missing = [part for part in parts if not part.whole()]
    with tqdm(total=len(plan), unit="face", desc=f"rendering {job.name}", disable=not progress, mininterval=1) as bar:
        bar.update(len(plan) - sum(len(part) for part in missing))
        if missing:
            _share(job, folder, missing, processes or _cores(), bar)
    images, landmarks = zip(*(part.read() for part in parts), strict=True)
    return np.concatenate(images), np.concatenate(landmarks)


class Part:
    """PART successive pictures of a plan of `total`, kept in one file."""

    def __init__(self, folder: Path, number: int, total: int):
        self.number = number
        self.rows = slice(number * PART, min((number + 1) * PART, total))
        self.path = folder / f"part-{number:04d}.npz"

    def __len__(self) -> int:
        return self.rows.stop - self.rows.start

    def read(self) -> tuple[np.ndarray, np.ndarray]:
        with np.load(self.path, allow_pickle=False) as stored:
            return stored["images"], stored["landmarks"]

    def whole(self) -> bool:
        """Whether it is there and undamaged: npz keeps a checksum of every array. A damaged part is made again."""
        try:
            return len(self.read()[0]) == len(self)
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return False

    def write(self, images: np.ndarray, landmarks: np.ndarray) -> None:
        def save(temporary: Path) -> None:
            with temporary.open("wb") as file:
                np.savez(file, images=images, landmarks=landmarks)

        write_atomic(self.path, save)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _share(job: Job, folder: Path, missing: list[Part], processes: int, bar: tqdm) -> None:
    size = {part.number: len(part) for part in missing}
    shares = [list(size)[i::processes] for i in range(min(processes, len(size)))]
    workers = [_Worker(job, folder, share) for share in shares]
    with ThreadPoolExecutor(len(workers)) as pool:
        try:
            followed = [pool.submit(lambda w=w: [bar.update(size[n]) for n in w.finished()]) for w in workers]
            for ended in as_completed(followed):
                ended.result()
        finally:
            for worker in workers:
                worker.process.kill()


class _Worker:
    """One process that renders its share of the parts and tells which are done."""

    def __init__(self, job: Job, folder: Path, numbers: list[int]):
        self.errors = tempfile.TemporaryFile("w+")
        command = [sys.executable, "-c", PROGRAM, json.dumps(asdict(job)), str(folder)]
        environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        self.process = subprocess.Popen(
            [*command, *map(str, numbers)], stdout=subprocess.PIPE, stderr=self.errors, text=True, env=environment
        )

    def finished(self) -> Iterator[int]:
        """Numbers of parts as they are finished. Raises what stopped the worker."""
        with self.errors, self.process.stdout:
            for line in self.process.stdout:
                yield int(line)
            if code := self.process.wait():
                self.errors.seek(0)
                raise _failure(code, self.errors.read().strip())


def _failure(code: int, text: str) -> Exception:
    if code == USERS_ERROR:
        return UserError(text)
    if code < 0:
        return UserError(
            f"a rendering process was killed by signal {-code}; if memory ran out, allow fewer processes. What is "
            f"done is kept: the same call goes on from there {text}".rstrip()
        )
    return RuntimeError(f"a rendering process failed:\n{text}")


def main(arguments: Sequence[str]) -> int:
    """A worker's life: JOB as JSON, FOLDER, PART NUMBER …"""
    import torch

    torch.set_num_threads(1)
    job, folder = Job(**json.loads(arguments[0])), Path(arguments[1])
    try:
        plan = job.plan()
        for number in arguments[2:]:
            part = Part(folder, int(number), len(plan))
            part.write(*render_rows(plan, job, part.rows))
            print(number, flush=True)
    except UserError as error:
        print(f"{error} (the environment variable {VARIABLE} moves the cache)", file=sys.stderr)
        return USERS_ERROR
    return 0
