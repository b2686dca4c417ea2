from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest

from optuna_nas.pruners._place import epsilon_net
from optuna_nas.pruners._place import ORDERS
from optuna_nas.pruners._place import place
from optuna_nas.pruners._place import sparsest_first


VALUE = st.sampled_from([0.0, 1.0, 2.0, np.inf])


def dominates(a: np.ndarray, b: np.ndarray) -> bool:
    return bool((a <= b).all() and (a < b).any())


def rank(costs: np.ndarray, i: int) -> int:
    """The longest chain of rows that dominate each other, down to row i."""
    above = [j for j, row in enumerate(costs) if dominates(row, costs[i])]
    return max((1 + rank(costs, j) for j in above), default=0)


@given(
    rows=st.lists(st.tuples(VALUE, VALUE, VALUE), min_size=1, max_size=9),
    objectives=st.integers(1, 3),
    tie_break=st.sampled_from(sorted(ORDERS)),
)
def test_places_go_by_rank_first_and_in_a_front_no_two_rows_that_differ_share_one(
    rows: list[tuple[float, ...]], objectives: int, tie_break: str
) -> None:
    costs = np.array(rows)[:, :objectives]
    places = [place(costs, row, len(costs), tie_break) for row in costs]
    ranks = [rank(costs, i) for i in range(len(costs))]
    for i, own in enumerate(costs):
        assert places[i] >= sum(r < ranks[i] for r in ranks)
        assert places[i] < sum(r <= ranks[i] for r in ranks)
        for j, other in enumerate(costs):
            assert (places[i] == places[j]) == bool((own == other).all())


@given(
    rows=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=12),
    limit=st.integers(1, 12),
)
def test_a_limit_does_not_change_on_which_side_of_it_a_row_is(
    rows: list[tuple[int, int]], limit: int
) -> None:
    costs = np.array(rows, dtype=float)
    for row in costs:
        exact = place(costs, row, len(costs), "epsilon_net")
        assert (place(costs, row, limit, "epsilon_net") < limit) == (exact < limit)


def test_an_epsilon_net_takes_the_farthest_from_all_that_it_has() -> None:
    front = np.array([[0.0, 1.0], [0.1, 0.9], [0.5, 0.5], [0.7, 0.3], [1.0, 0.0]])
    assert epsilon_net(front).tolist() == [0, 4, 2, 3, 1]


def test_crowding_takes_the_ends_and_then_those_that_stand_alone() -> None:
    front = np.array([[0.0, 1.0], [0.1, 0.9], [0.2, 0.8], [0.7, 0.3], [1.0, 0.0]])
    assert sparsest_first(front).tolist() == [0, 4, 3, 2, 1]


@pytest.mark.parametrize("tie_break", sorted(ORDERS))
def test_the_units_of_objectives_do_not_matter(tie_break: str) -> None:
    front = np.array([[0.0, 1.0], [0.1, 0.9], [0.45, 0.5], [0.7, 0.3], [1.0, 0.0]])
    units = front * [1e9, 1e-6] + [-5e9, 0.0]
    for row, other in zip(front, units, strict=True):
        assert place(front, row, 9, tie_break) == place(units, other, 9, tie_break)
