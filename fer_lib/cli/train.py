"""`fer-lib train`: one network, or the four variants, on one fold."""

import time
from pathlib import Path

import click

from fer_lib.cli import options


@click.command(context_settings={"show_default": True})
@options.shared
@click.option(
    "--variant", type=click.Choice([*options.VARIANTS, "all"]), default="AD", help="D: dropout, A: augmentation."
)
@click.option(
    "--recipe", type=click.Choice(options.RECIPES), default="as-released", help="The code, or the paper's text."
)
@click.option("--biases", is_flag=True, help="Train the twin whose convolutions have biases.")
@click.option("--fold", type=click.IntRange(0), default=0, help="Test fold; the next one validates.")
@click.option("--seed", type=click.IntRange(0), default=0)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Folder of the run. Default: runs/NAME.")
@click.option("--resume", is_flag=True, help="Go on from the last checkpoint of a run that was stopped.")
@click.option("--compile", "compiled", is_flag=True, help="Run the network through torch.compile.")
def train(data, classes, preset, steps, size, checkpoint_every, precision, device, on_error, crop, variant, recipe,
          biases, fold, seed, out, resume, compiled) -> None:  # fmt: skip
    """Train on the embedded faces, or on yours, and score every checkpoint on the fold's validation and test faces."""
    fields = {"steps": steps, "size": size, "checkpoint_every": checkpoint_every, "precision": precision}
    chosen = options.configs((variant,), (recipe,), preset, seed=seed, zero_bias=not biases, **fields)
    faces = options.load_faces(data, chosen[0].size, classes, on_error, crop)
    for config in chosen:
        name = f"{faces.name}-{preset}-{config.variant}-{config.recipe}-fold{fold:02d}-seed{seed}"
        folder = out or Path("runs") / (name + "-biases" * biases)
        folder = folder / config.variant if out and len(chosen) > 1 else folder
        _train_one(faces, config, fold, folder, device, resume, compiled)


def _train_one(faces, config, fold, folder, device, resume, compiled) -> None:
    from fer_lib.evaluation import Cell, score_checkpoints
    from fer_lib.evaluation.cell import describe, parts
    from fer_lib.files import write_json
    from fer_lib.results import machine
    from fer_lib.training import fit

    cell, start = Cell(config, fold), time.perf_counter()
    training, validation, test = parts(faces, cell)
    result = fit(training, config, folder, device=device, resume=resume, compile=compiled)
    results = describe(cell, faces, training, test) | score_checkpoints(folder, validation, test, device)
    results |= {"identity": result.identity, "machine": machine(), "command": options.command_line()}
    results["wall_seconds"] = round(time.perf_counter() - start, 1)
    write_json(folder / "results.json", results)
    click.echo(_table(results))
    click.echo(_stuck(results, result, training), nl=False)
    click.echo(f"{results['data_label']}; {results['wall_seconds']:.0f} s; written to {folder}")


def _table(results) -> str:
    lines = [f"{'step':>6}  validation  test (images)  test (sequences)"]
    for row in results["checkpoints"]:
        validation = f"{row['validation']['image']:.1%}" if row["validation"] else "-"
        test = row["test"]
        chosen = ", ".join(name for name, pick in results["selected"].items() if pick["step"] == row["step"])
        note = f"  <- {chosen}" if chosen else ""
        lines.append(f"{row['step']:>6}  {validation:>10}  {test['image']:>13.1%}  {test['sequence']:>16.1%}{note}")
    return "\n".join([*lines, f"always the most frequent emotion: {results['majority']:.1%}"])


def _stuck(results, result, training) -> str:
    """A line for a run whose every chosen network gives all test pictures one answer; nothing for any other."""
    import numpy as np
    import torch

    from fer_lib.evaluation.metrics import gives_one_answer
    from fer_lib.training.start import live_units, some_pictures

    tables = [np.array(pick["confusion"]) for pick in results["selected"].values()]
    if (tables[0].sum(axis=1) > 0).sum() < 2 or not all(map(gives_one_answer, tables)):
        return ""
    (given,) = tables[-1].sum(axis=0).nonzero()
    asked = torch.tensor(training.images[some_pictures(len(training))])
    live = live_units(result.model, result.config.prepare(asked))
    return (
        f"every test picture gets the same answer, {results['emotions'][given[0]]}; in the last network {live:.0%} of "
        "fc4's units answer to any training picture (see Troubleshooting: every picture gets the same answer)\n"
    )
