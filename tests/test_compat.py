"""The torchvision guard, in both situations, each in its own process: an import cannot be undone in this one."""

import subprocess
import sys
from pathlib import Path

WHOLE = """
import torch
torch.library.define("torchvision::nms", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
__version__ = "whole"
"""
BROKEN_OTHERWISE = "raise RuntimeError('another trouble')"


def run(code: str, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    start = f"import sys; sys.path.insert(0, {str(path)!r})\n" if path else ""
    return subprocess.run([sys.executable, "-c", start + code], capture_output=True, text=True)


def stub(folder: Path, text: str) -> Path:
    (folder / "torchvision").mkdir()
    (folder / "torchvision" / "__init__.py").write_text(text)
    return folder


def test_installed_torchvision_imports_and_works():
    code = """
from fer_lib.compat import import_torchvision
torchvision = import_torchvision()
assert import_torchvision() is torchvision
import torch
from torchvision.transforms import v2
print(v2.functional.horizontal_flip(torch.arange(4.).reshape(1, 1, 4)).flatten().tolist())
"""
    result = run(code)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "[3.0, 2.0, 1.0, 0.0]"


def test_nothing_is_declared_where_torchvision_is_whole(tmp_path):
    code = """
from fer_lib.compat import import_torchvision
print(import_torchvision().__version__)
import torch
print(hasattr(torch.ops.torchvision, "nms"), hasattr(torch.ops.torchvision, "qnms"))
"""
    result = run(code, stub(tmp_path, WHOLE))
    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == ["whole", "True", "False"]


def test_other_failures_are_not_hidden(tmp_path):
    result = run("from fer_lib.compat import import_torchvision as i; i()", stub(tmp_path, BROKEN_OTHERWISE))
    assert result.returncode == 1
    assert "another trouble" in result.stderr


def test_importing_fer_lib_loads_no_torch():
    result = run("import sys, fer_lib; print('torch' in sys.modules)")
    assert result.stdout.strip() == "False"
