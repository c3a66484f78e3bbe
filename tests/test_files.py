import os

import pytest
import torch

from fer_lib.errors import UserError
from fer_lib.files import read_json, read_tensors, write_atomic, write_json, write_tensors, write_text


def test_tensors_come_back_and_others_may_read_them(tmp_path):
    path = tmp_path / "deep" / "weights.safetensors"
    write_tensors(path, {"a": torch.arange(3.0)}, {"note": "x"})
    tensors, metadata = read_tensors(path)
    assert torch.equal(tensors["a"], torch.arange(3.0)) and metadata == {"note": "x"}
    (tmp_path / "plain").touch()
    assert os.stat(path).st_mode == os.stat(tmp_path / "plain").st_mode


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "value.json"
    write_json(path, {"old": 1})

    def full_disk(partial):
        partial.write_text("half")
        raise OSError(28, "No space left on device")

    with pytest.raises(UserError, match=r"value.json.*No space left.*nothing was overwritten"):
        write_atomic(path, full_disk)
    assert read_json(path) == {"old": 1} and list(tmp_path.iterdir()) == [path]


def test_an_interrupted_write_leaves_nothing_behind(tmp_path):
    def interrupted(partial):
        partial.write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_atomic(tmp_path / "value.json", interrupted)
    assert list(tmp_path.iterdir()) == []


def test_what_is_flushed_is_open_for_writing(tmp_path, monkeypatch):
    """Windows demands it; on other systems a write of nothing tells the same."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: os.write(descriptor, b""))
    write_text(tmp_path / "a.txt", "text")
    assert (tmp_path / "a.txt").read_text() == "text"


def test_a_path_that_holds_no_file_is_named(tmp_path):
    (tmp_path / "file").touch()
    for path in (tmp_path, tmp_path / "file" / "x.json"):
        with pytest.raises(UserError, match=rf"{path}: cannot be read \(.*directory"):
            read_json(path)


def test_a_damaged_file_is_named(tmp_path):
    for name, read in (("x.json", read_json), ("x.safetensors", read_tensors)):
        with pytest.raises(UserError, match=f"{name}: no such file"):
            read(tmp_path / name)
        (tmp_path / name).write_text("{half")
        with pytest.raises(UserError, match=name):
            read(tmp_path / name)
