import math

import pytest
import torch

from fer_lib import facs
from fer_lib.errors import UserError
from fer_lib.faces.rig import AU_ACTIONS, action_weights, au_tensor, check_aus, load_rig, pose_mesh


def shift(combination):
    """Offsets (V, 3) that an AU combination gives the template."""
    rig = load_rig()
    neutral = rig.vertices[None]
    return (pose_mesh(rig, neutral, action_weights(rig, au_tensor([combination]), torch.zeros(1, 2))) - neutral)[0]


def test_every_au_has_actions_and_moves_the_mesh():
    assert set(AU_ACTIONS) == set(facs.AUS)
    for au in facs.AUS:
        assert shift({au: 1.0}).norm(dim=1).max() > 0.008, au  # dm: nearly a millimetre


@pytest.mark.parametrize("au", [1, 4, 12, 14, 17, 27])
def test_left_and_right_halves_add_up_to_both(au):
    both = shift({au: 0.6})
    assert torch.allclose(shift({f"L{au}": 0.6}) + shift({f"R{au}": 0.6}), both, atol=1e-5)


@pytest.mark.parametrize("au", [1, 2, 4, 6, 9, 12, 14, 17])
def test_a_left_au_moves_the_left_side(au):
    rig, moved = load_rig(), shift({f"L{au}": 1.0}).norm(dim=1)
    left, right = moved[rig.vertices[:, 0] > 0.1].sum(), moved[rig.vertices[:, 0] < -0.1].sum()
    assert left > 8 * right


def test_au_21_leaves_the_mouth_alone():
    rig, moved = load_rig(), shift({21: 1.0}).norm(dim=1)
    assert moved[rig.masks[:, 0] > 0.5].max() < 0.02 * moved.max()


def test_intensity_scales_the_offsets():
    assert torch.allclose(shift({12: 0.5}) * 2, shift({12: 1.0}), atol=1e-5)


def test_closed_eyes_do_not_close_twice():
    assert torch.allclose(shift({43: 1.0}), shift({43: 1.0, 45: 1.0}), atol=1e-5)


def test_au_tensor_reads_numbers_and_sides():
    table = au_tensor([{12: 0.8, "L4": 0.5}, {}])
    assert table.shape == (2, 2, len(facs.AUS))
    assert table[0, :, facs.AUS.index(12)].tolist() == pytest.approx([0.8, 0.8])
    assert table[0, :, facs.AUS.index(4)].tolist() == [0.5, 0.0]
    assert table[1].sum() == 0


@pytest.mark.parametrize("bad", [1.2, -0.1, math.nan, math.inf])
def test_intensity_out_of_range_is_named(bad):
    with pytest.raises(UserError, match=r"AU L12.*expected a number from 0 to 1"):
        au_tensor([{"L12": bad}])


def test_unknown_au_is_named():
    with pytest.raises(UserError, match="AU 3"):
        au_tensor([{3: 0.5}])


def test_check_aus_names_the_entry():
    table = au_tensor([{}, {}])
    table[1, 1, facs.AUS.index(6)] = math.nan
    with pytest.raises(UserError, match="picture 1, right AU 6: intensity nan"):
        check_aus(table)
    with pytest.raises(UserError, match="use au_tensor"):
        check_aus(torch.zeros(2, 5))
