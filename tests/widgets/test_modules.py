"""The widgets' modules: bundled in order, refused when of another form, answered from assets alone."""

import re
from pathlib import Path

import pytest

from fer_lib import widgets
from fer_lib.errors import UserError
from fer_lib.results import Entry
from fer_lib.widgets import base
from fer_lib.widgets.modules import JS, bundle, in_order, module, page_script
from fer_lib.widgets.runs import checked_rows, rows_of

MODULES = sorted(path.stem for path in JS.glob("*.js"))


@pytest.mark.parametrize("name", MODULES)
def test_every_module_is_of_the_form_that_pages_and_jupyterlab_load(name: str) -> None:
    order = [each.name for each in in_order(name)]
    assert order[-1] == name and set(module(name).needs) <= set(order)
    assert page_script(name).startswith(f'ferWidgets.define("{name}"')


@pytest.mark.parametrize("name", MODULES)
def test_what_is_a_picture_to_a_screen_reader_has_a_name_before_it_is_drawn(name: str) -> None:
    attributes = re.findall(r"\{[^{}]*role: \"img\"[^{}]*\}", (JS / f"{name}.js").read_text(encoding="utf8"))
    assert all('"aria-label"' in each for each in attributes)


def test_a_bundle_holds_each_module_once_needed_ones_first(tmp_path: Path) -> None:
    imports = 'import { b } from "./b.js";\nimport { c } from "./c.js";\n'
    (tmp_path / "a.js").write_text(imports + "export default { render: b };\n")
    (tmp_path / "b.js").write_text('import { c } from "./c.js";\nexport function b() { return c; }\n')
    (tmp_path / "c.js").write_text("export const c = 1;\n")
    text = bundle("a", tmp_path)
    assert [text.count(f'made["{name}"] = ') for name in "abc"] == [1, 1, 1]
    assert text.index('made["c"] =') < text.index('made["b"] =') < text.index('made["a"] =')
    assert "export function" not in text and text.endswith('export default made["a"].default;\n')


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('import x from "https://example.org/x.js";', "expected import"),
        ("export { y };", "expected import"),
        ('import { a } from "./a.js";', "import each other"),
        ('import { z } from "./z.js";', "no such widget module"),
    ],
)
def test_other_forms_are_refused(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "a.js").write_text(text + "\n")
    with pytest.raises(UserError, match=reason):
        in_order("a", tmp_path)


def test_only_files_of_the_asset_folder_are_read() -> None:
    for name in ("../base.py", "base.py", "/etc/hostname", ""):
        with pytest.raises(UserError, match="no widget asset"):
            base.read_asset(name)


def test_an_unknown_option_is_named() -> None:
    with pytest.raises(UserError, match="'fliter'; it takes data, rows"):
        widgets.SeedStrip(rows=[{"variant": "AD", "selection": "test", "accuracy": 0.5}], fliter=3)


@pytest.mark.parametrize(
    "row",
    [
        {"variant": "AD", "selection": "test"},
        {"variant": "AD", "selection": "test", "accuracy": 51},
        {"variant": "AD", "selection": "best", "accuracy": 0.5},
        {"variant": "AD", "selection": "test", "split": "random", "accuracy": 0.5},
        {"variant": "AD", "selection": "test", "unit": "frame", "accuracy": 0.5},
    ],
)
def test_wrong_rows_are_named(row: dict) -> None:
    with pytest.raises(UserError, match="row 0"):
        checked_rows([row])


def test_what_is_shown_first_is_there() -> None:
    rows = [{"variant": "AD", "selection": "last", "accuracy": 0.5}]
    assert widgets.SeedStrip(rows=rows).selection == "last"
    with pytest.raises(UserError, match="no row has selection 'test'; expected one of last"):
        widgets.SeedStrip(rows=rows, selection="test")


def entry(values: dict) -> Entry:
    return Entry("leak", "made", 0, "0" * 40, {}, "2.13.0", "synthetic faces", "0" * 64, 1.0, values)


def test_rows_of_a_ledger_entry() -> None:
    scores = {"validation": {"image": 0.7, "sequence": 0.8}, "test": {"image": 0.75, "sequence": 0.8}}
    names = ("synthetic/8/as_released/AD/by-image", "synthetic/8/as_described/plain/bias")
    cells = [{"configuration": name, "fold": 1, "seed": 2, **scores} for name in names]
    rows = rows_of(entry({"cells": cells}))
    first = {"variant": "AD", "split": "image", "selection": "validation", "unit": "image"}
    assert rows[0] == first | {"fold": 1, "seed": 2, "accuracy": 0.7} and len(rows) == 8
    assert {row["variant"] for row in rows[4:]} == {"plain, as described, with biases"}
    assert {row["split"] for row in rows[4:]} == {"folds"}
    assert checked_rows(rows) == rows


def test_an_entry_without_runs_is_refused() -> None:
    with pytest.raises(UserError, match="leak keeps no single runs"):
        rows_of(entry({"accuracy": 0.5}))
