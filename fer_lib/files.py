"""Files that survive a kill: written beside the target, then renamed; read with errors that say what to do."""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fer_lib.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor


def write_atomic(path: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill a temporary file beside `path`, then rename it: a reader sees the old file or the new one.

    Raises UserError when the disk is full or the folder cannot be written; the old file is left as it was.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.touch()
        usual = partial.stat().st_mode  # safetensors makes files that only their owner may read
        write(partial)
        partial.chmod(usual)
        with partial.open("r+b") as file:  # Windows flushes only what is open for writing
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException as error:  # Ctrl-C too must leave nothing behind
        _discard(partial)
        # safetensors reports a full disk as its own error type: recognise both
        if isinstance(error, OSError) or type(error).__name__ == "SafetensorError":
            raise UserError(
                f"{path}: could not be written ({error}); nothing was overwritten. Expected a writable folder with "
                "free space: free some, or choose another folder"
            ) from error
        raise


def _discard(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        pass  # the first error is the one to report


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text, atomically."""
    write_atomic(path, lambda partial: partial.write_text(text, encoding="utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON, atomically. NaN and infinity are refused: JSON has no such numbers."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file. Raises UserError when it is absent, cannot be read or is not JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file; expected a JSON file written by fer-lib") from error
    except OSError as error:
        raise UserError(
            f"{path}: cannot be read ({error.strerror}); expected a JSON file written by fer-lib. Check the path and "
            "who may read it"
        ) from error
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise UserError(
            f"{path}: not readable as JSON ({error}); restore the file or delete it and run again"
        ) from error


def write_tensors(path: Path, tensors: Mapping[str, "Tensor"], metadata: Mapping[str, str] | None = None) -> None:
    """Write named tensors as safetensors, atomically. Metadata are strings."""
    from safetensors.torch import save_file

    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    write_atomic(path, lambda partial: save_file(contiguous, partial, metadata=dict(metadata or {})))


def read_tensors(path: Path) -> tuple[dict[str, "Tensor"], dict[str, str]]:
    """Read a safetensors file: its tensors by name, and its metadata. Nothing in the file is ever executed.

    Raises UserError when the file is absent, truncated or not safetensors.
    """
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise UserError(f"{path}: no such file; expected a safetensors file written by fer-lib")
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise UserError(
            f"{path}: truncated, damaged or not a safetensors file ({error}); delete it or restore a good copy"
        ) from error
