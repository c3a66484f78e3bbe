"""anywidgets on a page with no kernel: a place for each, their state once a page, their modules and assets as scripts.

book/site/widgets.js does the rest in the browser. State is what the cell left when it ended; nothing calls Python.
"""

import base64
import html
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from myst_nb.core.render import WIDGET_STATE_MIMETYPE, WIDGET_VIEW_MIMETYPE, MimeData, MimeRenderPlugin
from sphinx.application import Sphinx

from fer_lib.widgets.modules import ASSETS, JS, page_script

HOST = "widgets.js"
STYLE = "widgets/widgets.css"
_SENT = ("_module", "_esm")  # of the traits whose name begins with "_": the rest is for JupyterLab


class WidgetRenderer(MimeRenderPlugin):
    """The `myst_nb.mime_renderers` entry point for widgets."""

    mime_priority_overrides: ClassVar = [("html", WIDGET_VIEW_MIMETYPE, 1), ("dirhtml", WIDGET_VIEW_MIMETYPE, 1)]

    @staticmethod
    def handle_mime(renderer: Any, data: MimeData, inline: bool) -> None | list[nodes.Element]:
        if inline or data.mime_type != WIDGET_VIEW_MIMETYPE:
            return None
        return [nodes.raw(text=place(data.content["model_id"]), format="html", classes=["output"])]


def place(model: str) -> str:
    """Where widgets.js draws the widget of this model."""
    return (
        f'<div class="fer-widget" data-model="{html.escape(model)}">'
        "<noscript>(This interactive part needs JavaScript.)</noscript></div>"
    )


def setup(app: Sphinx) -> dict[str, object]:
    """Connect to Sphinx (see `extra_extensions` in _config.yml)."""
    app.connect("html-page-context", _add_host, priority=800)  # after myst-nb added the state
    app.connect("build-finished", _write_scripts)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def page_state(text: str) -> str:
    """A page's widget state: anywidgets' models alone, without what the modules and the style sheet already say."""
    state = json.loads(text)
    kept = {name: _slim(model) for name, model in state["state"].items() if model["model_module"] == "anywidget"}
    return json.dumps(state | {"state": kept}, separators=(",", ":")).replace("</", "<\\/")


def _slim(model: dict[str, Any]) -> dict[str, Any]:
    traits = model["state"]
    sent = _SENT[:1] if traits.get("_module") else _SENT[1:]
    own = {name: value for name, value in traits.items() if name in sent or not name.startswith("_")}
    slim = {"state": {name: value for name, value in own.items() if name not in ("layout", "tabbable", "tooltip")}}
    return slim | ({"buffers": model["buffers"]} if model.get("buffers") else {})


def _add_host(app: Sphinx, page: str, template: str, context: dict, doctree: object) -> None:
    files = context.get("script_files", [])
    states = [file for file in files if getattr(file, "attributes", {}).get("type") == WIDGET_STATE_MIMETYPE]
    for file in states:
        file.attributes["body"] = page_state(file.attributes["body"])
    if states:
        app.add_js_file(HOST, defer="defer")
        app.add_css_file(STYLE)


def _write_scripts(app: Sphinx, exception: Exception | None) -> None:
    if exception is None and app.builder.format == "html":
        for name, text in scripts():
            target = Path(app.outdir, "_static", "widgets", name)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")


def scripts() -> Iterator[tuple[str, str]]:
    """(name below _static/widgets, content) of every module, the style sheet and every asset."""
    for path in sorted(JS.glob("*.js")):
        yield path.name, page_script(path.stem)
    yield "widgets.css", (JS / "widgets.css").read_text(encoding="utf-8")
    for path in sorted(ASSETS.glob("*")):
        # a script, because a page opened from disk may not fetch files
        content = base64.b64encode(path.read_bytes()).decode()
        yield f"assets/{path.name}.js", f'ferWidgets.keep({json.dumps(path.name)}, "{content}");\n'
