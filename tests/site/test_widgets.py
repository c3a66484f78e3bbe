"""A page with widgets, built as the book is: places, state without code, and every module and asset as a script."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from fer_lib.widgets.modules import ASSETS

PAGE = """---
kernelspec: {name: python3, display_name: Python 3}
jupytext: {text_representation: {extension: .md, format_name: myst}}
---

# Strip

```{code-cell}
from fer_lib.widgets import SeedStrip
SeedStrip(rows=[{"variant": "</script>", "selection": "test", "accuracy": 0.5}])
```
"""
CONF = """
extensions = ["myst_nb", "fer_lib.site.widgets"]
nb_execution_mode = "force"
nb_ipywidgets_js = {}
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("book")
    (folder / "conf.py").write_text(CONF)
    (folder / "index.md").write_text(PAGE)
    out = folder / "out"
    # a process of its own: Sphinx keeps what another build in this one registered
    command = [sys.executable, "-m", "sphinx", "-W", "-b", "html", str(folder), str(out)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return out


def test_the_page_has_a_place_and_the_state_once_without_code(built: Path) -> None:
    page = (built / "index.html").read_text()
    model = re.search(r'<div class="fer-widget" data-model="(\w+)">', page)[1]
    text = re.search(r'<script type="application/vnd.jupyter.widget-state\+json">(.*?)</script>', page, re.DOTALL)[1]
    state = json.loads(text)["state"]
    assert state.keys() == {model}  # the layout's model is none of an anywidget
    traits = state[model]["state"]
    assert traits["_module"] == "seed_strip" and traits["rows"][0]["variant"] == "</script>"
    assert not {"_esm", "_css", "layout"} & traits.keys()
    assert "_static/widgets.js" in page and "_static/widgets/widgets.css" in page


def test_other_pages_carry_nothing_of_it(built: Path) -> None:
    assert "widgets.js" not in (built / "genindex.html").read_text()


def test_every_module_and_asset_is_a_script(built: Path) -> None:
    written = {
        path.relative_to(built / "_static" / "widgets").as_posix() for path in built.rglob("_static/widgets/**/*.*")
    }
    assert {"seed_strip.js", "dom.js", "widgets.css"} <= written
    assert {name for name in written if name.startswith("assets/")} == {
        f"assets/{path.name}.js" for path in ASSETS.glob("*")
    }
