"""Widgets on a page with no kernel: a place for each, their state once a page, their modules and assets as scripts.

book/site/widgets.js does the rest in the browser, with ipywidgets.js where a page shows widgets of ipywidgets' own;
only then is Jupyter's html-manager part of the book. State is what the cell left when it ended; nothing calls Python.
"""

import base64
import html
import json
import re
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from myst_nb.core.render import WIDGET_STATE_MIMETYPE, WIDGET_VIEW_MIMETYPE, MimeData, MimeRenderPlugin
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.util import logging

from fer_lib.files import write_text
from fer_lib.site import linked
from fer_lib.widgets.modules import ASSETS, JS, page_script

HOST = "widgets.js"
STYLE = "widgets/widgets.css"
IPYWIDGETS_STYLE = "ipywidgets.css"
MANAGER = "vendor/html-manager"  # a folder
_SENT = ("_module", "_esm")  # of the traits whose name begins with "_": the rest is for JupyterLab
_PLACE = re.compile(r'<div class="fer-widget" data-model="(\w+)">')
_IPYWIDGETS = '"model_module":"'  # in the state of a page that needs the manager

logger = logging.getLogger(__name__)


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
    app.connect("config-inited", _leave_manager_out)
    app.connect("html-page-context", _add_host, priority=800)  # after myst-nb added the state
    app.connect("build-finished", _write_scripts)
    app.connect("build-finished", _copy_manager)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def page_state(text: str, shown: Collection[str] = ()) -> str:
    """A page's widget state: anywidgets' models without what the modules and the style sheet already say, and of
    ipywidgets' own models those that the shown ones (their ids) need. These alone have a "model_module"."""
    state = json.loads(text)
    anywidgets = {name: _slim(model) for name, model in state["state"].items() if model["model_module"] == "anywidget"}
    models = state["state"] | anywidgets
    others = {name: _browser_model(models[name]) for name in linked.needed(models, shown) - anywidgets.keys()}
    kept = anywidgets | dict(sorted(others.items()))
    return json.dumps(state | {"state": kept}, separators=(",", ":")).replace("</", "<\\/")


def _browser_model(model: dict[str, Any]) -> dict[str, Any]:
    """The model as it is sent: layouts without what they leave open, a text for what the manager cannot show."""
    if model["model_module"] not in linked.SHOWN:
        text = {"value": html.escape(f"({linked.cannot_show(model)})")}
        return {
            "model_module": linked.CONTROLS,
            "model_name": "HTMLModel",
            "model_module_version": "2.0.0",
            "state": text,
        }
    if model["model_name"] == "LayoutModel":
        return model | {"state": {name: value for name, value in model["state"].items() if value is not None}}
    return model


def _slim(model: dict[str, Any]) -> dict[str, Any]:
    traits = model["state"]
    sent = _SENT[:1] if traits.get("_module") else _SENT[1:]
    own = {name: value for name, value in traits.items() if name in sent or not name.startswith("_")}
    slim = {"state": {name: value for name, value in own.items() if name not in ("layout", "tabbable", "tooltip")}}
    return slim | ({"buffers": model["buffers"]} if model.get("buffers") else {})


def _add_host(app: Sphinx, page: str, template: str, context: dict, doctree: object) -> None:
    files = context.get("script_files", [])
    states = [file for file in files if getattr(file, "attributes", {}).get("type") == WIDGET_STATE_MIMETYPE]
    shown = _PLACE.findall(context.get("body") or "")
    for file in states:
        for complaint in linked.complaints(json.loads(file.attributes["body"])["state"], shown):
            logger.warning(complaint, location=page)
        file.attributes["body"] = page_state(file.attributes["body"], shown)
        if _IPYWIDGETS in file.attributes["body"]:
            app.add_css_file(IPYWIDGETS_STYLE)
    if states:
        app.add_js_file(HOST, defer="defer")
        app.add_css_file(STYLE)


def _leave_manager_out(app: Sphinx, config: Config) -> None:
    config.exclude_patterns.append(MANAGER)  # else Sphinx copies it with its folder: 3.8 MB that most books do not need


def _copy_manager(app: Sphinx, exception: Exception | None) -> None:
    """The html-manager is in the book while a page needs it."""
    if exception is not None or app.builder.format != "html":
        return
    target = Path(app.outdir, "_static", MANAGER)
    shutil.rmtree(target, ignore_errors=True)
    if any(_IPYWIDGETS in page.read_text(encoding="utf-8") for page in Path(app.outdir).rglob("*.html")):
        sources = [Path(app.confdir, folder, MANAGER) for folder in app.config.html_static_path]
        shutil.copytree(next(path for path in sources if path.exists()), target)


def _write_scripts(app: Sphinx, exception: Exception | None) -> None:
    if exception is None and app.builder.format == "html":
        for name, text in scripts():
            write_text(Path(app.outdir, "_static", "widgets", name), text)


def scripts() -> Iterator[tuple[str, str]]:
    """(name below _static/widgets, content) of every module, the style sheet and every asset."""
    for path in sorted(JS.glob("*.js")):
        yield path.name, page_script(path.stem)
    yield "widgets.css", (JS / "widgets.css").read_text(encoding="utf-8")
    for path in sorted(ASSETS.glob("*")):
        # a script, because a page opened from disk may not fetch files
        content = base64.b64encode(path.read_bytes()).decode()
        yield f"assets/{path.name}.js", f'ferWidgets.keep({json.dumps(path.name)}, "{content}");\n'
