"""Sets made once: by one process, whole or not at all, resumed after a kill, checked by hash."""

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from fer_lib.data.cache import VARIABLE, cache_folder, cached
from fer_lib.errors import UserError

LOAD = "from fer_lib.data.synthetic import Job, make; print(make({job}, processes=2, progress=False).data_hash)"
JOB = 'Job("natural", renderer="fake_faces:noting", size=8)'
PARTS = 24  # of 48 pictures


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setenv("FAKE_FACES_NOTES", str(tmp_path / "notes"))
    return tmp_path / "cache"


def start(**options) -> subprocess.Popen:
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([*sys.path, str(Path(__file__).parent)]),
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-c", LOAD.format(job=JOB)]
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )


def wait_until(condition, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def test_variable_moves_the_folder(monkeypatch, tmp_path):
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv(VARIABLE)
    assert cache_folder().name == "fer-lib"


def test_made_once_then_read(cache, small):
    calls = []

    def make(parts):
        calls.append(parts)
        return small

    first, second = cached("small", make), cached("small", make)
    assert len(calls) == 1 and first.data_hash == second.data_hash == small.data_hash
    assert not calls[0].exists()  # unfinished work is cleared away


def test_a_failure_keeps_the_parts_and_no_set(cache, small):
    def fail(parts):
        (parts / "one").write_text("done")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cached("small", fail)
    assert not (cache / "small.npz").exists()

    def go_on(parts):
        assert (parts / "one").read_text() == "done"
        return small

    assert len(cached("small", go_on)) == len(small)


def test_a_killed_process_is_resumed_and_two_at_once_give_one_result(cache, tmp_path):
    first = start()
    wait_until(lambda: len(list(cache.glob("*.parts/part-*.npz"))) >= 4)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    notes = tmp_path / "notes"

    def quiet() -> bool:  # orphaned workers end at their next part
        before = notes.read_text()
        time.sleep(0.5)
        return notes.read_text() == before

    wait_until(quiet)
    finished, asked = len(list(cache.glob("*.parts/part-*.npz"))), len(notes.read_text().splitlines())
    assert 4 <= finished < PARTS and not list(cache.glob("*.npz"))

    both = [start(), start()]
    results = [process.communicate() for process in both]
    assert [process.returncode for process in both] == [0, 0], results
    hashes = {out.strip() for out, _ in results}
    assert len(hashes) == 1
    assert len(notes.read_text().splitlines()) - asked == PARTS - finished  # nothing twice, nothing left out
    assert sum("waiting for it" in error for _, error in results) <= 1
    assert len(list(cache.glob("*.npz"))) == 1 and not list(cache.glob("*.parts"))


def test_a_changed_or_cut_file_is_named_with_its_cure(cache, small):
    cached("small", lambda parts: small)
    path = cache / "small.npz"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match=r"small\.npz: not a readable data set .* delete it and make"):
        cached("small", lambda parts: small)
    _tamper(path, whole)
    with pytest.raises(UserError, match=r"small\.npz: content hashes to .* changed after it was made; delete it"):
        cached("small", lambda parts: small)


def _tamper(path: Path, whole: bytes) -> None:
    path.write_bytes(whole)
    with np.load(path) as stored:
        arrays = {name: stored[name].copy() for name in stored.files}
    arrays["images"][0, 0, 0, 0] ^= 1
    np.savez_compressed(path, **arrays)


def test_a_folder_that_cannot_be_written_is_named_with_the_cure(tmp_path, monkeypatch, small):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "file" / "cache"))
    with pytest.raises(UserError, match=r"file/cache.*could not be written.*set FER_LIB_CACHE to a folder"):
        cached("small", lambda parts: small)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_named_with_the_cure(cache, small):
    cache.mkdir(mode=0o500)
    with pytest.raises(UserError, match="could not be written.*set FER_LIB_CACHE"):
        cached("small", lambda parts: small)


def test_a_full_disk_stops_the_workers_and_is_named(cache):
    """A limit on file size is the nearest thing to a full disk that a test may cause."""
    process = start(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000)))
    _, error = process.communicate()
    assert process.returncode != 0
    assert "could not be written" in error and "part-" in error and VARIABLE in error, error
    assert not list(cache.rglob("*.npz")) and not list(cache.rglob("*.partial"))
