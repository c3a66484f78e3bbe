"""The fences around learners' code, each on its own."""

import os
import subprocess
import sys

import pytest

from fer_lib.classroom.guard import fence
from fer_lib.classroom.landlock import _version


@pytest.fixture
def rooms(tmp_path):
    inside, outside = tmp_path / "inside", tmp_path / "inside-not"
    inside.mkdir(), outside.mkdir()
    (inside / "way-out").symlink_to(outside)
    return inside, outside


def test_the_hook_lets_work_inside_and_read_anywhere(rooms):
    inside, outside = rooms
    hook = fence([inside])
    for event, arguments in (
        ("open", (str(inside / "a"), "w", 0)),
        ("open", (str(outside / "a"), "r", os.O_RDONLY)),
        ("open", (os.devnull, "w", 0)),
        ("open", (3, "w", 0)),
        ("os.rename", (str(inside / "a"), str(inside / "b"), -1, -1)),
        ("os.kill", (os.getpid(), 2)),
        ("import", ("os", None)),
    ):
        hook(event, arguments)


@pytest.mark.parametrize(
    ("event", "arguments"),
    [
        ("open", ("{outside}/a", "w", 0)),
        ("open", ("{outside}/a", "r+", 0)),
        ("open", ("{outside}/a", None, os.O_RDWR | os.O_CREAT)),
        ("open", ("{inside}/way-out/a", "a", 0)),
        ("open", ("{inside}/../inside-not/a", "x", 0)),
        ("os.rename", ("{inside}/a", "{outside}/a", -1, -1)),
        ("os.remove", ("{outside}/a", -1)),
        ("shutil.rmtree", ("{outside}", None)),
        ("subprocess.Popen", ("rm", [], None, None)),
        ("socket.connect", (None, ("127.0.0.1", 80))),
        ("sqlite3.connect", ("{inside}/x.db",)),
        ("os.kill", (1, 9)),
    ],
)
def test_the_hook_refuses(rooms, event, arguments):
    inside, outside = rooms
    hook = fence([inside])
    filled = [each.format(inside=inside, outside=outside) if isinstance(each, str) else each for each in arguments]
    with pytest.raises(PermissionError, match="the grader does not let"):
        hook(event, tuple(filled))


@pytest.mark.skipif(_version() < 1, reason="this system has no Landlock")
def test_landlock_binds_code_that_goes_past_python(rooms):
    inside, outside = rooms
    (outside / "kept").write_text("precious")
    code = (
        "import ctypes, os, sys; from pathlib import Path; from fer_lib.classroom.landlock import restrict\n"
        "inside, outside = map(Path, sys.argv[1:]); assert restrict([inside])\n"
        "c = ctypes.CDLL(None)\n"
        "assert c.creat(os.fsencode(inside / 'new'), 0o600) >= 0\n"
        "assert c.creat(os.fsencode(outside / 'new'), 0o600) == -1\n"
        "assert c.unlink(os.fsencode(outside / 'kept')) == -1\n"
        "assert c.rename(os.fsencode(inside / 'new'), os.fsencode(outside / 'kept')) == -1\n"
        "assert os.system(f'echo gone > {outside}/kept 2>/dev/null') != 0\n"
    )
    outcome = subprocess.run([sys.executable, "-c", code, inside, outside], capture_output=True, text=True)
    assert outcome.returncode == 0, outcome.stderr
    assert (outside / "kept").read_text() == "precious" and (inside / "new").exists()
