import numpy as np
import pytest
import torch

from fer_lib.errors import UserError
from fer_lib.interpret import examples
from fer_lib.interpret.activations import Scan, filter_maxima, scan
from fer_lib.interpret.receptive import FIELDS
from fer_lib.preprocess import prepare


@pytest.fixture(scope="module")
def pass_over(network, pictures):
    return scan(network, pictures, prepare, batch=4)


def test_one_pass_keeps_maxima_places_pool3_and_logits(network, pictures, pass_over):
    x = prepare(pictures)
    for layer, maxima in pass_over.layers.items():
        response = network.activations(x, layer).detach().numpy()
        np.testing.assert_allclose(maxima.value, response.max(axis=(2, 3)), rtol=1e-5)
        n, f = np.indices(maxima.value.shape)
        np.testing.assert_allclose(response[n, f, maxima.y, maxima.x], maxima.value, rtol=1e-5)
    np.testing.assert_allclose(pass_over.pool3, network.activations(x, "pool3").flatten(1).detach(), rtol=1e-5)
    np.testing.assert_allclose(pass_over.logits, network(x).detach(), rtol=1e-4, atol=1e-6)
    encoded = filter_maxima(network, prepare)(pictures)
    np.testing.assert_allclose(encoded.detach(), pass_over.layers["conv3"].value, rtol=1e-5)


def test_scan_leaves_the_mode_alone_and_never_drops_out(network, pictures):
    network.train()
    try:
        first, second = (scan(network, pictures[:2], prepare, layers=["conv3"]).logits for _ in range(2))
        assert network.training
    finally:
        network.eval()
    np.testing.assert_array_equal(first, second)


def test_a_scan_survives_the_disk(pass_over, tmp_path):
    pass_over.save(tmp_path / "scan.safetensors")
    again = Scan.load(tmp_path / "scan.safetensors")
    assert list(again.layers) == ["conv1", "conv2", "conv3"] and len(again) == 6
    for name, maxima in pass_over.layers.items():
        for part in ("value", "place", "norm"):
            np.testing.assert_array_equal(getattr(again.layers[name], part), getattr(maxima, part))
        assert again.layers[name].width == maxima.width


@pytest.mark.parametrize("layer", ["conv1", "conv2", "conv3"])
def test_receptive_fields_are_exact(network, layer):
    """The gradient of a unit of a net of ones is non-zero exactly on its field."""
    stride, width = FIELDS[layer].stride, 96 // FIELDS[layer].stride
    blank = torch.rand(1, 1, 96, 96, generator=torch.Generator().manual_seed(0)).requires_grad_()
    signal = blank
    for level in range(1, int(layer[-1]) + 1):
        ones = torch.ones_like(getattr(network, f"conv{level}").weight[:1, :1])
        signal = torch.nn.functional.conv2d(signal, ones, padding=2)
        signal = signal if f"conv{level}" == layer else torch.nn.functional.avg_pool2d(signal, 2)
    for y, x in ((width // 2, width // 2), (0, width - 1), (width - 1, 1)):
        (slope,) = torch.autograd.grad(signal[0, 0, y, x], blank, retain_graph=True)
        rows, columns = np.nonzero(slope[0, 0].numpy())
        box = FIELDS[layer].box(y, x, 96)
        assert box == (rows.min(), columns.min(), rows.max() + 1, columns.max() + 1)
        assert FIELDS[layer].clipped(y, x, 96) == (len(rows) < FIELDS[layer].size ** 2)
    assert FIELDS["conv3"].stride == 4 and stride in (1, 2, 4)


def test_crops_are_the_pixels_and_paste_puts_them_back(pictures):
    y, x = torch.tensor([0, 12, 23]), torch.tensor([23, 12, 0])
    crops, inside = FIELDS["conv3"].crops(pictures[:3], y, x)
    for number in range(3):
        top, left, bottom, right = FIELDS["conv3"].box(int(y[number]), int(x[number]), 96)
        seen = crops[number, 0][inside[number]].reshape(bottom - top, right - left)
        torch.testing.assert_close(seen, pictures[number, 0, top:bottom, left:right])
        assert (crops[number, 0][~inside[number]] == 0).all()
        expected = torch.zeros(96, 96)
        expected[top:bottom, left:right] = seen
        torch.testing.assert_close(FIELDS["conv3"].paste(crops, y, x, 96)[number, 0], expected)


def test_contrast_ranking_divides_by_what_the_unit_sees(network, pictures, pass_over):
    x = prepare(pictures)
    for layer in ("conv2", "conv3"):
        maxima = pass_over.layers[layer]
        which = torch.arange(6)
        crops, _ = FIELDS[layer].crops(x, *(torch.as_tensor(part[:, 40]) for part in (maxima.y, maxima.x)))
        np.testing.assert_allclose(maxima.norm[:, 40], crops[which].flatten(1).norm(dim=1), rtol=1e-4)
    doubled = scan(network, pictures, lambda images: 2 * prepare(images)).layers["conv3"]
    np.testing.assert_allclose(doubled.value, 2 * pass_over.layers["conv3"].value, rtol=1e-4)  # a(c·x) = c·a(x)
    np.testing.assert_allclose(doubled.score("contrast"), pass_over.layers["conv3"].score("contrast"), rtol=1e-4)
    with pytest.raises(UserError, match="Unknown ranking"):
        maxima.score("sharpness")


def test_top_k_with_and_without_groups(rng):
    score = rng.random((30, 4))
    group = np.repeat(np.arange(10), 3)
    np.testing.assert_array_equal(examples.top_k(score, 5), np.argsort(-score, axis=0)[:5])
    np.testing.assert_array_equal(examples.top_k(score, 3, lowest=True), np.argsort(score, axis=0)[:3])
    unique = examples.top_k(score, 10, group)
    for f in range(4):
        assert sorted(group[unique[:, f]]) == list(range(10))
        np.testing.assert_allclose(score[unique[:, f], f], np.sort(score[:, f].reshape(10, 3).max(axis=1))[::-1])
    among = examples.top_k_among(score, group > 7, 4, group)
    assert among.shape == (2, 4) and (group[among] > 7).all()
    assert examples.top_k_among(score, group > 99, 4).shape == (0, 4)
    for k, groups in ((31, None), (11, group), (0, None)):
        with pytest.raises(UserError, match=f"Asked for {k} examples"):
            examples.top_k(score, k, groups)


def test_strata_run_from_exciting_to_silent(rng):
    score = rng.random((50, 3))
    order = examples.stratified(score, rng, strata=5, each=2)
    rank = np.argsort(np.argsort(-score, axis=0), axis=0)
    band = np.take_along_axis(rank, order, axis=0) // 10
    np.testing.assert_array_equal(band, np.repeat(np.arange(5), 2)[:, None].repeat(3, axis=1))
    assert all(len(set(column)) == 10 for column in order.T)
    with pytest.raises(UserError, match="6 strata × 9"):
        examples.stratified(score, rng, strata=6, each=9)


def test_example_tables_say_where_and_whether_clipped(pictures, pass_over):
    maxima = pass_over.layers["conv3"]
    table = examples.example_table(maxima, examples.top_k(maxima.value, 3), [5, 9], 96)
    assert list(table["filter"]) == [5] * 3 + [9] * 3
    crops, inside = examples.example_crops(pictures, table, "conv3")
    for row, crop, visible in zip(table.itertuples(), crops, inside, strict=True):
        assert row.value == pytest.approx(maxima.value[row.image, row.filter])
        assert row.clipped == (not visible.all())
        expected = pictures[row.image, 0, row.top : row.bottom, row.left : row.right]
        torch.testing.assert_close(crop[visible].reshape(expected.shape), expected)


def test_relevance_adds_up_to_the_logit(network, pictures, pass_over):
    """Contributions of filters, plus what the biases carry, are the logit of a piecewise linear classifier."""
    share = examples.relevance(network, pass_over.pool3, 2)
    assert share.shape == (6, 256)
    h = torch.as_tensor(pass_over.pool3).requires_grad_()
    logit = network.output(network.relu4(network.fc4(h)))[:, 2]
    (slope,) = torch.autograd.grad(logit.sum(), h)
    expected = (slope * h).reshape(6, 256, 4).sum(dim=2)
    np.testing.assert_allclose(share, expected.detach(), rtol=1e-4, atol=1e-8)


def test_bad_images_are_named(network, pictures):
    with pytest.raises(UserError, match=r"shape \(96, 96\)"):
        scan(network, pictures[0, 0], prepare)
    with pytest.raises(UserError, match="No images"):
        scan(network, pictures[:0], prepare)
    with pytest.raises(UserError, match="no receptive field"):
        scan(network, pictures, prepare, layers=["conv4"])
