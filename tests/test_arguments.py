"""Numbers as arguments: what is legal everywhere, and what the messages say."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
import math
from typing import Any

import numpy as np
import pytest

from optuna_nas._arguments import checked_float
from optuna_nas._arguments import checked_int


NO_NUMBERS: list[Any] = ["a", "1", True, np.bool_(True), None, [1.0], Decimal(1), 1j]


@pytest.mark.parametrize("given", [1, 0.5, np.float32(0.5), np.int64(1), Fraction(1, 2)])
def test_a_number_of_any_kind_is_a_float(given: Any) -> None:
    value = checked_float("rate", given, above=0, most=1)
    assert type(value) is float
    assert value == float(given)


@pytest.mark.parametrize("given", [*NO_NUMBERS, math.nan, math.inf, -math.inf, 10**400])
def test_what_is_no_finite_number_is_refused_whatever_the_limits(given: Any) -> None:
    with pytest.raises(ValueError, match=r"^rate must be a finite number of at least 0, but got "):
        checked_float("rate", given, least=0)


@pytest.mark.parametrize(
    ("limits", "legal", "illegal", "said"),
    [
        ({"least": 0, "below": 1}, [0, 0.99], [-1e-9, 1, 2], r"of at least 0 and below 1, but"),
        ({"above": 0, "most": 1}, [1e-9, 1], [0, 1.1], r"above 0 and at most 1, but"),
        (
            {"least": 0.5, "most": 1e6},
            [0.5, 1e6],
            [0.4, 2e6],
            r"of at least 0\.5 and at most 1e\+06, but",
        ),
        (
            {"above": 0, "otherwise": " seconds, or None"},
            [5],
            [0],
            r"above 0 seconds, or None, but",
        ),
    ],
)
def test_a_number_is_within_its_limits_and_the_message_says_which(
    limits: dict[str, Any], legal: list[float], illegal: list[float], said: str
) -> None:
    assert [checked_float("rate", value, **limits) for value in legal] == legal
    for value in illegal:
        message = rf"^rate must be a finite number {said} got {value!r}\.$"
        with pytest.raises(ValueError, match=message.replace("-", r"\-")):
            checked_float("rate", value, **limits)


@pytest.mark.parametrize("given", [3, np.int64(3), np.uint8(3)])
def test_an_int_of_any_kind_is_an_int(given: Any) -> None:
    value = checked_int("count", given, 3)
    assert (type(value), value) == (int, 3)


@pytest.mark.parametrize("given", [*NO_NUMBERS, 3.0, math.nan, 2])
def test_what_is_no_int_or_too_small_is_refused(given: Any) -> None:
    message = r"^count must be an int of at least 3, or None, but got .*\.$"
    with pytest.raises(ValueError, match=message):
        checked_int("count", given, 3, otherwise=", or None")
