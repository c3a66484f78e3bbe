"""A folder of files written whole or not at all, as `fer_lib.files.write_atomic` does for one file."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fer_lib.errors import UserError


def check_free(path: Path) -> None:
    """Raises UserError when `path` holds anything already."""
    if path.exists() and not (path.is_dir() and next(path.iterdir(), None) is None):
        raise UserError(f"{path} exists already and is not an empty folder; name a new folder or remove this one")


@contextmanager
def atomic_folder(path: str | Path) -> Iterator[Path]:
    """Yield a temporary folder beside `path` that becomes `path` when the block ends well; else nothing is left.

    Raises UserError when `path` holds anything already or when the disk refuses.
    """
    path = Path(path)
    check_free(path)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        partial.mkdir(parents=True)
        yield partial
        partial.replace(path)
    except OSError as error:
        raise UserError(
            f"{path}: could not be written ({error}); nothing was left behind. Expected a writable folder with free "
            "space: free some, or choose another folder"
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
