"""The checks catch mutated solutions, and the list of survivors is up to date."""

import re

import pytest

from fer_lib.classroom.mutation import mutants, report
from fer_lib.classroom.source import read_source, sources
from tests.assignments.notebooks import BOOK


@pytest.mark.parametrize("source", sources(), ids=lambda path: path.stem)
def test_checks_catch_nine_mutants_of_ten(source):
    section = report(read_source(source))
    caught, total = map(int, re.search(r"(\d+) of (\d+) mutants caught", section).groups())
    assert total >= 30 and caught >= 0.9 * total
    fresh = (BOOK / "mutants.md").read_text()
    assert section in fresh, f"mutants.md is stale: run `make assignments`\n{section}"


def test_mutants_of_a_line():
    source = (
        "def f(x):\n    y = 0\n    ### BEGIN SOLUTION\n    y = x.max(axis=1) - 2\n    ### END SOLUTION\n    return y"
    )
    changes = {mutant.change for mutant in mutants("f", source)}
    assert changes == {"x.max(axis=1) - 2 → x.max(axis=1) + 2", "x.max → x.min", "1 → 2", "1 → 0", "2 → 3", "2 → 1"}
