"""The directive {build-status}: what the chapters took, on which machine, with which versions, and the ledger."""

from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

from fer_lib import results
from fer_lib.site.execute import Run

PACKAGES = ("torch", "torchvision", "numpy", "pandas", "scipy", "plotly", "anywidget", "captum", "jupyter-book")


class BuildStatus(SphinxDirective):
    """Tables made by the build itself. `env.fer_runs` holds the chapters' runs (see extension.py)."""

    def run(self) -> list[nodes.Node]:
        runs: dict[str, Run] = getattr(self.env, "fer_runs", {})
        titles = {name: self.env.titles[name].astext() for name in runs if name in self.env.titles}
        lines = StringList("\n\n".join(status(runs, titles)).splitlines(), source=self.env.docname)
        section = nodes.container()
        self.state.nested_parse(lines, self.content_offset, section, match_titles=True)
        return section.children


def status(runs: Mapping[str, Run], titles: Mapping[str, str]) -> Iterable[str]:
    """The page's parts in MyST: chapters, machine and versions, recorded runs."""
    yield "## Executed pages"
    yield table(
        ["page", "cells", "seconds", "memory in MB", "executed (UTC)"],
        [
            [f"{{doc}}`{titles.get(name, name)} </{name}>`", run.cells, f"{run.execution_seconds:.0f}",
             f"{run.peak_megabytes:.0f}", run.executed]
            for name, run in sorted(runs.items())
        ],
    )  # fmt: skip
    yield "## Machine and versions"
    machine = results.machine()
    commit = results.commit()
    rows = [[key, machine[key]] for key in ("processor", "cores", "system", "python") if machine[key]]
    yield table(["what", "which"], [*rows, *((name, version(name)) for name in PACKAGES), ("commit", commit[:12])])
    yield "## Recorded runs"
    entries = [results.read(name) for name in results.names()]
    if not entries:
        yield "None yet."
        return
    rows = [
        [e.name, f"`{e.command}`", e.data, f"{e.wall_seconds / 60:.0f}", e.recorded, e.commit[:10]] for e in entries
    ]
    yield table(["entry", "command", "data", "minutes", "recorded", "commit"], rows)


def table(head: list[str], rows: Iterable[Iterable[Any]]) -> str:
    """A MyST table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)
