import pytest
from click.testing import CliRunner

import fer_lib.data
from fer_lib.cli import main
from fer_lib.training import TrainConfig, fit

from . import made_up

SMALL = ["--permutations", "60", "--draws", "0", "--controls", "5", "--untrained", "0", "--sheets", "1"]


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
        (("no-such-net", "--out", tmp_path), "no-such-net"),
        ((trained, "--out", tmp_path, "--step", 9), "no checkpoint at step 9"),
    ):
        result, _ = command(*arguments)
        assert result.exit_code == 2 and message in result.output and "Traceback" not in result.output
