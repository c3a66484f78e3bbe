"""Prose quotes results from the ledger, or the paper's own numbers; anything else fails here."""

from pathlib import Path

import pytest

from fer_lib import prose, results

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("book/**/*.md"), *ROOT.glob("*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_number_has_its_source(page):
    assert prose.problems(page) == []


@pytest.fixture
def ledger(tmp_path):
    values = {"accuracy": 0.9312, "auroc": 0.71, "text": "AU12"}
    fields = {"command": "x", "seed": 0, "commit": "0" * 40, "machine": {}, "torch": "2", "data": "synthetic faces"}
    entry = results.Entry("run", **fields, data_hash="0" * 64, wall_seconds=1.0, values=values)
    results.write(entry, tmp_path / "ledger")
    return tmp_path / "ledger"


def problems(text: str, ledger: Path) -> list[str]:
    page = ledger.parent / "page.md"
    page.write_text(text, encoding="utf-8")
    return [problem.split("page.md:", 1)[1] for problem in prose.problems(page, ledger)]


@pytest.mark.parametrize(
    "text",
    [
        "We get {ledger}`run.accuracy`.",
        "We get 93.1 % <!-- ledger: run.accuracy --> on faces.",
        "We get 93.12% <!-- ledger: run.accuracy -->.",
        "An accuracy of 0.93 <!-- ledger: run.accuracy -->.",
        "The paper has 95.1 ± 3.1 and the workshop 96.4 % (unverified).",
        "A 95 % interval, version 2.13, `93.2 %`, $p = 12.5\\%$ and 3.5 GB.",
        "---\naccuracy: 12.5 %\n---\n\n```{code-cell}\nprint('12.5 %')\n```\n",
    ],
)
def test_sourced_numbers_pass(text, ledger):
    assert problems(text, ledger) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One.\n\nWe get 93.1 % on faces.", "3: 93.1 has no source"),
        ("We get 0.9 % <!-- ledger: run.accuracy -->.", "1: 0.9 is quoted, but the ledger's run.accuracy is 0.9312"),
        ("We get 93.2 % <!-- ledger: run.accuracy -->.", "1: 93.2 is quoted, but the ledger's run.accuracy is 0.9312"),
        ("Mean 88.8 ± 0.4.", "1: 88.8 has no source"),
        ("Its AUROC of 0.83 shows it.", "1: 0.83 has no source"),
        ("We get {ledger}`run.acuracy`.", "1: ledger: run holds no 'acuracy'; it holds accuracy, auroc, text"),
        ("We get {ledger}`other.accuracy`.", "no such ledger entry; found run"),
        ("We get {ledger}`run`.", "1: ledger key run is no single number"),
        ("```{note}\nWe get 91.7 %.\n```", "2: 91.7 has no source"),
        ("We get 12.3 per cent, `code` and 45.6 percent.", "1: 12.3 has no source"),
    ],
)
def test_numbers_without_a_source_fail(text, expected, ledger):
    assert expected in problems(text, ledger)[0]


def test_small_numbers_are_written_with_a_power():
    assert [prose.power_of_ten(value) for value in (2.1e-07, 9.6e-10, 0, 40)] == [
        "2 × 10⁻⁷",
        "1 × 10⁻⁹",
        "0",
        "4 × 10¹",
    ]
