from __future__ import annotations

import pytest

from optuna_nas._cli._errors import BadInput
from optuna_nas._cli._units import about
from optuna_nas._cli._units import seconds


@pytest.mark.parametrize(
    ("text", "plain", "expected"),
    [
        ("90", "s", 90),
        ("1.5h", "s", 5400),
        ("10 m", "s", 600),
        ("2MIN", "s", 120),
        ("5ms", "s", 0.005),
        ("5", "ms", 0.005),
    ],
)
def test_times_are_read_with_their_unit(text: str, plain: str, expected: float) -> None:
    assert seconds("--timeout", text, plain) == pytest.approx(expected)


@pytest.mark.parametrize("text", ["", "soon", "5 weeks", "0", "-3s", "1..2", "nan", "1e999"])
def test_what_is_no_time_is_told(text: str) -> None:
    message = (
        r"^--timeout must be a time above 0, as in 5ms, 30s, 10m or 2h \(a plain number is in s\)"
    )
    with pytest.raises(BadInput, match=message):
        seconds("--timeout", text)


@pytest.mark.parametrize(
    ("time", "said"),
    [
        (0, "about 10 s"),
        (24.5, "about 30 s"),
        (60, "about 60 s"),
        (61, "about 2 min"),
        (3600, "about 60 min"),
        (7201, "about 3 h"),
    ],
)
def test_a_time_that_is_guessed_is_rounded_up(time: float, said: str) -> None:
    assert about(time) == said
