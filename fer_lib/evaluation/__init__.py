"""Evaluation: the grid of (data, variant, recipe, fold, seed), its selections, and the tables that come of it."""

from fer_lib.evaluation.cell import SELECTIONS, SPLITS, Cell, predict, run_cell, score_checkpoints
from fer_lib.evaluation.grid import evaluate, make_cells, split_dataset
from fer_lib.evaluation.tables import (
    against_paper,
    as_text,
    as_values,
    configuration,
    confusion,
    label,
    reliability,
    summary,
)

__all__ = [
    "SELECTIONS",
    "SPLITS",
    "Cell",
    "against_paper",
    "as_text",
    "as_values",
    "configuration",
    "confusion",
    "evaluate",
    "label",
    "make_cells",
    "predict",
    "reliability",
    "run_cell",
    "score_checkpoints",
    "split_dataset",
    "summary",
]
