"""A page with widgets, built as the book is: places, state without code, and every module and asset as a script."""

import json
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from fer_lib.errors import UserError
from fer_lib.site import widgets
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
LINKED = (
    PAGE[: PAGE.index("from fer_lib")]
    + """from ipywidgets import Button, HBox, IntSlider, IntText, jslink
left, right, hidden = IntSlider(description="left"), IntText(), IntText()
jslink((left, "value"), (right, "value"))
HBox([left, right, Button(description="dead")])
```
"""
)
CONF = f"""
extensions = ["myst_nb", "fer_lib.site.widgets"]
html_static_path = ["{Path(__file__).parents[2] / "book" / "site"}"]
nb_execution_mode = "force"
nb_ipywidgets_js = {{}}
"""
MANAGER = Path("_static") / "vendor" / "html-manager"


def build(folder: Path, page: str, *options: str) -> tuple[Path, str]:
    """Where the page was built, and what Sphinx warned of."""
    (folder / "conf.py").write_text(CONF)
    (folder / "index.md").write_text(page)
    out = folder / "out"
    # a process of its own: Sphinx keeps what another build in this one registered
    command = [sys.executable, "-m", "sphinx", *options, "-b", "html", str(folder), str(out)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return out, done.stderr


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("book"), PAGE, "-W")[0]


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


def test_a_book_of_anywidgets_goes_without_the_html_manager(built: Path) -> None:
    page = (built / "index.html").read_text()
    assert "ipywidgets" not in page and "html-manager" not in page and not (built / MANAGER).exists()
    assert (built / "_static" / "vendor" / "popper.min.js").exists()


def test_linked_ipywidgets_bring_it_and_a_dead_control_a_warning(tmp_path: Path) -> None:
    out, warned = build(tmp_path, LINKED)
    page = (out / "index.html").read_text()
    assert "ipywidgets.css" in page and (out / MANAGER / "embed-amd.js").exists()
    assert [name for name in ("IntSlider", "IntText", "LinkModel") if f'"model_name":"{name}' not in page] == []
    assert page.count('"model_name":"IntText') == 1  # the hidden one is left out
    assert re.findall(r"index\.md: WARNING: (\w+ \S+) is shown but in no link", warned) == ["Button 'dead'"]


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


def test_a_full_disk_leaves_the_old_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = SimpleNamespace(outdir=tmp_path, builder=SimpleNamespace(format="html"))
    monkeypatch.setattr(widgets, "scripts", lambda: [("deep/a.js", "whole")])
    widgets._write_scripts(app, None)

    def half(path: Path, text: str, **_: object) -> None:
        path.open("w").write(text[:2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", half)
    with pytest.raises(UserError, match="nothing was overwritten"):
        widgets._write_scripts(app, None)
    assert [path.read_text() for path in tmp_path.rglob("*.*")] == ["whole"]
