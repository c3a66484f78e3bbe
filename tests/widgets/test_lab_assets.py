"""The lab's files are those that the package's head, people and network give; stale ones fail here."""

import gzip
import hashlib

import numpy as np
import pytest

from fer_lib import facs
from fer_lib.files import read_json
from fer_lib.model import load_pretrained
from fer_lib.widgets.modules import ASSETS, JS
from fer_lib.widgets.packed import read_pack
from tests.widgets.lab_assets import tool

AGAIN = "run python tools/make_lab_assets.py --network {} --names"
LIMIT = 6_000_000  # bytes


@pytest.fixture(scope="module")
def manifest() -> dict:
    return read_json(ASSETS / "lab.json")


def test_network_is_the_shipped_one(manifest: dict) -> None:
    card = load_pretrained(manifest["network"]["name"])[1]
    names = read_json(ASSETS / "lab_filters.json")
    again = AGAIN.format(card["name"])
    assert manifest["network"]["weights_sha256"] == names["weights_sha256"] == card["weights_sha256"], again
    assert len(names["filters"]) == len(names["typical"]) == 256


def test_files_are_what_the_tool_makes(manifest: dict) -> None:
    fresh, packs = tool().packs(manifest["network"]["name"])
    again = AGAIN.format(manifest["network"]["name"])
    assert {name: value for name, value in manifest.items() if name != "files"} == fresh, again
    assert set(packs) == set(manifest["files"]), again
    for name, pack in packs.items():
        shipped = read_pack(ASSETS / name, manifest["files"][name])
        made = b"".join(pack.parts)
        for part, about in pack.index.items():
            count = int(np.prod(about["shape"]))
            expected = np.frombuffer(made, about["type"], count, about["at"]).reshape(about["shape"])
            # another processor may round a last bit the other way
            gap = np.abs(shipped[part].astype(float) - expected.astype(float))
            assert shipped[part].shape == expected.shape and gap.max() <= 1, f"{name} {part}: {again}"


def test_content_is_the_one_the_manifest_names_and_not_too_much(manifest: dict) -> None:
    for name, about in manifest["files"].items():
        content = gzip.decompress((ASSETS / name).read_bytes())
        assert (len(content), hashlib.sha256(content).hexdigest()) == (about["bytes"], about["sha256"])
    total = sum(path.stat().st_size for path in ASSETS.glob("*") if path.name.startswith(("lab", "facs", "network")))
    assert total <= LIMIT


def test_compiled_kernel_is_of_this_source() -> None:
    recorded = read_json(ASSETS / "network.wasm.json")
    for path in (JS / "network.c", ASSETS / "network.wasm"):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        assert recorded[path.name] == digest, "run python tools/make_network_wasm.py"


@pytest.mark.parametrize("emotion", [emotion for emotion in facs.EMOTIONS if emotion != "neutral"])
def test_presets_meet_the_criterion_of_their_emotion(manifest: dict, emotion: str) -> None:
    aus = {facs.parse_au(key)[0]: value for key, value in manifest["presets"][emotion].items()}
    assert emotion in facs.ckplus_emotions(aus)
