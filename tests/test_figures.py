import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from fer_lib import figures
from fer_lib.errors import UserError

ALIGNMENT = pd.DataFrame(
    {
        "filter": [3, 3, 8, 8],
        "au": [4, 12, 4, 12],
        "metric": "auroc",
        "value": [0.91, 0.4, np.nan, 0.6],
        "chance": 0.5,
        "low": [0.8, 0.3, np.nan, 0.5],
        "high": [0.95, 0.5, np.nan, 0.7],
        "null_low": 0.35,
        "null_high": 0.65,
    }
)
DOSES = pd.DataFrame({"filter": 3, "au": 12, "dose": [0, 0.5, 1], "mean": [0, 0.2, 0.7], "sd": 0.3, "people": 9})
GAIN = pd.DataFrame(
    [("mass", "box", 0.6, 0.3), ("mass", "other filter", 0.6, 0.5)], columns=["score", "baseline", "decoded", "base"]
)
RUNS = pd.DataFrame({"net": ["AD", "AD", "plain"], "accuracy": [0.9, 0.94, 0.8]})
CURVE = pd.DataFrame({"step": [1, 10], "loss": [2.0, 0.5]})

DRAWN = {
    "heat map": (lambda: figures.alignment_heatmap(ALIGNMENT, data="made-up"), "0.91, is filter 3 with AU 4"),
    "profile": (lambda: figures.au_profile(ALIGNMENT, 3, data="made-up"), "Largest: AU 4, 0.91. 1 lie outside"),
    "bars": (lambda: figures.bars(["a", "b"], [1, 2.5], "T", "share", chance=0.5, data="made-up"), "a 1, b 2.5"),
    "seeds": (
        lambda: figures.seed_strip(RUNS, "net", "accuracy", "T", "accuracy", "made-up"),
        "AD: mean 0.92 (sd 0.028",
    ),
    "points": (
        lambda: figures.points(RUNS, "net", {"accuracy": "on new people"}, "T", "accuracy", {"chance": 0.5}, "made-up"),
        "AD: 0.92 (on new people); plain: 0.80 (on new people); chance: line at 0.50",
    ),
    "doses": (lambda: figures.dose_curves(DOSES, 3, [12], "made-up"), "AU 12 +0.7"),
    "matrix": (
        lambda: figures.matrix([[1, 2], [3, np.nan]], "ab", "xy", "T", "nats", diverging=True, data="made-up"),
        "3, is b with x",
    ),
    "confusion": (
        lambda: figures.confusion_matrix([[3, 1], [0, 0]], ["happy", "fear"], "made-up"),
        "0.75, is happy with",
    ),
    "lines": (lambda: figures.lines(CURVE, "step", ["loss"], "T", "nats", log_x=True, data="made-up"), "from 2 to 0.5"),
    "baselines": (lambda: figures.baselines(GAIN, "made-up"), "mass 0.60 against 0.30 (box)"),
}


@pytest.mark.parametrize("name", DRAWN)
def test_alt_texts_hold_the_numbers_and_name_the_data(name):
    draw, told = DRAWN[name]
    figure = draw()
    assert isinstance(figure, go.Figure) and len(figure.data) > 0
    alt = figure.layout.meta["alt"]
    assert told in alt and alt.endswith("Data: made-up.")
    assert "made-up" in figure.layout.title.text
    figure.to_json()


def test_a_measure_that_would_not_be_drawn_is_refused():
    with pytest.raises(UserError, match="4 measures of a group; expected 3 or fewer"):
        figures.points(RUNS, "net", dict.fromkeys("abcd", "accuracy"), "T", "accuracy", {})


def test_intervals_and_bands_are_drawn_where_they_are():
    figure = figures.au_profile(ALIGNMENT, 3)
    low, high, points = figure.data
    assert list(points.x) == ["AU 4", "AU 12"] and list(points.y) == [0.91, 0.4]
    np.testing.assert_allclose(points.error_y.array, [0.04, 0.1])
    np.testing.assert_allclose(points.error_y.arrayminus, [0.11, 0.1])
    assert list(low.y) == [0.35] * 2 and list(high.y) == [0.65] * 2 and high.fill == "tonexty"
    strip = figures.seed_strip(RUNS, "net", "accuracy", "T", "accuracy")
    assert list(strip.data[0].y) == [0.9, 0.94] and strip.data[1].y[0] == pytest.approx(0.92)


def test_undefined_cells_stay_blank():
    heat = figures.alignment_heatmap(ALIGNMENT).data[0]
    assert np.isnan(np.asarray(heat.z, dtype=float)[list(heat.y).index("filter 8"), 0])
    text = figures.confusion_matrix([[3, 1], [0, 0]], ["happy", "fear"]).data[0].text
    assert list(text[1]) == ["", ""]


def test_numbers_of_a_matrix_fit_their_cells():
    text = figures.matrix([[0.3172, -0.00039], [np.nan, 0.1]], "ab", "xy", "T", "nats", diverging=True).data[0].text
    assert [list(row) for row in text] == [["0.32", "0"], ["", "0.1"]]
    assert figures.matrix([[2512.3, 7.7]], "a", "xy", "T", "u").data[0].text[0][0] == "2512"


def test_missing_results_are_named():
    for call, message in (
        (lambda: figures.alignment_heatmap(ALIGNMENT, "kl"), "no metric 'kl'"),
        (lambda: figures.au_profile(ALIGNMENT, 5), "filter 5"),
        (lambda: figures.dose_curves(DOSES, 3, [4]), "no filter 3 with AU 4"),
        (lambda: figures.matrix(np.ones((2, 2)), "abc", "xy", "T", "u"), "3 rows and 2 columns"),
        (lambda: figures.finish(go.Figure(), "T", " "), "needs an alt text"),
    ):
        with pytest.raises(UserError, match=message):
            call()


def test_a_group_that_lacks_a_measure_tells_none() -> None:
    table = pd.DataFrame({"net": ["A", "B"], "learned": [1.0, np.nan], "failed": [np.nan, 2.0]})
    said = figures.points(table, "net", {"learned": "learned", "failed": "failed"}, "T", "x", {}).layout.meta["alt"]
    assert "A: 1.00 (learned)" in said and "B: 2.00 (failed)" in said and "nan" not in said
