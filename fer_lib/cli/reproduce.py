"""`fer-lib reproduce`: the recorded study, block by block."""

from pathlib import Path

import click

from fer_lib.cli import options
from fer_lib.results import LEDGER

STUDIES = {
    "controls": "What do networks with shuffled labels and with identities learn?",
    "filters": "What do the filters of these networks respond to?",
    "filters-96": "Do the filters of networks-96 respond to the same?",
    "people": "Do the networks serve everyone alike?",
    "starts": "How do trainings begin, those that fail and those that learn?",
}  # that are no list of cells


@click.command(context_settings={"show_default": True})
@click.argument("names", nargs=-1, metavar="[BLOCK]...")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default="runs/reproduction",
              help="Finished cells there are kept; the same command goes on where it was stopped.")  # fmt: skip
@click.option("--ledger", type=click.Path(file_okay=False, path_type=Path), default=LEDGER, show_default="book/results",
              help="Where results are recorded, and recorded cells are found.")  # fmt: skip
@click.option("--list", "listed", is_flag=True, help="Say what each block asks and how much of it is done.")
@click.option("--training/--no-training", default=True, help="Without: record the cells that are finished.")
@click.option("--record/--no-record", default=True, help="Write each block into the ledger, book/results.")
@click.option(
    "--replace", is_flag=True, help="Also where an entry would lose what it holds, or take other results in its place."
)
@click.option("--jobs", type=click.IntRange(1), default=1, help="Processes.")
@click.option("--ray", metavar="ADDRESS", help="Ray cluster: auto, local or ray://HOST:10001. --out must be shared.")
@click.option("--gpus", type=click.FloatRange(0), default=0.0, help="GPUs a Ray task takes.")
@click.option("--device", default="auto", help="auto, cpu, cuda or cuda:N.")
def reproduce(names, out, ledger, listed, training, record, replace, **place) -> None:
    """Train what the protocol names and record it: all blocks in order, or those named. See book/results/PROTOCOL.md.

    The block "controls" trains the networks with shuffled labels and with identities; "filters" looks
    at the networks of the blocks "networks" and "decorrelated" and at the controls, "filters-96" at those of
    "networks-96"; "people" asks whether the networks serve everyone alike; "starts" trains the first batches of
    recorded trainings again and watches which units of the hidden layer fall silent.
    """
    from fer_lib.errors import UserError
    from fer_lib.reproduction.blocks import blocks
    from fer_lib.results import check_recordable

    if not record:
        options.refuse("replace", because="with --no-record")
    if not training:
        options.refuse(*place, because="with --no-training")
    elif names and STUDIES.keys() >= {*names}:
        trains = {"controls", "starts"} & {*names}
        options.refuse("jobs", "ray", *(() if trains else ("device",)), because=f"on {' and '.join(names)}")
    if place["ray"]:
        options.refuse("jobs", because="on a Ray cluster (--ray)")
    else:
        options.refuse("gpus", because="without --ray")
    every = blocks()
    first, *later = STUDIES
    known = (first, *every, *later)  # in the order of the protocol
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UserError(f"block {unknown[0]!r} is unknown; expected one of {', '.join(known)}")
    if listed:
        return _list(every.values(), out, ledger)
    if record:
        check_recordable(*(names or known))
    for name in names or known:
        if name in STUDIES and not training:
            click.echo(f"{name}: left out, because it is no list of cells; run it without --no-training")
        elif name == "controls":
            _keep(name, _controls(out, place["device"], record), ledger, replace)
        elif name in ("filters", "filters-96"):
            _keep(name, _filters(name, out, record), ledger, replace)
        elif name == "people":
            _keep(name, _people(out, record), ledger, replace)
        elif name == "starts":
            _starts(out, ledger, place["device"], record, replace)
        else:
            _block(every[name], out, ledger, training, record, replace, place, named=bool(names))


def _list(every, out: Path, ledger: Path) -> None:
    from fer_lib.reproduction.recorded import progress
    from fer_lib.reproduction.runs import finished, kept
    from fer_lib.results import names

    recorded = progress(ledger).set_index("block")["recorded"]
    click.echo(f"{'block':<17} recorded  to reuse  planned  asks")
    for block in every:
        counts = f"{recorded[block.name]:>8}  {len(finished(block, out, ledger)):>8}  {len(block.cells):>7}"
        networks = f" Its networks in {out}: {kept(block, out)}." if block.keep else ""
        click.echo(f"{block.name:<17} {counts}  {block.question}{networks}")
    for name, question in STUDIES.items():
        click.echo(f"{name:<17} {'yes' if name in names(ledger) else 'no':>8}  {'':>8}  {'':>7}  {question}")
    click.echo(f"recorded: trainings in {ledger}. To reuse: those whose whole result lies there or in {out}.")


def _block(block, out: Path, ledger: Path, training: bool, record: bool, replace: bool, place, named: bool) -> None:
    from fer_lib.reproduction import runs

    click.echo(f"{block.name}: {block.question}")
    if training:
        runs.train(block, out, options.load_faces(block.data, block.size, block.classes), ledger, **place)
    if record:
        found = runs.finished(block, out, ledger)
        if not found and not named:
            click.echo("no cell is finished; nothing to record")
            return
        stake = runs.at_stake(block, found, ledger)
        if stake and not replace:
            click.echo(f"{stake}; --replace writes what is at hand")
            return
        path = runs.record(block, found, f"fer-lib reproduce {block.name}", ledger)
        click.echo(f"{len(found)} of {len(block.cells)} cells; recorded in {path}")


def _keep(name: str, entry, ledger: Path, replace: bool) -> None:
    from fer_lib.results import differs, write

    if entry is None:
        click.echo(f"{name}: not recorded")
    elif differs(entry, ledger) and not replace:
        click.echo(f"{name}: other values are recorded, of other networks or pictures. The entry stays as it is; "
                   "--replace writes what is at hand")  # fmt: skip
    else:
        click.echo(f"{name}: recorded in {write(entry, ledger)}")


def _controls(out: Path, device: str, record: bool):
    from fer_lib.reproduction import controls

    faces = options.load_faces("synthetic", 48, None)
    found = controls.train_controls(faces, out, device)  # finished ones are read
    for row in found:
        click.echo("{kind}, seed {seed}: right on {training_accuracy:.1%} of its training pictures".format(**row))
    return controls.entry(found, faces, options.command_line()) if record else None


def _filters(name: str, out: Path, record: bool):
    from fer_lib.reproduction import networks, summary
    from fer_lib.reproduction.blocks import blocks

    named, groups = networks.LOOKED_AT[name]
    block = blocks()[named]
    load = networks.Pictures(block.size)
    found = summary.study_all(networks.subjects(out, load, groups, block), load, out / name, click.echo)
    return summary.entry(found, load("natural"), options.command_line(), name) if record else None


def _people(out: Path, record: bool):
    import time

    from fer_lib.data import load_dataset
    from fer_lib.reproduction import networks, people
    from fer_lib.results import Entry

    start, load = time.perf_counter(), networks.Pictures(48)
    trained = list(networks.subjects(out, load, ("trained",)))  # what lacks is told before minutes of rendering
    balanced = load_dataset("balanced", size=48, seed=people.SEED)
    measured = [people.measure(subject.network, load("natural"), balanced) for subject in trained]
    values = {"networks": len(measured), "images": len(balanced)} | people.by_group(measured, balanced)
    if not record:
        return None
    about = {"data": balanced.provenance["label"], "data_hash": balanced.provenance["data_hash"]}
    seconds = round(time.perf_counter() - start, 1)
    return Entry.record("people", command=options.command_line(), seed=people.SEED, wall_seconds=seconds,
                        values=values, **about)  # fmt: skip


def _starts(out: Path, ledger: Path, device: str, record: bool, replace: bool) -> None:
    from functools import cache

    from fer_lib.reproduction import starts

    faces_of = cache(lambda block: options.load_faces(block.data, block.size, block.classes))
    pairs, found = starts.cells(ledger), []
    if not pairs:
        return click.echo("starts: none of its trainings is recorded; nothing to begin again")
    if record and not replace and not starts.lacking(pairs, ledger):
        return click.echo(f"starts: all {len(pairs)} are recorded; --replace writes what is at hand")
    for row in starts.study(pairs, faces_of, out, ledger, device):
        found.append(row)
        start = row["start"]
        click.echo(f"{len(found)} of {len(pairs)}: {start.block}, {start.configuration}, fold {start.fold}: "
                   f"{list(start.live.values())[-1]:.0%} of fc4 answers after {starts.BATCHES} batches")  # fmt: skip
    label = faces_of(pairs[0][0]).provenance["label"]
    _keep("starts", starts.entry(found, label, options.command_line()) if record else None, ledger, replace)
