"""Tools that write committed files: what they replace is whole or as it was."""

import importlib.util
import io
import json
import re
import tarfile
from fnmatch import fnmatch
from pathlib import Path
from types import ModuleType

import pytest

from fer_lib.errors import UserError
from fer_lib.model import load_pretrained
from fer_lib.training import TrainConfig

TOOLS = Path(__file__).parents[1] / "tools"


def tool(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, TOOLS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_asset_has_its_command_in_contributing():
    root = TOOLS.parent
    rows = [line.split("|") for line in (root / "CONTRIBUTING.md").read_text().splitlines() if line.startswith("| `")]
    derived = [pattern for row in rows for pattern in re.findall(r"`([^`]+)`", row[1])]
    assets = [path.relative_to(root).as_posix() for path in root.glob("fer_lib/*/assets/*")]
    assert [name for name in assets if not any(fnmatch(name, pattern) for pattern in derived)] == []
    named = {name for row in rows for name in re.findall(r"python (tools/\w+\.py)", row[3])}
    assert named and [name for name in named if not (root / name).is_file()] == []


def test_weights_are_replaced_with_their_card_or_not_at_all(tiny_faces, tmp_path, monkeypatch):
    make_weights, config, faces = tool("make_weights"), TrainConfig.make(size=16, variant="plain"), tiny_faces()
    monkeypatch.setattr(make_weights, "WEIGHTS_FOLDER", tmp_path)
    about = {"emotions": list(faces.emotions), "zero_bias": True, "recipe": "as_released"}

    def write(seed):
        model = TrainConfig.make(size=16, variant="plain", seed=seed).model(4).eval()
        return make_weights.write_weights("tiny", model, config, about | {"seed": seed}, faces, faces)

    def killed(*_):
        raise KeyboardInterrupt

    card = write(1)
    assert set(card["accuracy"]) == {"validation", "test"} and load_pretrained("tiny", tmp_path)[1] == card
    with monkeypatch.context() as patch:
        patch.setattr(make_weights, "predict", killed)
        with pytest.raises(KeyboardInterrupt):
            write(2)
    assert load_pretrained("tiny", tmp_path)[1] == card
    assert {path.name for path in tmp_path.iterdir()} == {"tiny.json", "tiny.safetensors"}
    assert write(2)["seed"] == load_pretrained("tiny", tmp_path)[1]["seed"] == 2


def test_vendored_files_are_whole(tmp_path, monkeypatch):
    vendor, archive = tool("vendor"), io.BytesIO()
    monkeypatch.setattr(vendor, "VENDOR", tmp_path)
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        content = b"let a = 1;\n//# sourceMappingURL=a.js.map\n"
        about = tarfile.TarInfo("package/dist/a.js")
        about.size = len(content)
        tar.addfile(about, io.BytesIO(content))
    package = vendor.Package("a", "1", "", {"dist/a.js": "deep/a.js"})
    monkeypatch.setattr(vendor, "PACKAGES", (package,))
    monkeypatch.setattr(vendor, "fetch", lambda _: archive.getvalue())
    vendor.main()
    assert (tmp_path / "deep" / "a.js").read_bytes() == b"let a = 1;"
    assert list(json.loads((tmp_path / "versions.json").read_text())["packages"]["a"]["files"]) == ["deep/a.js"]

    def half(path, content):
        path.open("wb").write(content[:4])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", half)
        with pytest.raises(UserError, match="nothing was overwritten"):
            vendor.main()
    assert (tmp_path / "deep" / "a.js").read_bytes() == b"let a = 1;"
