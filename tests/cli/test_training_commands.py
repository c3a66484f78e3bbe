import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from fer_lib.cli import main
from fer_lib.cli.options import configs, fold_list
from fer_lib.errors import UserError

SMALL = ["--size", "16", "--steps", "4", "--checkpoint-every", "2"]


@pytest.fixture
def run(tiny_faces, monkeypatch, tmp_path):
    """Call `fer-lib` in an empty folder, on the tiny faces."""
    monkeypatch.setattr("fer_lib.data.load_dataset", lambda name, path, size, on_error: tiny_faces(size=size))
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(main, list(arguments))


def test_train(run):
    result = run("train", *SMALL)
    assert result.exit_code == 0, result.output
    (folder,) = Path("runs").iterdir()
    assert folder.name == "tiny-quick-AD-as_released-fold00-seed0"
    written = json.loads((folder / "results.json").read_text())
    assert written["schema"] == 1 and [row["step"] for row in written["checkpoints"]] == [2, 4]
    assert "<- " in result.output and "tiny faces" in result.output
    again = run("train", *SMALL)
    assert again.exit_code == 2 and "--resume" in again.output
    assert run("train", *SMALL, "--resume").exit_code == 0


def test_train_says_when_every_picture_gets_one_answer(run, monkeypatch):
    from fer_lib.training.config import TrainConfig

    plain = ["train", *SMALL, "--variant", "plain"]
    assert "every test picture" not in run(*plain, "--steps", "60", "--out", "good").output
    made = TrainConfig.model

    def silent(self, classes):
        model = made(self, classes)
        model.fc4.bias.data.fill_(-1e6)
        return model

    monkeypatch.setattr(TrainConfig, "model", silent)
    result = run(*plain, "--out", "bad")
    assert result.exit_code == 0, result.output
    assert "every test picture gets the same answer, " in result.output
    assert "in the last network 0% of fc4's units answer to any training picture" in result.output


def test_train_all_variants_of_the_twin(run):
    result = run("train", *SMALL, "--variant", "all", "--recipe", "as-described", "--biases", "--out", "here")
    assert result.exit_code == 0, result.output
    cards = {path.parent.name: json.loads(path.read_text()) for path in Path("here").glob("*/run.json")}
    assert set(cards) == {"plain", "D", "A", "AD"}
    assert all(card["recipe"] == "as_described" and "biases" in card["architecture"] for card in cards.values())


def test_evaluate(run):
    result = run("evaluate", *SMALL, "--folds", "0-1", "--seeds", "2", "--paper", "--variant", "plain")
    assert result.exit_code == 0, result.output
    written = json.loads(Path("runs/evaluate/results.json").read_text())
    assert written["schema"] == 1 and len(written["cells"]) == 4
    values = written["values"]["tiny/4/as_released/plain"]
    assert values["folds"] == values["seeds"] == 2
    assert "checkpoint chosen on validation (honest)" in Path("runs/evaluate/table.txt").read_text()
    assert "known for CNN+AD only" in result.output


@pytest.mark.parametrize("command", ["train", "evaluate"])
def test_how_to_read_the_data_is_passed_on(run, monkeypatch, tiny_faces, command):
    asked = {}

    def load(name, path, **options):
        asked.update(options, name=name, path=path)
        return tiny_faces(size=options["size"])

    monkeypatch.setattr("fer_lib.data.load_dataset", load)
    run(command, "--data", "ckplus:faces", "--crop", "released", "--on-error", "skip", "--device", "cuda:99")
    assert asked == {"name": "ckplus", "path": Path("faces"), "size": 48, "on_error": "skip", "crop": "released"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "--fold", "7"], "fold 7 is out of range; tiny has folds 0 to 3"),
        (["train", "--classes", "8"], "--classes 8"),
        (["train", "--device", "cuda:99"], "CUDA devices"),
        (["train", "--size", "20"], "multiple of 8"),
        (["evaluate", "--folds", "2-9"], "folds 0 to 3"),
        (["evaluate", "--record", "biases"], "the name belongs to the recorded study, which fer-lib reproduce biases"),
        (["evaluate", "--gpus", "2"], "--gpus was given and has no effect without --ray; leave it out"),
        (["evaluate", "--ray", "local", "--jobs", "1"], "--jobs was given and has no effect on a Ray cluster (--ray)"),
        (["ledger", "show", "no-run.x"], "no such ledger entry"),
        (
            ["train", "--data", "synthetic:face5"],
            "--data synthetic:face5: there is no face5; expected a made set's .npz",
        ),
        (["train", "--variant", "B"], "'plain', 'D', 'A', 'AD', 'all'"),
    ],
)
def test_bad_options(run, arguments, message):
    result = run(*arguments)
    assert result.exit_code == 2 and message in result.output
    assert "Traceback" not in result.output and not Path("runs").exists()


def test_a_made_set_is_read_from_where_it_lies(run, monkeypatch, tiny_faces, tmp_path):
    asked = []
    monkeypatch.setattr(
        "fer_lib.data.load_dataset", lambda name, path, size, on_error: asked.append(path) or tiny_faces(size=size)
    )
    (tmp_path / "faces5").mkdir()
    run("train", "--data", "synthetic:faces5", "--device", "cuda:99")
    run("train", "--data", "tfd:nowhere", "--device", "cuda:99")  # the set's own loader says what is missing
    assert asked == [Path("faces5"), Path("nowhere")]


def test_unknown_data():
    result = CliRunner().invoke(main, ["train", "--data", "faces"])
    assert result.exit_code == 2 and "ckplus" in result.output


def test_fold_lists():
    assert fold_list("all", 3) == [0, 1, 2]
    assert fold_list("0,2-4", 10) == [0, 2, 3, 4]
    with pytest.raises(UserError, match="'0-2-5' is not readable"):
        fold_list("0-2-5", 10)
    for bad in ("x", "", "5", "3-1"):
        with pytest.raises(UserError, match="--folds"):
            fold_list(bad, 5)


def test_all_stands_for_every_one():
    made = configs(("all",), ("all",), "quick")
    assert len({(config.recipe, config.variant) for config in made}) == 8


def test_ledger_commands():
    assert CliRunner().invoke(main, ["ledger", "verify"]).exit_code == 0
    assert CliRunner().invoke(main, ["ledger", "list"]).exit_code == 0


def test_ledger_verify_fails_on_a_bad_entry(tmp_path):
    (tmp_path / "x.json").write_text("[]")
    result = CliRunner().invoke(main, ["ledger", "--ledger", str(tmp_path), "verify"])
    assert result.exit_code == 2 and "x.json: holds a list" in result.output
