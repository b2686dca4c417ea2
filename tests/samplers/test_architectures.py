from __future__ import annotations

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
import pytest

from optuna_nas.samplers._architectures import Architectures
from optuna_nas.samplers._architectures import key
from tests.samplers.strategies import Conditional
from tests.samplers.strategies import conditionals


@given(conditionals(), st.data())
def test_it_holds_what_would_be_asked_and_answered_as_an_earlier_trial(
    space: Conditional, data: st.DataObject
) -> None:
    assignments = list(space.assignments())
    added = data.draw(st.lists(st.sampled_from(assignments), max_size=10))
    seen = Architectures()
    params = [space.asked(assignment.__getitem__) for assignment in added]
    for one in params:
        seen.add(one)
    for candidate in assignments:
        expected = space.asked(candidate.__getitem__) in params
        assert seen.holds(candidate.__getitem__) is expected


@given(conditionals(), st.data())
def test_added_trials_may_have_been_asked_in_any_order(
    space: Conditional, data: st.DataObject
) -> None:
    assignments = list(space.assignments())
    added = data.draw(st.lists(st.sampled_from(assignments), max_size=6))
    seen = Architectures()
    params = [space.asked(assignment.__getitem__) for assignment in added]
    for one in params:
        seen.add({name: one[name] for name in data.draw(st.permutations(list(one)))})
    for candidate in assignments:
        expected = space.asked(candidate.__getitem__) in params
        assert seen.holds(candidate.__getitem__) is expected


@given(conditionals())
def test_when_all_were_added_all_are_held(space: Conditional) -> None:
    seen = Architectures()
    assignments = list(space.assignments())
    for assignment in assignments:
        seen.add(space.asked(assignment.__getitem__))
    assert all(seen.holds(assignment.__getitem__) for assignment in assignments)


def test_a_lookup_asks_only_what_decides() -> None:
    seen, asked = Architectures(), []
    seen.add({"a": 0, "b": 1})
    seen.add({"a": 1, "c": 2})

    def answer(name: str) -> int:
        asked.append(name)
        return {"a": 1, "c": 2}[name]

    assert seen.holds(answer)
    assert asked == ["a", "c"]


def test_one_that_ended_early_holds_all_that_begin_so_until_others_are_asked_more() -> None:
    seen = Architectures()
    seen.add({"op": "conv"})  # rejected before it was asked for a width
    assert seen.holds({"op": "conv", "width": 64}.__getitem__)
    assert not seen.holds({"op": "skip", "width": 8}.__getitem__)
    seen.add({"op": "conv", "width": 8})  # the objective asks more now
    assert not seen.holds({"op": "conv", "width": 64}.__getitem__)
    assert seen.holds({"op": "conv", "width": 8}.__getitem__)


def test_none_and_no_params_hold_nothing() -> None:
    seen = Architectures()
    assert not seen.holds({}.__getitem__)
    seen.add({})
    assert not seen.holds({}.__getitem__)


def test_what_is_not_asked_is_not_answered_with_none() -> None:
    seen = Architectures()
    seen.add({"op": "conv", "norm": None})
    assert seen.holds({"op": "conv", "norm": None}.__getitem__)
    assert not seen.holds({"op": "conv"}.__getitem__)


@pytest.mark.parametrize("value", [[8, 16], {"width": 8}, (8, [16])])
def test_values_that_cannot_be_hashed_are_told_apart(value: Any) -> None:
    seen = Architectures()
    seen.add({"widths": value})
    assert seen.holds({"widths": copy.deepcopy(value)}.__getitem__)
    assert not seen.holds({"widths": [8]}.__getitem__)


def test_a_key_is_the_value_itself_where_it_can_be() -> None:
    assert [key(value) for value in (None, 1, 0.5, "a", True)] == [None, 1, 0.5, "a", True]
    assert key([1, "a"]) == "[1, 'a']"
