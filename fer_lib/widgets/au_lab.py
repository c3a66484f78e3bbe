"""AU lab: a face moved by its action units, and the network that looks at it, both in the page (chapter 10)."""

from typing import Any

import traitlets

from fer_lib import facs
from fer_lib.errors import UserError
from fer_lib.widgets.base import PageWidget

PEOPLE = 12  # as tools/make_lab_assets.py draws them


class AULab(PageWidget):
    """A rendered face with a slider for each action unit, and what the shipped network makes of it.

    Traits: `aus` (AU → intensity 0–1; keys "12", or "L4" and "R4" for one side: the person's own left and right),
    `person` (0 to 11), `pose` (yaw to the viewer's right, pitch up, roll clockwise; degrees), `method` ("guided" or
    "deconvnet"), `sides` (sliders for left and right apart). With a kernel, `probabilities` (emotion → 0–1) follows
    what the page computes of the rendered face, never of a visitor's own picture:
    `lab.observe(print, "probabilities")`. On a page without a kernel it stays empty in Python.

    `AULab({12: 0.8, 6: 0.7})` starts with a smile. Raises UserError for an AU that FACS has not, or an intensity
    outside 0–1.
    """

    module = "au_lab"
    aus = traitlets.Dict(value_trait=traitlets.Float(min=0, max=1), key_trait=traitlets.Unicode()).tag(sync=True)
    person = traitlets.Int(0, min=0, max=PEOPLE - 1).tag(sync=True)
    pose = traitlets.List(traitlets.Float(), [0.0, 0.0, 0.0], minlen=3, maxlen=3).tag(sync=True)
    method = traitlets.Enum(("guided", "deconvnet"), "guided").tag(sync=True)
    sides = traitlets.Bool(False).tag(sync=True)
    probabilities = traitlets.Dict().tag(sync=True)

    def __init__(self, aus: dict | None = None, person: int = 0, **traits: Any) -> None:
        super().__init__(aus=readable(aus or {}), person=person, **traits)


def readable(aus: dict) -> dict[str, float]:
    """{12: .8, "L4": .5} with keys as the page writes them: {"12": 0.8, "L4": 0.5}."""
    named = {}
    for key, value in aus.items():
        number, side = facs.parse_au(key)
        if not 0 <= float(value) <= 1:
            raise UserError(f"AU {key}: intensity {value!r} found, expected a number from 0 to 1")
        named[{"both": "", "left": "L", "right": "R"}[side] + str(number)] = float(value)
    return named
