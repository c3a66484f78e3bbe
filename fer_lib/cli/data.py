"""`fer-lib data`: what data sets there are, what they hold, making the rendered ones, checking the real ones."""

from pathlib import Path

import click

from fer_lib.cli import options
from fer_lib.data import DATASETS, load_dataset
from fer_lib.errors import UserError


@click.group()
def data() -> None:
    """Data sets: list, describe, make (rendered ones), check (real ones on your disk)."""


@data.command("list")
def list_() -> None:
    """Every name that load_dataset knows."""
    width = max(map(len, DATASETS))
    for name, what in DATASETS.items():
        click.echo(f"{name:{width}}  {what}")


@data.command()
@click.argument("name")
@click.option(
    "--path", type=click.Path(path_type=Path), help="Folder or file of a real set; or where a made one is kept."
)
@click.option("--unlabelled", is_flag=True, help="Also the images without an emotion.")
@click.option(
    "--size", type=click.IntRange(1), help="Pixels a side; default: the set's own, 96 where faces are cut out."
)
@options.reading
def describe(name: str, path: Path | None, unlabelled: bool, size: int | None, on_error: str, crop: str | None) -> None:
    """Counts of data set NAME beside the published ones, with what is missing, and where it comes from."""
    if size is None and name == "ckplus" and crop != "none":
        size = 96
    own = {} if crop is None else {"crop": crop}
    dataset = load_dataset(name, path, size=size, labelled_only=not unlabelled, on_error=on_error, **own)
    table = dataset.describe().astype(object)
    click.echo(table.where(table.notna(), "").to_string(index=False))
    for key, value in dataset.provenance.items():
        if not isinstance(value, dict | list):
            click.echo(f"{key}: {value}")


@data.command()
@click.argument("name")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder to write into.")
@click.option("--layout", type=click.Choice(("ckplus", "tfd")), help="As the real set is laid out; else one .npz file.")
@click.option("--seed", default=0, show_default=True, help="Other seeds give other people and pictures.")
@click.option("--difficulty", type=click.IntRange(0, 2), help="0 plain to 2 varied; else the set's own.")
@click.option("--size", default=96, show_default=True, type=click.IntRange(8), help="Pixels per side.")
@click.option("--labelled-only", is_flag=True, help="Leave out the sequences without an emotion.")
@click.option("--processes", type=click.IntRange(1), help="All cores unless given.")
def make(name, out, layout, seed, difficulty, size, labelled_only, processes) -> None:
    """Render data set NAME into the folder OUT. What is done survives a kill: run the same line again.

    Without --layout it is OUT/NAME.npz, which load_dataset("NAME", "OUT") reads, and --data NAME:OUT elsewhere here.
    """
    from fer_lib.data import synthetic
    from fer_lib.data.export import check_absent
    from fer_lib.data.synthetic.sets import SEQUENCE_SETS

    if name in DATASETS and name not in synthetic.NAMES:
        raise UserError(f"{name} is a real set and cannot be made; make one of {', '.join(synthetic.NAMES)}")
    job = synthetic.Job(name, seed, difficulty, size, labelled_only, every_frame=layout == "ckplus")
    if name not in SEQUENCE_SETS:
        options.refuse("labelled_only", because=f"on {name}, a set of stills")
    if layout != "ckplus":  # whose folder is checked where it is made
        check_absent(out / (f"TFD_{size}x{size}.mat" if layout else f"{name}.npz"))
    if layout:
        path = synthetic.export(job, out, layout, processes=processes)
    else:
        path = synthetic.make(job, processes=processes).save(out / f"{name}.npz")
    click.echo(f"wrote {path}")


@data.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--as", "as_", required=True, help="Which: ckplus, tfd, fer2013 or ferplus.")
@click.pass_context
def check(context: click.Context, path: Path, as_: str) -> None:
    """Say what of a real set is at PATH, what is missing and what is broken. Exit code 0: complete; 1: not."""
    from fer_lib.data.check import check as look

    report = look(path, as_)
    click.echo(report.text())
    context.exit(report.exit_code)
