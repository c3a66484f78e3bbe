"""Results of a study on disk: made once, read ever after, and never mixed with another study's."""

from __future__ import annotations

import hashlib
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
    """Results by name; made once, read ever after."""

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
        path = self.path / f"{name}.csv.gz"
        if not path.exists():
            table, packed = make(), {"method": "gzip", "mtime": 0}
            write_atomic(path, lambda partial: table.to_csv(partial, index=False, compression=packed))
        return pd.read_csv(path)

    def values(self, name: str, make: Callable[[], Any]) -> Any:
        path = self.path / f"{name}.json"
        if not path.exists():
            write_json(path, make())
        return read_json(path)

    def tensors(self, name: str, make: Callable[[], dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
        path = self.path / f"{name}.safetensors"
        if not path.exists():
            write_tensors(path, make())
        return read_tensors(path)[0]

    def scan(self, make: Callable[[], Scan]) -> Scan:
        path = self.path / "activations.safetensors"
        if not path.exists():
            make().save(path)
        return Scan.load(path)


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
