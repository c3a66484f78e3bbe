"""Making sets with real worker processes and a fake renderer; reading them back through the one door."""

from pathlib import Path

import numpy as np
import pytest

from fer_lib import facs
from fer_lib.data import load_dataset, synthetic
from fer_lib.data.cache import VARIABLE
from fer_lib.data.synthetic import Job, make
from fer_lib.data.synthetic.workers import PART, Part, render_plan, render_rows
from fer_lib.errors import UserError

FAKE = "fake_faces:render"


@pytest.fixture(autouse=True, scope="module")
def fake_faces_are_found():
    """Worker processes get this process's search path."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(Path(__file__).parent)
        yield


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, str(folder))
        yield folder


@pytest.fixture(scope="module")
def pairs_set(cache):
    return make(Job("do-pairs", size=16, renderer=FAKE), processes=2, progress=False)


def test_any_part_alone_in_any_order_on_any_number_of_processes(tmp_path):
    job = Job("natural", size=8, renderer=FAKE)
    plan = job.plan().select(slice(0, 3 * PART + 5))
    alone = np.concatenate([render_rows(plan, job, slice(start, start + 7))[0] for start in range(0, len(plan), 7)])
    backwards = render_rows(plan, job, np.arange(len(plan))[::-1])[0][::-1]
    assert np.array_equal(alone, backwards)
    whole = job.plan()
    few = [part for part in (Part(tmp_path, number, len(whole)) for number in range(24)) if part.number < 20]
    for part in few:
        part.write(*render_rows(whole, job, part.rows))
    three, _ = render_plan(whole, job, tmp_path, 3, False)
    assert np.array_equal(three[: len(plan)], alone)


def test_damaged_parts_are_made_again(tmp_path):
    part = Part(tmp_path, 0, 10)
    assert not part.whole()
    part.write(np.zeros((10, 1, 8, 8), np.uint8), np.zeros((10, 68, 2)))
    assert part.whole()
    content = bytearray(part.path.read_bytes())
    content[len(content) // 2] ^= 255
    part.path.write_bytes(content)
    assert not part.whole()
    part.write(np.zeros((9, 1, 8, 8), np.uint8), np.zeros((9, 68, 2)))
    assert not part.whole()


def test_a_broken_renderer_stops_everything_and_is_told(cache):
    with pytest.raises(RuntimeError, match="the fake renderer broke"):
        make(Job("natural", size=8, renderer="fake_faces:breaking"), processes=2, progress=False)


def test_a_killed_worker_says_what_to_do(cache):
    with pytest.raises(UserError, match="was killed by signal 9; if memory ran out, allow fewer processes.*goes on"):
        make(Job("natural", size=8, renderer="fake_faces:killed"), processes=2, progress=False)


def test_stills_have_no_unlabelled_sequences_to_leave_out():
    assert Job("natural", labelled_only=True) == Job("natural", labelled_only=False)
    assert Job("synthetic", labelled_only=True) != Job("synthetic", labelled_only=False)


def test_labels_are_exact_and_provenance_says_how_it_was_made(pairs_set):
    plan = Job("do-pairs").plan()
    assert np.array_equal(pairs_set.au_intensity, plan.intensity)
    assert np.array_equal(pairs_set.au_presence, plan.intensity >= 0.1 - 1e-6)
    given = pairs_set.provenance
    assert given["synthetic"] is True and given["label"] == "synthetic faces" and given["source"] == "do-pairs"
    assert (given["seed"], given["difficulty"], given["size"]) == (0, 1, 16) and len(given["renderer"]) == 12
    assert given["data_hash"] == pairs_set.data_hash
    assert pairs_set.folds.shape[1] == 10


def test_people_table_follows_every_selection(pairs_set):
    some = pairs_set.select(np.arange(0, len(pairs_set), 50))
    table = synthetic.people_table(some)
    assert table.subject.tolist() == some.subject.tolist()
    assert set(table.columns) == {"subject", "gender", "age", "descent", "skin_tone"}
    assert table.groupby("subject").nunique().max().max() == 1 and table.age.between(18, 50).all()


def test_people_table_needs_a_synthetic_set(small):
    with pytest.raises(UserError, match="small does not say who is in its pictures"):
        synthetic.people_table(small)


def test_pairs_are_found_again(pairs_set):
    shuffled = pairs_set.select(np.random.default_rng(0).permutation(len(pairs_set)))
    found = synthetic.pairs(shuffled)
    assert len(found.au) == len(pairs_set) // 2 and set(found.au) == set(facs.CKPLUS_AUS)
    columns = [facs.AUS.index(au) for au in found.au]
    assert (shuffled.au_presence[found.without, columns] == 0).all()
    assert np.allclose(shuffled.au_intensity[found.with_, columns], 0.8)
    assert (shuffled.subject[found.without] == shuffled.subject[found.with_]).all()
    masks = synthetic.pair_masks(shuffled, tau=0.01, rows=np.arange(5))
    assert masks.shape == (5, 16, 16) and masks.any()  # the fake renderer brightens the whole picture with an AU


@pytest.mark.parametrize("broken", [lambda d: d.select(np.arange(1, 4)), lambda d: d.select([0, 2])])
def test_half_pairs_are_refused(pairs_set, broken):
    with pytest.raises(UserError, match="is not made of do.AU. pairs; expected load_dataset"):
        synthetic.pairs(broken(pairs_set))


def test_one_door_keeps_sets_where_asked_and_shrinks_them(tmp_path):
    kept = load_dataset("natural", tmp_path, size=48, renderer=FAKE, progress=False, processes=2)
    assert kept.images.shape == (1152, 1, 48, 48) and list(tmp_path.glob("natural-*.npz"))
    again = load_dataset("natural", tmp_path, renderer=FAKE, progress=False)
    assert again.images.shape[2] == 96 and np.array_equal(again.resize(48).images, kept.images)


def test_a_made_file_is_read_not_made_again(pairs_set, tmp_path):
    file = pairs_set.save(tmp_path / "do-pairs.npz")
    for path in (tmp_path, file):
        for options in ({"size": 16}, {"size": None}, {"size": 16, "labelled_only": False, "seed": 0}):
            assert load_dataset("do-pairs", path, renderer=FAKE, **options).data_hash == pairs_set.data_hash
    assert load_dataset("do-pairs", tmp_path, size=8).images.shape[2] == 8
    assert [path.name for path in tmp_path.iterdir()] == ["do-pairs.npz"]


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("ladders", {}, "source is 'do-pairs', 'ladders' was asked for"),
        ("do-pairs", {"seed": 3}, "seed is 0, 3 was asked for"),
        ("do-pairs", {"difficulty": 0}, "difficulty is 1, 0 was asked for"),
        ("do-pairs", {"renderer": "fer_lib.faces:render"}, "renderer is "),
        ("do-pairs", {"size": 96}, "pictures of 16 pixels, 96 were asked for"),
    ],
)
def test_a_made_file_of_another_kind_is_refused(pairs_set, tmp_path, name, options, message):
    file = pairs_set.save(tmp_path / "do-pairs.npz")
    with pytest.raises(UserError, match=rf"do-pairs\.npz: {message}"):
        load_dataset(name, file, **({"size": 16, "renderer": FAKE} | options))
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(UserError, match=r"do-pairs\.npz: not a readable data set"):
        load_dataset("do-pairs", tmp_path)
    with pytest.raises(UserError, match=r"none\.npz: no such file"):
        load_dataset("do-pairs", tmp_path / "none.npz")


def test_labelled_sequences_of_a_made_file_are_the_labelled_set(tmp_path):
    whole, labelled = (Job("synthetic", size=16, labelled_only=only, renderer=FAKE) for only in (False, True))
    plan = whole.plan()
    plan = plan.select(np.r_[0:8, len(plan) - 8 : len(plan)])
    plan = plan.select(np.argsort(plan.emotion < 0, kind="stable"))
    made, wanted = (
        part.dataset(render_rows(part, job, slice(None))[0], job.provenance())
        for part, job in ((plan, whole), (plan.select(plan.emotion >= 0), labelled))
    )
    assert 0 < len(wanted) < len(made)
    made.save(tmp_path / "synthetic.npz")
    assert load_dataset("synthetic", tmp_path, size=16, labelled_only=False).data_hash == made.data_hash
    read = load_dataset("synthetic", tmp_path, size=16)
    assert read.data_hash == wanted.data_hash and read.provenance == wanted.provenance
    wanted.save(tmp_path / "synthetic.npz")
    with pytest.raises(UserError, match="labelled_only is True, False was asked for"):
        load_dataset("synthetic", tmp_path, size=16, labelled_only=False)


def test_a_folder_in_use_is_told_before_anything_is_rendered(cache, tmp_path, monkeypatch):
    monkeypatch.setattr("fer_lib.data.synthetic.making.render_plan", lambda *_: pytest.fail("rendered"))
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match="exists already and is not an empty folder"):
        synthetic.export(Job("synthetic", every_frame=True, size=16, renderer=FAKE), tmp_path, "ckplus")


def test_export_in_ckplus_layout_reads_back(cache, tmp_path, monkeypatch):
    from fer_lib.data.synthetic import sets

    job = Job("synthetic", labelled_only=False, every_frame=True, size=16, renderer=FAKE)
    few = job.plan().select(slice(0, 150))
    few = few.select(few.sequence != few.sequence[-1])
    monkeypatch.setattr(sets.Job, "plan", lambda self: few)
    with pytest.MonkeyPatch.context() as patch:  # the workers know nothing of `few`: render here
        patch.setattr("fer_lib.data.synthetic.making.render_plan", lambda plan, *_: render_rows(plan, job, slice(None)))
        synthetic.export(job, tmp_path / "out", "ckplus", progress=False)
    back = load_dataset("ckplus", tmp_path / "out", crop="none", size=None, labelled_only=False)
    assert back.provenance["label"] == "synthetic faces" and back.provenance["source"] == "synthetic"
    apex = np.r_[few.sequence[1:] != few.sequence[:-1], True]
    last = back.select(np.r_[back.sequence[1:] != back.sequence[:-1], True])
    assert last.sequence.tolist() == few.sequence[apex].tolist()
    assert np.array_equal(last.emotion, few.emotion[apex])
    coded = few.aus.max(1)[apex].round(6)
    assert np.array_equal(last.au_presence == 1, coded >= 0.1)
    assert np.abs(last.au_intensity - coded)[coded >= 0.1].max() <= 0.1 + 1e-5
    images, _ = render_rows(few, job, np.flatnonzero(apex))
    assert np.array_equal(last.images, images)


def test_export_in_tfd_layout_reads_back(cache, tmp_path, monkeypatch, pairs_set):
    job = Job("synthetic-tfd", size=16, renderer=FAKE)
    few = job.plan().select(slice(0, 200))
    made = few.dataset(render_rows(few, job, slice(None))[0])
    monkeypatch.setattr("fer_lib.data.synthetic.making.make", lambda *_, **__: made)
    path = synthetic.export(job, tmp_path / "out", "tfd", progress=False)
    assert path.name == "TFD_16x16.mat"
    back = load_dataset("tfd", path, size=None)
    assert back.name == "synthetic-tfd"
    assert np.array_equal(back.images, made.images) and np.array_equal(back.folds, made.folds)
    assert [back.emotions[e] for e in back.emotion] == [made.emotions[e] for e in made.emotion]


@pytest.mark.parametrize(
    ("job", "layout", "message"),
    [
        (Job("natural"), "tfd", "natural is not laid out like TFD"),
        (Job("natural"), "ckplus", "natural: CK.'s layout needs whole sequences; use synthetic, balanced"),
        (Job("natural"), "jaffe", "layout 'jaffe' is unknown; use one of ckplus, tfd"),
    ],
)
def test_unsuitable_layouts_are_refused(job, layout, message, tmp_path):
    with pytest.raises(UserError, match=message):
        synthetic.export(job, tmp_path / "out", layout)
