"""The base of all widgets: a Python class with traits, a module in js/, and files in assets/.

A widget is a class and a module:

    class FilterExplorer(PageWidget):
        module = "filter_explorer"                        # js/filter_explorer.js
        layer = traitlets.Unicode("conv3").tag(sync=True)

    // js/filter_explorer.js
    import { el } from "./dom.js";
    import { asset } from "./assets.js";
    export default { async render({ model, el: root }) { ...; return () => cleanUp(); } };

Big data are files in assets/: `asset(model, "NAME")` reads one, from the page's own folder or from the kernel.
All widgets share the style sheet js/widgets.css; everything a module draws stands in an element of class "fer-w".
"""

from typing import Any, ClassVar

import anywidget
import traitlets

from fer_lib.errors import UserError
from fer_lib.widgets.modules import ASSETS, JS, bundle

CHUNK = 600_000  # bytes a message: Jupyter drops messages beyond about a megabyte a second


class PageWidget(anywidget.AnyWidget):
    """A widget that works on a page without a kernel and live in JupyterLab.

    Traits marked `sync=True` reach the page as they are when the cell ends; with a kernel, changes go both ways and
    `observe` works. On a page without a kernel nothing in Python is called.
    """

    module: ClassVar[str]
    _module = traitlets.Unicode().tag(sync=True)
    _esm = traitlets.Unicode().tag(sync=True)
    _css = traitlets.Unicode().tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        unknown = sorted(set(traits) - set(self.trait_names()))
        if unknown:
            general = anywidget.AnyWidget.class_trait_names()
            own = sorted(name for name in self.trait_names() if name not in general and not name.startswith("_"))
            raise UserError(f"{type(self).__name__} has no {unknown[0]!r}; it takes {', '.join(own) or 'nothing'}")
        super().__init__(**traits)
        self.on_msg(_answer)

    @traitlets.default("_module")
    def _its_module(self) -> str:
        return self.module

    @traitlets.default("_esm")
    def _its_script(self) -> str:
        return bundle(self.module)

    @traitlets.default("_css")
    def _its_style(self) -> str:
        return (JS / "widgets.css").read_text(encoding="utf-8")


def _answer(widget: PageWidget, message: Any, buffers: list[bytes]) -> None:
    """Send one part of an asset that the browser asks for (see js/assets.js)."""
    if isinstance(message, dict) and message.get("kind") == "asset":
        reply = {"kind": "asset", "name": message.get("name"), "from": message.get("from", 0)}
        try:
            content = read_asset(str(message["name"]))
        except UserError as error:
            widget.send(reply | {"error": str(error)})
            return
        start = max(0, int(reply["from"]))
        widget.send(reply | {"total": len(content)}, buffers=[content[start : start + CHUNK]])


def read_asset(name: str) -> bytes:
    """The file assets/NAME. Raises UserError for a name that is not one of the files there."""
    names = {path.name: path for path in ASSETS.glob("*")}
    if name not in names:
        raise UserError(f"no widget asset {name!r}; found {', '.join(sorted(names)) or 'none'}")
    return names[name].read_bytes()
