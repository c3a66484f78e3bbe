"""Seed strip: every run of every variant as a dot on its bar (chapter 5)."""

import traitlets

from fer_lib.widgets.runs import RunsWidget


class SeedStrip(RunsWidget):
    """Bars of mean accuracy, one a variant, with a dot for each run (fold and seed).

    `SeedStrip("seeds")` shows a ledger entry that keeps its runs; `SeedStrip(rows=[…])` shows rows, dicts with variant,
    selection, fold, seed and accuracy (see `runs.FIELDS`).
    Traits: `rows`, `title`, `data` (which data made them), `selection` and `unit` (what is shown first).
    """

    module = "seed_strip"
    entry = "seeds"
    title = traitlets.Unicode("Every run, not only the mean").tag(sync=True)
