"""Links to the glossary carry the term's definition: shown by book/site/tips.js, or by the browser without it."""

from collections.abc import Iterable

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

GLOSSARY = "book/reference/glossary"


def setup(app: Sphinx) -> None:
    """Connect to Sphinx (called by extension.py)."""
    app.connect("doctree-resolved", _add_tips)
    app.connect("env-get-outdated", _read_all_again)


def definitions(doctree: nodes.document) -> dict[str, str]:
    """Each term's definition by the term's id, from the glossary's page."""
    items = (item for box in doctree.findall(addnodes.glossary) for item in box.findall(nodes.definition_list_item))
    return {
        name: item.next_node(nodes.definition).astext().replace("\n", " ")
        for item in items
        for term in item.findall(nodes.term)
        for name in term["ids"]
    }


def add_tips(doctree: nodes.document, known: dict[str, str]) -> None:
    """Give every link to a term its definition as title."""
    for link in doctree.findall(nodes.reference):
        page, _, name = link.get("refuri", "").partition("#")
        if name in known and page.endswith("glossary.html"):
            link["reftitle"] = known[name]


def _add_tips(app: Sphinx, doctree: nodes.document, page: str) -> None:
    if GLOSSARY in app.env.found_docs and page != GLOSSARY:
        add_tips(doctree, definitions(app.env.get_doctree(GLOSSARY)))


def _read_all_again(
    app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]
) -> Iterable[str]:
    """A changed definition stands on every page that uses its term."""
    return env.found_docs if GLOSSARY in changed else ()
