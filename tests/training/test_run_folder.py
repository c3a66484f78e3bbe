"""What a run's folder survives, and what it refuses."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
import torch
from safetensors.torch import load_file, save_file

from fer_lib.errors import UserError
from fer_lib.training import TrainConfig, fit, load_run

RUN = {"size": 16, "steps": 40, "batch_size": 8, "checkpoint_every": 5}
PROGRAM = """
import sys, torch
from fer_lib.data.dataset import FaceDataset
from fer_lib.training import TrainConfig, fit
torch.set_num_threads(1)
config = TrainConfig.make(variant="AD", preset="quick", **{run})
fit(FaceDataset.load(sys.argv[1]), config, sys.argv[2], resume=True, progress=False)
"""


def config(**fields) -> TrainConfig:
    return TrainConfig.make(variant="AD", preset="quick", **(RUN | {"steps": 10} | fields))


@pytest.fixture(scope="module")
def faces(tiny_faces):
    return tiny_faces()


@pytest.fixture
def run(faces, tmp_path):
    folder = tmp_path / "run"
    fit(faces, config(), folder, progress=False)
    return folder


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def saved(faces, tmp_path_factory):
    return faces.save(tmp_path_factory.mktemp("data") / "tiny.npz")


def start(saved, folder) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-c", PROGRAM.format(run=RUN), str(saved), str(folder)])


def kill_after_checkpoint(saved, folder, step: int) -> None:
    process, deadline = start(saved, folder), time.monotonic() + 60
    while not (folder / "checkpoints" / f"step-{step:06d}.safetensors").exists():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


def test_kill_9_and_resume_gives_the_same_bits(saved, tmp_path):
    """Killed twice, once right as a checkpoint appears; the final weights equal those of a run never stopped."""
    whole = start(saved, tmp_path / "whole")
    kill_after_checkpoint(saved, tmp_path / "cut", 10)
    kill_after_checkpoint(saved, tmp_path / "cut", 25)
    assert not (tmp_path / "cut" / "checkpoints" / "step-000040.safetensors").exists()
    assert start(saved, tmp_path / "cut").wait() == 0 and whole.wait() == 0
    for name in ("checkpoints/step-000040.safetensors", "checkpoints/step-000030.safetensors"):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"zero_bias": False}, "architecture"),
        ({"unit_variance": True}, "config.unit_variance"),
        ({"seed": 5}, "config.seed"),
    ],
)
def test_a_folder_serves_one_run(faces, run, change, named):
    before = contents(run)
    with pytest.raises(UserError, match=f"belongs to another run: its {named}"):
        fit(faces, config(**change), run, resume=True, progress=False)
    assert contents(run) == before


def test_a_folder_serves_one_data_set(tiny_faces, run):
    with pytest.raises(UserError, match="its data_hash"):
        fit(tiny_faces(seed=1), config(), run, resume=True, progress=False)


def test_a_begun_run_needs_resume(faces, run):
    with pytest.raises(UserError, match="--resume"):
        fit(faces, config(), run, progress=False)


def test_a_folder_with_other_things_is_refused(faces, tmp_path):
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(UserError, match="thesis.tex"):
        fit(faces, config(), tmp_path, resume=True, progress=False)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_two_processes_do_not_share_a_folder(faces, run):
    from filelock import FileLock

    with FileLock(run / ".lock", thread_local=False), pytest.raises(UserError, match="another process"):
        fit(faces, config(), run, resume=True, progress=False)


def damage_cut(path):
    path.write_bytes(path.read_bytes()[:5000])


def damage_header(path):
    path.write_bytes(b"\xff" * 8 + path.read_bytes()[8:])


def damage_pickle(path):
    torch.save({"model.fc4.weight": torch.zeros(1)}, path)


def damage_missing(path):
    tensors = load_file(path)
    save_file({name: tensor for name, tensor in tensors.items() if "momentum" not in name}, path, metadata_of(path))


def damage_generator(path):
    save_file(load_file(path) | {"generator.batches": torch.zeros(3, dtype=torch.uint8)}, path, metadata_of(path))


def damage_history(path):
    save_file(load_file(path), path, metadata_of(path) | {"history": "__import__('os')"})


def metadata_of(path) -> dict[str, str]:
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        return file.metadata()


@pytest.mark.parametrize(
    "damage", [damage_cut, damage_header, damage_pickle, damage_missing, damage_generator, damage_history]
)
def test_damaged_and_hostile_state_is_refused(faces, run, damage):
    damage(run / "state.safetensors")
    before = contents(run)
    with pytest.raises(UserError, match=r"state\.safetensors"):
        fit(faces, config(), run, resume=True, progress=False)
    assert {p: b for p, b in contents(run).items() if p.name != ".lock"} == {
        p: b for p, b in before.items() if p.name != ".lock"
    }


def test_a_state_of_another_run_is_refused(faces, run, tmp_path):
    fit(faces, config(seed=9), tmp_path / "other", progress=False)
    os.replace(tmp_path / "other" / "state.safetensors", run / "state.safetensors")
    with pytest.raises(UserError, match=r"state\.safetensors: written by another run: its config\.seed is 9"):
        fit(faces, config(), run, resume=True, progress=False)


def test_damaged_card(faces, run):
    (run / "run.json").write_text("{")
    with pytest.raises(UserError, match=r"run\.json.*JSON"):
        fit(faces, config(), run, resume=True, progress=False)


@pytest.mark.parametrize(
    ("card", "message"),
    [
        ("[]", r"run\.json: holds a list; expected the card of a run"),
        ('{"config": {"steps": 0}, "emotions": []}', r"run\.json: not the card of a run \(steps is 0; expected"),
        ('{"config": {"strides": 2}, "emotions": []}', r"run\.json: not the card of a run \(TypeError.*strides"),
    ],
)
def test_a_card_of_something_else_is_named(faces, run, card, message):
    (run / "run.json").write_text(card)
    with pytest.raises(UserError, match=message):
        load_run(run)
    with pytest.raises(UserError, match=r"run\.json: holds a list|belongs to another run"):
        fit(faces, config(), run, resume=True, progress=False)


def test_a_file_is_no_run(faces, tmp_path):
    file = tmp_path / "file.txt"
    file.write_text("x")
    for use in (lambda: load_run(file), lambda: fit(faces, config(), file, progress=False)):
        with pytest.raises(UserError, match=r"file\.txt: is a file; expected the folder of a run"):
            use()
    assert file.read_text() == "x"


FULL = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))
from fer_lib.errors import UserError
try:
    {program}
except UserError as error:
    print(error)
"""


def test_full_disk_is_a_clear_error(saved, tmp_path):
    """A limit on file size stands in for the full disk: the write fails inside safetensors, half-way."""
    program = PROGRAM.format(run=RUN).strip().replace("\n", "\n    ")
    result = subprocess.run(
        [sys.executable, "-c", FULL.format(program=program), str(saved), str(tmp_path / "run")],
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    assert "could not be written" in result.stdout and "free space" in result.stdout
    assert sorted(path.name for path in (tmp_path / "run").rglob("*") if path.is_file()) == [".lock", "run.json"]
    assert json.loads((tmp_path / "run" / "run.json").read_text())["schema"] == 1
