"""`fer-lib interpret`: everything about the filters of one trained network, in one folder."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fer_lib.cli import options as shared_options

if TYPE_CHECKING:
    from fer_lib.interpret.network import Network


@click.command(context_settings={"show_default": True})
@click.argument("run")
@click.option("--data", default="synthetic", metavar="NAME[:PATH]", help="Data set to read the filters on.")
@click.option("--path", type=click.Path(path_type=Path), help="Folder of a real data set (CK+, TFD, …).")
@shared_options.reading
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder for the results.")
@click.option("--step", type=int, help="Checkpoint of the run; the last by default.")
@click.option("--fold", type=click.IntRange(0), help="Fold whose part to read.")
@click.option("--part", type=click.Choice(["training", "validation", "test"]), help="Part of the fold; needs --fold.")
@click.option("--permutations", type=click.IntRange(1), default=1000, help="Permutations of every test.")
@click.option("--draws", type=click.IntRange(0), default=2000, help="Bootstrap draws over people; 0: no intervals.")
@click.option("--random-sets", "controls", type=click.IntRange(1), default=100, help="Matched random sets of filters.")
@click.option("--control", "beside", multiple=True, metavar="[NAME=]RUN",
              help="A trained control (shuffled labels, identities, …): a run's folder. Repeatable.")  # fmt: skip
@click.option("--untrained", type=click.IntRange(0), default=3, help="Untrained control networks.")
@click.option("--sheets", type=click.IntRange(0), default=12, help="Filters with a sheet of their own.")
@click.option("--seed", type=click.IntRange(0), default=0, help="Seed of every random draw.")
@click.option("--probes/--no-probes", default=True, help="Interventions on rendered faces.")
@click.option("--faces/--no-faces", default=True, help="Search the AUs that a filter wants.")
@click.option("--quiet", is_flag=True, help="No progress bar.")
def interpret(run, data, path, on_error, crop, out, step, fold, part, beside, quiet, **options) -> None:
    """Study the filters of RUN: the folder of a training run, or the name of shipped weights.

    Writes tidy tables, decoded maps and report.html to --out. A killed study goes on where it stopped.
    """
    from fer_lib.cli.interpret_report import report
    from fer_lib.data import load_dataset
    from fer_lib.errors import UserError
    from fer_lib.interpret.network import open_network
    from fer_lib.interpret.study import Settings, study

    if (fold is None) != (part is None):
        raise UserError("--fold and --part belong together: give both, or neither for all labelled images")
    opened = open_network(run, step)
    network, size = opened.network, opened.network.model.size
    if path and ":" in data:
        raise UserError(f"--data {data} and --path {path} both name a place; give one of them")
    named = f"{data}:{path}" if path else data
    dataset = shared_options.load_faces(named, size, on_error=on_error, crop=crop)
    if dataset.emotions != network.emotions:
        dataset = dataset.with_emotions(network.emotions)
    if part is not None:
        dataset = dataset.split(fold)[["training", "validation", "test"].index(part)]
    probes = partial(load_dataset, size=size)
    controls = _controls(beside, size)
    found = study(network, dataset, out, Settings(**options), load_probe=probes, controls=controls, progress=not quiet)
    click.echo(f"wrote {report(found, opened.name, out / 'report.html')}")


def _controls(beside: tuple[str, ...], size: int) -> dict[str, "Network"]:
    """("NAME=RUN", "RUN") → networks by NAME, or else by the run's own. Raises UserError for two of one name."""
    from fer_lib.errors import UserError
    from fer_lib.interpret.network import open_network

    found: dict[str, Network] = {}
    for text in beside:
        named = "=" in text and not Path(text).is_dir()
        given, run = text.split("=", 1) if named else ("", text)
        opened = open_network(run)
        name, network = given or opened.name, opened.network
        if network.model.size != size:
            raise UserError(
                f"--control {run}: a network for {network.model.size} px; the one studied takes {size}: use its size"
            )
        if name in ("trained", *found):  # the studied network's row of the table is "trained"
            raise UserError(f"--control {run}: {name!r} is another network's name; write --control NAME={run}")
        found[name] = network
    return found
