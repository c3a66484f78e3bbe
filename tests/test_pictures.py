"""Galleries: every picture has alt text and its own pixels; bad shapes are refused."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from fer_lib.errors import UserError
from fer_lib.pictures import enlarge, gallery, sheet, signed_grey, with_box


def test_each_picture_is_there_with_its_caption() -> None:
    rng = np.random.default_rng(0)
    smooth = np.repeat(np.repeat(rng.integers(0, 256, (2, 1, 4, 4), dtype=np.uint8), 8, axis=2), 8, axis=3)
    page = gallery(smooth, ["AU 12 <A>", "AU 4"], alt="two faces", data="synthetic faces")._repr_html_()
    assert re.findall('alt="([^"]*)"', page) == ["AU 12 &lt;A&gt;", "AU 4"]
    assert 'aria-label="two faces"' in page and "Data: synthetic faces." in page
    for code, expected in zip(re.findall('base64,([^"]*)', page), smooth[:, 0], strict=True):
        shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(code))).convert("L"), dtype=int)
        assert np.abs(shown - expected).mean() < 6


def test_a_row_stays_a_row_where_its_order_is_told() -> None:
    kept = gallery(np.zeros((6, 8, 8)), alt="black", width=90, columns=3)._repr_html_()
    assert "repeat(3,minmax(0,90px))" in kept and "max-width:90px" in kept
    assert "auto-fill" in gallery(np.zeros((6, 8, 8)), alt="black")._repr_html_()


def test_pictures_without_captions_share_the_alt_text() -> None:
    page = gallery(np.zeros((3, 8, 8)), alt="black")._repr_html_()
    assert re.findall('alt="([^"]*)"', page) == ["black"] * 3


@pytest.mark.parametrize(
    ("shape", "captions", "message"), [((8, 8), None, r"shape \(8, 8\)"), ((2, 8, 8), ["one"], "1 captions for 2")]
)
def test_what_does_not_fit_is_refused(shape, captions, message) -> None:
    with pytest.raises(UserError, match=message):
        gallery(np.zeros(shape), captions, alt="x")


def test_a_gallery_without_columns_is_refused() -> None:
    with pytest.raises(UserError, match="columns=0 found; expected 1 or more"):
        gallery(np.zeros((2, 8, 8)), alt="x", columns=0)


def test_a_sheet_names_each_picture_by_row_and_column() -> None:
    table = sheet(np.zeros((6, 8, 8)), ["AU 1", "AU 2"], "ABC", alt="levels", data="made-up", notes=["inner", "outer"])
    assert table.images.shape == (2, 3, 8, 8)
    page = table._repr_html_()
    assert re.findall('alt="([^"]*)"', page) == [f"AU {au}, {letter}" for au in (1, 2) for letter in "ABC"]
    assert page.count('scope="col"') == 3 and page.count('scope="row"') == 2 and "<small>outer</small>" in page
    with pytest.raises(UserError, match="6 pictures and 2 notes for 2 rows of 2"):
        sheet(np.zeros((6, 8, 8)), ["AU 1", "AU 2"], "AB", alt="levels")


def test_a_box_is_drawn_on_its_edge_and_leaves_its_inside() -> None:
    drawn = with_box(np.full((10, 10), 90, np.uint8), (2, 3, 7, 9))
    assert (drawn[2, 3:9] == 255).all() and (drawn[6, 3:9] == 255).all() and (drawn[2:7, 8] == 255).all()
    assert (drawn[3:6, 4:8] == 90).all() and (drawn[1, 2:10] == 0).all() and drawn[0, 0] == 90
    assert with_box(np.zeros((4, 4), np.uint8), (0, 0, 4, 4), zoom=3).shape == (12, 12)


def test_enlarged_pictures_keep_their_levels() -> None:
    ramp = np.tile(np.arange(0, 160, 20, dtype=np.uint8), (2, 8, 1))
    grown = enlarge(ramp, 4)
    assert grown.shape == (2, 32, 32) and grown.dtype == np.uint8
    assert np.abs(grown[0].reshape(8, 4, 8, 4).mean((1, 3)) - ramp[0]).max() < 4


def test_signed_maps_have_zero_in_the_middle() -> None:
    grey = signed_grey(np.stack([[[-2.0, 0.0], [1.0, 0.5]], np.zeros((2, 2))]))
    assert grey[0].tolist() == [[0, 128], [191, 159]] and (grey[1] == 128).all()
