import tracemalloc

import numpy as np
import pytest

from fer_lib import facs
from fer_lib.data import load_dataset
from fer_lib.data.check import check
from fer_lib.data.fer2013 import COLUMNS, VOTES, _read_csv, _read_rows, read_votes
from fer_lib.errors import UserError

PIXELS = np.random.default_rng(0).integers(0, 256, (4, 48 * 48), dtype=np.uint8)
ROWS = [(3, "Training"), (6, "Training"), (0, "PublicTest"), (5, "PrivateTest")]


def line(emotion, pixels, usage) -> str:
    return f"{emotion},{' '.join(map(str, pixels))},{usage}"


def write(folder, lines, name="fer2013.csv", header="emotion,pixels,Usage"):
    (folder / name).write_text("\n".join([header, *lines]) + "\n")
    return folder / name


@pytest.fixture
def lines():
    return [line(emotion, pixels, usage) for (emotion, usage), pixels in zip(ROWS, PIXELS, strict=True)]


def test_labels_pixels_and_parts(lines, tmp_path):
    write(tmp_path, lines)
    dataset = load_dataset("fer2013", tmp_path, size=48)
    assert [dataset.emotions[code] for code in dataset.emotion] == ["happy", "neutral", "anger", "surprise"]
    assert np.array_equal(dataset.images.reshape(4, -1), PIXELS)
    parts = [[dataset.emotions[code] for code in part.emotion] for part in dataset.split(0)]
    assert parts == [["happy", "neutral"], ["anger"], ["surprise"]]  # PublicTest validates, PrivateTest tests
    assert dataset.provenance["published_file"] is False
    table = dataset.describe().set_index("item")
    assert table.loc["training images", "missing"] == "28707 missing"
    assert load_dataset("fer2013", tmp_path).images.shape == (4, 1, 96, 96)


def test_another_name_and_spaced_columns(lines, tmp_path):
    """icml_face_data.csv spells its header `emotion, Usage, pixels`."""
    swapped = [",".join([part[0], part[2], part[1]]) for part in (text.split(",") for text in lines)]
    file = write(tmp_path, swapped, "icml_face_data.csv", "emotion, Usage, pixels")
    assert np.array_equal(load_dataset("fer2013", file, size=48).images.reshape(4, -1), PIXELS)


def test_agrees_with_torchvisions_reader(lines, tmp_path, monkeypatch):
    """Its md5 check aside, which is why it cannot serve for anything but the published bytes."""
    from fer_lib.compat import import_torchvision

    import_torchvision()
    from torchvision.datasets import fer2013 as theirs

    monkeypatch.setattr(theirs, "check_integrity", lambda *args, **options: True)
    (tmp_path / "fer2013").mkdir()
    write(tmp_path / "fer2013", lines)
    ours = load_dataset("fer2013", tmp_path / "fer2013", size=48)
    train, test = (theirs.FER2013(tmp_path, split) for split in ("train", "test"))
    for expected, (picture, label) in zip(range(4), [*train, *test], strict=True):
        assert np.array_equal(ours.images[expected, 0], np.asarray(picture)) and ours.emotion[expected] == label


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (line(3, PIXELS[0][:-1], "Training"), r"row 6: 2,303 pixels; expected 2,304 \(48×48\)"),
        (line(3, ["256"] * 2304, "Training"), "row 6: pixels from 256 to 256; expected 0 to 255"),
        (line(3, ["grey"] * 2304, "Training"), "row 6: pixels hold something else than whole numbers"),
        (line(3, [*PIXELS[0], "x"], "Training"), "row 6: pixels hold something else than whole numbers"),
        (line(3, ["1.5"] * 2304, "Training"), "row 6: pixels hold something else than whole numbers"),
        (line(3, [], "Training"), "row 6: 0 pixels"),
        (line("happy", PIXELS[0], "Training"), "row 6: emotion is 'happy'; expected one of 0, 1, 2, 3, 4, 5, 6"),
        (line("", PIXELS[0], "Training"), "row 6: emotion is ''; expected one of 0"),
        (line(9, PIXELS[0], "Training"), "row 6: emotion is '9'; expected one of 0"),
        (line(3, PIXELS[0], "Test"), "row 6: Usage is 'Test'; expected one of Training, PublicTest, PrivateTest"),
        ("3", "row 6: Usage is ''"),
    ],
)
def test_a_bad_row_is_named_and_skipped_only_when_asked(lines, tmp_path, bad, message):
    file = write(tmp_path, [*lines, bad])
    with pytest.raises(UserError, match=rf"fer2013\.csv, {message}.*on_error=.skip."):
        load_dataset("fer2013", file)
    with pytest.warns(UserWarning, match="1 of 5 rows left out"):
        dataset = load_dataset("fer2013", file, on_error="skip", size=48)
    assert np.array_equal(dataset.images.reshape(4, -1), PIXELS)
    assert list(dataset.emotion) == [emotion for emotion, _ in ROWS]
    assert dataset.provenance["skipped"][0]["sequence"] == "row 00004"


def test_check_lists_every_bad_row(lines, tmp_path):
    write(
        tmp_path, [*lines, line("happy", PIXELS[0], "Training"), line(3, PIXELS[0], "Test"), line(3, [1], "Training")]
    )
    broken = check(tmp_path, "fer2013").broken
    assert [why.split(": ")[1].split(" is")[0] for why in broken] == [
        "emotion",
        "Usage",
        "1 pixels; expected 2,304 (48×48)",
    ]
    write(tmp_path, [line("happy", PIXELS[0], "Training")])
    assert len(check(tmp_path, "fer2013").broken) == 1


def test_pixels_take_one_byte_each(tmp_path):
    file = write(tmp_path, [line(3, PIXELS[0], "Training")] * 200)
    table = _read_csv(file, COLUMNS)
    tracemalloc.start()
    rows = _read_rows(file, table, "raise")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert rows.images.nbytes == 200 * 2304 and peak < 3 * rows.images.nbytes


def test_wrong_tables_are_named(lines, tmp_path):
    file = write(tmp_path, ["3,1 2 3"], header="emotion,pixels")
    with pytest.raises(UserError, match=r"fer2013\.csv: no column 'Usage'; expected .*, found emotion, pixels"):
        load_dataset("fer2013", file)
    write(tmp_path, [line(7, PIXELS[0], "Training")])
    with pytest.raises(UserError, match="row 2: emotion is '7'; expected one of 0, 1"):
        load_dataset("fer2013", file)
    write(tmp_path, [line(1, PIXELS[0], "Test")])
    with pytest.raises(UserError, match="row 2: Usage is 'Test'; expected one of Training, PublicTest"):
        load_dataset("fer2013", file)
    file.write_text("")
    with pytest.raises(UserError, match=r"fer2013\.csv: not readable as csv"):
        load_dataset("fer2013", file)
    file.unlink()
    with pytest.raises(UserError, match=r"fer2013\.csv: no such file\. FER2013 is the file"):
        load_dataset("fer2013", tmp_path)


def votes(**given) -> list[int]:
    return [given.get(name, 0) for name in VOTES]


PLUS = [
    votes(happiness=8, neutral=2),  # happy
    votes(contempt=6, neutral=4),  # contempt
    votes(anger=5, disgust=5),  # a tie: no majority
    votes(unknown=3, NF=7),  # not a face
]


def write_votes(folder, rows, columns=VOTES):
    usages = [usage for _, usage in ROWS]
    text = [",".join([usages[i], f"fer{i:07d}.png", *map(str, row)]) for i, row in enumerate(rows)]
    return write(folder, text, "fer2013new.csv", ",".join(["Usage", "Image name", *columns]))


def test_ferplus_takes_the_majority(lines, tmp_path):
    write(tmp_path, lines), write_votes(tmp_path, PLUS)
    dataset = load_dataset("ferplus", tmp_path, size=48)
    assert [facs.EMOTIONS[code] for code in dataset.emotion] == ["happy", "contempt"]
    assert np.array_equal(dataset.images.reshape(2, -1), PIXELS[:2])
    everything = load_dataset("ferplus", tmp_path, size=48, labelled_only=False)
    assert list(everything.emotion[2:]) == [-1, -1]
    strict = load_dataset("ferplus", tmp_path, size=48, agreement=0.7)
    assert [facs.EMOTIONS[code] for code in strict.emotion] == ["happy"]
    assert np.array_equal(read_votes(tmp_path / "fer2013new.csv"), PLUS)


def test_ferplus_errors(lines, tmp_path):
    write(tmp_path, lines)
    with pytest.raises(UserError, match=r"fer2013new\.csv: no such file.*FER\+ adds"):
        load_dataset("ferplus", tmp_path)
    write_votes(tmp_path, PLUS[:3])
    with pytest.raises(UserError, match=r"fer2013\.csv has 4 rows, fer2013new\.csv 3"):
        load_dataset("ferplus", tmp_path)
    write_votes(tmp_path, [row[:9] for row in PLUS], VOTES[:9])
    with pytest.raises(UserError, match=r"fer2013new\.csv: no column 'NF'"):
        load_dataset("ferplus", tmp_path)
    write_votes(tmp_path, [*PLUS[:3], ["many", *PLUS[3][1:]]])
    with pytest.raises(UserError, match=r"fer2013new\.csv, row 5: neutral is 'many'; expected a whole number of votes"):
        load_dataset("ferplus", tmp_path)


def test_a_sorted_table_does_not_take_the_votes_of_other_pictures(lines, tmp_path):
    write(tmp_path, [lines[2], *lines[:2], lines[3]]), write_votes(tmp_path, PLUS)
    with pytest.raises(
        UserError, match="row 2: Usage is 'Training', fer2013.csv has 'PublicTest' there; one of the two"
    ):
        load_dataset("ferplus", tmp_path)


def test_a_shifted_row_is_told_in_a_line(lines, tmp_path):
    write(tmp_path, [lines[0], f"{lines[1]},", lines[2].replace(",PublicTest", "")])
    with pytest.raises(UserError) as raised:
        load_dataset("fer2013", tmp_path)
    assert len(str(raised.value)) < 400


@pytest.mark.parametrize("found", ["2.7", "inf", "nan", "-1", "1e300", ""])
def test_votes_are_whole_numbers(lines, tmp_path, found):
    write(tmp_path, lines), write_votes(tmp_path, [*PLUS[:3], [*PLUS[3][:5], found, *PLUS[3][6:]]])
    with pytest.raises(UserError, match=rf"fer2013new\.csv, row 5: disgust is '{found}'; expected a whole number"):
        load_dataset("ferplus", tmp_path)


def test_ferplus_keeps_step_when_a_row_is_left_out(lines, tmp_path):
    write(tmp_path, [lines[0].replace("Training", "Test"), *lines[1:]]), write_votes(tmp_path, PLUS)
    with pytest.warns(UserWarning, match="1 of 4 rows left out"):
        dataset = load_dataset("ferplus", tmp_path, size=48, on_error="skip")
    assert [facs.EMOTIONS[code] for code in dataset.emotion] == ["contempt"]
    assert np.array_equal(dataset.images[0].ravel(), PIXELS[1]) and list(dataset.sequence) == ["row 00001"]
