"""Leak lab: how much accuracy a leaking split and a look at the test fold add (chapter 5)."""

from collections.abc import Iterable, Mapping
from typing import Any

import traitlets

from fer_lib.widgets.base import PageWidget
from fer_lib.widgets.seed_strip import given_rows


class LeakLab(PageWidget):
    """One switch from people kept apart to splits that leak, one from validation- to test-selected checkpoints.

    `LeakLab()` shows the ledger entry "leak"; `LeakLab(rows=[…])` shows rows (see `runs.FIELDS`) whose `split` is
    "subject" (or "folds"), "sequence" or "image".
    Traits: `rows`, `data`, `split`, `selection` and `unit` (what is shown first).
    """

    module = "leak_lab"
    rows = traitlets.List().tag(sync=True)
    data = traitlets.Unicode("").tag(sync=True)
    split = traitlets.Unicode("").tag(sync=True)
    selection = traitlets.Unicode("validation").tag(sync=True)
    unit = traitlets.Unicode("image").tag(sync=True)

    def __init__(self, entry: str = "", rows: Iterable[Mapping[str, Any]] | None = None, **traits: Any) -> None:
        super().__init__(**given_rows(entry or "leak", rows), **traits)
