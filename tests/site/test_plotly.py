"""Figures on the page: labelled, safe to embed, and in step with the script that draws them."""

import json
import re
from pathlib import Path

import plotly.graph_objects as go

from fer_lib import figures
from fer_lib.site.plotly import alt_text, figure_html, plotly_script

FIGURES_JS = (Path(__file__).parents[2] / "book" / "site" / "figures.js").read_text()


def shown(figure: go.Figure) -> tuple[str, dict]:
    page = figure_html(json.loads(figure.to_json()))
    return page, json.loads(re.search(r'<script type="application/json">(.*?)</script>', page, re.DOTALL)[1])


def test_data_and_label_are_kept_and_the_template_is_not() -> None:
    figure = go.Figure(go.Scatter(x=[1, 2], y=[3, 4]), layout={"height": 300, "meta": {"alt": 'up "2"'}})
    page, data = shown(figure)
    assert 'aria-label="up &quot;2&quot;"' in page and "height:300px" in page
    assert data["data"][0]["x"] == [1, 2] and data["layout"].keys() == {"height", "meta"}


def test_text_cannot_close_the_script() -> None:
    page, data = shown(go.Figure(layout={"title": {"text": "</script><b>"}, "meta": {"alt": "x"}}))
    assert page.count("</script>") == 1 and data["layout"]["title"]["text"] == "</script><b>"


def test_missing_alt_text_is_empty() -> None:
    assert alt_text({"layout": {}}) == alt_text({"layout": {"meta": "words"}}) == ""


def test_colours_the_script_lightens_are_those_of_the_figures() -> None:
    table = re.search(r"const DARK = \{(.*?)\}", FIGURES_JS)[1]
    assert set(re.findall(r'"(#\w+)":', table)) == {figures.INK, figures.ACCENT, figures.SECOND}


def test_plotly_comes_from_the_installed_wheel() -> None:
    assert plotly_script().stat().st_size > 1_000_000
