"""Which of a page's ipywidgets are kept, and what to say of those that look alive there and are not.

A page has no kernel. ipywidgets' own widgets work on it as far as `jslink` and `jsdlink` connect them; models are the
entries of the widget state that execution leaves: {id: {"model_module", "model_name", "state"}}.
"""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

Models = dict[str, dict[str, Any]]

CONTROLS = "@jupyter-widgets/controls"
SHOWN = {CONTROLS, "@jupyter-widgets/base", "@jupyter-widgets/output", "anywidget"}
LINKS = {"LinkModel", "DirectionalLinkModel"}
PASSIVE = {
    *("HTMLView", "HTMLMathView", "LabelView", "ImageView", "VideoView", "AudioView", "ProgressView", "ValidView"),
    *("BoxView", "HBoxView", "VBoxView", "GridBoxView", "TabView", "AccordionView", "StackView"),
}  # what a reader looks at, or opens and closes
_HELD = re.compile(r'(?:IPY_MODEL_|"model_id": ")(\w+)')  # a trait's widget; a widget that an Output shows


def needed(models: Models, shown: Iterable[str]) -> set[str]:
    """The ids of the shown models, of all they hold, and of the links that touch these with what they link."""
    links = {name for name, model in models.items() if model.get("model_name") in LINKS}
    return _reached(models, shown, links)


def complaints(models: Models, shown: Iterable[str]) -> Iterator[str]:
    """A sentence for each displayed widget that pages cannot show, and for each displayed control in no link."""
    linked = {end for model in models.values() if model["model_name"] in LINKS for end in _held(model)}
    for name in sorted(_reached(models, shown, set())):
        model = models[name]
        if model["model_module"] not in SHOWN:
            yield f"{_title(model)}: {cannot_show(model)}; take an anywidget (CONTRIBUTING.md, Interactive parts)"
        elif _is_control(model) and name not in linked:
            yield (
                f"{_title(model)} is shown but in no link: on a page without a kernel nothing follows it. Link it by "
                "ipywidgets.jslink or jsdlink, or write an anywidget (CONTRIBUTING.md, Interactive parts)"
            )


def cannot_show(model: dict[str, Any]) -> str:
    """Why there is no such widget on the page."""
    return f"pages of this book cannot show widgets of {model['model_module']}"


def _reached(models: Models, shown: Iterable[str], links: set[str]) -> set[str]:
    found: set[str] = set()
    new = models.keys() & set(shown)
    while new:
        found |= new
        held = {other for name in new for other in _held(models[name])}
        touching = {link for link in links if _held(models[link]) & new}
        new = models.keys() & (held | touching) - found
    return found


def _held(model: dict[str, Any]) -> set[str]:
    return set(_HELD.findall(json.dumps(model["state"])))


def _is_control(model: dict[str, Any]) -> bool:
    state = model["state"]
    view = state["_view_name"] if state.get("_view_module") == CONTROLS else None
    return view is not None and view not in PASSIVE and not state.get("disabled")


def _title(model: dict[str, Any]) -> str:
    kind, label = model["model_name"].removesuffix("Model"), model["state"].get("description")
    return f"{kind} {label!r}" if label else kind
