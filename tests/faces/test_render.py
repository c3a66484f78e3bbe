import pytest
import torch

from fer_lib import facs
from fer_lib.errors import UserError
from fer_lib.faces import Scene, au_tensor, difference_mask, render, sample_identities
from fer_lib.faces.shading import LABELS

# Where each AU may show, as rows between the eyes (0) and the chin (1); the mouth line lies near 0.63, the nose tip
# near 0.4. From the FACS manual's descriptions of appearance changes.
ROWS = {1: (-1, 0.12), 2: (-1, 0.12), 4: (-1, 0.15), 5: (-0.3, 0.2), 6: (-0.15, 0.6), 7: (-0.15, 0.45), 9: (-0.45, 0.7)}
ROWS |= {10: (0.1, 0.8), 11: (0.1, 0.8), 12: (0.05, 1.1), 14: (0.1, 1.1), 15: (0.2, 1.2), 17: (0.4, 1.2)}
ROWS |= {20: (0.1, 1.2), 23: (0.2, 1.2), 24: (0.2, 1.2), 25: (0.3, 1.2), 26: (0.15, 1.3), 27: (0.15, 1.3)}


def change(people, combination):
    with torch.no_grad():
        before = render(people, au_tensor([{}] * len(people))).images
        return (render(people, au_tensor([combination] * len(people))).images - before).abs()[:, 0]


@pytest.mark.parametrize("au", facs.CKPLUS_AUS)
def test_an_au_changes_pixels_where_facs_says(people, neutral, au):
    difference = change(people, {au: 1.0})
    assert difference.mean() * 255 > 0.3, "visible at 96 pixels"
    eyes, chin = neutral.landmarks[:, 36:48, 1].mean(1), neutral.landmarks[:, 8, 1]
    place = (torch.arange(96) + 0.5 - eyes[:, None]) / (chin - eyes)[:, None]
    low, high = ROWS[au]
    inside = ((place >= low) & (place <= high))[..., None]
    assert (difference * inside).sum() > 0.93 * difference.sum()


@pytest.mark.parametrize("au", [2, 4, 6, 12, 14, 15])
def test_a_left_au_shows_on_the_viewers_right(people, au):
    difference = change(people, {f"L{au}": 1.0})
    assert difference[..., 50:].sum() > 6 * difference[..., :46].sum()


def test_an_au_grows_with_its_intensity(people):
    amounts = [change(people, {12: level}).mean() for level in (0.2, 0.4, 0.6, 0.8, 1.0)]
    assert all(a < b for a, b in zip(amounts, amounts[1:], strict=False))


def test_a_picture_does_not_depend_on_its_batch(people):
    generator = torch.Generator().manual_seed(0)
    scene, aus = Scene.sample(4, 1, generator), au_tensor([{12: 0.7}, {4: 1}, {27: 0.8, 25: 1}, {"R14": 0.9}])
    with torch.no_grad():
        together = render(people, aus, scene).to_uint8().int()
        alone = torch.cat([render(people[i : i + 1], aus[i : i + 1], scene[i : i + 1]).to_uint8() for i in range(4)])
    assert (together - alone.int()).abs().max() <= 1


def test_the_same_seed_gives_the_same_picture(people):
    def picture():
        with torch.no_grad():
            return render(people[:1], au_tensor([{6: 0.5}]), Scene.sample(1, 2, torch.Generator().manual_seed(4)))

    assert torch.equal(picture().images, picture().images)


def test_labels_depth_and_landmarks_agree_with_the_picture(neutral):
    seen = {LABELS[i] for i in neutral.labels.unique().tolist()}
    assert {"background", "skin", "lips", "eye", "hair"} <= seen
    face = neutral.labels > 0
    assert (neutral.depth[face] < 15).all() and (neutral.depth[~face] > 15).all()
    marks = neutral.landmarks
    assert marks.shape == (4, 68, 2) and (marks[:, 17:] > 0).all() and (marks[:, 17:] < 96).all()
    assert (marks[:, 36, 0] < marks[:, 45, 0]).all(), "the subject's right eye is on the viewer's left"
    assert (marks[:, 30, 1] < marks[:, 51, 1]).all() and (marks[:, 57, 1] < marks[:, 8, 1]).all()
    for picture, eye in zip(neutral.labels == LABELS.index("eye"), marks[:, 36:42].mean(1), strict=True):
        rows, columns = picture[:, :48].nonzero().float().mean(0)
        assert (eye - torch.stack([columns, rows])).norm() < 2.5, "the landmarks surround the eye"


def test_teeth_show_in_an_open_smile_and_the_mouth_opens(people):
    with torch.no_grad():
        smile = render(people, au_tensor([{12: 1.0, 25: 1.0}] * 4), outputs=("labels",)).labels
        closed = render(people, au_tensor([{}] * 4), outputs=("labels",)).labels
    teeth = LABELS.index("teeth")
    assert (smile == teeth).sum() > 40 * 4
    assert (closed == teeth).flatten(1).sum(1).max() <= 4, "closed lips hide the teeth"


@pytest.mark.parametrize("au", [4, 6, 12, 26])
def test_gradients_reach_action_units(people, au):
    """Analytic derivative of a smooth summary of the picture against central differences.

    Silhouettes carry no gradient, so the two agree in sign and size, not to the digit.
    """
    weight = torch.randn(1, 1, 96, 96, generator=torch.Generator().manual_seed(au))
    weight = torch.nn.functional.avg_pool2d(weight, 9, 1, 4)

    def summary(level):
        aus = au_tensor([{}])
        column = facs.AUS.index(au)
        aus = aus.index_copy(2, torch.tensor([column]), level.expand(1, 2, 1))
        return (render(people[:1], aus).images * weight).sum()

    level = torch.tensor(0.5, requires_grad=True)
    summary(level).backward()
    with torch.no_grad():
        numeric = (summary(torch.tensor(0.55)) - summary(torch.tensor(0.45))) / 0.1
    assert level.grad.sign() == numeric.sign()
    assert level.grad == pytest.approx(numeric.item(), rel=0.6, abs=0.3)


def test_difference_mask_is_empty_without_a_change(people):
    rest, smile = au_tensor([{}]), au_tensor([{12: 0.8}])
    assert not difference_mask(people[:1], rest, rest).any()
    mask = difference_mask(people[:1], rest, smile)
    assert mask.shape == (1, 96, 96) and mask[:, 55:].any() and not mask[:, :25].any()


@pytest.mark.parametrize("size,supersample", [(48, 2), (96, 1), (131, 2)])
def test_any_size(people, size, supersample):
    with torch.no_grad():
        picture = render(people[:1], au_tensor([{}]), size=size, supersample=supersample).images
    assert picture.shape == (1, 1, size, size) and picture.isfinite().all()


def test_difficulty_widens_the_nuisance():
    spread = [Scene.sample(400, d, torch.Generator().manual_seed(1)).pose.std() for d in (0, 1, 2)]
    assert spread[0] < spread[1] < spread[2]


def test_bad_requests_are_named(people):
    with pytest.raises(UserError, match="difficulty 7"):
        Scene.sample(1, 7, torch.Generator())
    with pytest.raises(UserError, match="1 identities, 2 AU rows and 2 scenes"):
        render(people[:1], au_tensor([{}, {}]))
    with pytest.raises(UserError, match="'colour'"):
        render(people[:1], au_tensor([{}]), outputs=("colour",))
    with pytest.raises(UserError, match="size 4"):
        render(people[:1], au_tensor([{}]), size=4)


def test_people_look_different_and_are_themselves():
    people = sample_identities(6, 9)
    with torch.no_grad():
        first = render(people, au_tensor([{}] * 6)).images.flatten(1)
        second = render(people, au_tensor([{}] * 6), Scene.sample(6, 0, torch.Generator().manual_seed(2)))
    gaps = torch.cdist(first, first) + torch.eye(6) * 1e9
    assert gaps.min() > 1.0
    assert second.images.shape == (6, 1, 96, 96)
