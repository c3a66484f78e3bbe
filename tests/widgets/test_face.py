"""The page draws the pictures that Python draws, and the network says the same of them."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch

from fer_lib import facs
from fer_lib.faces import Scene, render
from fer_lib.files import read_json
from fer_lib.interpret.decoders import decode, units
from fer_lib.model import ZeroBiasCNN, load_pretrained
from fer_lib.preprocess import prepare
from fer_lib.site.serve import serving
from fer_lib.widgets.modules import ASSETS
from tests.widgets.lab_assets import tool
from tests.widgets.lab_browser import browser  # noqa: F401 (a fixture)

COUNT = 50
MEAN, SHARE, LARGE = 0.15, 0.005, 4  # grey levels on average; at most this share of pixels differs by more than LARGE
DRAFT_MEAN, DRAFT_BLOCK = 3, 12  # grey levels: over all pixels, and in the mean of any of 8 x 8 blocks (teeth)
PROBABILITY = 0.05  # of any class
TIE = 0.05  # a lead smaller than this is no prediction to agree on
START = """async () => {
  const [{ Face }, { Head }, { Network, readWeights }, { unzip }] = await Promise.all(
    ["face", "head", "network", "packed"].map((name) => import(`/js/${name}.js`)));
  const bytes = async (name) => (await fetch(`/assets/${name}`)).arrayBuffer();
  const manifest = JSON.parse(new TextDecoder().decode(await bytes("lab.json")));
  const part = async (name) => unzip(await bytes(name), manifest.files[name], name);
  const head = new Head(manifest, await part("lab_head.bin.gz"));
  const face = new Face(Object.assign(document.createElement("canvas"), { width: 96, height: 96 }), head);
  const weights = await readWeights(await bytes("lab_network.bin.gz"), manifest);
  const network = await Network.make(await bytes("network.wasm"), weights, manifest.network.size);
  window.picture = async (number, aus, scene) => {
    const name = `lab_person_${String(number).padStart(2, "0")}.bin.gz`;
    face.wear(head.person(manifest.people[number], manifest.files[name], await part(name)));
    face.express(Float32Array.from(aus));
    return [...face.picture(96, scene)];
  };
  window.drafted = (side, scene) => { // mean and largest block difference of a draft from the drawing it stands for
    face.canvas.width = face.canvas.height = side;
    const paper = new OffscreenCanvas(side, side).getContext("2d");
    const grey = () => {
      paper.drawImage(face.canvas, 0, 0);
      return paper.getImageData(0, 0, side, side).data.filter((_, i) => i % 4 === 0);
    };
    face.show(scene);
    const shown = grey();
    face.draft(scene);
    const drafted = grey(), sorted = Uint8Array.from(shown).sort(), blocks = new Float64Array(64);
    shown.forEach((value, i) => {
      const at = Math.floor(i / side / side * 8) * 8 + Math.floor((i % side) / side * 8);
      blocks[at] += 64 * (drafted[i] - value) / side ** 2;
    });
    return [shown.reduce((sum, value, i) => sum + Math.abs(value - drafted[i]), 0) / side ** 2,
      Math.max(...blocks.map(Math.abs)), sorted.at(-1) - sorted[0]];
  };
  window.see = (grey) => {
    const seen = network.predict(Uint8Array.from(grey));
    return Object.fromEntries(Object.entries(seen).map(([name, values]) => [name, [...values]]));
  };
  window.decode = (filter, place, method) => [...network.decode(filter, place, method)];
}"""


@pytest.fixture(scope="module")
def page(browser) -> Iterator:  # noqa: F811
    """A page with the modules as they stand in js/, no host and no bundle between."""
    with serving(ASSETS.parent) as address:
        opened = browser.new_page()
        opened.goto(f"{address}/assets/lab.json")
        opened.evaluate(START)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def network() -> ZeroBiasCNN:
    return load_pretrained(read_json(ASSETS / "lab.json")["network"]["name"])[0]


def random_faces(count: int) -> tuple[list[int], torch.Tensor, Scene]:
    """People, AUs (up to five, a third of the faces lopsided) and poses; the first faces the camera, at rest."""
    rng = np.random.default_rng(8)
    who = rng.integers(0, tool().PEOPLE, count)
    aus = np.zeros((count, 2, len(facs.AUS)), np.float32)
    for row in range(1, count):
        chosen = rng.choice(len(facs.AUS), rng.integers(1, 6), replace=False)
        sides = rng.uniform(0.2, 1, (2 if row % 3 == 0 else 1, len(chosen)))
        aus[row, :, chosen] = np.broadcast_to(sides, (2, len(chosen))).T
    moved = np.arange(count)[:, None] > 0
    pose, light = rng.normal(0, 4, (count, 3)) * moved, (-22, 32) + rng.normal(0, 15, (count, 2)) * moved
    scene = replace(Scene.neutral(count), pose=torch.tensor(pose).float(), light=torch.tensor(light).float())
    return who.tolist(), torch.from_numpy(aus), scene


def test_page_and_python_draw_the_same_faces_and_predict_the_same(page, network) -> None:
    who, aus, scene = random_faces(COUNT)
    people = tool().people()
    ours = render([people[number] for number in who], aus, scene).to_uint8()
    settings = [
        {"pose": pose.tolist(), "light": light.tolist(), "contrast": 0.6}
        for pose, light in zip(scene.pose, scene.light, strict=True)
    ]
    ask = "([who, aus, scene]) => window.picture(who, aus, scene)"
    drawn = [page.evaluate(ask, [n, a.flatten().tolist(), s]) for n, a, s in zip(who, aus, settings, strict=True)]
    theirs = torch.tensor(drawn, dtype=torch.uint8).view_as(ours)
    gap = (theirs.int() - ours.int()).abs()
    assert gap.float().mean((1, 2, 3)).max() <= MEAN
    assert (gap > LARGE).float().mean((1, 2, 3)).max() <= SHARE
    with torch.no_grad():
        here, there = (network(prepare(pictures)).softmax(1) for pictures in (ours, theirs))
    leads = here.topk(2).values.diff().abs()[:, 0]
    assert ((here.argmax(1) == there.argmax(1)) | (leads < TIE)).all() and (leads < TIE).sum() <= COUNT // 10
    assert (here - there).abs().max() <= PROBABILITY
    seen = np.array([page.evaluate("(grey) => window.see(grey).probabilities", grey) for grey in drawn[:5]])
    assert np.abs(seen - there[:5].numpy()).max() <= 1e-3


def test_a_draft_shows_the_same_face(page) -> None:
    """What is drawn while the face turns: no blur and coarser shadows, but neither another face nor another light."""
    smile = [0.7 * (au in (6, 12, 25)) for au in facs.AUS] * 2
    for yaw, side in ((0, 160), (25, 400), (-50, 251)):
        scene = {"pose": [yaw, 5, 0], "light": [-22, 32], "contrast": 0.6}
        ask = "([number, aus, scene]) => window.picture(number, aus, scene)"
        page.evaluate(ask, [1, smile, scene])
        mean, block, contrast = page.evaluate("([side, scene]) => window.drafted(side, scene)", [side, scene])
        assert contrast > 100
        assert mean <= DRAFT_MEAN and block <= DRAFT_BLOCK, (yaw, side, mean, block)


def test_forward_pass_and_decoders_equal_torchs(page, network, some_pictures: Callable) -> None:
    for picture in some_pictures():
        seen = page.evaluate("(grey) => window.see(grey)", picture.flatten().tolist())
        prepared = prepare(torch.tensor(picture)[None])
        with torch.no_grad():
            logits, maps = network(prepared)[0].numpy(), network.activations(prepared)[0].flatten(1).numpy()
        assert np.abs(seen["input"] - prepared.numpy().ravel()).max() <= 1e-5
        assert np.abs(seen["logits"] - logits).max() <= 1e-3
        assert np.abs(seen["best"] - maps.max(1)).max() <= 1e-3
        assert np.abs(maps[range(len(maps)), seen["place"]] - maps.max(1)).max() <= 1e-4
        width = network.size // 4
        # the filters' own places, and units whose fields leave the picture at each corner
        asked = [(filter, seen["place"][filter]) for filter in range(0, 256, 32)]
        asked += [(100, 0), (101, width - 1), (102, width * (width - 1)), (103, width**2 - 1)]
        for method in ("deconvnet", "guided"):
            which = units([0] * len(asked), *zip(*[(f, p // width, p % width) for f, p in asked], strict=True))
            wanted = decode(network, prepared, which, method).flatten(1).numpy()
            call = "([filter, place, method]) => window.decode(filter, place, method)"
            found = np.array([page.evaluate(call, [f, p, method]) for f, p in asked])
            assert np.abs(found - wanted).max() <= 1e-4 * np.abs(wanted).max()


@pytest.fixture
def some_pictures() -> Callable:
    """Two shipped pictures, and noise that lights every filter."""
    from fer_lib.data import load_dataset

    faces = load_dataset("synthetic").images
    noise = np.random.default_rng(0).integers(0, 256, faces[0].shape, np.uint8)
    return lambda: (faces[3], faces[700], noise)
