"""What is legal stays; what is not becomes the nearest that is."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
import numpy as np
from optuna.distributions import BaseDistribution
from optuna.distributions import CategoricalDistribution
from optuna.distributions import FloatDistribution
from optuna.distributions import IntDistribution
import pytest

from optuna_nas.samplers._draw import draw
from optuna_nas.samplers._draw import generator
from optuna_nas.samplers._draw import legal
from optuna_nas.samplers._nearest import nearest
from tests.samplers.strategies import distributions
from tests.samplers.strategies import floats
from tests.samplers.strategies import ints


WIDTH = IntDistribution(16, 64, step=16)
RATE = FloatDistribution(1e-4, 0.1, log=True)
OPS = CategoricalDistribution(["conv_3x3", "max_pool", "none"])


@given(distributions(), st.integers(0, 1000))
def test_what_is_legal_stays(distribution: BaseDistribution, seed: int) -> None:
    value = draw(distribution, generator(seed))
    near = nearest(distribution, value)
    assert near == value
    assert type(near) is type(value)


@given(st.one_of(ints(), floats()), st.one_of(st.integers(), st.floats(allow_nan=False)))
def test_of_a_number_it_is_legal_and_no_other_is_nearer(
    distribution: IntDistribution | FloatDistribution, value: float
) -> None:
    near = nearest(distribution, value)
    assert legal(distribution, near)
    assert type(near) is (int if isinstance(distribution, IntDistribution) else float)
    inside = min(max(value, distribution.low), distribution.high)
    assert abs(near - inside) <= (distribution.step or 0) / 2 + 1e-6


@pytest.mark.parametrize(
    ("distribution", "value", "near"),
    [
        (WIDTH, 30, 32),
        (WIDTH, "48", 48),
        (WIDTH, " 40.1 ", 48),
        (WIDTH, 10**400, 64),
        (WIDTH, float("-inf"), 16),
        (WIDTH, np.int64(31), 32),
        (IntDistribution(1, 9, log=True), 3.7, 4),
        (CategoricalDistribution([0.5, 2.0]), float("inf"), 2.0),
        (RATE, 1, 0.1),
        (RATE, "1e-2", 0.01),
        (FloatDistribution(0, 1, step=0.25), np.float32(0.4), 0.5),
        (OPS, "Conv 3x3", "conv_3x3"),
        (OPS, "maxpool", "max_pool"),
        (OPS, "max_pool_3", "max_pool"),
        (OPS, None, "none"),
        (CategoricalDistribution([True, False]), "true", True),
        (CategoricalDistribution(["relu", None]), "null", None),
        (CategoricalDistribution([8, 16, 32]), 15, 16),
        (CategoricalDistribution(["3", "5", "same"]), 9, "5"),
    ],
)
def test_it_is_the_nearest(distribution: BaseDistribution, value: Any, near: Any) -> None:
    found = nearest(distribution, value)
    assert found == near
    assert type(found) is type(near)


@pytest.mark.parametrize("value", ["wide", None, True, [16], float("nan"), {}])
def test_what_is_no_number_is_near_none(value: Any) -> None:
    with pytest.raises(ValueError, match=r"is no number$"):
        nearest(WIDTH, value)


@pytest.mark.parametrize("value", ["transformer", 3, ["conv_3x3", "max_pool"], {}])
def test_a_word_that_is_like_no_choice_is_an_error(value: Any) -> None:
    with pytest.raises(ValueError, match=r"is like none of 'conv_3x3', 'max_pool', 'none'$"):
        nearest(OPS, value)


def test_words_can_be_asked_to_be_the_same_but_for_how_they_are_written() -> None:
    assert nearest(OPS, "Conv-3x3", likeness=1) == "conv_3x3"
    with pytest.raises(ValueError, match=r"^'conv_5x5' is like none of "):
        nearest(OPS, "conv_5x5", likeness=1)
