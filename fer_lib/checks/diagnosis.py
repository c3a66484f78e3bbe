"""Compare an answer with the right one, and name the mistake that would have given it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NoReturn

import numpy as np

Mistakes = Mapping[str, Callable[[], Any]]
"""What to say, and the answer that this mistake gives."""


class CheckFailed(AssertionError):
    """An exercise is not right yet. The message is the diagnosis."""

    def _render_traceback_(self) -> list[str]:
        # IPython shows this in place of a traceback, which would bury the sentence that helps
        return [f"Not yet. {self}"]


def fail(message: str) -> NoReturn:
    """Raise CheckFailed."""
    raise CheckFailed(message)


def passed(what: str, cases: int) -> None:
    """Tell the learner that all cases held."""
    print(f"Right: {what} ({cases} {'case' if cases == 1 else 'cases'}).")


def agree(what: str, found: Any, expected: Any, mistakes: Mistakes | None = None, tolerance: float = 1e-4) -> None:
    """Raise CheckFailed unless `found` equals `expected` up to `tolerance` of the largest expected value.

    An answer that one of the `mistakes` would give is answered with that mistake's sentence; otherwise the message
    names the shape, the missing number or the place that is off.
    """
    wanted, number = _array(expected), _array_of_learner(what, found)
    if _same(number, wanted, tolerance):
        return
    for sentence, answer in (mistakes or {}).items():
        if _same(number, _array(answer()), tolerance):
            fail(f"{what}: {sentence}")
    if number.shape != wanted.shape:
        fail(f"{what} has shape {number.shape}; expected {wanted.shape}.")
    if np.isnan(number).all() or not number.any():
        fail(f"{what} is {number.flat[0]:g} throughout: has the scaffold's answer been replaced?")
    if not np.isfinite(number).all():
        fail(f"{what} contains {int((~np.isfinite(number)).sum())} values that are not finite numbers.")
    place = np.unravel_index(np.nanargmax(np.abs(number - wanted)), wanted.shape)
    where = f" at {tuple(int(i) for i in place)}" if wanted.ndim else ""
    fail(f"{what}{where} is {number[place]:.6g}; expected {wanted[place]:.6g}.")


def unchanged(what: str, before: Any, after: Any) -> None:
    """Raise CheckFailed if the learner's function wrote into what it was given."""
    if not np.array_equal(_array(before), _array(after), equal_nan=True):
        fail(f"{what} was changed in place: work on a copy, so that the caller's table stays as it was.")


def _array(value: Any) -> np.ndarray:
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    return np.asarray(value, dtype=float)


def _array_of_learner(what: str, value: Any) -> np.ndarray:
    if value is None:
        fail(f"{what} is None: does the function end with `return`?")
    try:
        return _array(value)
    except (TypeError, ValueError):
        fail(f"{what} is {type(value).__name__}, which is not a number or a table of numbers.")


def _same(found: np.ndarray, wanted: np.ndarray, tolerance: float) -> bool:
    if found.shape != wanted.shape:
        return False
    scale = max(1.0, float(np.abs(wanted[np.isfinite(wanted)]).max(initial=0.0)))
    return np.allclose(found, wanted, rtol=0, atol=tolerance * scale, equal_nan=True)
