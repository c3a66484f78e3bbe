import json
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest

from fer_lib import facs
from fer_lib.data import FaceDataset, load_dataset
from fer_lib.errors import UserError


def test_arrays_cannot_be_changed(small):
    for name in ("images", "emotion", "subject", "folds", "au_intensity"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(small, name)[0] = getattr(small, name)[1]
    with pytest.raises(FrozenInstanceError):
        small.name = "other"


def test_select_by_mask_and_by_indices_agree(small):
    mask = small.emotion == facs.EMOTIONS.index("happy")
    by_mask, by_index = small.select(mask), small.select(np.flatnonzero(mask))
    assert len(by_mask) == 8 and by_mask.data_hash == by_index.data_hash != small.data_hash
    assert by_mask.provenance["data_hash"] == small.data_hash
    assert list(small.select([3, 1]).frame) == [1, 1]
    with pytest.raises(UserError, match="mask of shape"):
        small.select(np.ones(3, bool))


@pytest.mark.parametrize(
    ("index", "message"),
    [
        ([0, 5000], "small: no image 5000; expected indices 0 to 59"),
        ([-61], "no image -61"),
        ([1.5], "index 1.5 found; expected whole numbers"),
        (["happy"], "index holds <U5; expected numbers"),
    ],
)
def test_images_that_are_not_there_cannot_be_selected(small, index, message):
    with pytest.raises(UserError, match=message):
        small.select(index)
    assert len(small.select([])) == 0 and len(small.select([59, -60])) == 2


def test_split_follows_the_fold_column(small):
    folds = np.repeat([[1], [2], [3], [0]], 15, axis=0)
    train, validation, test = small.with_folds(folds).split(0)
    assert [len(part) for part in (train, validation, test)] == [15, 15, 15]
    assert np.array_equal(test.images, small.images[30:45])
    with pytest.raises(UserError, match="3 folds.*fold 3 was asked"):
        small.split(3)


def test_six_classes(small):
    six = ("anger", "disgust", "fear", "happy", "sadness", "surprise")
    chosen = small.with_emotions(six)
    assert chosen.emotions == six and set(chosen.emotion) == set(range(6))
    before = small.emotion[np.isin(small.emotion, [1, 3, 4, 5, 6, 7])]
    assert [facs.EMOTIONS[c] for c in before] == [six[c] for c in chosen.emotion]
    with pytest.raises(UserError, match="no emotion 'joy'; it has neutral"):
        small.with_emotions(("joy",))


def test_with_emotions_leaves_the_unlabelled_out(small):
    emotion = small.emotion.copy()
    emotion[:10] = -1
    assert len(replace(small, emotion=emotion).with_emotions(facs.EMOTIONS)) == 50


def test_resize_keeps_brightness_and_refuses_oblong_pictures(small):
    assert small.resize(12).data_hash == small.data_hash
    grown = small.resize(24)
    assert grown.images.shape == (60, 1, 24, 24)
    assert abs(grown.images.mean() - small.images.mean()) < 1
    with pytest.raises(UserError, match="small: images of 10×12 are not square"):
        replace(small, images=small.images[..., :10]).resize(96)


def test_save_and_load_return_the_same(small, tmp_path):
    file = small.save(tmp_path / "deep" / "small.npz")
    loaded = FaceDataset.load(file)
    assert loaded.data_hash == small.data_hash and loaded.provenance == small.provenance
    assert loaded.emotions == small.emotions and loaded.aus == small.aus
    first = file.read_bytes()
    assert small.save(file).read_bytes() == first  # the same content gives the same bytes
    assert [p.name for p in file.parent.iterdir()] == ["small.npz"]  # nothing temporary is left


def test_the_hash_sees_every_array(small):
    changes = {
        "images": 255 - small.images,
        "emotion": (small.emotion + 1) % 8,
        "subject": np.roll(small.subject, 2),
        "frame": small.frame + 1,
        "au_presence": small.au_presence + 1,
        "au_intensity": np.zeros_like(small.au_intensity),
        "folds": small.folds + 1,
    }
    hashes = {replace(small, **{name: value}).data_hash for name, value in changes.items()}
    assert len(hashes | {small.data_hash}) == len(changes) + 1


def test_a_changed_file_is_refused(small, tmp_path):
    file = small.save(tmp_path / "small.npz")
    with np.load(file) as stored:
        arrays = dict(stored)
    arrays["emotion"] = arrays["emotion"][::-1]
    np.savez(file, **arrays)
    with pytest.raises(UserError, match=r"small\.npz: content hashes to .* was changed .* make or fetch it again"):
        FaceDataset.load(file)


def test_a_half_written_file_is_refused(small, tmp_path):
    file = small.save(tmp_path / "small.npz")
    whole = file.read_bytes()
    for kept in (0, 10, len(whole) // 2, len(whole) - 1):
        file.write_bytes(whole[:kept])
        with pytest.raises(UserError, match=r"small\.npz: not a readable data set .* delete it"):
            FaceDataset.load(file)
    with pytest.raises(UserError, match="no such file"):
        FaceDataset.load(tmp_path / "none.npz")


def test_a_future_format_is_refused(small, tmp_path):
    file = small.save(tmp_path / "small.npz")
    with np.load(file) as stored:
        arrays = dict(stored)
    meta = json.loads(str(arrays["meta"])) | {"format": "fer-lib face data set, version 9"}
    np.savez(file, **(arrays | {"meta": np.array(json.dumps(meta))}))
    with pytest.raises(UserError, match="version 9.*reads.*version 1"):
        FaceDataset.load(file)


def test_a_disk_that_refuses_is_named(small, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match=r"small\.npz: could not be written .* choose another folder"):
        small.save(tmp_path / "file" / "small.npz")
    with pytest.raises(UserError, match="saved as .npz"):
        small.save(tmp_path / "small.pkl")


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("images", np.zeros((60, 1, 12, 12), np.float32), "images are float32; expected uint8"),
        ("images", np.zeros((60, 12, 12), np.uint8), r"images have shape .* expected \(N, 1, H, W\)"),
        ("emotion", np.zeros(59), r"emotion has shape \(59,\); expected \(60,\)"),
        ("emotion", np.full(60, 8), "emotion 8 at image 0 .sequence S000_001.; expected -1 to 7"),
        ("au_intensity", np.full((60, len(facs.AUS)), 1.2), "au_intensity 1.2.* expected 0 to 1"),
        ("au_presence", np.full((60, len(facs.AUS)), 2), "au_presence 2 at image 0"),
        ("folds", np.full((60, 3), 4), "folds 4 at image 0"),
        ("aus", (3, *facs.AUS[1:]), "AU 3: not in FACS"),
        ("folds", np.full((60, 3), 259), "folds 259 found; expected whole numbers that int8 holds"),
        ("emotion", np.full(60, 1.7), "emotion 1.7 found; expected whole numbers that int16 holds"),
        ("emotion", np.full(60, np.nan), "emotion nan found; expected whole numbers"),
        ("frame", np.full(60, 2**40), "frame 1099511627776 found; expected whole numbers that int32 holds"),
        ("emotion", 1.5, "emotion 1.5 found; expected whole numbers"),
        ("emotion", np.full(60, "happy"), "emotion holds <U5; expected numbers"),
        ("au_intensity", np.full((60, len(facs.AUS)), None), "au_intensity holds object; expected numbers"),
    ],
)
def test_what_does_not_fit_is_named(small, field, value, message):
    with pytest.raises(UserError, match=message):
        replace(small, **{field: value})


def test_describe_names_what_is_missing(small):
    table = replace(small, provenance={"source": "ckplus"}).describe().set_index("item")
    assert table.loc["images", "found"] == 60 and table.loc["images", "missing"] == "1248 missing"
    assert table.loc["emotion happy", "published"] == 69 and table.loc["emotion happy", "sure"] == "cited"
    part = replace(small, provenance={"source": "ckplus"}).select(np.arange(10)).describe()
    assert part["published"].isna().all()  # a selection is not held against the whole


def test_registry_errors(tmp_path):
    with pytest.raises(UserError, match="'ck' is unknown; use one of synthetic"):
        load_dataset("ck")
    with pytest.raises(UserError, match='"raise" or "skip"'):
        load_dataset("tfd", tmp_path, on_error="ignore")


@pytest.mark.parametrize(
    ("name", "variable", "how"),
    [
        ("ckplus", "CKPLUS", "who sign its agreement"),
        ("tfd", "TFD", "on request by its authors"),
        ("fer2013", "FER2013", "fer2013.csv of the Kaggle contest"),
        ("ferplus", "FER2013", "FER. adds fer2013new.csv"),
    ],
)
def test_data_that_are_not_here_say_how_to_ask(monkeypatch, name, variable, how):
    monkeypatch.delenv(f"FER_LIB_{variable}", raising=False)
    with pytest.raises(UserError, match=f"{name}: no path .* FER_LIB_{variable} is not set.*pass path=.*{how}"):
        load_dataset(name)


def test_environment_variable_supplies_the_path(monkeypatch, two_sequences):
    monkeypatch.setenv("FER_LIB_CKPLUS", str(two_sequences.root))
    assert len(load_dataset("ckplus", crop="none")) == 8


def test_an_empty_selection_is_a_set_too(small):
    empty = small.select(np.zeros(len(small), bool))
    assert len(empty) == 0 and empty.data_hash != small.data_hash


@pytest.mark.parametrize("size", [-5, 0, 48.5])
def test_sizes_are_whole_pixels(small, size):
    for name in ("synthetic", "ckplus"):
        with pytest.raises(UserError, match=f"size={size} found; expected whole pixels a side, 1 or more, or None"):
            load_dataset(name, size=size)
    with pytest.raises(UserError, match=f"small: size={size} found"):
        small.resize(size)


@pytest.mark.parametrize(
    ("name", "known"), [("synthetic", ".*seed, difficulty, every_frame"), ("tfd", "size, labelled_only, on_error$")]
)
def test_an_option_of_another_set_is_named(tmp_path, name, known):
    with pytest.raises(UserError, match=f"{name}: option 'crop' is unknown; it takes {known}"):
        load_dataset(name, tmp_path, crop="released")
