from dataclasses import replace

import numpy as np
import pytest
from scipy.io import savemat

from fer_lib import facs
from fer_lib.data import load_dataset
from fer_lib.data.export import write_tfd
from fer_lib.errors import UserError

CELLS = np.array([["anger"], ["happy"], [3], [4], [5], [6]], object)


@pytest.fixture
def mat():
    """Six pictures: the first two share a person, the third has none, the last has no label."""
    return {
        "images": np.random.default_rng(0).integers(0, 256, (6, 48, 48), dtype=np.uint8),
        "labs_ex": np.array([[1, 4, 7, 6, 3, -1]], np.int8).T,
        "labs_id": np.array([[17, 17, -1, 4, 5, 6]], np.int16).T,
        "folds": np.array([[1, 2, 3, 1, 2, 0]] * 5, np.uint8).T,
    }


def save(tmp_path, content, name="TFD_48x48.mat"):
    savemat(tmp_path / name, content)
    return tmp_path / name


def test_labels_folds_and_people(mat, tmp_path):
    dataset = load_dataset("tfd", save(tmp_path, mat), size=48)
    assert dataset.emotions == facs.TFD_EMOTIONS
    assert [dataset.emotions[code] for code in dataset.emotion] == ["anger", "happy", "neutral", "surprise", "fear"]
    assert np.array_equal(dataset.images[:, 0], mat["images"][:5])
    assert list(dataset.subject) == ["17", "17", "", "4", "5"] and len(set(dataset.sequence)) == 5
    assert np.array_equal(dataset.folds, mat["folds"][:5])
    assert (dataset.au_presence == -1).all()
    assert dataset.provenance["label"] == "your TFD"


def test_unlabelled_pictures_when_asked(mat, tmp_path):
    dataset = load_dataset("tfd", save(tmp_path, mat), size=48, labelled_only=False)
    assert len(dataset) == 6 and dataset.emotion[5] == -1 and (dataset.folds[5] == 0).all()
    table = dataset.describe().set_index("item")
    assert table.loc["images without an emotion", "missing"] == "98057 missing"


def test_a_folder_prefers_the_96_pixel_file(mat, tmp_path):
    save(tmp_path, mat)
    assert load_dataset("tfd", tmp_path).images.shape == (5, 1, 96, 96)
    big = mat | {"images": np.zeros((6, 96, 96), np.uint8)}
    save(tmp_path, big, "TFD_96x96.mat")
    assert load_dataset("tfd", tmp_path).images.max() == 0


def test_export_and_read_back(small, tmp_path):
    seven = replace(small, subject=np.where(small.frame == 0, small.subject, "")).with_emotions(facs.TFD_EMOTIONS)
    seven = seven.with_folds(np.tile([[1], [2], [3]], (len(seven), 5))[: len(seven)])
    back = load_dataset("tfd", write_tfd(seven, tmp_path / "TFD_96x96.mat"), size=None)
    for name in ("images", "emotion", "folds"):
        assert np.array_equal(getattr(back, name), getattr(seven, name)), name
    pairs = set(zip(seven.subject, back.subject, strict=True))
    assert len(pairs) == len(set(seven.subject)) == len(set(back.subject)) and ("", "") in pairs
    assert back.provenance["label"] == "synthetic faces"


def test_contempt_has_no_code_in_tfd(small, tmp_path):
    with pytest.raises(UserError, match="TFD has no code for 'contempt'; choose with_emotions first"):
        write_tfd(small, tmp_path / "TFD_96x96.mat")


def test_a_missing_key_is_named(mat, tmp_path):
    for key in mat:
        file = save(tmp_path, {name: value for name, value in mat.items() if name != key})
        with pytest.raises(UserError, match=rf"TFD_48x48\.mat: no key '{key}'; expected images, .*, found "):
            load_dataset("tfd", file)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("images", np.zeros((6, 48, 48)), r"images are float64 \(6, 48, 48\); expected uint8 \(N, H, W\)"),
        ("images", np.zeros((6, 2304), np.uint8), r"images are uint8 \(6, 2304\)"),
        ("labs_ex", np.ones((5, 1)), "labs_ex has 5 rows for 6 images"),
        ("labs_ex", np.full((6, 1), 8), "labs_ex is 8 in row 0; expected one of"),
        ("labs_ex", np.full((6, 1), np.nan), "labs_ex holds fractions or NaN"),
        ("folds", np.full((6, 5), 4), "folds is 4 in row 0"),
        ("labs_ex", CELLS, "labs_ex is an array of object, a MATLAB cell for one; expected numbers"),
        ("folds", np.repeat(CELLS, 5, 1), "folds is an array of object"),
    ],
)
def test_wrong_content_is_named(mat, tmp_path, key, value, message):
    with pytest.raises(UserError, match=rf"TFD_48x48\.mat: {message}"):
        load_dataset("tfd", save(tmp_path, mat | {key: value}))


def test_wrong_files_are_named(mat, tmp_path):
    with pytest.raises(UserError, match="no TFD found; looked for TFD_96x96.mat or TFD_48x48.mat.*on request"):
        load_dataset("tfd", tmp_path)
    file = save(tmp_path, mat)
    whole = file.read_bytes()
    for content in (b"", b"not matlab at all", whole[: len(whole) // 2]):
        file.write_bytes(content)
        with pytest.raises(UserError, match=r"TFD_48x48\.mat: not a whole \.mat file .* copy it again"):
            load_dataset("tfd", file)
    header = b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM"
    file.write_bytes(header + b"\0" * 512)
    with pytest.raises(UserError, match="saved as MATLAB 7.3.*save it again in MATLAB with -v7"):
        load_dataset("tfd", file)


@pytest.mark.parametrize("error", [IndexError, KeyError, AttributeError])
def test_whatever_scipy_stumbles_on_is_told(mat, tmp_path, monkeypatch, error):
    def stumble(file):
        raise error("somewhere inside")

    monkeypatch.setattr("scipy.io.loadmat", stumble)
    with pytest.raises(UserError, match=r"TFD_48x48\.mat: not a whole \.mat file .*somewhere inside.*copy it again"):
        load_dataset("tfd", save(tmp_path, mat))
