import shutil
from pathlib import Path

import numpy as np
import pytest

from fer_lib import facs
from fer_lib.data import load_dataset
from fer_lib.data.export import SequenceRecord, write_ckplus
from fer_lib.errors import UserError

from .conftest import drawn_face


def record(subject="S001", number="001", emotion="happy", aus=None, frames=6, landmarks=True):
    aus = {6: "B", 12: "E", 25: ""} if aus is None else aus
    pictures = np.stack([drawn_face(int(subject[1:]) * 100 + frame) for frame in range(frames)])
    points = np.random.default_rng(0).uniform(0, 96, (frames, 68, 2)) if landmarks else None
    return SequenceRecord(subject, number, pictures, emotion, aus, points)


def test_round_trip(tmp_path):
    records = [record(), record("S002", "003", None, {4: "A"}, frames=4, landmarks=False)]
    folder = write_ckplus(iter(records), tmp_path / "out")
    assert (folder / "cohn-kanade-images/S001/001/S001_001_00000006.png").is_file()
    assert (folder / "Emotion/S001/001/S001_001_00000006_emotion.txt").read_text() == "   5.0000000e+00\n"
    rows = (folder / "FACS/S001/001/S001_001_00000006_facs.txt").read_text().splitlines()
    expected = [
        "   6.0000000e+00   2.0000000e+00",
        "   1.2000000e+01   5.0000000e+00",
        "   2.5000000e+01   0.0000000e+00",
    ]
    assert rows == expected
    marks = np.loadtxt(folder / "Landmarks/S001/001/S001_001_00000004_landmarks.txt")
    assert np.allclose(marks, records[0].landmarks[3], rtol=1e-7)
    assert len(list((folder / "Landmarks").rglob("*.txt"))) == 6

    dataset = load_dataset("ckplus", folder, crop="none", labelled_only=False)
    assert np.array_equal(dataset.images[:4, 0], records[0].frames[[0, 3, 4, 5]])
    assert np.array_equal(dataset.images[4:, 0], records[1].frames)
    assert [int(code) for code in dataset.emotion] == [0, 5, 5, 5, -1, -1, -1, -1]
    present = {facs.AUS[c]: float(dataset.au_intensity[1, c]) for c in np.flatnonzero(dataset.au_presence[1] == 1)}
    assert present == pytest.approx({6: 0.4, 12: 1.0, 25: float("nan")}, nan_ok=True)
    for path in (folder, Path(shutil.make_archive(str(tmp_path / "zipped"), "zip", folder))):
        read = load_dataset("ckplus", path, crop="none")
        assert read.provenance["synthetic"] is True and read.provenance["label"] == "synthetic faces"
        assert read.name == "synthetic-ckplus"  # a result of training on it is no result on CK+
    (folder / "fer-lib-provenance.json").write_text("{half")
    with pytest.raises(UserError, match="fer-lib-provenance.json: not JSON .*export the set again"):
        load_dataset("ckplus", folder, crop="none")


def test_nothing_is_left_when_a_record_fails(tmp_path):
    def records():
        yield record()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_ckplus(records(), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_use_or_a_file_in_the_way_is_refused(tmp_path):
    write_ckplus([record()], tmp_path / "out")
    with pytest.raises(UserError, match="out exists already and is not an empty folder; name a new folder"):
        write_ckplus([record()], tmp_path / "out")
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match="could not be written .* choose another folder"):
        write_ckplus([record()], tmp_path / "file" / "out")


def test_a_full_disk_is_named_and_leaves_nothing(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("fer_lib.data.export._write_png", full)
    with pytest.raises(UserError, match="out: could not be written .*No space left.* free some"):
        write_ckplus([record()], tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_sequence_twice_is_refused(tmp_path):
    with pytest.raises(UserError, match="S001_001 comes twice"):
        write_ckplus([record(), record()], tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"subject": "P1"}, "sequence P1_001: CK. names subjects S001"),
        ({"subject": "S05", "number": "0001"}, "sequence S05_0001: CK. names"),
        ({"number": "00²"}, "sequence S001_00²: CK. names"),
        ({"number": "000"}, "sequence S001_000: CK. names"),
        ({"emotion": "joy"}, "S001_001: emotion 'joy' is unknown"),
        ({"aus": {}}, "S001_001: no AU at the apex"),
    ],
)
def test_records_are_checked(change, message):
    with pytest.raises(UserError, match=message):
        record(**change)


def test_record_shapes_are_checked():
    good = record()
    with pytest.raises(UserError, match=r"landmarks have shape \(5, 68, 2\); expected \(6, 68, 2\)"):
        SequenceRecord("S001", "001", good.frames, None, None, good.landmarks[:5])
    with pytest.raises(UserError, match="frames are float64"):
        SequenceRecord("S001", "001", good.frames / 255, None, None)


@pytest.mark.parametrize(("aus", "message"), [({3: "A"}, "AU 3: not in FACS"), ({12: "F"}, "intensity 'F' is unknown")])
def test_bad_aus_are_named(tmp_path, aus, message):
    with pytest.raises(UserError, match=message):
        write_ckplus([record(aus=aus)], tmp_path / "out")
