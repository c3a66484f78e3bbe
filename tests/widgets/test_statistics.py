"""The page's statistics are Python's, on tied data."""

import numpy as np
import pytest

from fer_lib.interpret import divergence, exchange, measures, permutation
from fer_lib.widgets import SeedStrip
from tests.widgets.test_host import ROWS

FILTERS, AUS, SEQUENCES = 6, 3, 60


@pytest.fixture(scope="module")
def table() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Activations (N, F) with ties, labels (N, A) that hold for the last three of a sequence's four frames."""
    rng = np.random.default_rng(3)
    sequence = np.repeat(np.arange(SEQUENCES), 4)
    labels = (rng.random((SEQUENCES, AUS)) < (0.2, 0.4, 0.5))[sequence].astype(float) * (np.arange(240) % 4 > 0)[
        :, None
    ]
    each = rng.normal(size=(SEQUENCES, FILTERS))[sequence] + 0.5 * rng.normal(size=(240, FILTERS))
    each[:, 0] += 2 * labels[:, 0]
    return np.maximum(np.round(each, 1), 0), labels, sequence


@pytest.fixture
def ask(write_page, open_page):
    """ask("statistics => …", argument) evaluates in a page with the statistics module."""
    page = open_page(write_page("statistics", SeedStrip(rows=ROWS))).page
    script = "async ([code, given]) => eval(code)(await ferWidgets.load('statistics'), given)"
    return lambda code, given: page.evaluate(script, [code, given])


def test_every_measure(ask, table) -> None:
    activation, labels, _ = table
    code = """(s, {x, y}) => x.map((a) => y.map((b, k) => [s.auroc(a, b), s.averagePrecision(a, b), s.pearson(a, b),
        s.partialR(a, y, k), s.klDivergence(a, b)]))"""
    found = np.array(ask(code, {"x": activation.T.tolist(), "y": labels.T.tolist()}))
    expected = [
        measures.auroc(activation, labels),
        measures.average_precision(activation, labels),
        measures.pearson(activation, labels),
        measures.partial_r(activation, labels),
        divergence.divergence(activation, labels, "kl"),
    ]
    for place, values in enumerate(expected):
        np.testing.assert_allclose(found[..., place], values, atol=1e-6)


def test_what_cannot_be_said_is_nan(ask) -> None:
    code = (
        "(s, x) => [s.auroc(x, [0, 0, 0]), s.pearson([2, 2, 2], [0, 1, 0]), s.klDivergence(x, [1, 1, 1])].map(String)"
    )
    assert ask(code, [1, 2, 3]) == ["NaN"] * 3
    silent = "(s, x) => [s.averagePrecision, s.klDivergence, s.pearson].map((f) => String(f(x, [0, 1, 0])))"
    assert ask(silent, [0.1, 0.1, 0.1]) == ["NaN"] * 3
    nothing = "(s, x) => s.permutationTest([x], 0, [0, 1, 0, 0], [0, 1, 2, 3], {draws: 9})"
    found = ask(nothing, [0.1] * 4)
    assert all(np.isnan(found[name]) for name in ("p", "best", "chance"))


def test_permutation_by_sequence(ask, table) -> None:
    activation, labels, sequence = table
    code = "(s, {x, y, q}) => [0, 1].map((f) => s.permutationTest(x, f, y, q, {draws: 2000, seed: 5}))"
    given = {"x": activation.T.tolist(), "y": labels[:, 0].tolist(), "q": sequence.tolist()}
    planted, empty = ask(code, given)
    sequences, rng = exchange.exchangeable(sequence), np.random.default_rng(0)
    one = labels[:, :1]
    test = permutation.max_t(activation, one, sequences, rng, 2000)
    excess = divergence.excess_divergence(activation, one, sequences, rng, 500)
    slope = 2 * measures.auroc_as_z(activation, one, 1.0)[:, 0]
    middle, half = 0.5 + test.null_mean[:, 0] / slope, 1.96 * test.null_sd[:, 0] / slope
    for place, found in enumerate((planted, empty)):
        assert found["p"] == pytest.approx(test.p[place, 0], abs=0.04)
        assert found["klExcess"] == pytest.approx(excess.excess[place, 0], abs=0.02)
        assert found["expected"] == pytest.approx(middle[place], abs=1e-9)
        assert found["nullHigh"] == pytest.approx(middle[place] + half[place], abs=1e-9)
        assert found["nullLow"] == pytest.approx(middle[place] - half[place], abs=1e-9)
    assert planted["p"] == 1 / 2001 and planted["best"] < 0.01 and planted["chance"] < 0.05
    assert empty["chance"] == pytest.approx(FILTERS * empty["p"], abs=1.0)
    assert ask(code, given)[0] == planted  # a seed repeats it
