"""Glossary links carry the definition; other links do not."""

from docutils import nodes
from docutils.utils import new_document
from sphinx import addnodes

from fer_lib.site.tips import add_tips, definitions


def test_definitions_reach_the_links_to_their_terms() -> None:
    glossary = new_document("glossary")
    term = nodes.term("", "FACS", ids=["term-FACS"])
    meaning = nodes.definition("", nodes.paragraph("", "A coding\nsystem."))
    glossary += addnodes.glossary("", nodes.definition_list("", nodes.definition_list_item("", term, meaning)))
    known = definitions(glossary)
    assert known == {"term-FACS": "A coding system."}

    page = new_document("page")
    targets = ("reference/glossary.html#term-FACS", "other.html#term-FACS", "reference/glossary.html#term-none")
    page += nodes.paragraph("", "", *(nodes.reference("", "x", refuri=target) for target in targets))
    add_tips(page, known)
    assert [link.get("reftitle") for link in page.findall(nodes.reference)] == ["A coding system.", None, None]
