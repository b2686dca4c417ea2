from __future__ import annotations

from collections.abc import Sequence
import math
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import optuna
from optuna.study import StudyDirection
from optuna.trial import create_trial
from optuna.trial import FrozenTrial
from optuna.trial import TrialState
import pytest

from optuna_nas._ranking import costs
from optuna_nas._ranking import fronts
from optuna_nas._ranking import has_value
from optuna_nas._ranking import last_values
from optuna_nas._ranking import leaders
from optuna_nas._ranking import violation
from optuna_nas.samplers import best_first
from optuna_nas.samplers import last_value


UP, DOWN = StudyDirection.MAXIMIZE, StudyDirection.MINIMIZE
VALUE = st.sampled_from([0.0, 1.0, 2.0, 3.0, math.inf, -math.inf])


def complete(number: int, *values: float, **constraints: float) -> FrozenTrial:
    return _numbered(number, create_trial(values=values, system_attrs=_attrs(constraints)))


def pruned(number: int, reports: dict[int, float], **constraints: float) -> FrozenTrial:
    trial = create_trial(
        state=TrialState.PRUNED, intermediate_values=reports, system_attrs=_attrs(constraints)
    )
    return _numbered(number, trial)


def several(
    number: int, reports: dict[int, list[float | None]], **constraints: float
) -> FrozenTrial:
    kept = {str(step): values for step, values in reports.items()}
    trial = create_trial(
        state=TrialState.PRUNED, user_attrs={"reports": kept}, system_attrs=_attrs(constraints)
    )
    return _numbered(number, trial)


def _attrs(constraints: dict[str, float]) -> dict[str, Any]:
    return {f"constraints:{key}": value for key, value in constraints.items()}


def _numbered(number: int, trial: FrozenTrial) -> FrozenTrial:
    trial.number = number
    return trial


def numbers(trials: Sequence[FrozenTrial]) -> list[int]:
    return [trial.number for trial in trials]


@st.composite
def some_trials(draw: st.DrawFn, m: int) -> list[FrozenTrial]:
    """Complete and pruned ones, feasible and not, finite and not."""

    def one(number: int) -> FrozenTrial:
        by = draw(st.sampled_from([-1.0, -1.0, 0.0, 0.5, math.inf]))
        if draw(st.integers(0, 3)):
            return complete(number, *(draw(VALUE) for _ in range(m)), size=by)
        value = st.one_of(VALUE, st.just(math.nan))
        if m == 1:
            return pruned(number, draw(st.dictionaries(st.integers(1, 3), value)), size=by)
        vector = st.lists(st.one_of(value, st.none()), min_size=m, max_size=m)
        return several(number, draw(st.dictionaries(st.integers(1, 3), vector)), size=by)

    return [one(number) for number in range(draw(st.integers(0, 12)))]


def trials_and_directions() -> st.SearchStrategy[tuple[list[FrozenTrial], list[StudyDirection]]]:
    directions = st.lists(st.sampled_from([UP, DOWN]), min_size=1, max_size=3)
    return directions.flatmap(lambda ds: st.tuples(some_trials(len(ds)), st.just(ds)))


def is_leading(trial: FrozenTrial) -> bool:
    complete = trial.state == TrialState.COMPLETE and violation(trial) == 0
    return complete and all(map(math.isfinite, trial.values))


def dominates(a: FrozenTrial, b: FrozenTrial, directions: Sequence[StudyDirection]) -> bool:
    pairs = [
        (x, y) if d == DOWN else (-x, -y)
        for x, y, d in zip(a.values, b.values, directions, strict=True)
    ]
    return all(x <= y for x, y in pairs) and any(x < y for x, y in pairs)


@given(trials_and_directions())
def test_best_first_is_an_order_of_all_whatever_order_they_come_in(drawn: Any) -> None:
    trials, directions = drawn
    ordered = best_first(trials, directions)
    assert sorted(numbers(ordered)) == numbers(trials)
    assert numbers(best_first(trials[::-1], directions)) == numbers(ordered)


@given(trials_and_directions())
def test_none_is_behind_one_that_it_dominates_or_that_is_infeasible_or_pruned(drawn: Any) -> None:
    trials, directions = drawn
    ordered = best_first(trials, directions)
    for i, before in enumerate(ordered):
        for after in ordered[i + 1 :]:
            assert is_leading(before) or not is_leading(after)
            assert violation(before) <= violation(after)
            if is_leading(before) and is_leading(after):
                assert not dominates(after, before, directions)


@given(some_trials(1), st.sampled_from([UP, DOWN]))
def test_with_one_objective_complete_trials_are_sorted_by_value(
    trials: list[FrozenTrial], direction: StudyDirection
) -> None:
    leading = [t for t in trials if is_leading(t)]
    ordered = best_first(leading, [direction])
    sign = -1 if direction == UP else 1
    assert numbers(ordered) == numbers(sorted(leading, key=lambda t: (sign * t.value, t.number)))


@given(trials_and_directions(), st.integers(0, 12))
def test_the_leaders_of_some_and_of_others_have_the_leaders_of_all(drawn: Any, at: int) -> None:
    trials, directions = drawn
    some = leaders(trials[:at], directions)
    expected = numbers(leaders(trials, directions))
    assert numbers(leaders([*some, *trials[at:]], directions)) == expected
    others = leaders(trials[at:], directions)
    assert numbers(leaders([*others, *some], directions)) == expected


@given(trials_and_directions())
def test_leaders_are_those_that_none_dominates_or_the_best_there_is(drawn: Any) -> None:
    trials, directions = drawn
    leading = [t for t in trials if is_leading(t)]
    front = [t for t in leading if not any(dominates(o, t, directions) for o in leading)]
    expected = front or best_first(trials, directions)[:1]
    assert numbers(leaders(trials, directions)) == numbers(expected)


@pytest.mark.parametrize("directions", [[UP], [UP, DOWN]])
def test_of_no_trials_there_is_no_order(directions: list[StudyDirection]) -> None:
    assert best_first([], directions) == []
    assert leaders([], directions) == []
    assert costs([], directions).shape == (0, len(directions))


@given(
    st.lists(st.tuples(*[st.sampled_from([0.0, 1.0, 2.0, math.inf])] * 2), min_size=1, max_size=12)
)
def test_fronts_are_what_is_left_when_those_before_are_taken_away(rows: Any) -> None:
    table = np.array(rows)
    left = set(range(len(table)))
    for front in fronts(table):
        expected = {
            i
            for i in left
            if not any((table[j] <= table[i]).all() and (table[j] < table[i]).any() for j in left)
        }
        assert set(front.tolist()) == expected
        left -= expected
    assert not left


def test_of_one_front_the_least_crowded_come_first() -> None:
    trials = [complete(i, x, 10 - x) for i, x in enumerate([0.0, 1.0, 2.0, 7.0, 10.0])]
    ordered = numbers(best_first(trials, [DOWN, DOWN]))
    assert ordered == [0, 4, 3, 2, 1]


@pytest.mark.parametrize("bad", [math.inf, -math.inf])
@pytest.mark.parametrize("n_objectives", [1, 2])
def test_all_values_may_be_infinite(bad: float, n_objectives: int) -> None:
    trials = [complete(i, *[bad] * n_objectives) for i in range(4)]
    directions = [UP, DOWN][:n_objectives]
    assert sorted(numbers(best_first(trials, directions))) == [0, 1, 2, 3]
    assert numbers(leaders(trials, directions)) == [0]
    finite = complete(4, *[0.0] * n_objectives)
    assert numbers(best_first([*trials, finite], directions))[0] == 4


def test_a_value_that_is_not_a_number_counts_as_worst() -> None:
    trials = [complete(i, 0.0) for i in range(3)]
    trials[0]._values = [math.nan]  # optuna lets none through; a storage of old may hold one
    trials[1]._values = [-1e9]
    for direction in (UP, DOWN):
        assert numbers(best_first(trials, [direction]))[-1] == 0
        assert 0 not in numbers(leaders(trials, [direction]))


def test_feasible_then_pruned_then_infeasible_by_how_much() -> None:
    trials = [
        complete(0, 9.0, size=2.0),
        complete(1, 8.0, size=1.0),
        pruned(2, {1: 7.0}, size=-1.0),
        pruned(3, {1: 1.0, 2: 1.0}, size=-1.0),
        pruned(4, {}, size=math.inf),
        complete(5, 0.0, size=0.0),
        pruned(6, {1: 8.0}, size=-1.0),
    ]
    assert numbers(best_first(trials, [UP])) == [5, 3, 6, 2, 1, 0, 4]


def test_pruned_trials_rank_by_how_far_they_got_then_by_their_last_value() -> None:
    trials = [
        pruned(0, {1: 99.0}),
        pruned(1, {1: 0.0, 3: 1.0}),
        pruned(2, {1: 0.0, 3: 2.0}),
        pruned(3, {2: 5.0}),
        pruned(4, {}),
    ]
    assert numbers(best_first(trials, [UP])) == [2, 1, 3, 0, 4]
    assert numbers(best_first(trials, [DOWN])) == [1, 2, 3, 0, 4]


def test_with_several_objectives_reports_are_read_from_the_user_attrs() -> None:
    first = several(1, {1: [5.0, 2.0], 10: [3.0, 2.0]})
    assert last_values(first) == (10, [3.0, 2.0])
    assert last_value(first) == (10, 3.0)
    trials = [several(0, {9: [9.0, 2.0]}), first]
    assert numbers(best_first(trials, [UP, DOWN])) == [1, 0]


def test_with_several_objectives_pruned_trials_that_got_as_far_rank_by_their_front() -> None:
    trials = [
        several(0, {3: [9.0, 9.0]}),
        several(1, {3: [5.0, 5.0]}),
        several(2, {3: [4.0, 6.0]}),  # 1 is better in both
        several(3, {3: [1.0, 1.0]}),
        several(4, {1: [9.0, 0.0]}),
    ]
    assert numbers(best_first(trials, [UP, DOWN])) == [0, 1, 3, 2, 4]


def test_what_is_not_known_of_a_pruned_trial_counts_as_worst() -> None:
    trials = [several(0, {3: [5.0, None]}), several(1, {3: [5.0, 7.0]})]
    assert numbers(best_first(trials, [UP, DOWN])) == [1, 0]
    assert last_value(several(0, {3: [None, 2.0]})) is None


def test_the_last_value_is_the_last_number_that_was_reported() -> None:
    assert last_value(pruned(0, {1: 0.5, 3: math.nan, 2: 0.7})) == (2, 0.7)
    assert last_value(pruned(0, {1: math.nan})) is None
    assert last_value(pruned(0, {0: -math.inf})) == (0, -math.inf)


@pytest.mark.parametrize(
    ("trial", "expected"),
    [
        (complete(0, 1.0), True),
        (complete(0, 1.0, 2.0, size=1.0), True),
        (pruned(0, {1: 1.0}), True),
        (pruned(0, {}), False),
        (pruned(0, {1: math.nan}), False),
        (create_trial(state=TrialState.FAIL), False),
        (create_trial(state=TrialState.RUNNING), False),
        (create_trial(state=TrialState.WAITING), False),
    ],
)
def test_has_value_says_what_can_be_ranked(trial: FrozenTrial, expected: bool) -> None:
    assert has_value(trial) is expected


def test_a_violation_is_the_sum_of_what_is_above_zero() -> None:
    assert violation(complete(0, 1.0)) == 0
    assert violation(complete(0, 1.0, a=-5.0, b=0.0)) == 0
    assert violation(complete(0, 1.0, a=-5.0, b=2.0, c=0.5)) == 2.5
    assert violation(complete(0, 1.0, a=math.inf, b=-math.inf)) == math.inf


def test_constraints_are_read_as_optuna_writes_them() -> None:
    def objective(trial: optuna.Trial) -> float:
        trial.set_constraint("size", float(trial.number))
        return 0.0

    study = optuna.create_study()
    study.optimize(objective, n_trials=3)
    assert [violation(trial) for trial in study.trials] == [0, 1, 2]
