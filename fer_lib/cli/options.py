"""Options that commands share, and what they mean."""

import re
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from fer_lib.errors import UserError

if TYPE_CHECKING:
    from fer_lib.data.dataset import FaceDataset
    from fer_lib.training import TrainConfig

VARIANTS = ("plain", "D", "A", "AD")
RECIPES = ("as-released", "as-described")
_SHARED = (
    click.option(
        "--data",
        default="synthetic",
        show_default=True,
        metavar="NAME[:PATH]",
        help="synthetic, ckplus:PATH, tfd:PATH, fer2013:PATH, or another set's name.",
    ),
    click.option(
        "--classes",
        type=click.Choice(["6", "8"]),
        help="6: drop neutral and contempt, as in the paper's six-class CK+. Default: all the data have.",
    ),
    click.option(
        "--preset",
        type=click.Choice(["quick", "paper"]),
        default="quick",
        show_default=True,
        help="quick: small pictures, minutes; paper: 96 px, 31,000 steps.",
    ),
    click.option("--steps", type=click.IntRange(1), help="Batches; default: the preset's."),
    click.option("--size", type=click.IntRange(8), help="Pixels a side, a multiple of 8; default: the preset's."),
    click.option("--checkpoint-every", type=click.IntRange(1), metavar="STEPS", help="Default: the preset's."),
    click.option("--precision", type=click.Choice(["auto", "float32", "bfloat16"]), default="auto", show_default=True),
    click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N."),
)


_READING = (
    click.option("--on-error", type=click.Choice(["raise", "skip"]), default="raise", show_default=True,
                 help="skip: leave broken sequences or rows out, and say which."),
    click.option("--crop", type=click.Choice(["sequence", "released", "none"]),
                 help="CK+ only. sequence (default): one box a sequence; released: the authors'; none: whole frames."),
)  # fmt: skip


def shared(command: Callable) -> Callable:
    """Decorator: the options of every command that trains."""
    for option in reversed((*_SHARED, *_READING)):
        command = option(command)
    return command


def reading(command: Callable) -> Callable:
    """Decorator: the options of every command that reads a set, for `load_faces`."""
    for option in reversed(_READING):
        command = option(command)
    return command


def load_faces(
    data: str, size: int, classes: str | None = None, on_error: str = "raise", crop: str | None = None
) -> "FaceDataset":
    """The data set that `--data`, `--classes`, `--on-error` and `--crop` name, at size x size pixels.

    Raises UserError for a synthetic set in a place that is not there: a slip of the pen would render it all again.
    """
    from fer_lib import facs
    from fer_lib.data import load_dataset

    name, _, path = data.partition(":")
    if path and not Path(path).expanduser().exists():
        from fer_lib.data.synthetic import NAMES

        if name in NAMES:
            raise UserError(
                f"--data {data}: there is no {path}; expected a made set's .npz file, or the folder that holds it. "
                f"Correct the path, or make the set with: fer-lib data make {name} --out FOLDER"
            )
    own = {} if crop is None else {"crop": crop}
    faces = load_dataset(name, Path(path) if path else None, size=size, on_error=on_error, **own)
    if classes == "6":
        return faces.with_emotions(facs.TFD_EMOTIONS[:6])
    if classes and int(classes) != len(faces.emotions):
        raise UserError(f"--classes {classes}: {name} has {len(faces.emotions)} emotions; leave the option out")
    return faces


def configs(variants: tuple[str, ...], recipes: tuple[str, ...], preset: str, **fields: Any) -> list["TrainConfig"]:
    """One config a (recipe, variant); "all" stands for every one."""
    from fer_lib.training import TrainConfig

    chosen_variants = VARIANTS if "all" in variants else variants
    chosen_recipes = RECIPES if "all" in recipes else recipes
    return [
        TrainConfig.make(recipe, variant, preset, **fields) for recipe in chosen_recipes for variant in chosen_variants
    ]


def fold_list(text: str, count: int) -> list[int]:
    """ "all", "3", "0,2" or "0-4" to fold numbers. Raises UserError for anything else, or out of range."""
    if text == "all":
        return list(range(count))
    ranges = [re.fullmatch(r"\s*(\d+)(?:-(\d+))?\s*", part) for part in text.split(",")]
    if not all(ranges):
        raise UserError(f"--folds {text!r} is not readable; expected all, 3, 0,2 or 0-4")
    folds = [fold for found in ranges for fold in range(int(found[1]), int(found[2] or found[1]) + 1)]
    if not folds or min(folds) < 0 or max(folds) >= count:
        raise UserError(f"--folds {text!r} is out of range; the data have folds 0 to {count - 1}")
    return folds


def refuse(*names: str, because: str) -> None:
    """Raises UserError for the first of these parameters of the running command that was typed: it would do nothing."""
    context = click.get_current_context()
    for parameter in context.command.params:
        if parameter.name in names and context.get_parameter_source(parameter.name) is ParameterSource.COMMANDLINE:
            raise UserError(f"{parameter.opts[0]} was given and has no effect {because}; leave it out")


def command_line() -> str:
    """The command as typed."""
    return shlex.join(["fer-lib", *sys.argv[1:]])
