import numpy as np
import pytest

from fer_lib.data.check import check
from fer_lib.data.export import SequenceRecord, write_ckplus, write_tfd
from fer_lib.errors import UserError

from .conftest import drawn_face


def test_part_of_ckplus_is_held_against_the_published_counts(two_sequences):
    report = check(two_sequences.root, "ckplus")
    assert not report.ok and report.exit_code == 1 and not report.broken
    assert {"2 sequences", "10 pictures", "2 subjects", "1 emotion happy", "1 AU 12"} <= set(report.present)
    assert "every landmarks file" in report.missing
    assert "sequences: 2 of 593 published (verified)" in report.missing
    assert "emotion happy: 1 of 69 published (cited)" in report.missing
    assert "AU 12: 1 of 111 published (unverified)" in report.notes
    assert report.text().splitlines()[-1].startswith("verdict: not complete")


def test_every_fault_is_listed_not_only_the_first(two_sequences):
    root = two_sequences.root
    (root / "cohn-kanade-images/S005/001/S005_001_00000002.png").write_bytes(b"x")  # a frame the protocol never reads
    two_sequences.text("Emotion/S005/001/S005_001_00000005_emotion.txt", "")
    two_sequences.text("FACS/S010/002/S010_002_00000005_facs.txt", "99 1")
    two_sequences.text("FACS/S011/001/S011_001_00000009_facs.txt", "1 1")
    two_sequences.sequence("S014", "001", frames=2)
    broken = "\n".join(check(root, "ckplus").broken)
    for fault in ("S005_001_00000002.png: 1 bytes", "_emotion.txt: the file is empty", "AU 99 is not in FACS"):
        assert fault in broken
    assert "S011_001: 0 frames; expected at least 4" in broken and "S014_001: 2 frames" in broken
    assert len(broken.splitlines()) == 5


def test_labels_that_break_ckplus_own_criteria_are_noted(ckplus):
    ckplus.sequence("S005", "001", 1, ((12, 3),))
    notes = check(ckplus.root, "ckplus").notes
    assert "S005_001: labelled anger, but its AUs [12] meet the criteria of happy" in notes


def test_an_export_is_whole(tmp_path):
    frames = np.stack([drawn_face(i) for i in range(4)])
    record = SequenceRecord("S001", "001", frames, "happy", {12: "C"}, np.ones((4, 68, 2)))
    report = check(write_ckplus([record], tmp_path / "out"), "ckplus")
    assert report.ok and report.exit_code == 0 and "verdict: complete" in report.text()


def test_tables_are_checked_too(small, tmp_path):
    seven = small.with_emotions(tuple(e for e in small.emotions if e != "contempt"))
    assert check(write_tfd(seven, tmp_path / "TFD_48x48.mat"), "tfd").ok
    pixels = " ".join(["7"] * 2304)
    rows = [f"3,{pixels},Training", f"3,{pixels[:-2]},Training"]
    (tmp_path / "fer2013.csv").write_text("emotion,pixels,Usage\n" + "\n".join(rows) + "\n")
    report = check(tmp_path, "fer2013")
    assert "1 emotion happy" in report.present and "row 3: 2,303 pixels" in report.broken[0]
    assert any(line.startswith("training images: 28708 missing") for line in report.missing)
    assert "no such file" in check(tmp_path, "ferplus").broken[0]


def test_a_wrong_path_is_a_report_a_wrong_name_an_error(tmp_path):
    report = check(tmp_path / "none", "ckplus")
    assert not report.ok and "looked for pictures" in report.text()
    with pytest.raises(UserError, match="check as 'ck' is unknown; use one of ckplus, tfd, fer2013, ferplus"):
        check(tmp_path, "ck")
