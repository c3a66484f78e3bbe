"""FACS table: a card for each action unit that moves a rendered face (chapter 2)."""

from typing import Any

import traitlets

from fer_lib.facs import AUS, action_unit
from fer_lib.widgets.au_lab import PEOPLE
from fer_lib.widgets.base import PageWidget


class FacsTable(PageWidget):
    """Cards of all action units, by region; the chosen one moves the face beside them.

    Traits: `au` (number of an action unit), `side` ("" for both, "L" or "R": the person's own left and right),
    `person` (0 to 11). Raises UserError for an AU that is not in the table.
    """

    module = "facs_table"
    au = traitlets.Enum(AUS, 12).tag(sync=True)
    side = traitlets.Enum(("", "L", "R"), "").tag(sync=True)
    person = traitlets.Int(3, min=0, max=PEOPLE - 1).tag(sync=True)

    def __init__(self, au: int = 12, **traits: Any) -> None:
        super().__init__(au=action_unit(au).number, **traits)
