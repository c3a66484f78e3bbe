"""Leak lab: how much accuracy a leaking split and a look at the test fold add (chapter 5)."""

import traitlets

from fer_lib.widgets.runs import RunsWidget


class LeakLab(RunsWidget):
    """One switch from people kept apart to splits that leak, one from validation- to test-selected checkpoints.

    `LeakLab()` shows the ledger entry "leak"; `LeakLab(rows=[…])` shows rows (see `runs.FIELDS`) whose `split` is
    "subject" (or "folds"), "sequence" or "image".
    Traits: `rows`, `data`, `split`, `selection` and `unit` (what is shown first).
    """

    module = "leak_lab"
    entry = "leak"
    split = traitlets.Unicode("").tag(sync=True)
