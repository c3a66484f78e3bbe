"""`fer-lib ledger`: the numbers that chapters and README quote."""

from pathlib import Path

import click

from fer_lib import results
from fer_lib.cli import options
from fer_lib.errors import UserError


@click.group()
@click.option("--ledger", type=click.Path(file_okay=False, path_type=Path), default=results.LEDGER, help="Its folder.")
@click.pass_context
def ledger(context: click.Context, ledger: Path) -> None:
    """Check, list and read the ledger of recorded results."""
    context.obj = ledger


@ledger.command()
@click.option("--quick", is_flag=True, help="Also train a sample of recorded cells again and compare.")
@click.option("--cells", type=click.IntRange(1), default=1, show_default=True, help="Size of the sample.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Which sample.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default="runs/verify", show_default=True)
@click.pass_obj
def verify(folder: Path, quick: bool, cells: int, seed: int, out: Path) -> None:
    """Check every entry; exit code 2 if one is not sound, or a cell trained again is too far from what it says."""
    if not quick:
        options.refuse("cells", "seed", "out", because="without --quick")
    names, problems = _names(folder), results.verify(folder)
    if problems:
        raise UserError("\n".join([f"{len(problems)} problems in the ledger", *problems]))
    click.echo(f"{len(names)} entries are sound")
    if quick:
        _rerun(folder, cells, seed, out)


def _names(folder: Path) -> tuple[str, ...]:
    """Names of the ledger's entries. Raises UserError when there are none: a mistyped folder must not pass as sound."""
    names = results.names(folder)
    if not names:
        found = "holds no entry" if folder.is_dir() else "no such folder"
        raise UserError(f"{folder}: {found}; expected a ledger, as book/results of a checkout: name it with --ledger")
    return names


def _rerun(folder: Path, cells: int, seed: int, out: Path) -> None:
    from fer_lib.reproduction.check import TOLERANCE, rerun_sample

    reruns = []
    for rerun in rerun_sample(cells, seed, out, folder):
        click.echo(f"{rerun.block}, {rerun.cell}: recorded {rerun.recorded:.3f}, now {rerun.found:.3f}")
        reruns.append(rerun)
    failed = [rerun for rerun in reruns if not rerun.holds]
    if failed:
        raise UserError(
            f"{len(failed)} of {len(reruns)} cells differ by more than {TOLERANCE}: "
            f"{', '.join(one.cell for one in failed)}; recorded on {', '.join(failed[0].places)}. "
            "There, and with the same code, this is a fault. "
            "Elsewhere sums are rounded otherwise, and a single training may end far off: compare more with --cells"
        )
    click.echo(f"all {len(reruns)} within {TOLERANCE} of accuracy")


@ledger.command()
@click.pass_obj
def verdicts(folder: Path) -> None:
    """What holds of the paper's claims, by the protocol's rules."""
    from fer_lib.reproduction.verdicts import verdicts as read_verdicts

    for verdict in read_verdicts(folder):
        click.echo(f"{verdict.key}  {verdict.verdict:<10}  {verdict.claim}\n     {verdict.numbers}")


@ledger.command("list")
@click.pass_obj
def list_entries(folder: Path) -> None:
    """Every entry: name, data, date, wall time, command."""
    for name in _names(folder):
        entry = results.read(name, folder)
        click.echo(f"{name}: {entry.data}, {entry.recorded}, {entry.wall_seconds:.0f} s\n    {entry.command}")


@ledger.command()
@click.argument("key")
@click.pass_obj
def show(folder: Path, key: str) -> None:
    """Print one value: NAME.path.to.it, or all of NAME."""
    import json

    click.echo(json.dumps(results.value(key, folder), indent=1, ensure_ascii=False))
