"""The user's cache of made data sets: made once, whole or not at all, by one process at a time."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from fer_lib.data.dataset import FaceDataset
from fer_lib.errors import UserError

VARIABLE = "FER_LIB_CACHE"


def cache_folder() -> Path:
    """Where made sets are kept: the folder named in FER_LIB_CACHE, else the user's cache folder."""
    import platformdirs

    given = os.environ.get(VARIABLE)
    return Path(given).expanduser() if given else platformdirs.user_cache_path("fer-lib")


def cached(key: str, make: Callable[[Path], FaceDataset], folder: Path | None = None) -> FaceDataset:
    """The set kept under `key`, made first if it is not there.

    `make(parts)` may keep unfinished work in the folder `parts`: after a kill the next call finds it there and goes
    on. Two processes that ask at once give one set: the second waits. Raises UserError when the kept file is damaged
    or was changed (its hash no longer fits), and when the folder cannot be written or is full.
    """
    path = (folder or cache_folder()) / f"{key}.npz"
    if not path.exists():
        with partial_work(key, folder) as parts:
            if not path.exists():  # unless another process made it while we waited
                make(parts).save(path)
            shutil.rmtree(parts, ignore_errors=True)
    return FaceDataset.load(path)


@contextmanager
def partial_work(key: str, folder: Path | None = None) -> Iterator[Path]:
    """A folder for the unfinished work on `key`, held by one process at a time; what is in it survives a kill.

    Raises UserError when it cannot be written or is full.
    """
    folder = folder or cache_folder()
    parts = folder / f"{key}.parts"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _lock(folder / f"{key}.lock"):
            parts.mkdir(exist_ok=True)
            yield parts
    except OSError as error:
        raise UserError(
            f"{error.filename or parts}: the cache could not be written ({error.strerror or error}); free space there, "
            f"or set {VARIABLE} to a folder that you may write to"
        ) from error


def _lock(path: Path):
    from filelock import FileLock, Timeout

    lock = FileLock(path)
    try:
        return lock.acquire(timeout=0)
    except Timeout:
        print(f"another process is making {path.stem}; waiting for it", file=sys.stderr)
        return lock.acquire()
