"""The folder of one run: who it belongs to, its checkpoints, and the state from which it goes on.

    run.json                       the run's identity: config, data hash, emotions, device, precision
    checkpoints/step-000100.safetensors    weights after that many steps, one file each `checkpoint_every`
    state.safetensors              weights, momentum, generator states and history of the last checkpoint
    history.csv                    loss, accuracy and images/s along the run
Every file is written beside its place and renamed, so a kill at any moment leaves a folder that can go on.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from filelock import AcquireReturnProxy, FileLock, Timeout
from torch import Tensor

from fer_lib.errors import UserError
from fer_lib.files import read_json, read_tensors, write_atomic, write_json, write_tensors
from fer_lib.model import ZeroBiasCNN, load_weights
from fer_lib.training.config import TrainConfig

SCHEMA = 1
_STEP = re.compile(r"step-(\d+)\.safetensors")


@dataclass
class State:
    """All that a run needs to go on, bit for bit: taken after `step` steps."""

    step: int
    model: ZeroBiasCNN
    optimizer: torch.optim.SGD
    generators: Mapping[str, torch.Generator]
    history: list[dict[str, float]]


class RunFolder:
    """A run on disk. `identity` is what makes the run itself (see `fit`): the folder serves no other.

    Raises UserError when the folder belongs to another run, holds anything else, or this run without `resume`.
    """

    def __init__(self, path: Path, identity: dict[str, Any], resume: bool) -> None:
        self.path, self.identity = Path(path), {"schema": SCHEMA} | identity
        self._check(resume)
        write_json(self.path / "run.json", self.identity)

    def _check(self, resume: bool) -> None:
        _refuse_file(self.path)
        if not (self.path / "run.json").is_file():
            strangers = [] if not self.path.exists() else [p.name for p in self.path.iterdir() if p.name[0] != "."]
            if strangers:
                raise UserError(
                    f"{self.path}: holds {sorted(strangers)[0]} and no run.json, so it is not a run of fer-lib; "
                    "expected a new or empty folder: choose another"
                )
            return
        difference = _first_difference(_identity(self.path), self.identity)
        if difference:
            name, found, expected = difference
            raise UserError(
                f"{self.path}: belongs to another run: its {name} is {found!r}, this run's is {expected!r}; "
                "nothing was overwritten. Choose another folder, or the same options and data"
            )
        if not resume:
            raise UserError(
                f"{self.path}: this run was already begun there; go on with --resume, or choose a new folder"
            )

    def lock(self) -> AcquireReturnProxy:
        """A lock on the folder for a `with`, freed even by a kill. Raises UserError when another trains there."""
        lock = FileLock(self.path / ".lock")
        try:
            return lock.acquire(timeout=0)
        except Timeout as error:
            raise UserError(
                f"{self.path}: another process is training there; wait for it, or choose another"
            ) from error

    def save(self, state: State) -> None:
        """Write a checkpoint, then the state: killed between the two, the run repeats the step it came from.

        Raises UserError for weights that are not finite; the last good checkpoint stays.
        """
        weights = state.model.state_dict()
        for name, tensor in weights.items():
            if not torch.isfinite(tensor).all():
                raise non_finite(f"weight {name}", state.step, self)
        write_tensors(self.checkpoint(state.step), weights)
        write_tensors(self.path / "state.safetensors", _state_tensors(state), self._metadata(state))
        write_atomic(self.path / "history.csv", lambda path: _write_history(path, state.history))

    def _metadata(self, state: State) -> dict[str, str]:
        return {"step": str(state.step), "identity": json.dumps(self.identity), "history": json.dumps(state.history)}

    def restore(self, state: State) -> None:
        """Fill `state` from the folder, where a checkpoint was reached; else leave it at its start.

        Raises UserError for a damaged file, or one that another run wrote.
        """
        path = self.path / "state.safetensors"
        if not path.exists():
            return
        tensors, metadata = read_tensors(path)
        try:
            difference = _first_difference(json.loads(metadata["identity"]), self.identity)
            if difference:
                raise UserError(f"{path}: written by another run: its {difference[0]} is {difference[1]!r}")
            load_weights(state.model, _under("model.", tensors), path)
            _restore_momentum(state, _under("momentum.", tensors))
            for name, generator in state.generators.items():
                generator.set_state(tensors[f"generator.{name}"])
            state.step, state.history = int(metadata["step"]), json.loads(metadata["history"])
        except (KeyError, TypeError, RuntimeError, json.JSONDecodeError) as error:
            raise UserError(f"{path}: not a whole training state ({error!r}); start again in a new folder") from error

    def checkpoint(self, step: int) -> Path:
        return self.path / "checkpoints" / f"step-{step:06d}.safetensors"

    def checkpoints(self) -> dict[int, Path]:
        """Weights on disk by step, in order."""
        return checkpoints_in(self.path)


def checkpoints_in(folder: Path) -> dict[int, Path]:
    """The checkpoints of a run's folder: path by step, in order."""
    found = ((_STEP.fullmatch(path.name), path) for path in (folder / "checkpoints").glob("*.safetensors"))
    return dict(sorted((int(match[1]), path) for match, path in found if match))


def finished_checkpoints(folder: Path) -> dict[int, Path]:
    """The checkpoints of a run that reached its end: path by step, in order.

    Raises UserError when one that its config keeps is not there: the run was stopped, or the file was deleted.
    """
    found, config = checkpoints_in(folder), _card(folder)[0]
    missing = [step for step in config.checkpoint_steps if step not in found]
    if missing:
        raise UserError(
            f"{folder}: no checkpoint at step {missing[0]}; expected {len(config.checkpoint_steps)}, up to step "
            f"{config.steps}. The run was stopped, or a file was deleted: train it to its end, or delete the folder "
            "and train it again"
        )
    return found


def load_run(folder: Path, step: int | None = None) -> tuple[ZeroBiasCNN, TrainConfig, dict[str, Any]]:
    """The network of a run at a checkpoint (the last, when `step` is None), its config, and its run.json.

    Raises UserError when the folder holds no run, no such checkpoint, or a file of another architecture.
    """
    folder = Path(folder)
    config, identity = _card(folder)
    steps = checkpoints_in(folder)
    step = max(steps, default=None) if step is None else step
    if step not in steps:
        raise UserError(f"{folder}: no checkpoint at step {step}; found {', '.join(map(str, steps)) or 'none'}")
    model = config.model(len(identity["emotions"]))
    load_weights(model, read_tensors(steps[step])[0], steps[step])
    return model.eval(), config, identity


def _card(folder: Path) -> tuple[TrainConfig, dict[str, Any]]:
    _refuse_file(folder)
    identity = _identity(folder)
    try:
        config = TrainConfig(**identity["config"])
        len(identity["emotions"])
    except (KeyError, TypeError, UserError) as error:
        why = str(error) if isinstance(error, UserError) else repr(error)
        raise UserError(f"{folder / 'run.json'}: not the card of a run ({why}); restore it or train again") from error
    return config, identity


def _identity(folder: Path) -> dict[str, Any]:
    identity = read_json(folder / "run.json")
    if not isinstance(identity, dict):
        raise UserError(
            f"{folder / 'run.json'}: holds a {type(identity).__name__}; expected the card of a run, an object with its "
            "config: restore it or train again"
        )
    return identity


def _refuse_file(folder: Path) -> None:
    if folder.is_file():
        raise UserError(f"{folder}: is a file; expected the folder of a run: name that, or for a new run a new folder")


def non_finite(what: str, step: int, run: RunFolder | None) -> UserError:
    """The error for a run that diverged, naming the last good checkpoint."""
    good = max(run.checkpoints().items(), default=None) if run else None
    kept = f"the last good checkpoint is {good[1]}" if good else "no checkpoint was reached"
    return UserError(f"{what} is not finite by step {step}; {kept}. Expected finite numbers: lower the learning rate")


def _state_tensors(state: State) -> dict[str, Tensor]:
    tensors = {f"model.{name}": tensor for name, tensor in state.model.state_dict().items()}
    for name, parameter in _with_momentum(state):
        tensors[f"momentum.{name}"] = state.optimizer.state[parameter]["momentum_buffer"]
    return tensors | {f"generator.{name}": g.get_state() for name, g in state.generators.items()}


def _with_momentum(state: State) -> Iterable[tuple[str, Tensor]]:
    """The parameters that have a momentum buffer: all, or none where the momentum is 0."""
    return state.model.named_parameters() if state.optimizer.defaults["momentum"] else ()


def _restore_momentum(state: State, buffers: Mapping[str, Tensor]) -> None:
    for name, parameter in _with_momentum(state):
        buffer = torch.empty_like(parameter, requires_grad=False)
        state.optimizer.state[parameter]["momentum_buffer"] = buffer.copy_(buffers[name].reshape(parameter.shape))


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _first_difference(found: Any, expected: Any, name: str = "") -> tuple[str, Any, Any] | None:
    if isinstance(found, dict) and isinstance(expected, dict):
        for key in sorted(found.keys() | expected.keys()):
            difference = _first_difference(found.get(key), expected.get(key), f"{name}.{key}".lstrip("."))
            if difference:
                return difference
        return None
    return None if found == expected else (name, found, expected)


def _write_history(path: Path, history: list[dict[str, float]]) -> None:
    import pandas

    pandas.DataFrame(history).to_csv(path, index=False)
