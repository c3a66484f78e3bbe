"""Seed strip: every run of every variant as a dot on its bar (chapter 5)."""

from collections.abc import Iterable, Mapping
from typing import Any

import traitlets

from fer_lib import results
from fer_lib.widgets.base import PageWidget
from fer_lib.widgets.runs import checked_rows, rows_of


class SeedStrip(PageWidget):
    """Bars of mean accuracy, one a variant, with a dot for each run (fold and seed).

    `SeedStrip("seeds")` shows a ledger entry that keeps its runs; `SeedStrip(rows=[…])` shows rows, dicts with variant,
    selection, fold, seed and accuracy (see `runs.FIELDS`).
    Traits: `rows`, `title`, `data` (which data made them), `selection` and `unit` (what is shown first).
    """

    module = "seed_strip"
    rows = traitlets.List().tag(sync=True)
    title = traitlets.Unicode("Every run, not only the mean").tag(sync=True)
    data = traitlets.Unicode("").tag(sync=True)
    selection = traitlets.Unicode("validation").tag(sync=True)
    unit = traitlets.Unicode("image").tag(sync=True)

    def __init__(self, entry: str = "", rows: Iterable[Mapping[str, Any]] | None = None, **traits: Any) -> None:
        super().__init__(**given_rows(entry or "seeds", rows), **traits)


def given_rows(entry: str, rows: Iterable[Mapping[str, Any]] | None) -> dict[str, Any]:
    """The traits `rows` and `data`: the rows themselves, or those of a ledger entry."""
    if rows is not None:
        return {"rows": checked_rows(rows)}
    recorded = results.read(entry)
    return {"rows": checked_rows(rows_of(recorded)), "data": recorded.data}
