"""What the protocol trains: blocks of cells, each the answer to one question and one entry of the ledger."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

from fer_lib.errors import UserError
from fer_lib.evaluation.cell import Cell
from fer_lib.training import TrainConfig
from fer_lib.training.config import VARIANTS

RECIPES = ("as_released", "as_described")
ODDITIES = {
    "unit_variance": True,
    "min_max": False,
    "fc4_init": "as_described",
    "shift_with_scale": False,
}  # one line of the released code at a time, set to what its reader would have guessed


@dataclass(frozen=True)
class Block:
    """Cells that share their data, and the question they answer. `name` is the ledger's."""

    name: str
    question: str
    cells: tuple[Cell, ...]
    data: str = "synthetic"
    classes: str | None = None
    keep: bool = False  # keep the checkpoints: these networks are looked at later
    apart: str = ""  # its runs are its own, though other blocks ask for the same cells

    @property
    def size(self) -> int:
        """Pixels a side; one for the whole block."""
        return self.cells[0].config.size

    @property
    def folder(self) -> str:
        """Where its runs lie; blocks on the same data share them, so a cell that two of them ask for runs once."""
        more = (f"{self.classes}-classes" if self.classes else "", self.apart)
        return "-".join([self.data, str(self.size), *filter(None, more)])


def _cells(
    variants: Sequence[str],
    recipes: Sequence[str] = ("as_released",),
    folds: Sequence[int] = range(10),
    seeds: Sequence[int] = (0,),
    splits: Sequence[str] = ("folds",),
    **fields,
) -> tuple[Cell, ...]:
    # fold by fold: what stands when a block is stopped compares its configurations on the same folds
    grid = product(folds, seeds, recipes, variants, splits)
    return tuple(
        Cell(TrainConfig.make(recipe, variant, "quick", seed=seed, **fields), fold, split)
        for fold, seed, recipe, variant, split in grid
    )


def _oddities() -> tuple[Cell, ...]:
    ends = _cells(["AD"], RECIPES)
    changed = [
        replace(cell, config=replace(cell.config, **{name: value}))
        for name, value in ODDITIES.items()
        for cell in _cells(["AD"])
    ]
    return _fold_by_fold(*ends, *changed)


def _fold_by_fold(*cells: Cell) -> tuple[Cell, ...]:
    return tuple(sorted(cells, key=lambda cell: cell.fold))


def blocks() -> dict[str, Block]:
    """Every block of the protocol by name, in the order in which they run."""
    made = (
        Block("networks", "How good is CNN+AD on people it never saw?", _cells(["AD"]), keep=True),
        Block(
            "decorrelated",
            "What does a network learn when the AUs do not come in company?",
            _cells(["AD"], folds=range(3)),
            data="decorrelated",
            keep=True,
        ),
        Block("plain-against-ad", "Do dropout and augmentation help?", _cells(["plain", "AD"])),
        Block("biases", "Does zero bias matter?", _fold_by_fold(*_cells(["AD"]), *_cells(["AD"], zero_bias=False))),
        Block(
            "leak",
            "What does a split that leaks people add?",
            _cells(["AD"], folds=range(5), splits=("subject", "sequence", "image")),
        ),
        Block("oddities", "What is each oddity of the released code worth?", _oddities()),
        Block("six-classes", "How good is CNN+AD on six classes?", _cells(["AD"]), classes="6"),
        Block(
            "stills",
            "How good are plain and CNN+AD on TFD-like stills?",
            _cells(["AD", "plain"], folds=range(5)),
            data="synthetic-tfd",
        ),
        Block("seeds", "How far do seeds part?", _cells([*VARIANTS], RECIPES, folds=range(2), seeds=range(3))),
        Block("grid", "All variants, both recipes, ten folds.", _cells([*VARIANTS], RECIPES)),
        Block(
            "networks-96",
            "What does a network of the paper's 96 px look at?",
            _cells(["AD"], folds=range(5), size=96),
            keep=True,
        ),
        Block("full-size", "CNN+AD and plain at the paper's 96 px.", _cells(["AD", "plain"], size=96)),
        Block(
            "again",
            "Do the same trainings end alike where sums are rounded otherwise?",
            _cells(["AD"]),
            apart="again",
        ),
        Block(
            "stills-longer",
            "Do CNN+AD and plain get going on stills with four times the batches?",
            _cells(["AD", "plain"], folds=range(5), steps=4800, checkpoint_every=800),  # six checkpoints, as elsewhere
            data="synthetic-tfd",
            apart="longer",
        ),
    )
    return {block.name: block for block in made}


def find_block(name: str) -> Block:
    """The block of this name. Raises UserError, naming those there are, for another."""
    every = blocks()
    if name not in every:
        raise UserError(f"block {name!r} is unknown; expected one of {', '.join(every)}")
    return every[name]
