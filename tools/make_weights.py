"""Train and write the shipped weights: fer_lib/weights/NAME.safetensors (float16) and its card, NAME.json.

    python tools/make_weights.py synthetic-48
    python tools/make_weights.py synthetic-96 --size 96 --steps 3000 --checkpoint-every 250

The checkpoint is the one with the best accuracy on the validation fold. The card's accuracies are those of the
float16 weights, as `load_pretrained` gives them. Stopped half-way, the same command goes on from runs/weights/NAME.
"""

import hashlib
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from fer_lib.cli import options
from fer_lib.data.dataset import FaceDataset
from fer_lib.evaluation import Cell, predict, score_checkpoints
from fer_lib.evaluation.cell import describe, parts
from fer_lib.evaluation.metrics import score
from fer_lib.files import read_json, write_json, write_tensors
from fer_lib.model import WEIGHTS_FOLDER, ZeroBiasCNN, load_pretrained
from fer_lib.results import commit, machine
from fer_lib.training import TrainConfig, fit, load_run


@click.command(context_settings={"show_default": True})
@click.argument("name")
@options.shared
@click.option("--variant", type=click.Choice(options.VARIANTS), default="AD")
@click.option("--recipe", type=click.Choice(options.RECIPES), default="as-released")
@click.option("--biases", is_flag=True, help="The twin whose convolutions have biases.")
@click.option("--fold", type=click.IntRange(0), default=0)
@click.option("--seed", type=click.IntRange(0), default=0)
def main(name, data, classes, preset, steps, size, checkpoint_every, precision, device, variant, recipe, biases, fold,
         seed) -> None:  # fmt: skip
    """Train NAME and write it into the package."""
    fields = {"steps": steps, "size": size, "checkpoint_every": checkpoint_every, "precision": precision}
    config = TrainConfig.make(recipe, variant, preset, seed=seed, zero_bias=not biases, **fields)
    faces = options.load_faces(data, config.size, classes)
    cell, folder, start = Cell(config, fold), Path("runs") / "weights" / name, time.perf_counter()
    training, validation, test = parts(faces, cell)
    fit(training, config, folder, device=device, resume=True)
    step = score_checkpoints(folder, validation, test, device)["selected"]["validation"]["step"]
    model = load_run(folder, step)[0]
    about = describe(cell, faces, training, test) | {"step": step, "seconds": round(time.perf_counter() - start)}
    card = write_weights(name, model, config, about, validation, test)
    click.echo(f"{name}: step {step}, test {card['accuracy']['test']['image']:.1%}; {card['weights_bytes']} bytes")


def write_weights(
    name: str, model: ZeroBiasCNN, config: TrainConfig, about: dict, validation: FaceDataset, test: FaceDataset
) -> dict:
    """Write weights, and a card with what the float16 weights reach when they are read back; returns the card.

    Both are made beside those of the package, which they replace together: weights without their card are refused.
    """
    with TemporaryDirectory(prefix=".", dir=WEIGHTS_FOLDER) as made:
        path = Path(made) / f"{name}.safetensors"
        write_tensors(path, {key: tensor.half() for key, tensor in model.state_dict().items()})
        content = path.read_bytes()
        card = {"name": name, **about, "size": config.size, "config": config.as_dict(), "command": command()}
        card |= {"weights_sha256": hashlib.sha256(content).hexdigest(), "weights_bytes": len(content)}
        card |= {"commit": commit(), "machine": machine()}
        write_json(path.with_suffix(".json"), card)
        shipped, _ = load_pretrained(name, path.parent)
        parts = {"validation": validation, "test": test}
        accuracy = {part: score(predict(shipped, config, f), f.emotion, f.sequence) for part, f in parts.items()}
        write_json(path.with_suffix(".json"), card | {"accuracy": accuracy})
        for file in (path, path.with_suffix(".json")):
            file.replace(WEIGHTS_FOLDER / file.name)
    return read_json(WEIGHTS_FOLDER / f"{name}.json")


def command() -> str:
    """The command as typed, from the repository's root."""
    return options.command_line().replace("fer-lib", "python tools/make_weights.py", 1)


if __name__ == "__main__":
    main()
