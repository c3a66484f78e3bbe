"""`fer-lib ledger`: the numbers that chapters and README quote."""

from pathlib import Path

import click

from fer_lib import results
from fer_lib.errors import UserError


@click.group()
@click.option("--ledger", type=click.Path(file_okay=False, path_type=Path), default=results.LEDGER, help="Its folder.")
@click.pass_context
def ledger(context: click.Context, ledger: Path) -> None:
    """Check, list and read the ledger of recorded results."""
    context.obj = ledger


@ledger.command()
@click.pass_obj
def verify(folder: Path) -> None:
    """Check every entry; exit code 2 if one is not sound."""
    problems = results.verify(folder)
    if problems:
        raise UserError("\n".join([f"{len(problems)} problems in the ledger", *problems]))
    click.echo(f"{len(results.names(folder))} entries are sound")


@ledger.command("list")
@click.pass_obj
def list_entries(folder: Path) -> None:
    """Every entry: name, data, date, wall time, command."""
    for name in results.names(folder):
        entry = results.read(name, folder)
        click.echo(f"{name}: {entry.data}, {entry.recorded}, {entry.wall_seconds:.0f} s\n    {entry.command}")


@ledger.command()
@click.argument("key")
@click.pass_obj
def show(folder: Path, key: str) -> None:
    """Print one value: NAME.path.to.it, or all of NAME."""
    import json

    click.echo(json.dumps(results.value(key, folder), indent=1, ensure_ascii=False))
