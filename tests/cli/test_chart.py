from __future__ import annotations

import pytest

from optuna_nas._cli._chart import chart
from optuna_nas._cli._chart import HEIGHT
from optuna_nas._cli._chart import WIDTH


def test_the_highest_fills_its_column_and_the_lowest_is_seen() -> None:
    assert chart([0.0, 0.5, 1.0]) == [
        "1       ███",
        "        ███",
        "     ▅▅▅███",
        "     ██████",
        "0 ▁▁▁██████",
    ]


@pytest.mark.parametrize("values", [[1.0], [0.25, 0.25], list(map(float, range(1000)))])
def test_any_curve_fits(values: list[float]) -> None:
    lines = chart(values)
    assert len(lines) == HEIGHT
    assert max(map(len, lines)) <= WIDTH + 7
