"""Alignment explorer: which filters answer to which action units, and a test of the reader's guess (chapter 7)."""

import json
from typing import Any

import traitlets

from fer_lib.errors import UserError
from fer_lib.widgets.base import PageWidget, read_asset

METRICS = ("auroc", "kl", "kl_excess", "average_precision", "pearson", "partial_r")


class AlignmentExplorer(PageWidget):
    """Filters × AUs as a sortable matrix, by measure and by network; one cell in detail; and "test my hypothesis".

    A cell shows the activations with and without the AU, its value with interval, p and null band, and the faces
    behind it. The hypothesis test asks for a filter and an AU before it shows anything, then permutes the labels in the
    page.

    Traits: `metric` (one of METRICS), `network` (its name in assets/explorer.json, "" for the first), `filter` and
    `au` (the cell in detail, −1 for the largest). `AlignmentExplorer()` shows the shipped network.
    """

    module = "alignment_explorer"
    metric = traitlets.Enum(METRICS, "auroc").tag(sync=True)
    network = traitlets.Unicode("").tag(sync=True)
    filter = traitlets.Int(-1, min=-1, max=255).tag(sync=True)
    au = traitlets.Int(-1, min=-1).tag(sync=True)

    def __init__(self, metric: str = "auroc", network: str = "", filter: int = -1, au: int = -1, **traits: Any) -> None:  # noqa: A002
        _check_network(network)
        super().__init__(metric=metric, network=network, filter=filter, au=au, **traits)


def _check_network(title: str) -> None:
    titles = [each["title"] for each in json.loads(read_asset("explorer.json"))["networks"]]
    if title and title not in titles:
        raise UserError(f"network {title!r} is not among those explored; use one of {', '.join(titles)}")
