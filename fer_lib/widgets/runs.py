"""Plain rows of single runs, and the base of the widgets that draw every run as a dot."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import traitlets

from fer_lib import results
from fer_lib.errors import UserError
from fer_lib.evaluation.cell import SELECTIONS, SPLITS
from fer_lib.evaluation.tables import UNITS, read_label
from fer_lib.widgets.base import PageWidget

FIELDS = ("variant", "split", "selection", "unit", "fold", "seed", "accuracy")
Row = dict[str, Any]


class RunsWidget(PageWidget):
    """A widget that shows rows (see FIELDS): those given, or those of a ledger entry that keeps its runs."""

    entry: ClassVar[str]  # of the ledger, shown unless another one is named
    rows = traitlets.List().tag(sync=True)
    data = traitlets.Unicode("").tag(sync=True)
    selection = traitlets.Unicode("validation").tag(sync=True)
    unit = traitlets.Unicode("image").tag(sync=True)

    def __init__(self, entry: str = "", rows: Iterable[Mapping[str, Any]] | None = None, **traits: Any) -> None:
        if rows is None:
            recorded = results.read(entry or self.entry)
            rows, traits = rows_of(recorded), {"data": recorded.data, **traits}
        rows = checked_rows(rows)
        for name, usual in (("selection", "validation"), ("unit", "image")):
            held = dict.fromkeys(row[name] for row in rows)
            traits.setdefault(name, usual if usual in held else next(iter(held)))
            if traits[name] not in held:
                raise UserError(f"no row has {name} {traits[name]!r}; expected one of {', '.join(held)}")
        super().__init__(rows=rows, **traits)


def rows_of(entry: results.Entry) -> list[Row]:
    """One row a (run, selection, unit) of a ledger entry that keeps its runs in values["cells"].

    FIELDS: variant ("AD", "AD, as described", …), split ("folds", "subject", "sequence", "image"), selection
    ("validation", "test", "last"), unit ("image", "sequence"), fold, seed, accuracy (0–1).
    Raises UserError for an entry that keeps no runs.
    """
    cells = entry.values.get("cells")
    if not cells:
        raise UserError(f"ledger entry {entry.name} keeps no single runs; expected values['cells'], one row a training")
    return [row for cell in cells for row in _rows(cell)]


def _rows(cell: Mapping[str, Any]) -> Iterable[Row]:
    found = read_label(cell["configuration"])
    words = [found["variant"]]
    words += [] if found["recipe"] == "as_released" else [found["recipe"].replace("as_", "as ")]
    words += [] if found["zero_bias"] else ["with biases"]
    for selection in SELECTIONS:
        for unit in UNITS:
            if selection in cell:
                where = {"variant": ", ".join(words), "split": found["split"], "selection": selection, "unit": unit}
                yield where | {"fold": cell["fold"], "seed": cell["seed"], "accuracy": cell[selection][unit]}


def checked_rows(rows: Iterable[Mapping[str, Any]]) -> list[Row]:
    """Rows with FIELDS alone (`split` "folds", `unit` "image" where absent). Raises UserError naming a wrong row."""
    made = []
    for place, row in enumerate(rows):
        full = {"split": "folds", "unit": "image", "seed": 0, "fold": 0} | dict(row)
        if missing := [name for name in FIELDS if name not in full]:
            raise UserError(f"row {place} has no {missing[0]!r}; expected {', '.join(FIELDS)}")
        for name, choices in (("split", SPLITS), ("selection", SELECTIONS), ("unit", UNITS)):
            if full[name] not in choices:
                raise UserError(f"row {place}: {name} {full[name]!r}; expected one of {', '.join(choices)}")
        if not 0 <= full["accuracy"] <= 1:
            raise UserError(f"row {place}: accuracy {full['accuracy']!r}; expected a number from 0 to 1")
        made.append({name: _plain(full[name]) for name in FIELDS})
    if not made:
        raise UserError("no rows; expected one a run")
    return made


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value  # numpy's numbers are no JSON
