import shutil
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
import torch

from fer_lib.cli.interpret_report import report
from fer_lib.data.dataset import unknown_aus
from fer_lib.errors import UserError
from fer_lib.facs import CKPLUS_AUS
from fer_lib.interpret.alignment import METRICS
from fer_lib.interpret.labels import labels_of
from fer_lib.interpret.stages import Network, control_table
from fer_lib.interpret.study import Settings, StudyFolder, _Runner, study
from fer_lib.model import ZeroBiasCNN
from fer_lib.preprocess import prepare

from . import fake_faces, made_up

SMALL = Settings(permutations=60, draws=20, controls=10, untrained=1, top=3, sheets=2)


@pytest.fixture(scope="module")
def data():
    return made_up.sequences()


@pytest.fixture(scope="module")
def network(data):
    model = ZeroBiasCNN(size=48, generator=torch.Generator().manual_seed(5), gain=1.0).eval()
    return Network(model, prepare, data.emotions)


def run(network, data, folder, settings=SMALL):
    return study(network, data, folder, settings, load_probe=made_up.probe, render=fake_faces.render, progress=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("study")


@pytest.fixture(scope="module")
def found(network, data, folder):
    return run(network, data, folder)


def test_every_stage_leaves_a_tidy_result(found, data):
    assert len(found.scan) == len(data) == 240
    assert set(found.alignment["metric"]) == set(METRICS)
    silent = found.alignment[found.alignment["au"] == 27]
    assert set(silent["status"]) == {"undefined: present in no image"} and silent["value"].isna().all()
    assert {"top", "top frames", "top contrast", "bottom", "random"} == set(found.examples["kind"])
    assert {"AU12", "happy", "relevance for happy"} <= set(found.grouped["kind"])
    assert {kind for kind in found.grouped["kind"] if kind.startswith("AU")} == {
        f"AU{au}" for au in found.alignment.loc[found.alignment["status"] == "ok", "au"].unique()
    }
    twelve = found.grouped.loc[found.grouped["kind"] == "AU12", "image"]
    assert (data.au_presence[twelve, data.aus.index(12)] == 1).all()
    assert list(found.controls["network"]) == ["trained", "untrained, seed 1"]
    assert len(found.harm) == 2 * 256 and found.harm["accuracy"].between(0, 1).all()
    assert len(found.concepts) == 18 * 8 and len(found.sheets) == 2
    assert {name: tuple(maps.shape) for name, maps in found.decoded.items()} == {
        name: (6, 32, 32) for name in ("deconvnet", "guided", "gradient_x_input", "occlusion")
    }
    assert [face["filter"] for face in found.wanted] == found.sheets
    assert set(found.probes.effects["context"]) == {"isolated", "natural"}
    assert set(found.probes.effects["au"]) == set(made_up.PROBED)
    assert found.sanity["identities"]["homogeneity"] < 1e-4


def test_data_without_action_units_are_refused_before_the_work(network, data, tmp_path):
    bare = replace(data, **unknown_aus(len(data)))
    with pytest.raises(UserError, match="no action unit is known .*CK\\+ with its FACS folder"):
        run(network, bare, tmp_path / "study")
    assert not (tmp_path / "study").exists()


def test_labels_face_the_probes(found):
    assert len(found.labels) > 0 and (found.labels["p_max"] <= 0.05).all()
    assert set(found.probes.survival["test"]) == {"factorial set", "do(AU), isolated", "do(AU), natural"}
    kinds = found.probes.localisation.groupby("kind").size()
    assert kinds.nunique() == 1 and len(kinds) == 3
    scores = found.probes.localisation[["pointing", "mass", "rank", "iou"]]
    assert scores.min().min() >= 0 and scores.max().max() <= 1


def test_a_second_run_reads_and_gives_the_same(found, network, data, folder):
    class Broken(torch.nn.Module):
        def forward(self, *_):
            raise AssertionError("a finished stage ran again")

    deaf = Network(network.model, Broken(), network.emotions)
    again = run(deaf, data, folder)
    for name in ("alignment", "held_out", "controls", "examples", "harm", "sets", "concepts"):
        assert getattr(again, name).equals(getattr(found, name)), name
    np.testing.assert_array_equal(again.scan.pool3, found.scan.pool3)


def test_a_killed_study_goes_on_to_the_same_numbers(found, network, data, folder, tmp_path, monkeypatch):
    from fer_lib.interpret import stages

    def killed(*_):
        raise KeyboardInterrupt

    started = shutil.copytree(folder, tmp_path / "started")
    for path in (*started.glob("ablation*"), *started.glob("probe_*"), started / "held_out.csv.gz"):
        path.unlink()
    with monkeypatch.context() as patch:
        patch.setattr(stages, "harm_table", killed)
        with pytest.raises(KeyboardInterrupt):
            run(network, data, started)
    assert (started / "held_out.csv.gz").exists() and not list(started.glob("ablation*"))
    rest = run(network, data, started)
    assert rest.held_out.equals(found.held_out) and rest.sets.equals(found.sets)
    assert rest.probes.survival.equals(found.probes.survival)


def test_another_networks_study_is_refused(found, network, data, folder, tmp_path):
    other = Network(ZeroBiasCNN(size=48), prepare, data.emotions)
    with pytest.raises(UserError, match="holds a study of other weights"):
        run(other, data, folder)
    with pytest.raises(UserError, match="other settings"):
        run(network, data, folder, Settings(seed=1))
    with pytest.raises(UserError, match="emotions"):
        run(Network(network.model, prepare, ("happy",)), data, tmp_path)
    StudyFolder(tmp_path, {"weights": "a"})
    with pytest.raises(UserError, match="weights a, now weights b"):
        StudyFolder(tmp_path, {"weights": "b"})


class Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.titles, self.alts, self.sources, self._heading = [], [], [], False

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self._heading = tag == "h2"
        if tag == "img":
            self.alts.append(attributes["alt"])
        if tag == "figure" and attributes.get("role") == "group":
            self.alts.append(attributes["aria-label"])
        self.sources += [attributes[key] for key in ("src", "href") if key in attributes]

    def handle_data(self, text):
        if self._heading:
            self.titles.append(text)
            self._heading = False


def test_the_report_is_one_file_with_alt_texts(found, tmp_path):
    path = report(found, "made-up network", tmp_path / "report.html")
    reader = Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    assert reader.titles[:4] == ["Overview", "Alignment", "Control networks", "Ablation"]
    assert [t for t in reader.titles if t.startswith("Filter")] == [f"Filter {f}" for f in found.sheets]
    assert len(reader.alts) > 10 and all(len(alt) > 20 for alt in reader.alts)
    assert all(source.startswith(("#", "data:image/png")) for source in reader.sources)
    text = path.read_text(encoding="utf-8")
    assert "made-up faces" in text and "nan" not in text.split("<main>")[1].split("<script")[0].lower().split()


def test_a_trained_control_stands_beside(network, data):
    other = Network(ZeroBiasCNN(size=48, generator=torch.Generator().manual_seed(9), gain=1.0).eval(), prepare, ("x",))
    labels, activation = labels_of(data, (4, 12, 25)), network.scan(data).layers["conv3"].value
    table = control_table(network, activation, data, labels, [1], 20, {"identity": other})
    assert list(table["network"]) == ["trained", "untrained, seed 1", "identity"]


def test_the_seed_draws_the_control_table_too(found, network, data, tmp_path):
    def table(seed):
        folder, settings = StudyFolder(tmp_path / str(seed), {}), Settings(seed=seed, permutations=20, untrained=0)
        return _Runner(network, data, folder, settings, None, {}, None, False).controls({"scan": found.scan})

    labels, activation = labels_of(data, [au for au in CKPLUS_AUS if au in data.aus]), found.scan.layers["conv3"].value
    default = control_table(network, activation, data, labels, [], 20)
    assert table(0).iloc[0]["au_auroc"] == pytest.approx(default.iloc[0]["au_auroc"], abs=1e-12)
    assert table(5).iloc[0]["au_auroc"] != table(0).iloc[0]["au_auroc"]


def test_a_damaged_table_is_named(folder, found, tmp_path):
    path = tmp_path / "alignment.csv.gz"
    whole, study_folder = (folder / path.name).read_bytes(), StudyFolder(tmp_path, {})
    for damaged in (b"", b"filter,au\n", whole[: len(whole) // 2], whole[:500] + bytes(500) + whole[1000:]):
        path.write_bytes(damaged)
        with pytest.raises(UserError, match="alignment.csv.gz: not readable as a table.*delete it and run again"):
            study_folder.table("alignment", lambda: found.alignment)
    path.unlink()
    assert study_folder.table("alignment", lambda: found.alignment).equals(found.alignment)
