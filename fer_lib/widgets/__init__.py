"""Widgets of the book, the same on a page without a kernel and in JupyterLab with one.

    from fer_lib.widgets import FilterExplorer
    FilterExplorer()

Each is a thin class over one JavaScript module (see `base`). A class is imported when it is first asked for.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "AULab": "au_lab",
    "AlignmentExplorer": "alignment_explorer",
    "FacsTable": "facs_table",
    "FilterExplorer": "filter_explorer",
    "LeakLab": "leak_lab",
    "SeedStrip": "seed_strip",
}
__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"fer_lib.widgets has no {name!r}; it has {', '.join(_HOMES)}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(_HOMES)
