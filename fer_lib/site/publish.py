"""What a published book adds: buttons that open a chapter elsewhere, cards for links to it, a sitemap, a page for 404.

All of it follows two settings of _config.yml, `repository.url` and `html.baseurl`.
"""

import html
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import urlencode, urljoin, urlsplit

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config

from fer_lib.errors import UserError
from fer_lib.files import write_text
from fer_lib.site import notebooks

LOCAL = "http://127.0.0.1:8000/"  # where make serve puts a book that is not published
CARD = "_static/card.png"
CARD_SIZE = (1200, 630)
DESCRIPTION = 200  # characters


def setup(app: Sphinx) -> None:
    """Connect to Sphinx (called by extension.py)."""
    app.connect("config-inited", _configure)
    app.connect("html-page-context", _offer_notebook)
    app.connect("html-page-context", _add_buttons, priority=502)  # the theme makes its own at 501
    app.connect("html-page-context", _add_card)
    app.connect("html-collect-pages", _pages_apart)
    app.connect("build-finished", _write_sitemap)


def repository(options: dict) -> str:
    """The repository's address, or "" where none is set. Raises UserError if Colab and Binder could not open it."""
    url = options.get("repository_url", "").rstrip("/").removesuffix(".git")
    parts = urlsplit(url)
    if url and (parts.scheme != "https" or parts.netloc != "github.com" or parts.path.count("/") != 2):
        raise UserError(f"_config.yml: repository.url is {url!r}; expected https://github.com/OWNER/NAME or nothing")
    return url


def launch_links(url: str, branch: str, notebook: str, hub: str = "") -> dict[str, str]:
    """Where Binder, Colab and, with a hub's address, JupyterHub open the repository's file `notebook`."""
    owner, name = urlsplit(url).path.strip("/").split("/")
    links = {
        "Binder": f"https://mybinder.org/v2/gh/{owner}/{name}/{branch}?urlpath=lab/tree/{notebook}",
        "Colab": f"https://colab.research.google.com/github/{owner}/{name}/blob/{branch}/{notebook}",
    }
    if hub:
        pull = urlencode({"repo": url, "branch": branch, "urlpath": f"lab/tree/{name}/{notebook}"}, safe="/:")
        links["JupyterHub"] = f"{hub.rstrip('/')}/hub/user-redirect/git-pull?{pull}"
    return links


def description(doctree: nodes.document | None) -> str:
    """The page's first sentences outside boxes, cut at a word."""
    paragraphs = doctree.findall(nodes.paragraph) if doctree else ()
    told = (p.astext().replace("\n", " ") for p in paragraphs if isinstance(p.parent, nodes.section))
    text = next((text for text in told if text), "")
    return text if len(text) <= DESCRIPTION else text[: text.rindex(" ", 0, DESCRIPTION)] + " …"


def card(title: str, text: str, address: str, page: str) -> str:
    """The meta tags by which other sites show a link to a page."""
    tags = {
        "og:type": "article",
        "og:title": title,
        "og:description": text,
        "og:url": urljoin(address, page),
        "og:image": urljoin(address, CARD),
        "og:image:width": CARD_SIZE[0],
        "og:image:height": CARD_SIZE[1],
        "og:image:alt": "Rendered faces with their action units, and the book's title",
        "twitter:card": "summary_large_image",
    }
    lines = [f'<meta property="{name}" content="{html.escape(str(value))}">' for name, value in tags.items()]
    return "\n".join([f'<meta name="description" content="{html.escape(text)}">', *lines])


def sitemap(address: str, pages: Iterable[str]) -> str:
    """The sitemap's XML for pages given relative to the site's address."""
    places = "".join(f"  <url><loc>{html.escape(urljoin(address, page))}</loc></url>\n" for page in sorted(pages))
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
    return f"{head}{places}</urlset>\n"


def _address(app: Sphinx) -> str:
    return app.config.html_baseurl.rstrip("/") + "/" if app.config.html_baseurl else LOCAL


def _branch(options: dict) -> str:
    return options.get("repository_branch") or "main"


def _configure(app: Sphinx, config: Config) -> None:
    options = config.html_theme_options
    options["repository_url"] = repository(options)
    options |= dict.fromkeys(("use_repository_button", "use_edit_page_button", "use_issues_button"),
                             bool(options["repository_url"]))  # fmt: skip


def _chapter(app: Sphinx, page: str) -> Path | None:
    source = Path(app.srcdir, f"{page}.md")
    return source if source in notebooks.chapters(Path(app.srcdir)) else None


def _offer_notebook(app: Sphinx, page: str, template: str, context: dict, doctree: nodes.document | None) -> None:
    """A chapter can be downloaded as the notebook that the buttons open."""
    if source := _chapter(app, page):
        options = app.config.html_theme_options
        url = repository(options)
        text = notebooks.text(source, f"{url}@{_branch(options)}" if url else None)
        write_text(Path(app.outdir, "_sources", f"{page}.ipynb"), text)
        context["ipynb_source"] = f"{page}.ipynb"


def _add_buttons(app: Sphinx, page: str, template: str, context: dict, doctree: nodes.document | None) -> None:
    options = app.config.html_theme_options
    if not (url := repository(options)) or not (source := _chapter(app, page)):
        return
    links = launch_links(
        url,
        _branch(options),
        f"{notebooks.FOLDER}/{source.stem}.ipynb",
        options.get("launch_buttons", {}).get("jupyterhub_url", ""),
    )
    icons = {"Binder": "logo_binder.svg", "Colab": "logo_colab.png", "JupyterHub": "logo_jupyterhub.svg"}
    buttons = [
        {"type": "link", "text": name, "tooltip": f"Open in {name}", "url": link,
         "icon": f"_static/images/{icons[name]}"}
        for name, link in links.items()
    ]  # fmt: skip
    group = {"type": "group", "tooltip": "Run this chapter", "icon": "fas fa-rocket", "label": "launch-buttons"}
    context["header_buttons"].insert(0, group | {"buttons": buttons})


def _add_card(app: Sphinx, page: str, template: str, context: dict, doctree: nodes.document | None) -> None:
    title = html.unescape(re.sub(r"<[^>]+>", "", context.get("title") or "")) or app.config.html_title
    text = description(doctree) or app.config.html_title
    context["metatags"] = context.get("metatags", "") + card(title, text, _address(app), f"{page}.html")


def _pages_apart(app: Sphinx) -> Iterator[tuple[str, dict, str]]:
    """404.html, which a server shows at any depth: its one link needs the site's path. And the root, which leads on."""
    yield "404", {"home": urlsplit(_address(app)).path, "book": app.config.html_title}, "404.html"
    if app.config.root_doc != "index":
        yield "index", {"first": f"{app.config.root_doc}.html", "book": app.config.html_title}, "root.html"


def _write_sitemap(app: Sphinx, exception: Exception | None) -> None:
    if exception is None and app.builder.format == "html":
        pages = [f"{page}.html" for page in app.env.found_docs]
        write_text(Path(app.outdir, "sitemap.xml"), sitemap(_address(app), pages))
