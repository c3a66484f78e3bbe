"""`fer-lib interpret`: everything about the filters of one trained network, in one folder."""

from functools import partial
from pathlib import Path

import click


@click.command()
@click.argument("run")
@click.option("--data", default="synthetic", show_default=True, help="Data set to read the filters on.")
@click.option("--path", type=click.Path(path_type=Path), help="Folder of a real data set (CK+, TFD, …).")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder for the results.")
@click.option("--step", type=int, help="Checkpoint of the run; the last by default.")
@click.option("--fold", type=int, help="Fold whose part to read.")
@click.option("--part", type=click.Choice(["training", "validation", "test"]), help="Part of the fold; needs --fold.")
@click.option("--permutations", default=1000, show_default=True, help="Permutations of every test.")
@click.option("--draws", default=2000, show_default=True, help="Bootstrap draws over people; 0 for no intervals.")
@click.option("--controls", default=100, show_default=True, help="Matched random filter sets.")
@click.option("--control", "beside", multiple=True, metavar="[NAME=]RUN",
              help="A trained control (shuffled labels, identities, …): a run's folder. Repeatable.")  # fmt: skip
@click.option("--untrained", default=3, show_default=True, help="Untrained control networks.")
@click.option("--sheets", default=12, show_default=True, help="Filters with a sheet of their own.")
@click.option("--seed", default=0, show_default=True, help="Seed of every random draw.")
@click.option("--probes/--no-probes", default=True, show_default=True, help="Interventions on rendered faces.")
@click.option("--faces/--no-faces", default=True, show_default=True, help="Search the AUs that a filter wants.")
@click.option("--quiet", is_flag=True, help="No progress bar.")
def interpret(run, data, path, out, step, fold, part, beside, quiet, **options) -> None:
    """Study the filters of RUN: the folder of a training run, or the name of shipped weights.

    Writes tidy tables, decoded maps and report.html to --out. A killed study goes on where it stopped.
    """
    from fer_lib.cli.interpret_report import report
    from fer_lib.data import load_dataset
    from fer_lib.errors import UserError
    from fer_lib.interpret.study import Settings, study

    if (fold is None) != (part is None):
        raise UserError("--fold and --part belong together: give both, or neither for all labelled images")
    network, name = _network(run, step)
    size = network.model.size
    dataset = load_dataset(data, path, size=size)
    if dataset.emotions != network.emotions:
        dataset = dataset.with_emotions(network.emotions)
    if part is not None:
        dataset = dataset.split(fold)[["training", "validation", "test"].index(part)]
    probes = partial(load_dataset, size=size)
    controls = _controls(beside, size)
    found = study(network, dataset, out, Settings(**options), load_probe=probes, controls=controls, progress=not quiet)
    click.echo(f"wrote {report(found, name, out / 'report.html')}")


def _controls(beside: tuple[str, ...], size: int):
    from fer_lib.errors import UserError

    found = {}
    for text in beside:
        name, _, run = text.rpartition("=")
        network, called = _network(run, None)
        if network.model.size != size:
            raise UserError(
                f"--control {run}: a network for {network.model.size} px; the one studied takes {size}: use its size"
            )
        found[name or called] = network
    return found


def _network(run: str, step: int | None):
    """(Network, what to call it) of a run's folder or of shipped weights."""
    from fer_lib.interpret.stages import Network
    from fer_lib.model import load_pretrained
    from fer_lib.preprocess import prepare
    from fer_lib.training import load_run

    folder = Path(run)
    if folder.is_dir():
        model, config, identity = load_run(folder, step)
        return Network(model, config.prepare, tuple(identity["emotions"])), folder.name
    model, card = load_pretrained(run)
    return Network(model, partial(prepare, recipe=card["recipe"]), tuple(card["emotions"])), run
