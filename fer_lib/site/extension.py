"""The Sphinx extension of the book: execution cache, plotly figures, and no request to a third party."""

import re
from pathlib import Path

from myst_nb.sphinx_ import NbMetadataCollector
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.util import logging

from fer_lib.site.cache import cache_folder
from fer_lib.site.docstrings import to_restructured
from fer_lib.site.ledger import LedgerRole
from fer_lib.site.plotly import plotly_script
from fer_lib.site.quiz import Quiz

# What docutils writes and accessibility checkers refuse: roles that ARIA has withdrawn, and a header without a text.
MENDED = (
    (re.compile(r' role="doc-biblioentry"| role="list"(?= class="citation-list")'), ""),
    (re.compile(r'<th class="head">(<p></p>)?</th>'), "<td></td>"),
)

logger = logging.getLogger(__name__)


def setup(app: Sphinx) -> dict[str, object]:
    """Connect to Sphinx (see `extra_extensions` in _config.yml)."""
    app.add_directive("quiz", Quiz)
    app.add_role("ledger", LedgerRole())
    app.connect("config-inited", _configure)
    app.connect("html-page-context", _drop_outside_files, priority=900)
    app.connect("autodoc-process-docstring", _read_docstring)
    app.connect("build-finished", _say_timings)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def _configure(app: Sphinx, config: Config) -> None:
    config.nb_execution_cache_path = str(cache_folder(Path(app.srcdir), Path(app.outdir).parent))
    config.html_static_path.append(str(plotly_script()))


def _read_docstring(app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]) -> None:
    lines[:] = to_restructured(lines)


def _say_timings(app: Sphinx, exception: Exception | None) -> None:
    if exception is None:
        for page, data in sorted(NbMetadataCollector.get_doc_data(app.env).items()):
            if seconds := (data.get("exec_data") or {}).get("runtime"):
                logger.info("%s: its cells took %.0f s when they last ran", page, seconds)
        logger.info("The book is %s. To look at it: make serve", Path(app.outdir, "index.html"))


def _drop_outside_files(app: Sphinx, page: str, template: str, context: dict, doctree: object) -> None:
    """The book theme's family asks other hosts for thebe; a page of this book asks nobody."""
    context["body"] = mended(context.get("body") or "")
    for kind in ("script_files", "css_files"):
        context[kind] = [file for file in context.get(kind, []) if not _is_outside(file)]


def mended(body: str) -> str:
    """The page's HTML without what docutils gets wrong (MENDED)."""
    for pattern, instead in MENDED:
        body = pattern.sub(instead, body)
    return body


def _is_outside(file: object) -> bool:
    name = str(getattr(file, "filename", file) or "")
    body = getattr(file, "attributes", {}).get("body") or ""
    return name.startswith(("http://", "https://", "//")) or "sphinx-thebe" in name or "THEBE_JS_URL" in body
