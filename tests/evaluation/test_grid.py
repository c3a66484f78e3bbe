import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from fer_lib.errors import UserError
from fer_lib.evaluation import Cell, evaluate, make_cells, run_cell, split_dataset
from fer_lib.evaluation.cell import select
from fer_lib.training import TrainConfig


def config(**fields) -> TrainConfig:
    defaults = {"size": 16, "steps": 20, "batch_size": 16, "checkpoint_every": 5, "learning_rate": 0.01, "warmup": 0}
    return TrainConfig.make("as_described", "plain", "quick", **(defaults | fields))


@pytest.fixture(scope="module")
def faces(tiny_faces):
    return tiny_faces()


@pytest.fixture(scope="module")
def finished(faces, tmp_path_factory):
    out = tmp_path_factory.mktemp("grid")
    cells = make_cells([config()], folds=[0, 1], seeds=[0])
    return out, cells, evaluate(faces, cells, out, progress=False)


def comparable(result):
    return {name: value for name, value in result.items() if name not in ("wall_seconds", "machine")}


def test_each_checkpoint_is_scored(finished, faces):
    _, cells, results = finished
    assert [result["fold"] for result in results] == [0, 1]
    for cell, result in zip(cells, results, strict=True):
        assert [row["step"] for row in result["checkpoints"]] == [5, 10, 15, 20]
        test = faces.split(cell.fold)[2]
        for chosen in result["selected"].values():
            assert np.sum(chosen["confusion"]) == len(test)
            assert sum(bin["count"] for bin in chosen["reliability"]) == len(test)
        right = np.trace(result["selected"]["last"]["confusion"]) / len(test)
        assert right == pytest.approx(result["checkpoints"][-1]["test"]["image"])


def test_selections_by_hand():
    scored = [
        {"step": 5, "validation": {"image": 0.5}, "test": {"image": 0.9}},
        {"step": 10, "validation": {"image": 0.8}, "test": {"image": 0.6}},
        {"step": 15, "validation": {"image": 0.8}, "test": {"image": 0.7}},
    ]
    assert [select(scored, name) for name in ("validation", "test", "last")] == [10, 5, 15]


def test_choosing_on_test_is_never_worse_on_test(finished):
    for result in finished[2]:
        test = {row["step"]: row["test"]["image"] for row in result["checkpoints"]}
        picked = {name: test[chosen["step"]] for name, chosen in result["selected"].items()}
        assert picked["test"] == max(test.values()) >= picked["validation"]


def test_finished_cells_are_not_redone(finished, faces, monkeypatch):
    out, cells, results = finished
    monkeypatch.setattr("fer_lib.evaluation.cell.fit", lambda *a, **k: pytest.fail("trained again"))
    assert evaluate(faces, cells, out, progress=False) == results
    assert not list((out / "runs").iterdir())


def test_results_are_plain_json(finished):
    out, cells, results = finished
    assert json.loads((out / "cells" / f"{cells[0].key}.json").read_text()) == results[0]


def test_a_result_of_another_run_is_refused(finished, faces):
    out, cells, _ = finished
    before = {path: path.read_bytes() for path in (out / "cells").iterdir()}
    with pytest.raises(UserError, match="result of another run"):
        run_cell(Cell(config(steps=21), 0), faces, out)
    assert {path: path.read_bytes() for path in (out / "cells").iterdir()} == before


def test_processes_give_the_same_cells(finished, faces, tmp_path):
    _, cells, results = finished
    parallel = evaluate(faces, cells, tmp_path, jobs=2, progress=False)
    for one, other in zip(results, parallel, strict=True):
        assert one["identity"] == other["identity"]
        # threads differ between the two, so sums may round differently: equal accuracy, not equal bits
        assert one["checkpoints"][-1]["test"]["image"] == pytest.approx(
            other["checkpoints"][-1]["test"]["image"], abs=0.1
        )


def test_keep_leaves_the_checkpoints(faces, tmp_path):
    cell = Cell(config(steps=5), 0)
    run_cell(cell, faces, tmp_path, keep=True)
    assert (tmp_path / "runs" / cell.key / "checkpoints" / "step-000005.safetensors").is_file()


def test_no_validation_fold_leaves_two_selections(faces, tmp_path):
    folds = np.where(faces.folds == 2, 1, faces.folds)
    result = run_cell(Cell(config(steps=5), 0), faces.with_folds(folds), tmp_path)
    assert list(result["selected"]) == ["test", "last"]


def test_shared_subjects_are_refused_and_the_leak_lab_allows_them(faces, tmp_path):
    leaky = split_dataset(faces, "image", seed=0, folds=4)
    for split in ("folds", "subject"):
        with pytest.raises(UserError, match="subject S0.. is in training and in test"):
            evaluate(leaky, [Cell(config(steps=5), 0, split)], tmp_path)
    assert evaluate(leaky, [Cell(config(steps=5), 0, "image")], tmp_path, progress=False)[0]["split"] == "image"
    assert not {*leaky.select(leaky.folds[:, 0] == 3).subject}.isdisjoint(leaky.select(leaky.folds[:, 0] == 1).subject)
    apart = split_dataset(faces, "subject", seed=1, folds=4)
    assert {*apart.select(apart.folds[:, 0] == 3).subject}.isdisjoint(apart.select(apart.folds[:, 0] == 1).subject)


@pytest.mark.parametrize(
    ("cell", "message"),
    [(Cell(config(), 4), "fold 4 is out of range.*0 to 3"), (Cell(config(), -1), "fold -1 is out of range")],
)
def test_bad_folds(faces, tmp_path, cell, message):
    with pytest.raises(UserError, match=message):
        evaluate(faces, [cell], tmp_path)
    assert not list(tmp_path.iterdir())


def test_empty_fold(faces, tmp_path):
    with pytest.raises(UserError, match="no test images"):
        evaluate(faces.with_folds(np.ones_like(faces.folds)), [Cell(config(), 0)], tmp_path)


def test_cells_that_cannot_run_stop_all_before_any_is_started(faces, tmp_path, monkeypatch):
    monkeypatch.setattr("fer_lib.evaluation.grid.run_cell", lambda *_, **__: pytest.fail("started"))
    good = Cell(config(), 0)
    with pytest.raises(UserError, match=r"images are 16x16 px, the run's size is 48"):
        evaluate(faces, [good, Cell(config(size=48), 1)], tmp_path)
    folds = faces.folds.copy()
    folds[faces.emotion == 2, 1] = 3
    with pytest.raises(UserError, match="no training image shows surprise"):
        evaluate(faces.with_folds(folds), [Cell(config(), 0, "image"), Cell(config(), 1, "image")], tmp_path)
    with pytest.raises(UserError, match=f"{good.key}: two cells of this name, with steps 20 and 30; .* folders"):
        evaluate(faces, [good, Cell(config(steps=30), 0)], tmp_path)
    assert not list(tmp_path.iterdir())


def test_bad_split(faces):
    with pytest.raises(UserError, match="folds, subject, sequence, image"):
        make_cells([config()], [0], [0], split="frame")


def holder(lock: Path) -> int | None:
    """Process id of whoever holds the run's lock file open (Linux)."""
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if link.readlink() == lock:
                return int(link.parts[2])
        except OSError:
            continue  # the process has gone, or is not ours to look at
    return None


UNENDING = """
import sys
from pathlib import Path
from fer_lib.data import load_dataset
from fer_lib.evaluation import Cell, evaluate
from fer_lib.training import TrainConfig
if __name__ == "__main__":
    config = TrainConfig.make("as_described", "plain", "quick", size=16, steps=10**6, checkpoint_every=10**6)
    evaluate(load_dataset("synthetic", size=16), [Cell(config, 0), Cell(config, 1)], Path(sys.argv[1]), jobs=2)
"""


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="finds the workers through /proc")
def test_a_killed_command_leaves_no_worker_training(tmp_path):
    script = tmp_path / "unending.py"
    script.write_text(UNENDING)
    with subprocess.Popen([sys.executable, script, tmp_path]) as command:
        try:
            wait_for(lambda: len(list(tmp_path.glob("runs/*/.lock"))) == 2)
            workers = [holder(lock) for lock in tmp_path.glob("runs/*/.lock")]
            assert all(workers)
            assert command.pid not in workers
        finally:
            command.kill()
    wait_for(lambda: not any(Path(f"/proc/{worker}").exists() for worker in workers))


def wait_for(happened: Callable[[], bool], seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)


def test_a_cluster_that_does_not_answer_is_named(faces, tmp_path):
    pytest.importorskip("ray")
    with pytest.raises(UserError, match="--ray auto: no cluster answers.*ray start --head"):
        evaluate(faces, [Cell(config(), 0)], tmp_path, ray="auto", progress=False)


def test_a_run_that_lost_a_checkpoint_is_not_scored(faces, tmp_path):
    cell = Cell(config(), 0)
    evaluate(faces, [cell], tmp_path, keep=True, progress=False)
    (tmp_path / "cells" / f"{cell.key}.json").unlink()
    next((tmp_path / "runs" / cell.key / "checkpoints").iterdir()).unlink()
    with pytest.raises(UserError, match=f"{cell.key}: no checkpoint at step .*delete the folder and train it again"):
        evaluate(faces, [cell], tmp_path, keep=True, progress=False)


def start_cluster(ray, tries=3):
    """A local cluster of one worker. Ray gives a node 30 s to start, which a busy machine may not keep."""
    for left in reversed(range(tries)):
        try:
            return ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False)
        except Exception as error:
            ray.shutdown()
            if "timed out during startup" not in str(error) or not left:
                raise


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="finds the worker through /proc")
def test_ray_retries_a_killed_worker_from_its_checkpoint(faces, tmp_path):
    """A worker of a local cluster is killed with SIGKILL in mid-run; the grid ends as if nothing had happened."""
    ray = pytest.importorskip("ray")
    cell = Cell(config(steps=150, checkpoint_every=10), 0)
    folder = tmp_path / "runs" / cell.key
    first, second = (folder / "checkpoints" / f"step-0000{step}.safetensors" for step in (10, 20))
    start_cluster(ray)
    try:
        with ThreadPoolExecutor(1) as thread:
            task = thread.submit(evaluate, faces, [cell], tmp_path, ray="auto", keep=True, progress=False)
            while not second.exists():  # by then the state of step 10 is on disk too
                assert not task.done(), task.result()
                time.sleep(0.01)
            worker, written = holder(folder / ".lock"), first.stat().st_mtime_ns
            os.kill(worker, signal.SIGKILL)
            (result,) = task.result(timeout=90)
    finally:
        ray.shutdown()
    assert worker != os.getpid()
    assert first.stat().st_mtime_ns == written  # the retry went on from there; it did not start again
    assert [row["step"] for row in result["checkpoints"]] == list(range(10, 151, 10))
