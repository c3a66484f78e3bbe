import shutil

import pytest
from click.testing import CliRunner

import fer_lib.data
from fer_lib.cli import main
from fer_lib.cli.interpret import _controls
from fer_lib.training import TrainConfig, fit, load_run

from . import made_up

SMALL = ["--permutations", "60", "--draws", "0", "--random-sets", "5", "--untrained", "0", "--sheets", "1"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    config = TrainConfig.make(preset="quick", variant="plain", steps=2, checkpoint_every=1, batch_size=8)
    fit(made_up.sequences(), config, folder, device="cpu", progress=False)
    return folder


@pytest.fixture
def command(monkeypatch):
    asked = []

    def load(name, path=None, *, size, **options):
        asked.append((name, path, size))
        return made_up.sequences() if name == "ckplus" else made_up.probe(name)

    monkeypatch.setattr(fer_lib.data, "load_dataset", load)

    def run(*arguments):
        return CliRunner().invoke(main, ["interpret", *map(str, arguments)]), asked

    return run


def test_a_run_and_a_data_set_become_a_report(command, trained, tmp_path):
    arguments = (trained, "--data", "ckplus", "--path", tmp_path, "--out", tmp_path / "out", "--no-faces", *SMALL)
    result, asked = command(*arguments)
    assert result.exit_code == 0, result.output
    assert (tmp_path / "out" / "report.html").stat().st_size > 1e6 and "report.html" in result.output
    assert asked[0] == ("ckplus", tmp_path, 48)
    assert {name for name, *_ in asked[1:]} == {"do-pairs", "factorial", "ladders"}
    before = len(asked)
    result, asked = command(*arguments)
    assert result.exit_code == 0 and [name for name, *_ in asked[before:]] == ["ckplus"]  # the rest is read


def test_what_the_user_can_mend_is_said_plainly(command, trained, tmp_path):
    for arguments, message in (
        ((trained, "--out", tmp_path, "--fold", 0), "belong together"),
        (("runs/no-such-net", "--out", tmp_path), "'runs/no-such-net': no such folder, and no shipped weights"),
        ((trained, "--out", tmp_path, "--step", 9), "no checkpoint at step 9"),
        (("synthetic-48", "--out", tmp_path, "--step", 9), "step 9 of synthetic-48: shipped weights have no"),
        ((trained, "--out", tmp_path, "--permutations", 0), "'--permutations': 0"),
        ((trained, "--out", tmp_path, "--draws", -1), "'--draws': -1"),
        ((trained, "--out", tmp_path, "--random-sets", 0), "'--random-sets': 0"),
        ((trained, "--out", tmp_path, "--untrained", -1), "'--untrained': -1"),
        ((trained, "--out", tmp_path, "--sheets", -1), "'--sheets': -1"),
        ((trained, "--out", tmp_path, "--seed", -1), "'--seed': -1"),
        ((trained, "--out", tmp_path, "--fold", -1, "--part", "test"), "'--fold': -1"),
    ):
        result, _ = command(*arguments)
        assert result.exit_code == 2 and message in result.output and "Traceback" not in result.output


def test_a_control_may_lie_in_a_folder_with_an_equals_sign(trained, tmp_path):
    folder = tmp_path / "but-min_max=False-AD"
    shutil.copytree(trained, folder)
    size = load_run(trained)[0].size
    assert list(_controls((str(folder),), size)) == [folder.name]
    assert list(_controls((f"twin={folder}",), size)) == ["twin"]


def test_two_controls_of_one_name_are_refused(command, trained, tmp_path):
    for folder in ("one", "other"):
        shutil.copytree(trained, tmp_path / folder / "AD")
    one, other, out = tmp_path / "one" / "AD", tmp_path / "other" / "AD", tmp_path / "out"
    for controls, name in (((one, other), "AD"), ((f"x={one}", f"x={other}"), "x"), ((f"trained={one}",), "trained")):
        chosen = [part for control in controls for part in ("--control", control)]
        result, _ = command(trained, "--out", out, *chosen)
        assert result.exit_code == 2 and f"{name!r} is another network's name" in result.output
        assert not out.exists()
