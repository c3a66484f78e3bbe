"""What prose shows of a recorded value."""

import pytest

from fer_lib.site.ledger import shown


@pytest.mark.parametrize(("value", "text"), [(0.95123, "0.951"), (1308, "1308"), ("AU 12", "AU 12"), (95.0, "95")])
def test_three_digits_for_measures_and_whole_counts(value: float | int | str, text: str) -> None:
    assert shown(value) == text
