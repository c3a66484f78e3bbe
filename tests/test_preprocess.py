import math

import numpy as np
import pytest
import torch
from scipy.ndimage import affine_transform

from fer_lib.errors import UserError
from fer_lib.preprocess import Augmentation, local_normalise, prepare, stretch


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pictures(count: int = 4, size: int = 24) -> torch.Tensor:
    return torch.rand(count, 1, size, size, generator=generator(7))


def test_local_mean_by_hand():
    """A single bright pixel in the corner: the box always divides by 25, padding included."""
    images = torch.zeros(1, 1, 6, 6, dtype=torch.uint8)
    images[0, 0, 0, 0] = 255
    expected = torch.zeros(6, 6)
    expected[:3, :3] = -2 / 25
    expected[0, 0] = 2 - 2 / 25
    assert torch.allclose(prepare(images)[0, 0], expected, atol=1e-6)


def test_local_mean_of_a_flat_picture():
    prepared = prepare(torch.full((1, 1, 8, 8), 255, dtype=torch.uint8))[0, 0]
    assert torch.allclose(prepared[2:-2, 2:-2], torch.zeros(4, 4), atol=1e-6)
    assert prepared[0, 0].item() == pytest.approx(2 - 2 * 9 / 25)  # 9 of the 25 box pixels lie inside


def test_local_mean_matches_the_definition_everywhere():
    x = pictures(1, 9)[0, 0]
    padded = np.pad(x.numpy(), 2)
    boxes = np.array([[padded[i : i + 5, j : j + 5].sum() / 25 for j in range(9)] for i in range(9)])
    assert np.allclose(local_normalise(x[None, None], False)[0, 0], x.numpy() - boxes, atol=1e-6)


def test_unit_variance_by_hand():
    """Stripes of +-0.5 about 0.5 on [0, 1]: the described recipe divides by the root of the boxed squares."""
    stripes = (torch.arange(40) % 2).float().repeat(40, 1)[None, None]
    described = prepare(stripes, "as_described")[0, 0, 10:-10, 10:-10]
    difference = prepare(stripes)[0, 0]
    # five columns: 2 or 3 bright ones, so the mean on [0, 2] is 0.8 or 1.2 and every difference is +-0.8
    assert torch.allclose(difference[10:-10, 10:-10].abs(), torch.tensor(0.8), atol=1e-5)
    assert torch.allclose(described.abs(), torch.tensor(0.8 / math.sqrt(0.64 + 1e-4)), atol=1e-4)


def test_flat_areas_stay_finite_and_zero_when_described():
    assert torch.equal(prepare(torch.zeros(1, 1, 8, 8), "as-described"), torch.zeros(1, 1, 8, 8))


def test_uint8_and_float_agree():
    images = (pictures() * 255).to(torch.uint8)
    assert torch.equal(prepare(images), prepare(images / 255))


@pytest.mark.parametrize(
    ("images", "recipe", "message"),
    [
        (torch.zeros(3, 8, 8), "as_released", r"\(3, 8, 8\).*\(B, 1, H, W\)"),
        (torch.zeros(1, 3, 8, 8), "as_released", "grey"),
        (torch.zeros(1, 1, 8, 8, dtype=torch.int64), "as_released", "int64.*uint8"),
        (torch.full((1, 1, 8, 8), 200.0), "as_released", "200.*divide by 255"),
        (torch.full((1, 1, 8, 8), float("nan")), "as_released", "nan"),
        (torch.zeros(1, 1, 8, 8), "mine", "as_released, as_described"),
    ],
)
def test_bad_input(images, recipe, message):
    with pytest.raises(UserError, match=message):
        prepare(images, recipe)


def middle(**changes: float) -> torch.Tensor:
    """Draws (5, 1) that mean: no rotation, scale 1, no shift, no flip; `changes` replaces some."""
    draws = {"angle": 0.5, "scale": (1 - 0.7) / 0.7, "x": 0.5, "y": 0.5, "flip": 0.9} | changes
    return torch.tensor([[value] for value in draws.values()])


def test_identity_and_flip():
    images = pictures(1)
    assert torch.allclose(Augmentation().warp(images, middle()), images, atol=1e-5)
    assert torch.allclose(Augmentation().warp(images, middle(flip=0.1)), images.flip(-1), atol=1e-5)


def test_no_shift_at_scale_one():
    images = pictures(1)
    assert torch.allclose(Augmentation().warp(images, middle(x=0.99, y=0.01)), images, atol=1e-5)


@pytest.mark.parametrize("flip", [0.1, 0.9])
@pytest.mark.parametrize(("angle", "scale", "x", "y"), [(0.9, 0.0, 0.2, 0.7), (0.1, 0.95, 0.9, 0.4)])
def test_warp_is_the_authors_map(angle, scale, x, y, flip):
    """Against scipy with their composition: rotate, scale, bring S/2 back to S/2, shift by +-S/2 |1 - s|."""
    size = 24
    image = pictures(1, size)
    s, degrees = 0.7 + 0.7 * scale, -5 + 10 * angle
    shift = np.array([(2 * x - 1), (2 * y - 1)]) * size / 2 * (1 - s)
    c, d = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    turn = s * np.array([[c, -d], [d, c]])  # on (x, y), skimage's convention
    centre = np.array([size / 2, size / 2])
    offset = centre - turn @ centre + shift
    source = image[0, 0].numpy()[:, ::-1] if flip < 0.5 else image[0, 0].numpy()
    # scipy maps (row, column); mode="grid-constant" interpolates into the zeros, as bilinear sampling does
    expected = affine_transform(source, turn[::-1, ::-1], offset[::-1], order=1, mode="grid-constant")
    warped = Augmentation().warp(image, middle(angle=angle, scale=scale, x=x, y=y, flip=flip))
    assert np.allclose(warped[0, 0], expected, atol=1e-4)


def test_share_of_draws_that_fill_with_zeros():
    """57 % of draws shrink the face; 16 % of pixels are zero-filled on average (derived from the released ranges)."""
    count = 4000
    draws = torch.rand(5, count, generator=generator())
    scale = 0.7 + 0.7 * draws[1]
    assert (scale > 1).float().mean().item() == pytest.approx(0.4 / 0.7, abs=0.03)
    filled = Augmentation().warp(torch.ones(count, 1, 24, 24), draws)
    assert (filled < 0.5).float().mean().item() == pytest.approx(0.16, abs=0.02)
    draws[0] = 0.5  # no rotation: a magnified window stays within the picture, but for 1 - s of a pixel
    magnified = Augmentation().warp(torch.ones(count, 1, 24, 24), draws)[scale < 1]
    assert magnified.min() > 0.7 * 0.7 - 0.01


def test_contrast_and_brightness_are_no_ops_as_released():
    images, draws = pictures(), torch.rand(3, 4, generator=generator(3))
    neutral = torch.tensor([[0.3 / 0.7], [0.5]]).expand(2, 4)  # contrast 1, brightness 0
    released, described = Augmentation(), Augmentation(min_max=False)
    only_gamma = torch.cat([draws[:1], neutral])
    assert torch.allclose(released.grey(images, draws), released.grey(images, only_gamma), atol=2e-6)
    assert (described.grey(images, draws) - described.grey(images, only_gamma)).abs().max() > 0.02


def test_grey_by_hand():
    """[0, .5, 1] squared is [0, .25, 1]; contrast 1.4 and brightness 0.1 give [.1, .45, 1.5], clipped [.1, .45, 1]."""
    image = torch.tensor([0.0, 0.5, 1.0]).reshape(1, 1, 1, 3)
    draws = torch.tensor([[(2 - 0.25) / 3.75], [1.0], [1.0]])
    assert torch.allclose(Augmentation(min_max=False).grey(image, draws).flatten(), torch.tensor([0.1, 0.45, 1.0]))
    assert torch.allclose(Augmentation().grey(image, draws).flatten(), torch.tensor([0.0, 0.25, 1.0]), atol=1e-6)


def test_stretch_of_a_flat_picture_is_finite():
    assert torch.equal(stretch(torch.full((1, 1, 3, 3), 0.4)), torch.zeros(1, 1, 3, 3))


def test_same_generator_same_batch_and_each_picture_its_own_draw():
    same = pictures(1).expand(6, 1, 24, 24)
    first, second = (Augmentation()(same, generator(5)) for _ in range(2))
    assert torch.equal(first, second)
    assert len({picture.sum().item() for picture in first}) == 6
    assert first.min() >= 0 and first.max() <= 1


def test_oblong_pictures_are_refused():
    with pytest.raises(UserError, match="24x12"):
        Augmentation()(torch.zeros(1, 1, 12, 24), generator())


def test_the_shift_may_be_freed_from_the_scale():
    draws = torch.full((5, 2), 0.9)
    draws[1] = torch.tensor([(1 - 0.7) / 0.7, 1.0])  # scales 1 and 1.4
    tied = Augmentation(rotation=0).affine(draws, 48)[:, 1, 2]
    free = Augmentation(rotation=0, shift_with_scale=False).affine(draws, 48)[:, 1, 2]
    assert tied[0].abs() < 1e-6 and tied[1].abs() > 0.3
    assert free[0].abs() > 0.3 and (free[1] - (1 - 1.4) / 48).abs() < 1e-6
