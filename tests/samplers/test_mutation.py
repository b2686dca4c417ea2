from __future__ import annotations

import math
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
from optuna_nas.samplers._mutation import mutated
from optuna_nas.samplers._mutation import neighbours
from tests.samplers.strategies import categoricals
from tests.samplers.strategies import distributions
from tests.samplers.strategies import ints


@pytest.mark.parametrize(
    "distribution",
    [
        IntDistribution(0, 9),
        IntDistribution(16, 64, step=16),
        IntDistribution(1, 1024, log=True),
        IntDistribution(3, 4),
        FloatDistribution(0.0, 1.0, step=0.25),
        FloatDistribution(-1.0, 1.0),
        FloatDistribution(1e-5, 1e-1, log=True),
        CategoricalDistribution(["a", "b", 3, None]),
    ],
)
@pytest.mark.parametrize("neighbour", [True, False])
def test_a_mutated_value_is_another_legal_one(distribution: Any, neighbour: bool) -> None:
    rng = np.random.default_rng(0)
    value = getattr(distribution, "low", None) or distribution.to_external_repr(0)
    for _ in range(200):
        other = mutated(distribution, value, rng, neighbour=neighbour)
        assert other != value
        assert distribution._contains(distribution.to_internal_repr(other))
        if neighbour and isinstance(distribution, IntDistribution) and not distribution.log:
            assert abs(other - value) == distribution.step
        value = other


@given(distributions(), st.integers(0, 9), st.booleans())
def test_whatever_is_mutated_becomes_another_legal_value(
    distribution: BaseDistribution, seed: int, neighbour: bool
) -> None:
    rng = generator(seed)
    value = draw(distribution, rng)
    other = mutated(distribution, value, rng, neighbour=neighbour)
    assert other != value
    assert legal(distribution, other)


@given(distributions(), st.integers(0, 9))
def test_neighbours_are_a_few_legal_values_and_never_the_value_itself(
    distribution: BaseDistribution, seed: int
) -> None:
    value = draw(distribution, generator(seed))
    found = neighbours(distribution, value)
    assert 1 <= len(found) <= 6
    assert len(set(found)) == len(found)
    assert value not in found
    assert all(legal(distribution, other) for other in found)


@given(categoricals())
def test_choices_are_mutual_neighbours(distribution: CategoricalDistribution) -> None:
    for value in distribution.choices:
        for other in neighbours(distribution, value):
            assert value in neighbours(distribution, other)


@given(ints().filter(lambda distribution: not distribution.log))
def test_ints_are_mutual_neighbours_but_for_rounding(distribution: IntDistribution) -> None:
    for value in _values(distribution):
        for other in neighbours(distribution, value):
            back = neighbours(distribution, other)
            next_to_it = abs(other - value) == distribution.step
            cut_short = other in (distribution.low, distribution.high)
            apart = min(abs(value - number) for number in back)
            assert apart == 0 if next_to_it else cut_short or apart <= distribution.step


def _values(distribution: CategoricalDistribution | IntDistribution) -> list[Any]:
    if isinstance(distribution, CategoricalDistribution):
        return list(distribution.choices)
    return list(range(distribution.low, distribution.high + 1, distribution.step))


@given(st.one_of(ints(), categoricals()))
def test_from_neighbour_to_neighbour_all_values_are_reached(
    distribution: CategoricalDistribution | IntDistribution,
) -> None:
    seen, todo = set(), [_values(distribution)[0]]
    while todo:
        value = todo.pop()
        if value not in seen:
            seen.add(value)
            todo += neighbours(distribution, value)
    assert seen == set(_values(distribution))


def test_neighbours_of_a_categorical_are_all_other_choices() -> None:
    assert neighbours(CategoricalDistribution(["a", "b", None]), "b") == ["a", None]


def test_neighbours_of_a_stepped_number_are_the_next_and_those_further_away() -> None:
    assert sorted(neighbours(IntDistribution(0, 4), 2)) == [1, 3]
    assert neighbours(IntDistribution(0, 4), 0) == [1]
    assert sorted(neighbours(IntDistribution(0, 100), 50)) == [40, 49, 51, 60]
    assert sorted(neighbours(IntDistribution(8, 64, step=8), 64)) == [56]


def test_neighbours_of_a_continuous_number_are_shares_of_the_range_away() -> None:
    linear = neighbours(FloatDistribution(-1.0, 1.0), 0.0)
    assert sorted(linear) == pytest.approx([-0.2, -0.02, 0.02, 0.2])
    log = neighbours(FloatDistribution(1e-5, 1e-1, log=True), 1e-3)
    assert sorted(math.log10(x) for x in log) == pytest.approx([-3.4, -3.04, -2.96, -2.6])


def test_a_single_value_has_no_neighbours() -> None:
    assert neighbours(CategoricalDistribution(["a"]), "a") == []
    assert neighbours(IntDistribution(3, 3), 3) == []


def test_a_rounding_error_is_neither_a_neighbour_nor_a_mutation() -> None:
    distribution = FloatDistribution(0.0, 1.0, step=0.1)  # 3 * 0.1 is not 0.3
    assert sorted(neighbours(distribution, 0.3)) == pytest.approx([0.2, 0.4])
    rng = np.random.default_rng(0)
    others = [mutated(distribution, 0.3, rng, neighbour=False) for _ in range(100)]
    assert not any(math.isclose(other, 0.3) for other in others)
