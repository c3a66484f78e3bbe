"""Results of a study on disk: made once, read ever after, and never mixed with another study's."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from fer_lib.errors import UserError
from fer_lib.files import read_json, read_tensors, write_atomic, write_json, write_tensors
from fer_lib.interpret.activations import Scan


class StudyFolder:
    """Results by name, one file each. A result whose file is there is read; else `make` makes it and it is written.

    What is returned is always what the file holds, so a study that goes on has the numbers of one never stopped.
    Files are written whole or not at all. Raises UserError when the folder holds a study of another `identity`, and
    each method when its file is damaged or cannot be written.
    """

    def __init__(self, path: Path, identity: dict[str, Any]) -> None:
        self.path, card = path, path / "study.json"
        if card.exists():
            found = read_json(card)
            different = sorted(key for key in identity | found if identity.get(key) != found.get(key))
            if different:
                raise UserError(
                    f"{path} holds a study of other {', '.join(different)}: {_short(found, different)}, "
                    f"now {_short(identity, different)}. Choose another folder, or delete this one."
                )
        else:
            write_json(card, identity)

    def table(self, name: str, make: Callable[[], pd.DataFrame]) -> pd.DataFrame:
        """A table without its index, NAME.csv.gz."""
        path = self.path / f"{name}.csv.gz"
        if not path.exists():
            table, packed = make(), {"method": "gzip", "mtime": 0}
            write_atomic(path, lambda partial: table.to_csv(partial, index=False, compression=packed))
        return _read_table(path)

    def values(self, name: str, make: Callable[[], Any]) -> Any:
        """Anything JSON holds, NAME.json; NaN and infinity are refused (see `without_nan`)."""
        path = self.path / f"{name}.json"
        if not path.exists():
            write_json(path, make())
        return read_json(path)

    def tensors(self, name: str, make: Callable[[], dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
        """Tensors by name, of any shapes, NAME.safetensors."""
        path = self.path / f"{name}.safetensors"
        if not path.exists():
            write_tensors(path, make())
        return read_tensors(path)[0]

    def scan(self, make: Callable[[], Scan]) -> Scan:
        """The pass over all images, activations.safetensors: the longest stage, and what the others read from."""
        path = self.path / "activations.safetensors"
        if not path.exists():
            make().save(path)
        return Scan.load(path)


def _read_table(path: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(path)
    except (OSError, EOFError, zlib.error, ValueError) as error:  # of gzip the first three, of pandas the last
        raise UserError(f"{path}: not readable as a table ({error}); delete it and run again") from error


def _short(values: dict[str, Any], keys: list[str]) -> str:
    return ", ".join(f"{key} {str(values.get(key))[:60]}" for key in keys)


def fingerprint(model: torch.nn.Module) -> str:
    """sha256 of all weights."""
    digest = hashlib.sha256()
    for name, weight in sorted(model.state_dict().items()):
        digest.update(name.encode() + weight.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def without_nan(value: Any) -> Any:
    """JSON has no NaN: undefined numbers become null."""
    if isinstance(value, dict):
        return {key: without_nan(item) for key, item in value.items()}
    if isinstance(value, list):
        return [without_nan(item) for item in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value
