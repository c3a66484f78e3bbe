"""The role {ledger}`ENTRY.path.to.number`: prose prints a recorded result, nobody types it."""

from docutils import nodes
from sphinx.util.docutils import SphinxRole

from fer_lib import results
from fer_lib.errors import UserError


class LedgerRole(SphinxRole):
    """The value of a ledger key; the page is read again when its entry changes."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        entry = self.text.partition(".")[0]
        self.env.note_dependency(str(results.LEDGER / f"{entry}.json"))
        try:
            text = shown(results.value(self.text))
        except UserError as error:
            message = self.inliner.reporter.warning(str(error), line=self.lineno)
            return [self.inliner.problematic(self.rawtext, self.rawtext, message)], [message]
        return [nodes.inline(text=text, classes=["fer-ledger"])], []


def shown(value: float | int | str) -> str:
    """A recorded value as prose shows it: three significant digits, whole numbers in full."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)
