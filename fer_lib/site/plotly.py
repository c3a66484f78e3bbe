"""plotly figures on a page with no kernel: the figure as JSON, drawn by one shared, self-hosted plotly.js when seen."""

import html
import json
from importlib.resources import files
from pathlib import Path
from typing import ClassVar

from docutils import nodes
from myst_nb.core.render import MimeData, MimeRenderPlugin, NbElementRenderer
from sphinx.util import logging

MIME_TYPE = "application/vnd.plotly.v1+json"
DEFAULT_HEIGHT = 450  # px, plotly's own

logger = logging.getLogger(__name__)


def plotly_script() -> Path:
    """The plotly.js of the installed plotly package, so that the page and Python always agree."""
    return Path(str(files("plotly") / "package_data" / "plotly.min.js"))


class PlotlyRenderer(MimeRenderPlugin):
    """The `myst_nb.mime_renderers` entry point for plotly figures."""

    mime_priority_overrides: ClassVar = [("html", MIME_TYPE, 1), ("dirhtml", MIME_TYPE, 1)]

    @staticmethod
    def handle_mime(renderer: NbElementRenderer, data: MimeData, inline: bool) -> None | list[nodes.Element]:
        if inline or data.mime_type != MIME_TYPE:
            return None
        figure = data.content
        if not alt_text(figure):
            logger.warning("plotly figure without alt text: set layout.meta.alt", location=renderer.document["source"])
        return [nodes.raw(text=figure_html(figure), format="html", classes=["output"])]


def alt_text(figure: dict) -> str:
    """What the figure shows, from `layout.meta.alt`."""
    meta = figure.get("layout", {}).get("meta")
    return meta.get("alt", "") if isinstance(meta, dict) else ""


def figure_html(figure: dict) -> str:
    """A labelled place of the right height with the figure's data beside it; book/site/figures.js draws it.

    The figure's template and text colour are left out: the page's own follow light and dark mode.
    """
    layout = {key: value for key, value in figure.get("layout", {}).items() if key not in ("template", "font")}
    data = json.dumps({"data": figure.get("data", []), "layout": layout}, separators=(",", ":")).replace("</", "<\\/")
    height = layout.get("height", DEFAULT_HEIGHT)
    return (
        f'<div class="fer-figure" role="group" aria-label="{html.escape(alt_text(figure))}">'
        f'<div class="fer-figure-plot" style="height:{height}px"></div>'
        f'<script type="application/json">{data}</script>'
        f"<noscript>{html.escape(alt_text(figure))} (Drawing this figure needs JavaScript.)</noscript></div>"
    )
