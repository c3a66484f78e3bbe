"""`fer-lib data`: list, describe, make, check, and their exit codes."""

from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from fer_lib import cli
from fer_lib.data import DATASETS, FaceDataset, synthetic
from fer_lib.data.export import SequenceRecord, write_ckplus


def run(*arguments):
    return CliRunner().invoke(cli.main, ["data", *map(str, arguments)])


def test_list_names_every_set():
    lines = run("list").output.splitlines()
    assert [line.split()[0] for line in lines] == list(DATASETS)


def exported(folder, subjects=2, size=32):
    """Noise in CK+'s layout, one happy sequence of five frames a subject."""
    frames = np.random.default_rng(0).integers(0, 256, (5, size, size), dtype=np.uint8)
    marks = np.full((5, 68, 2), size / 2)
    people = (f"S{number:03d}" for number in range(1, subjects + 1))
    return write_ckplus([SequenceRecord(who, "001", frames, "happy", {12: "C"}, marks) for who in people], folder)


def test_describe_sets_counts_beside_the_published_ones(tmp_path):
    result = run("describe", "ckplus", "--path", exported(tmp_path / "faces"), "--crop", "none")
    assert result.exit_code == 0, result.output
    header = result.output.splitlines()[0].split()
    assert header == ["item", "found", "published", "sure", "missing"]
    assert "emotion happy" in result.output and "label: synthetic faces" in result.output


def test_describe_takes_the_cures_that_it_names(tmp_path):
    folder = exported(tmp_path / "faces")
    picture = next(folder.rglob("S002_001_00000004.png"))
    picture.write_bytes(b"half a picture")
    arguments = ("describe", "ckplus", "--path", folder, "--crop", "none")
    broken = run(*arguments)
    assert broken.exit_code == 2 and "S002_001_00000004.png" in broken.output and "--on-error skip" in broken.output
    with pytest.warns(UserWarning, match="1 of 2 sequences left out"):
        skipped = run(*arguments, "--on-error", "skip")
    assert skipped.exit_code == 0 and "crop: none" in skipped.output, skipped.output
    Image.fromarray(np.zeros((48, 48), np.uint8)).save(picture)
    assert "frames differ in size" in run(*arguments).output
    assert run(*arguments, "--size", 32).exit_code == 0
    uncut = run(*arguments[:-2])  # cut out, so 96 pixels, not the set's own: the marks of this noise make no face
    assert "landmarks place the chin above the eyes" in uncut.output


def test_describe_reads_a_made_set_at_its_own_size(tmp_path, tiny_faces):
    small = replace(tiny_faces(size=48), provenance={"source": "natural", "label": "synthetic faces"})
    small.save(tmp_path / "natural.npz")
    result = run("describe", "natural", "--path", tmp_path)
    assert result.exit_code == 0 and "source: natural" in result.output, result.output


def test_describe_says_what_is_missing_for_a_gated_set(monkeypatch):
    monkeypatch.delenv("FER_LIB_CKPLUS", raising=False)
    result = run("describe", "ckplus")
    assert result.exit_code == 2 and "Error: ckplus: no path was given and FER_LIB_CKPLUS is not set" in result.output


def test_make_writes_one_file(tmp_path, tiny_faces, monkeypatch):
    asked = []
    monkeypatch.setattr(synthetic, "make", lambda job, processes: asked.append((job, processes)) or tiny_faces())
    result = run("make", "natural", "--out", tmp_path, "--seed", 3, "--difficulty", 2, "--processes", 1)
    assert result.exit_code == 0, result.output
    assert asked == [(synthetic.Job("natural", 3, 2, labelled_only=False), 1)]
    assert result.output == f"wrote {tmp_path / 'natural.npz'}\n"
    assert FaceDataset.load(tmp_path / "natural.npz").data_hash == tiny_faces().data_hash


@pytest.mark.parametrize(
    ("file", "layout"), [("TFD_96x96.mat", ("--layout", "tfd")), ("synthetic-tfd.npz", ())], ids=["layout", "npz"]
)
def test_make_never_replaces_a_file(tmp_path, monkeypatch, file, layout):
    """It may be the real set, which was given to somebody who signed for it."""
    monkeypatch.setattr(synthetic, "make", lambda *_, **__: pytest.fail("rendered for nothing"))
    (tmp_path / file).write_bytes(b"the real one")
    result = run("make", "synthetic-tfd", "--out", tmp_path, *layout)
    assert result.exit_code == 2 and f"{file} is there already; nothing was overwritten" in result.output
    assert (tmp_path / file).read_bytes() == b"the real one"


def test_make_in_a_layout_asks_for_whole_sequences(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(synthetic, "export", lambda job, out, layout, processes: asked.append((job, layout)) or out)
    assert run("make", "synthetic", "--out", tmp_path, "--layout", "ckplus", "--labelled-only").exit_code == 0
    assert asked == [(synthetic.Job("synthetic", every_frame=True), "ckplus")]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("make", "ckplus"), "Error: ckplus is a real set and cannot be made; make one of synthetic"),
        (("make", "nature"), "Error: synthetic set 'nature' is unknown"),
        (("make", "natural", "--layout", "tfd"), "Error: natural is not laid out like TFD; use synthetic-tfd"),
        (("make", "natural", "--layout", "ckplus"), "Error: natural holds stills, not sequences"),
        (("make", "natural", "--labelled-only"), "--labelled-only was given and has no effect on natural"),
        (("make", "natural", "--difficulty", 3), "3 is not in the range 0<=x<=2"),
    ],
)
def test_bad_requests_are_told_and_exit_2(tmp_path, arguments, message):
    result = run(*arguments, "--out", tmp_path / "out")
    assert result.exit_code == 2 and message in result.output, result.output
    assert not (tmp_path / "out").exists()


def test_check_reads_an_exported_folder(tmp_path):
    exported(tmp_path / "whole", subjects=1)
    result = run("check", tmp_path / "whole", "--as", "ckplus")
    assert (result.exit_code, result.output.splitlines()[-1]) == (0, "verdict: complete"), result.output

    next((tmp_path / "whole").rglob("*_00000003.png")).write_bytes(b"half a picture")
    result = run("check", tmp_path / "whole", "--as", "ckplus")
    assert result.exit_code == 1 and "broken: " in result.output and "S001_001_00000003.png" in result.output


def test_check_names_a_wrong_folder_and_a_wrong_kind(tmp_path):
    result = run("check", tmp_path / "nowhere", "--as", "ckplus")
    assert result.exit_code == 1 and "nowhere" in result.output
    result = run("check", tmp_path, "--as", "jaffe")
    assert result.exit_code == 2 and "Error: check as 'jaffe' is unknown; use one of ckplus" in result.output
