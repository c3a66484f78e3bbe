"""Chapters are executed once, measured, kept one by one, and a failure names its chapter and cell."""

from pathlib import Path

import nbformat
import pytest
from jupyter_cache import get_cache

from fer_lib.errors import UserError
from fer_lib.site.execute import Chapter, cached_run, execute


def chapter(folder: Path, name: str, *sources: str) -> Chapter:
    cells = [nbformat.v4.new_markdown_cell("prose"), *map(nbformat.v4.new_code_cell, sources)]
    spec = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    lines = range(10, 10 * (len(cells) + 1), 10)
    return Chapter(name, folder / f"{name}.md", nbformat.v4.new_notebook(cells=cells, metadata=spec), lines)


def test_good_chapters_are_kept_and_bad_ones_named(tmp_path: Path) -> None:
    said: list[str] = []
    cells = ("held = bytearray(300_000_000)", "del held", "1 + 1")
    heavy = chapter(tmp_path, "heavy", *cells)
    broken = chapter(tmp_path, "broken", "x = 1", "raise ValueError('no such thing')")
    dying = chapter(tmp_path, "dying", "import os; os._exit(9)")
    cache = get_cache(str(tmp_path / "cache"))
    with pytest.raises(UserError) as caught:
        execute([heavy, broken, dying], cache, timeout=60, say=said.append)
    message = str(caught.value)
    assert f"{broken.path}, line 31: cell 2 of 2 failed" in message and "ValueError: no such thing" in message
    assert f"{dying.path}, line 21: cell 1 of 1 failed" in message and "its kernel died" in message

    run = cached_run(chapter(tmp_path, "heavy", *cells).notebook, cache)
    assert run and run.cells == 3 and 300 < run.peak_megabytes < 600 and run.execution_seconds > 0
    assert heavy.notebook.cells[3].outputs[0]["data"]["text/plain"] == "2"
    assert any(line.startswith("heavy: 3 cells") for line in said)
    assert cached_run(broken.notebook, cache) is None


def test_a_cell_that_never_ends_is_named(tmp_path: Path) -> None:
    endless = chapter(tmp_path, "endless", "while True: pass")
    with pytest.raises(UserError, match="cell 1 of 1 failed(.|\n)*timed out .* 2 seconds"):
        execute([endless], get_cache(str(tmp_path / "cache")), timeout=2, say=lambda line: None)


@pytest.mark.parametrize("others", [(), ("1 + 1",)], ids=["alone", "after another ended"])
def test_ctrl_c_is_no_failure_of_a_chapter(others: tuple[str, ...], tmp_path: Path) -> None:
    ctrl_c = "import os, signal, time; time.sleep(12); os.kill(os.getppid(), signal.SIGINT); time.sleep(120)"
    done, cache = [chapter(tmp_path, "done", cell) for cell in others], get_cache(str(tmp_path / "cache"))
    with pytest.raises(KeyboardInterrupt):
        execute([chapter(tmp_path, "stopped", ctrl_c), *done], cache, timeout=60, say=lambda line: None)
    assert all(cached_run(one.notebook, cache) for one in done)
