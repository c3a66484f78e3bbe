"""Filter explorer: what excites each filter of the network, and what it does (chapter 6)."""

from typing import Any

import traitlets

from fer_lib.widgets.base import PageWidget


class FilterExplorer(PageWidget):
    """Grid of the filters of conv1, conv2 or conv3; one of them in detail.

    For the chosen filter: its top pictures and the patches it saw, decoded by deconvnet or guided backpropagation,
    ranked by raw or contrast-normalised activation, with or without several frames of a sequence; for conv3 also its
    AU profile and what the network loses without it.

    Traits: `layer` ("conv1", "conv2" or "conv3"), `filter` (number, chosen in the page or from Python).
    `FilterExplorer()` shows the shipped network; `FilterExplorer(layer="conv2", filter=7)` starts elsewhere.
    """

    module = "filter_explorer"
    layer = traitlets.Enum(("conv1", "conv2", "conv3"), "conv3").tag(sync=True)
    filter = traitlets.Int(-1, min=-1, max=255).tag(sync=True)

    def __init__(self, layer: str = "conv3", filter: int = -1, **traits: Any) -> None:  # noqa: A002 (the field's word)
        """`filter` −1 starts at the filter that is best aligned with an AU."""
        super().__init__(layer=layer, filter=filter, **traits)
