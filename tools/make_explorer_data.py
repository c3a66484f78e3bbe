"""Make what the filter and alignment explorers show: fer_lib/widgets/assets/explorer*.

    python tools/make_explorer_data.py
    python tools/make_explorer_data.py --network trained=synthetic-96 --network untrained=untrained:1 \\
        --network "shuffled labels"=runs/…/controls/shuffled-seed0

A network is TITLE=SOURCE: shipped weights, untrained:SEED, or the folder of a run. The first one's filters are shown.
"""

import click

from fer_lib.cli import options
from fer_lib.data import load_dataset
from fer_lib.widgets.explorer_data import source, write

SHIPPED = ("trained=synthetic-96", "untrained=untrained:1")


@click.command(context_settings={"show_default": True})
@click.option("--network", "networks", multiple=True, default=SHIPPED, metavar="TITLE=SOURCE", help="Repeatable.")
@click.option("--permutations", default=1000)
@click.option("--draws", default=2000, help="Bootstrap draws over people.")
def main(networks: tuple[str, ...], permutations: int, draws: int) -> None:
    """Scan the shipped faces with every network and write the explorers' assets."""
    sources: list = []
    for each in networks:
        title, _, origin = each.partition("=")
        sources.append(source(title, origin, sources[0].network if sources else None))
    command = options.command_line().replace("fer-lib", "python tools/make_explorer_data.py", 1)
    numbers = {"permutations": permutations, "draws": draws}
    manifest = write(sources, lambda size: load_dataset("synthetic", size=size), command=command, **numbers)
    for name, about in manifest["files"].items():
        click.echo(f"{name}: {about['gz'] / 1000:.0f} kB")


if __name__ == "__main__":
    main()
