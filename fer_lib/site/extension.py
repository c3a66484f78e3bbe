"""The Sphinx extension of the book: execution cache, plotly figures, and no request to a third party."""

import re
from pathlib import Path

from jupyter_cache import get_cache
from myst_nb.core.read import create_nb_reader
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment
from sphinx.errors import SphinxError
from sphinx.util import logging

from fer_lib.errors import UserError
from fer_lib.site import images, publish, tips
from fer_lib.site.cache import begin, cache_folder, finish, remove_old_pages, site_digest
from fer_lib.site.docstrings import to_restructured
from fer_lib.site.execute import Chapter, cached_run, execute
from fer_lib.site.ledger import LedgerRole
from fer_lib.site.plotly import plotly_script
from fer_lib.site.quiz import Quiz
from fer_lib.site.status import BuildStatus

STATUS_PAGE = "book/reference/status"

# What docutils and pandas write and accessibility checkers refuse: roles that ARIA has withdrawn, headers without text.
# And pandas' styled tables lack the class by which the theme knows a table: it put a light box behind them in the dark.
MENDED = (
    (re.compile(r' role="doc-biblioentry"| role="list"(?= class="citation-list")'), ""),
    (re.compile(r"<th\b([^>]*)>(?:\s|&nbsp;|<p></p>)*</th>"), r"<td\1></td>"),
    (re.compile(r'<table id="T_(\w+)">'), r'<table id="T_\1" class="dataframe">'),
    (re.compile(r' id="(?:exercise|solution)-content"'), ""),  # the same in every exercise of a page
)

logger = logging.getLogger(__name__)


def setup(app: Sphinx) -> dict[str, object]:
    """Connect to Sphinx (see `extra_extensions` in _config.yml)."""
    app.setup_extension("sphinx.ext.autodoc")
    app.add_directive("quiz", Quiz)
    app.add_role("ledger", LedgerRole())
    app.add_directive("build-status", BuildStatus)
    publish.setup(app)
    tips.setup(app)
    app.add_config_value("fer_site_digest", "", "env")
    app.connect("config-inited", _configure)
    app.connect("env-before-read-docs", _execute_chapters)
    app.connect("html-page-context", _drop_outside_files, priority=900)
    app.connect("autodoc-process-docstring", _read_docstring)
    app.connect("build-finished", _end)
    return {"version": "1", "env_version": 1, "parallel_read_safe": True, "parallel_write_safe": True}


def _configure(app: Sphinx, config: Config) -> None:
    begin(Path(app.outdir).parent, Path(app.doctreedir))
    config.fer_site_digest = site_digest(Path(__file__).parent)
    config.nb_execution_cache_path = str(cache_folder(Path(app.srcdir), Path(app.outdir).parent))
    config.html_static_path.append(str(plotly_script()))


def _read_docstring(app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]) -> None:
    lines[:] = to_restructured(lines)


def _execute_chapters(app: Sphinx, env: BuildEnvironment, pages: list[str]) -> None:
    """Execute what will be read and is not in the cache; myst-nb then finds every page there."""
    cache = get_cache(app.config.nb_execution_cache_path)
    chapters = [chapter for page in pages if (chapter := _chapter(env, page))]
    runs = {chapter.name: cached_run(chapter.notebook, cache) for chapter in chapters}
    missing = [chapter for chapter in chapters if not runs[chapter.name]]
    try:
        runs |= execute(missing, cache, app.config.nb_execution_timeout, logger.info)
    except UserError as error:
        raise SphinxError(str(error)) from error
    kept = {page: run for page, run in getattr(env, "fer_runs", {}).items() if page in env.found_docs.difference(pages)}
    env.fer_runs = kept | runs  # type: ignore[attr-defined]
    if pages and STATUS_PAGE in env.found_docs:
        pages[:] = [page for page in pages if page != STATUS_PAGE] + [STATUS_PAGE]  # last: it tells of the others


def _chapter(env: BuildEnvironment, page: str) -> Chapter | None:
    path = Path(env.doc2path(page))
    text = path.read_text(encoding="utf-8")
    reader = create_nb_reader(str(path), env.myst_config, env.mystnb_config, text)  # type: ignore[attr-defined]
    if reader is None:
        return None
    notebook = reader.read(text)
    if notebook.metadata.get("mystnb", {}).get("execution_mode") == "off":
        return None
    return Chapter(page, path, notebook, notebook.metadata.get("source_map", ()))


def _end(app: Sphinx, exception: Exception | None) -> None:
    if exception is not None or app._warncount:
        return  # Sphinx has said why
    remove_old_pages(Path(app.outdir), app.env.found_docs)
    images.remove_unused(Path(app.outdir))
    finish(Path(app.outdir).parent)
    for page, run in sorted(getattr(app.env, "fer_runs", {}).items()):
        logger.info("%s: %s (when its cells last ran)", page, run)
    logger.info("The book is %s. To look at it: make serve", Path(app.outdir, "index.html"))


def _drop_outside_files(app: Sphinx, page: str, template: str, context: dict, doctree: object) -> None:
    """The book theme's family asks other hosts for thebe; a page of this book asks nobody."""
    body = mended(context.get("body") or "")
    context["body"] = images.move_out(body, Path(app.outdir), lambda file: context["pathto"](file, resource=True))
    for kind in ("script_files", "css_files"):
        context[kind] = [file for file in context.get(kind, []) if not _is_outside(file)]


def mended(body: str) -> str:
    """The page's HTML without what docutils, pandas and sphinx-exercise get wrong (MENDED)."""
    for pattern, instead in MENDED:
        body = pattern.sub(instead, body)
    return body


def _is_outside(file: object) -> bool:
    name = str(getattr(file, "filename", file) or "")
    body = getattr(file, "attributes", {}).get("body") or ""
    return name.startswith(("http://", "https://", "//")) or "sphinx-thebe" in name or "THEBE_JS_URL" in body
