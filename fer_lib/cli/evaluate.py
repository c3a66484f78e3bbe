"""`fer-lib evaluate`: the grid of recipes, variants, seeds and folds."""

import time
from pathlib import Path

import click

from fer_lib.cli import options


@click.command(context_settings={"show_default": True})
@options.shared
@click.option("--variant", "variants", type=click.Choice([*options.VARIANTS, "all"]), multiple=True, default=["AD"],
              help="Repeatable.")  # fmt: skip
@click.option("--recipe", "recipes", type=click.Choice([*options.RECIPES, "all"]), multiple=True,
              default=["as-released"], help="Repeatable.")  # fmt: skip
@click.option("--biases", type=click.Choice(["without", "with", "both"]), default="without",
              help="Convolution biases: without is the paper's zero-bias network.")  # fmt: skip
@click.option("--folds", default="all", help="all, 3, 0,2 or 0-4.")
@click.option("--seed", type=click.IntRange(0), default=0, help="The first seed.")
@click.option("--seeds", type=click.IntRange(1), default=1, help="How many seeds.")
@click.option("--split", type=click.Choice(["folds", "subject", "sequence", "image"]), default="folds",
              help="folds: the data's own; the others: ten random folds (sequence and image leak).")  # fmt: skip
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default="runs/evaluate",
              help="Finished cells there are kept; the same command goes on where it was stopped.")  # fmt: skip
@click.option("--jobs", type=click.IntRange(1), default=1, help="Processes.")
@click.option("--ray", metavar="ADDRESS", help="Ray cluster: auto, local or ray://HOST:10001. --out must be shared.")
@click.option("--gpus", type=click.FloatRange(0), default=0.0, help="GPUs a Ray task takes.")
@click.option("--keep", is_flag=True, help="Keep every checkpoint (5 MB each).")
@click.option("--paper", is_flag=True, help="Also print: paper / ours / why they differ.")
@click.option("--record", metavar="NAME", help="Also write the ledger entry book/results/NAME.json.")
def evaluate(data, classes, preset, steps, size, checkpoint_every, precision, device, on_error, crop, variants, recipes,
             biases, folds, seed, seeds, split, out, jobs, ray, gpus, keep, paper, record) -> None:  # fmt: skip
    """Cross-validate, and report from the same runs: checkpoint chosen on validation, on test, and the last one."""
    from fer_lib import evaluation
    from fer_lib.results import check_recordable

    if ray:
        options.refuse("jobs", because="on a Ray cluster (--ray)")
    else:
        options.refuse("gpus", because="without --ray")
    if record:
        _check_name(record)
        check_recordable(record)
    start = time.perf_counter()
    fields = {"steps": steps, "size": size, "checkpoint_every": checkpoint_every, "precision": precision}
    zero_bias = {"without": [True], "with": [False], "both": [True, False]}[biases]
    configs = [c for zero in zero_bias for c in options.configs(variants, recipes, preset, zero_bias=zero, **fields)]
    faces = options.load_faces(data, configs[0].size, classes, on_error, crop)
    faces = evaluation.split_dataset(faces, split, seed)
    chosen = options.fold_list(folds, faces.folds.shape[1])
    cells = evaluation.make_cells(configs, chosen, range(seed, seed + seeds), split)
    place = {"jobs": jobs, "ray": ray, "gpus": gpus, "device": device}
    results = evaluation.evaluate(faces, cells, out, keep=keep, **place)
    _write(results, out, record, time.perf_counter() - start)
    click.echo(evaluation.as_text(results))
    click.echo(f"{results[0]['data_label']}; written to {out}")
    if paper:
        _print_against_paper(evaluation.against_paper(evaluation.as_values(results)))


def _check_name(name: str) -> None:
    from fer_lib.cli.reproduce import STUDIES
    from fer_lib.errors import UserError
    from fer_lib.reproduction.blocks import blocks

    if name in (*blocks(), *STUDIES):
        raise UserError(
            f"--record {name}: the name belongs to the recorded study, which fer-lib reproduce {name} writes; choose "
            "another. Nothing was started"
        )


def _write(results, out: Path, record: str | None, seconds: float) -> None:
    from fer_lib import evaluation
    from fer_lib.files import write_json, write_text
    from fer_lib.results import SCHEMA, Entry, machine, write

    values = evaluation.as_values(results)
    command = options.command_line()
    # earlier sittings count too: finished cells were not redone in this one
    seconds = max(seconds, sum(result["wall_seconds"] for result in results))
    summary = {"schema": SCHEMA, "command": command, "machine": machine(), "values": values, "cells": results}
    write_json(out / "results.json", summary)
    write_text(out / "table.txt", evaluation.as_text(results) + "\n")
    if record:
        about = {"data": results[0]["data_label"], "data_hash": results[0]["data_hash"]}
        seeds = sorted({result["seed"] for result in results})
        entry = Entry.record(
            record, command=command, seed=seeds, wall_seconds=round(seconds, 1), values=values, **about
        )
        click.echo(f"recorded in {write(entry)}")


def _print_against_paper(rows) -> None:
    for row in rows or [
        {"claim": "the paper's values are known for CNN+AD only", "paper": "-", "ours": "-", "why": "-"}
    ]:
        click.echo(f"\n{row['claim']}")
        for name in ("paper", "ours", "why"):
            click.echo(f"  {name + ':':<7} {row[name]}")
