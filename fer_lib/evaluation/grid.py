"""The grid of cells: in this process, in several, or on a Ray cluster. Finished cells are never redone."""

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from itertools import product
from multiprocessing import get_context, parent_process
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import Thread
from typing import Any

import torch
from tqdm.auto import tqdm

from fer_lib.data.dataset import FaceDataset
from fer_lib.data.splits import random_folds
from fer_lib.errors import UserError
from fer_lib.evaluation.cell import SPLITS, Cell, parts, run_cell
from fer_lib.training import TrainConfig
from fer_lib.training.config import resolve_device
from fer_lib.training.loop import check_data

RAY_RETRIES = 5  # a lost worker's cell goes on from its checkpoint, so a retry costs little


def make_cells(
    configs: Iterable[TrainConfig], folds: Sequence[int], seeds: Sequence[int], split: str = "folds"
) -> list[Cell]:
    """The product of configs, seeds and folds, each cell once."""
    if split not in SPLITS:
        raise UserError(f"split {split!r} is unknown; expected one of {', '.join(SPLITS)}")
    every = product(configs, seeds, folds)
    return list(dict.fromkeys(Cell(replace(config, seed=seed), fold, split) for config, seed, fold in every))


def split_dataset(dataset: FaceDataset, split: str, seed: int = 0, folds: int = 10) -> FaceDataset:
    """The data under a leak-lab split: random by "image", "sequence" or "subject"; "folds" leaves them as they are."""
    if split == "folds":
        return dataset
    return dataset.with_folds(random_folds(dataset, folds, by=split, seed=seed))


def evaluate(
    dataset: FaceDataset,
    cells: Sequence[Cell],
    out: Path,
    *,
    jobs: int = 1,
    ray: str | None = None,
    gpus: float = 0,
    device: str = "auto",
    keep: bool = False,
    progress: bool = True,
) -> list[dict[str, Any]]:
    """Run every cell on `dataset` (N, 1, size, size) and return their results in order; see `run_cell` for the files.

    `jobs` > 1 uses that many processes, sharing the CPU's threads. `ray` is a cluster's address ("auto", "local",
    "ray://host:10001"): `out` must then be a folder that all its machines see; each task takes `gpus` GPUs.
    Before any is started, raises UserError for a fold that cannot be trained or tested on, pictures of another size
    than the run's, and two cells that would share a name and are not the same.
    """
    _check(dataset, cells)
    if not ray:
        resolve_device(device)  # a cluster's machines have their own
    options = {"device": device, "keep": keep}
    out = Path(out).resolve()
    if ray:
        finished = _on_ray(ray, gpus, dataset, cells, out, options)
    elif jobs > 1:
        finished = _in_processes(jobs, dataset, cells, out, options)
    else:
        inner = options | {"progress": progress and len(cells) == 1}
        finished = (run_cell(cell, dataset, out, **inner) for cell in cells)
    bar = tqdm(finished, total=len(cells), unit="cell", desc="cells", disable=not progress or len(cells) == 1)
    order = {cell.key: place for place, cell in enumerate(cells)}
    return sorted(bar, key=lambda result: order[_key(result)])


def _check(dataset: FaceDataset, cells: Sequence[Cell]) -> None:
    named: dict[str, Cell] = {}
    for cell in cells:
        check_data(parts(dataset, cell)[0], cell.config)
        other = named.setdefault(cell.key, cell)
        if other != cell:
            one, two = other.config.as_dict(), cell.config.as_dict()
            field = next(name for name in one if one[name] != two[name])
            raise UserError(
                f"{cell.key}: two cells of this name, with {field} {one[field]!r} and {two[field]!r}; expected every "
                "name once, for it names the cell's files: evaluate the two into different folders"
            )


def _key(result: dict[str, Any]) -> str:
    return Cell(TrainConfig(**result["identity"]["config"]), result["fold"], result["split"]).key


def _in_processes(
    jobs: int, dataset: FaceDataset, cells: Sequence[Cell], out: Path, options: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    threads = max(1, torch.get_num_threads() // jobs)  # knows what OMP_NUM_THREADS and taskset allow
    # spawn: a forked child would inherit torch's thread pools half-alive
    with ProcessPoolExecutor(jobs, get_context("spawn"), _begin_worker, (threads,)) as pool:
        tasks = [pool.submit(run_cell, cell, dataset, out, **options) for cell in cells]
        try:
            for task in as_completed(tasks):
                yield task.result()
        except BrokenProcessPool as error:
            raise UserError(
                f"{out}: a worker process was killed (out of memory?); finished cells are kept: run the same command "
                "again to go on, perhaps with fewer --jobs (a cell that goes on with more threads rounds otherwise)"
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)


def _begin_worker(threads: int) -> None:
    torch.set_num_threads(threads)
    Thread(target=_end_with, args=(parent_process(),), daemon=True).start()


def _end_with(parent: BaseProcess) -> None:
    """A killed parent's workers would train on, and hold their runs' locks; what is unsaved, the next run redoes."""
    parent.join()
    os._exit(1)


def _on_ray(
    address: str, gpus: float, dataset: FaceDataset, cells: Sequence[Cell], out: Path, options: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    ray = _import_ray()
    if not ray.is_initialized():
        try:
            ray.init(address=address, log_to_driver=False)
        except (ConnectionError, ValueError) as error:
            raise UserError(
                f"--ray {address}: no cluster answers ({error}); expected auto, local or ray://HOST:10001. Start one "
                "with: ray start --head"
            ) from error
    task = ray.remote(num_cpus=1, num_gpus=gpus, max_retries=RAY_RETRIES)(run_cell)
    shared = ray.put(dataset)
    waiting = [task.remote(cell, shared, out, **options) for cell in cells]
    while waiting:
        done, waiting = ray.wait(waiting)
        try:
            yield ray.get(done[0])
        except ray.exceptions.RayTaskError as error:
            raise error.cause if isinstance(error.cause, UserError) else error from None


def _import_ray() -> Any:
    try:
        import ray
    except ImportError as error:
        raise UserError(
            "--ray needs Ray, which is not installed; install it with: pip install 'fer-lib[cluster]'"
        ) from error
    return ray
