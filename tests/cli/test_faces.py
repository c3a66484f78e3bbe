import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from fer_lib.cli import main


def run(*args):
    return CliRunner().invoke(main, ["faces", *map(str, args)])


def test_a_face_is_written(tmp_path):
    out = tmp_path / "face.png"
    result = run("--au", "12=0.8", "--au", "L4=0.5", "--identity", 7, "--size", 64, out)
    assert result.exit_code == 0, result.output
    picture = np.asarray(Image.open(out))
    assert picture.shape == (64, 64) and picture.std() > 20
    assert list(tmp_path.iterdir()) == [out]


def test_a_sheet_is_written(tmp_path):
    out = tmp_path / "sheet.png"
    result = run("--sheet", "emotions", "--people", 2, "--size", 48, out)
    assert result.exit_code == 0, result.output
    assert Image.open(out).size == (2 * 48, 8 * 48)


@pytest.mark.parametrize(
    "args,message",
    [
        (("--au", "12=1.5"), "expected a number from 0 to 1"),
        (("--au", "12=lots"), "'lots'"),
        (("--au", "99=0.5"), "AU 99"),
        (("--identity", "-1"), "expected 0 or more"),
        (("--seed", "-1"), "'--seed': -1"),
        (("--yaw", "nan"), "--yaw nan found, expected a number of degrees"),
        (("--pitch", "-inf"), "--pitch -inf found"),
        (("--population", "martian"), "use one of ckplus, balanced"),
        (("--sheet", "emotions", "--people", "0"), "--people 1 or more"),
        (("--sheet", "identities", "--au", "12"), "--au was given and has no effect on a sheet (--sheet identities)"),
        (("--sheet", "aus", "--yaw", "0"), "--yaw was given and has no effect on a sheet (--sheet aus)"),
        (("--sheet", "aus", "--pitch", "4"), "--pitch was given"),
        (("--sheet", "aus", "--identity", "0"), "--identity was given"),
        (("--people", "8"), "--people was given and has no effect on one picture, without --sheet; leave it out"),
    ],
)
def test_bad_input_is_named_and_nothing_is_written(tmp_path, args, message):
    result = run(*args, tmp_path / "out.png")
    assert result.exit_code == 2 and message in result.output
    assert not list(tmp_path.iterdir())


def test_a_wrong_ending_is_named(tmp_path):
    result = run(tmp_path / "face.gif")
    assert result.exit_code == 2 and ".png" in result.output
