import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fer_lib import facs
from fer_lib.data import load_dataset
from fer_lib.data.check import check
from fer_lib.data.splits import subject_folds
from fer_lib.errors import UserError

from .conftest import CKPlusBuilder, drawn_face


def load(builder: CKPlusBuilder, **options):
    return load_dataset("ckplus", builder.root, **({"crop": "none"} | options))


def column(au: int) -> int:
    return facs.AUS.index(au)


def test_first_frame_and_last_three(two_sequences):
    dataset = load(two_sequences)
    assert dataset.images.shape == (8, 1, 96, 96)
    assert list(dataset.frame) == [1, 3, 4, 5] * 2
    assert [facs.EMOTIONS[code] for code in dataset.emotion[:5]] == ["neutral", *["happy"] * 3, "neutral"]
    assert list(dataset.subject[[0, 7]]) == ["S005", "S010"] and dataset.sequence[7] == "S010_002"
    path = two_sequences.root / "cohn-kanade-images/S010/002/S010_002_00000004.png"
    assert np.array_equal(dataset.images[6, 0], np.asarray(Image.open(path)))
    assert dataset.provenance["label"] == "your CK+" and not dataset.provenance["synthetic"]
    assert dataset.name == "ckplus"


def test_present_absent_and_without_intensity(two_sequences):
    dataset = load(two_sequences)
    assert dataset.au_presence[1, column(12)] == 1 and dataset.au_intensity[1, column(12)] == np.float32(0.8)
    assert dataset.au_presence[1, column(6)] == 1 and np.isnan(dataset.au_intensity[1, column(6)])
    assert dataset.au_presence[1, column(4)] == 0 and dataset.au_intensity[1, column(4)] == 0
    assert (dataset.au_presence[0] == 0).all() and (dataset.au_intensity[0] == 0).all()  # the neutral frame


def test_without_any_facs_file_aus_are_unknown_not_absent(ckplus):
    ckplus.sequence("S005", "001", aus=None)
    dataset = load(ckplus)
    assert (dataset.au_presence == -1).all() and np.isnan(dataset.au_intensity).all()
    assert "FACS" in dataset.provenance["missing"]


def test_both_spellings_of_the_label_folders(tmp_path):
    names = (("Emotion", "FACS"), ("Emotion_labels", "FACS_labels"))
    hashes = set()
    for number, (emotion, coding) in enumerate(names):
        builder = CKPlusBuilder(tmp_path / str(number), emotion, coding)
        builder.sequence("S005", "001")
        hashes.add(load(builder).data_hash)
    assert len(hashes) == 1


def _zip(source: Path, target: Path) -> None:
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(source.rglob("*")):
            archive.write(path, path.relative_to(source.parent))
        archive.writestr(f"__MACOSX/{source.name}/._S005_001_00000001.png", b"resource fork")


def test_zips_are_read_as_they_came(two_sequences, tmp_path):
    zips = tmp_path / "zips"
    zips.mkdir()
    names = {"cohn-kanade-images": "cohn-kanade-images", "Emotion": "Emotion_labels", "FACS": "FACS_labels"}
    for folder, name in names.items():
        _zip(two_sequences.root / folder, zips / f"{name}.zip")
    assert load_dataset("ckplus", zips, crop="none").data_hash == load(two_sequences).data_hash
    _zip(two_sequences.root, tmp_path / "all.zip")
    one = load_dataset("ckplus", tmp_path / "all.zip", crop="none")
    assert one.data_hash == load(two_sequences).data_hash
    assert not list(zips.glob("*/"))  # nothing was unpacked


def test_unlabelled_sequences_are_kept_when_asked(two_sequences):
    two_sequences.sequence("S011", "001", emotion=None, aus=((4, 2),))
    assert len(load(two_sequences)) == 8
    dataset = load(two_sequences, labelled_only=False)
    assert len(dataset) == 12 and (dataset.emotion[8:] == -1).all()
    assert dataset.au_presence[11, column(4)] == 1 and dataset.au_presence[8, column(4)] == 0
    assert (dataset.folds[8:] == 0).all()


def test_ten_folds_by_the_authors_rule(ckplus):
    for person in range(1, 13):
        ckplus.sequence(f"S{person:03d}", "001", frames=4)
    dataset = load(ckplus)
    assert np.array_equal(dataset.folds, subject_folds(dataset.subject))
    assert set(dataset.split(0)[2].subject) == {"S001", "S011"}


def test_ds_store_and_other_strangers_are_left_alone(two_sequences):
    before = load(two_sequences).data_hash
    for folder in ("cohn-kanade-images/S005/001", "Emotion/S005/001", "FACS/S005", ""):
        (two_sequences.root / folder / ".DS_Store").write_bytes(b"\0\0\0\1Bud1")
        (two_sequences.root / folder / "._S005_001_00000001.png").write_bytes(b"\0\5\x16\7")
    (two_sequences.root / "Emotion/S011/004").mkdir(parents=True)  # an empty label folder: unlabelled, not broken
    assert load(two_sequences).data_hash == before


def test_colour_becomes_luma(two_sequences):
    path = two_sequences.png("S005", "001", 5)
    red = np.zeros((96, 96, 3), np.uint8)
    red[..., 0] = 200
    Image.fromarray(red).save(path)
    assert (load(two_sequences).images[3] == round(0.299 * 200)).all()


def test_head_codes_without_a_column_are_noted(ckplus):
    ckplus.sequence("S005", "001", aus=((12, 3), (54, 2)))
    dataset = load(ckplus)
    assert dataset.provenance["untabled_codes"] == {"54 Head down": 1}
    assert dataset.au_presence[1].sum() == 1


def test_codes_of_behaviour_are_noted_and_not_refused(two_sequences):
    two_sequences.text("FACS/S005/001/S005_001_00000005_facs.txt", "12 4\n80 0\n")
    assert load(two_sequences).provenance["untabled_codes"] == {"80 Swallow": 1}


def test_frames_are_ordered_by_number(ckplus):
    ckplus.sequence("S010", "004", frames=4, first=1594215)  # numbered by time code, as some are
    assert list(load(ckplus).frame) == [1594215, 1594216, 1594217, 1594218]


# ---- bad input: each names the file and the cure


def _break_emotion(text: str):
    def breaks(builder: CKPlusBuilder) -> None:
        builder.text("Emotion/S005/001/S005_001_00000005_emotion.txt", text)

    return breaks


def _break_facs(text: str):
    def breaks(builder: CKPlusBuilder) -> None:
        builder.text("FACS/S005/001/S005_001_00000005_facs.txt", text)

    return breaks


def _truncate_png(builder: CKPlusBuilder) -> None:
    path = builder.root / "cohn-kanade-images/S005/001/S005_001_00000004.png"
    path.write_bytes(path.read_bytes()[:300])


def _empty_png(builder: CKPlusBuilder) -> None:
    (builder.root / "cohn-kanade-images/S005/001/S005_001_00000001.png").write_bytes(b"")


def _remove_frames(keep: int):
    def breaks(builder: CKPlusBuilder) -> None:
        for path in sorted((builder.root / "cohn-kanade-images/S005/001").glob("*.png"))[keep:]:
            path.unlink()

    return breaks


def _empty_sequence_folder(builder: CKPlusBuilder) -> None:
    (builder.root / "cohn-kanade-images/S005/009").mkdir()


def _orphan_facs(builder: CKPlusBuilder) -> None:
    builder.text("FACS/S005/003/S005_003_00000011_facs.txt", "   1.0000000e+00   2.0000000e+00\n")


def _missing_facs(builder: CKPlusBuilder) -> None:
    (builder.root / "FACS/S005/001/S005_001_00000005_facs.txt").unlink()


def _last_frames_gone(builder: CKPlusBuilder) -> None:
    """An interrupted copy: the pictures end two frames before the one that the labels name."""
    for kind, end in (("Emotion", "emotion"), ("FACS", "facs")):
        old = builder.root / kind / "S005/001" / f"S005_001_00000005_{end}.txt"
        old.rename(old.with_name(f"S005_001_00000007_{end}.txt"))


def _sixteen_bits(builder: CKPlusBuilder) -> None:
    path = builder.root / "cohn-kanade-images/S005/001/S005_001_00000001.png"
    Image.fromarray(np.full((490, 640), 40_000, np.uint16)).save(path)


def _second_emotion(builder: CKPlusBuilder) -> None:
    builder.text("Emotion/S005/001/S005_001_00000004_emotion.txt", "   1.0000000e+00\n")


BROKEN = {
    "empty emotion file": (
        _break_emotion(""),
        r"S005_001_00000005_emotion.txt: the file is empty; expected one emotion",
    ),
    "blank emotion file": (_break_emotion(" \n"), r"_emotion.txt: the file is empty"),
    "words for an emotion": (
        _break_emotion("happy"),
        r"_emotion.txt: 'happy' was not understood; expected one emotion",
    ),
    "emotion 9": (_break_emotion("9.0"), r"_emotion.txt: holds \[9.0\]; expected one emotion code, 0 to 7"),
    "emotion 1.5": (_break_emotion("1.5"), r"_emotion.txt: holds \[1.5\]"),
    "two emotions": (_break_emotion("1 2"), r"_emotion.txt: holds \[1.0, 2.0\]"),
    "a second emotion file": (_second_emotion, r"S005_001_0000000\d_emotion.txt: a second emotion file of S005_001"),
    "empty FACS file": (_break_facs(""), r"S005_001_00000005_facs.txt: the file is empty; expected rows of an AU"),
    "words for an AU": (_break_facs("AU12 4"), r"_facs.txt: 'AU12 4' was not understood"),
    "one number a row": (_break_facs("12"), r"_facs.txt: 1 numbers a row; expected two"),
    "ragged rows": (_break_facs("12 4\n6"), r"_facs.txt: .* was not understood; expected rows of an AU"),
    "AU not in FACS": (_break_facs("3 2"), r"_facs.txt: AU 3 is not in FACS; correct the number"),
    "intensity 6": (_break_facs("12 6"), r"_facs.txt: AU 12 has intensity 6; expected 0 .* or 1 to 5"),
    "intensity NaN": (_break_facs("12 nan"), r"_facs.txt: AU 12 has intensity nan"),
    "missing FACS file": (_missing_facs, r"S005_001: no FACS file; expected S005_001_00000005_facs.txt"),
    "FACS without sequence": (_orphan_facs, r"S005_003: .*S005_003_00000011_facs.txt has no pictures"),
    "labels, no frames": (_remove_frames(0), r"S005_001: .* has no pictures; expected S005_001_00000001.png"),
    "three frames": (_remove_frames(3), r"S005_001: 3 frames \(.*S005_001_00000001.png …\); expected at least 4"),
    "last frames gone": (_last_frames_gone, r"labels frame 7, and the last picture of S005_001 is frame 5; copy"),
    "16 bits": (_sixteen_bits, r"S005_001_00000001.png: pixels of mode I;16; expected 8 bits"),
    "empty folder": (_empty_sequence_folder, r"S005_009: its folder is there but has no pictures"),
    "truncated png": (_truncate_png, r"S005_001_00000004.png: not a whole picture .* copy it again"),
    "empty png": (_empty_png, r"S005_001_00000001.png: 0 bytes, not a picture; copy it again"),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_bad_sequences_are_named_and_skipped_only_when_asked(two_sequences, fault):
    breaks, message = BROKEN[fault]
    breaks(two_sequences)
    with pytest.raises(UserError, match=message) as raised:
        load(two_sequences)
    assert 'on_error="skip"' in str(raised.value)
    with pytest.warns(UserWarning, match="1 of . sequences left out"):
        dataset = load(two_sequences, on_error="skip")
    (skipped,) = dataset.provenance["skipped"]
    assert skipped["sequence"] not in dataset.sequence and "S010_002" in dataset.sequence
    assert skipped["why"] in str(raised.value)


def test_nothing_left_after_skipping(ckplus):
    ckplus.sequence("S005", "001", frames=2)
    with pytest.warns(UserWarning), pytest.raises(UserError, match="none of 1 sequences could be used"):
        load(ckplus, on_error="skip")


def test_a_wrong_folder_says_what_was_looked_for(tmp_path):
    looked = r"looked for pictures such as cohn-kanade-images/S005/001/S005_001_00000011\.png .* give the folder"
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(UserError, match=looked):
            load_dataset("ckplus", path)
    (tmp_path / "holiday.zip").write_bytes(b"not a zip")
    with pytest.raises(UserError, match=r"holiday\.zip: not a readable zip"):
        load_dataset("ckplus", tmp_path)


def test_no_emotion_folder(ckplus):
    ckplus.sequence("S005", "001", emotion=None)
    with pytest.raises(UserError, match="no emotion file found.*Emotion/ or Emotion_labels/.*labelled_only=False"):
        load(ckplus)
    assert len(load(ckplus, labelled_only=False)) == 4


def test_a_damaged_member_of_a_zip_is_named(two_sequences, tmp_path):
    archive = tmp_path / "all.zip"
    _zip(two_sequences.root, archive)
    with zipfile.ZipFile(archive) as opened:
        start = opened.getinfo("CK+/cohn-kanade-images/S005/001/S005_001_00000001.png").header_offset
    content = bytearray(archive.read_bytes())
    content[start + 200] ^= 0xFF
    archive.write_bytes(content)
    with pytest.raises(
        UserError, match=r"all\.zip:CK\+/.*S005_001_00000001\.png: cannot be read .*CRC.* copy it again"
    ):
        load_dataset("ckplus", archive, crop="none")


def test_frames_that_are_not_square_ask_for_a_crop(ckplus):
    ckplus.sequence("S005", "001", frames=4)
    for frame in range(1, 5):
        Image.fromarray(drawn_face(0)[:, :80]).save(ckplus.png("S005", "001", frame))
    with pytest.raises(UserError, match='S005_001: frame of 80×96 is not square; use crop="sequence"'):
        load(ckplus)
    assert load(ckplus, size=None).images.shape == (4, 1, 96, 80)


def test_frames_of_two_sizes_kept_whole_are_refused(two_sequences):
    for frame in range(1, 6):
        Image.fromarray(drawn_face(0, 80)).save(two_sequences.png("S005", "001", frame))
    with pytest.raises(UserError, match="frames differ in size"):
        load(two_sequences, size=None)
    assert load(two_sequences).images.shape == (8, 1, 96, 96)


def test_unknown_crop(two_sequences):
    with pytest.raises(UserError, match="crop='tight'.*'sequence', 'released', 'none'"):
        load(two_sequences, crop="tight")


@pytest.mark.parametrize("crop", ["sequence", "released"])
def test_whole_frames_cannot_be_cut(two_sequences, crop):
    with pytest.raises(UserError, match=f"size=None keeps frames whole, crop='{crop}' cuts them: give a size"):
        load(two_sequences, size=None, crop=crop)


# ---- files that are there twice, behind links, or damaged in a zip


COPIES = {
    "emotion": ("Emotion/S005/001/S005_001_00000005_emotion.txt", b"   3.0000000e+00\n"),
    "FACS": ("FACS/S005/001/S005_001_00000005_facs.txt", b"   1.0000000e+00   2.0000000e+00\n"),
    "picture": ("cohn-kanade-images/S005/001/S005_001_00000001.png", b"another picture"),
}


@pytest.mark.parametrize("kind", COPIES)
def test_copies_must_agree(two_sequences, kind):
    before = load(two_sequences).data_hash
    name, other = COPIES[kind]
    first, copy = two_sequences.root / name, two_sequences.root / "a copy" / Path(name).name
    copy.parent.mkdir()
    copy.write_bytes(first.read_bytes())
    assert load(two_sequences).data_hash == before

    copy.write_bytes(other)
    names = rf"(?=.*{first.parent.name}/{first.name})(?=.*a copy/{copy.name}).*: differs from .* keep the right one"
    with pytest.raises(UserError, match=names):
        load(two_sequences)
    with pytest.warns(UserWarning, match="1 of 2 sequences left out"):
        assert set(load(two_sequences, on_error="skip").sequence) == {"S010_002"}
    (broken,) = check(two_sequences.root, "ckplus").broken
    assert "differs from" in broken


def test_a_copy_in_a_zip_must_agree_too(two_sequences):
    _zip(two_sequences.root / "Emotion", two_sequences.root / "Emotion_labels.zip")
    assert len(load(two_sequences)) == 8
    two_sequences.text("Emotion/S005/001/S005_001_00000005_emotion.txt", "1")
    with pytest.raises(UserError, match=r"Emotion_labels\.zip:Emotion/.*: differs from .*Emotion/S005/001"):
        load(two_sequences)


def test_linked_folders_are_followed(two_sequences, tmp_path):
    linked = tmp_path / "links"
    linked.mkdir()
    for folder in ("cohn-kanade-images", "Emotion", "FACS"):
        (linked / folder).symlink_to(two_sequences.root / folder, target_is_directory=True)
    (linked / "loop").symlink_to(linked, target_is_directory=True)
    assert load_dataset("ckplus", linked, crop="none").data_hash == load(two_sequences).data_hash


def test_damage_inside_a_packed_member_is_named_and_skipped(two_sequences, tmp_path):
    """Bytes that do not unpack at all: zlib speaks before any checksum does."""
    archive = tmp_path / "all.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
        for path in sorted(two_sequences.root.rglob("*.*")):
            opened.write(path, path.relative_to(two_sequences.root))
        damaged = opened.getinfo("cohn-kanade-images/S005/001/S005_001_00000001.png")
    content = bytearray(archive.read_bytes())
    start = damaged.header_offset + 30 + len(damaged.filename)
    content[start : start + 8] = b"\xff" * 8
    archive.write_bytes(content)
    message = r"all\.zip:.*S005_001_00000001\.png: cannot be read .*decompressing.* copy it again"
    with pytest.raises(UserError, match=message):
        load_dataset("ckplus", archive, crop="none")
    with pytest.warns(UserWarning, match="1 of 2 sequences left out"):
        assert len(load_dataset("ckplus", archive, crop="none", on_error="skip")) == 4
    assert ["S005_001_00000001.png: cannot be read" in line for line in check(archive, "ckplus").broken] == [True]


def test_a_zip_of_a_later_kind_is_named(two_sequences, tmp_path):
    archive = tmp_path / "all.zip"
    _zip(two_sequences.root, archive)
    content = bytearray(archive.read_bytes())
    content[content.index(b"PK\1\2") + 6] = 250  # the version that is needed to unpack
    archive.write_bytes(content)
    with pytest.raises(UserError, match=r"all\.zip: not a readable zip \(zip file version 25"):
        load_dataset("ckplus", archive)
