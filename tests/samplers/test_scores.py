from __future__ import annotations

import math
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
import numpy as np
from optuna.study import StudyDirection
from optuna.trial import create_trial
from optuna.trial import FrozenTrial
from optuna.trial import TrialState
import pytest
from scipy.stats import norm
from scipy.stats import rankdata

from optuna_nas.samplers import best_first
from optuna_nas.samplers._scores import scores


UP, DOWN = StudyDirection.MAXIMIZE, StudyDirection.MINIMIZE


def numbered(trials: list[FrozenTrial]) -> list[FrozenTrial]:
    for number, trial in enumerate(trials):
        trial.number = number
    return trials


def complete(*values: float) -> list[FrozenTrial]:
    return numbered([create_trial(value=value) for value in values])


def of(trials: list[FrozenTrial], direction: StudyDirection = UP) -> np.ndarray[Any, Any]:
    return scores(trials, [direction])[:, 0]


def test_values_are_measured_in_deviations_from_the_median() -> None:
    drawn = np.random.default_rng(0).normal(50, 3, size=4001)
    found = of(complete(*drawn))
    near = np.abs(found) < 1.9
    np.testing.assert_allclose(found[near], (drawn[near] - 50) / 3, atol=0.1)


@given(st.floats(1e-3, 1e3), st.floats(-1e3, 1e3))
def test_scale_and_offset_do_not_matter(scale: float, offset: float) -> None:
    values = np.array([0.0, 1.0, 3.0, 4.0, 9.0, -70.0])
    expected = of(complete(*values))
    np.testing.assert_allclose(of(complete(*(values * scale + offset))), expected, atol=1e-6)
    np.testing.assert_allclose(of(complete(*(-values * scale)), DOWN), expected, atol=1e-9)


def test_one_network_that_learned_nothing_does_not_hide_the_others() -> None:
    found = of(complete(91.0, 92.0, 93.0, 94.0, 95.0, 10.0))
    assert found[4] - found[0] > 2
    assert -5 < found[5] < found[0] - 2


def test_equal_values_are_worth_nothing() -> None:
    np.testing.assert_array_equal(of(complete(3.0, 3.0, 3.0)), 0)


def test_others_are_below_in_the_order_of_best_first() -> None:
    trials = numbered(
        [
            create_trial(value=1.0),
            create_trial(value=5.0),
            create_trial(state=TrialState.PRUNED, intermediate_values={3: 2.0}),
            create_trial(state=TrialState.PRUNED, intermediate_values={1: 9.0}),
            create_trial(value=math.inf),
            create_trial(value=9.0, system_attrs={"constraints:size": 2.0}),
            create_trial(state=TrialState.PRUNED, system_attrs={"constraints:size": math.inf}),
            create_trial(state=TrialState.PRUNED, system_attrs={"constraints:size": math.inf}),
        ]
    )
    found = of(trials)
    order = [trial.number for trial in best_first(trials, [UP])]
    assert order == [1, 0, 2, 3, 4, 5, 6, 7]
    assert all(np.diff(found[order][:7]) < 0)
    assert found[6] == found[7] == pytest.approx(found[0] - 2)


def test_with_no_complete_trial_there_is_still_an_order() -> None:
    pruned = [
        create_trial(state=TrialState.PRUNED, intermediate_values={1: value}) for value in (1, 2)
    ]
    found = of(numbered(pruned))
    assert found[0] < found[1]


@given(st.lists(st.integers(0, 9), min_size=1, max_size=30))
def test_with_several_objectives_the_order_alone_counts(values: list[int]) -> None:
    trials = numbered([create_trial(values=[float(v), -math.exp(v)]) for v in values])
    expected = norm.ppf((rankdata(values) - 0.5) / len(values))
    np.testing.assert_allclose(scores(trials, [UP, DOWN]), np.array([expected] * 2).T, atol=1e-9)


def test_each_objective_has_its_own_scores() -> None:
    trials = numbered([create_trial(values=[float(i), float(i**2)]) for i in range(5)])
    found = scores(trials, [UP, DOWN])
    assert found.shape == (5, 2)
    assert all(np.diff(found[:, 0]) > 0)
    assert all(np.diff(found[:, 1]) < 0)
    assert scores([], [UP, DOWN]).shape == (0, 2)
