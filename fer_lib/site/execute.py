"""Execute chapters before Sphinx reads them, several at a time; keep what each took in the execution cache."""

import asyncio
import contextlib
import os
import shutil
import signal
import tempfile
import textwrap
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
from jupyter_cache.base import CacheBundleIn
from jupyter_cache.cache.db import NbCacheRecord
from jupyter_cache.cache.main import JupyterCacheBase
from nbclient import NotebookClient
from nbclient.exceptions import CellControlSignal, CellExecutionError, DeadKernelError
from nbformat import NotebookNode

from fer_lib.errors import UserError

WORKERS = 4  # more chapters at once would need more memory than a laptop has
TOLD_ROWS = 12  # of a failing cell


@dataclass(frozen=True)
class Run:
    """What executing a chapter took."""

    cells: int
    execution_seconds: float  # this key's name is jupyter-cache's
    peak_megabytes: float  # resident memory of the kernel
    executed: str  # date and minute, UTC

    def __str__(self) -> str:
        return f"{self.cells} cells, {self.execution_seconds:.0f} s, {self.peak_megabytes:.0f} MB"


@dataclass(frozen=True)
class Chapter:
    """A notebook to execute. `lines` holds the line of the source at which each cell begins."""

    name: str
    path: Path
    notebook: NotebookNode
    lines: Sequence[int] = ()


def cached_run(notebook: NotebookNode, cache: JupyterCacheBase) -> Run | None:
    """What the notebook took when its cells last ran, or None where the cache does not have them.

    An entry that a killed build left half-written is removed.
    """
    try:
        record = cache.match_cache_notebook(notebook)
    except KeyError:
        return None
    try:
        cache.get_cache_bundle(record.pk)
        return Run(**record.data)
    except (KeyError, TypeError, ValueError):
        shutil.rmtree(Path(cache.path, "executed", record.hashkey), ignore_errors=True)
        NbCacheRecord.remove_records([record.pk], cache.db)
        return None


def execute(
    chapters: Sequence[Chapter], cache: JupyterCacheBase, timeout: int, say: Callable[[str], None] = print
) -> dict[str, Run]:
    """Execute the chapters and cache each as it ends, so that an interrupted build goes on where it was.

    `timeout` is that of one cell, in seconds. Raises UserError naming chapter, line and cell of every failure,
    KeyboardInterrupt on Ctrl-C or SIGTERM.
    """
    processors = _processors()
    workers = max(1, min(len(chapters), processors, WORKERS))
    try:
        return asyncio.run(_execute(chapters, cache, timeout, workers, max(1, processors // workers), say))
    except asyncio.CancelledError as error:  # nothing but `listen` cancels
        raise KeyboardInterrupt from error


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


async def _execute(
    chapters: Sequence[Chapter],
    cache: JupyterCacheBase,
    timeout: int,
    workers: int,
    threads: int,
    say: Callable[[str], None],
) -> dict[str, Run]:
    room = asyncio.Semaphore(workers)
    loop, all_of_it = asyncio.get_running_loop(), asyncio.current_task()
    assert all_of_it

    def listen(**_: Any) -> None:
        """Ctrl-C, or a kill, stops everything. nbclient's own handlers stop one kernel; the others run on."""
        with contextlib.suppress(RuntimeError):  # Windows has no such handlers
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, all_of_it.cancel)

    async def one(chapter: Chapter) -> Run:
        async with room:
            say(f"{chapter.name}: executing ...")
            run = await _run(chapter, timeout, threads, listen)
            data = asdict(run)
            bundle = CacheBundleIn(chapter.notebook, str(chapter.path), data=data)
            cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
            say(f"{chapter.name}: {run}")
            return run

    ends = await asyncio.gather(*map(one, chapters), return_exceptions=True)
    failures = [end for end in ends if isinstance(end, BaseException)]
    if unforeseen := [failure for failure in failures if not isinstance(failure, UserError)]:
        raise unforeseen[0]
    if failures:
        raise UserError("\n\n".join(map(str, failures)))
    return {chapter.name: end for chapter, end in zip(chapters, ends, strict=True) if isinstance(end, Run)}


async def _run(chapter: Chapter, timeout: int, threads: int, on_start: Callable[..., None]) -> Run:
    place, peak, started = 0, 0.0, time.perf_counter()

    def begin(cell: NotebookNode, cell_index: int) -> None:
        nonlocal place
        place = cell_index

    def measure(**_: Any) -> None:
        nonlocal peak
        peak = max(peak, peak_megabytes(client.km.provisioner.pid))  # type: ignore[attr-defined]

    client = NotebookClient(
        chapter.notebook,
        timeout=timeout,
        record_timing=False,  # the cache would take a cell with timings for another cell
        resources={"metadata": {"path": str(chapter.path.parent)}},
        on_notebook_start=on_start,  # its kernel runs, and nbclient's handlers are in place
        on_cell_start=begin,
        on_cell_executed=measure,
    )
    env = {"OMP_NUM_THREADS": str(threads)} | os.environ
    with tempfile.TemporaryFile("w+") as last_words:  # what the kernel itself says, shown only if it dies
        try:
            await client.async_execute(env=env, stderr=last_words)
        except (CellControlSignal, DeadKernelError) as error:
            last_words.seek(0)
            raise UserError(_told(chapter, place, error, last_words.read())) from error
    cells = sum(cell.cell_type == "code" for cell in chapter.notebook.cells)
    return Run(cells, time.perf_counter() - started, peak, datetime.now(UTC).strftime("%Y-%m-%d %H:%M"))


def _told(chapter: Chapter, place: int, error: Exception, last_words: str) -> str:
    codes = [index for index, cell in enumerate(chapter.notebook.cells) if cell.cell_type == "code"]
    line = f", line {chapter.lines[place] + 1}" if chapter.lines else ""
    where = f"{chapter.path}{line}: cell {codes.index(place) + 1} of {len(codes)} failed:"
    rows = chapter.notebook.cells[place].source.splitlines()
    source = "\n".join(rows[:TOLD_ROWS] + ["..."] * (len(rows) > TOLD_ROWS))
    if isinstance(error, DeadKernelError):
        what = f"its kernel died, most often for lack of memory. Its last words: {last_words.strip()[-1000:] or 'none'}"
    elif isinstance(error, CellExecutionError):
        what = f"{error.ename}: {error.evalue}"
    else:
        what = str(error).splitlines()[0]
    return f"{where}\n{textwrap.indent(source, '    ')}\n{what}"


def peak_megabytes(process: int) -> float:
    """The largest resident memory of a process so far; on systems that do not keep it, what it holds now."""
    status = Path(f"/proc/{process}/status")
    if status.exists():
        peak = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(peak.split()[1]) * 1024 / 1e6
    return psutil.Process(process).memory_info().rss / 1e6
