from __future__ import annotations

import math
import pickle
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
import numpy as np
from optuna.study import StudyDirection
from optuna.trial import create_trial
from optuna.trial import FrozenTrial
from optuna.trial import TrialState
import pytest

from optuna_nas.samplers._reward import Baseline
from optuna_nas.samplers._reward import mnasnet_reward
from optuna_nas.samplers._reward import Rewards


UP, DOWN = StudyDirection.MAXIMIZE, StudyDirection.MINIMIZE


def complete(*values: float, constraint: float = 0.0) -> FrozenTrial:
    return create_trial(values=values, constraints={"c": constraint})


def pruned(reports: dict[int, float]) -> FrozenTrial:
    return create_trial(state=TrialState.PRUNED, intermediate_values=reports)


def rewards(trials: list[FrozenTrial], *directions: StudyDirection, by: Any = None) -> list[Any]:
    known = Rewards(directions)
    return [known.of(trial, by) for trial in trials]


@given(accuracy=st.floats(0, 1), cost=st.floats(1e-3, 1e3), target=st.floats(1e-3, 1e3))
def test_mnasnet_reward_is_equations_2_and_3(accuracy: float, cost: float, target: float) -> None:
    for alpha, beta in ((-0.07, -0.07), (0.0, -1.0), (-0.1, -0.5)):
        w = alpha if cost <= target else beta
        expected = accuracy * (cost / target) ** w
        assert mnasnet_reward(target, (alpha, beta))([accuracy, cost]) == pytest.approx(expected)
    expected = accuracy * (cost / target) ** -0.07
    assert mnasnet_reward(target)([accuracy, cost]) == pytest.approx(expected)


def test_by_default_twice_the_cost_is_worth_five_percent_more_accuracy() -> None:
    reward = mnasnet_reward(0.08)
    assert reward([0.75 * 1.05, 0.16]) == pytest.approx(reward([0.75, 0.08]), rel=1e-3)


def test_mnasnet_reward_can_be_pickled() -> None:
    assert pickle.loads(pickle.dumps(mnasnet_reward(2.0)))([0.5, 2.0]) == 0.5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0.0,), r"target must be a finite number above 0, but got 0\.0"),
        ((math.inf,), r"target must be a finite number above 0, but got inf"),
        ((math.nan,), r"target must be a finite number above 0, but got nan"),
        ((1.0, 0.07), r"exponent must be at most 0 and finite, or a pair .* but got 0\.07"),
        (
            (1.0, (0.0, -math.inf)),
            r"exponent must be at most 0 and finite, .* got \(0\.0, -inf",
        ),
        (("a",), r"target must be a finite number above 0, but got 'a'"),
        ((5, (0,)), r"or a pair of such numbers, but got \(0,\)\."),
        ((5, "a"), r"exponent must be at most 0 and finite, .*, but got 'a'"),
        ((1.0, math.nan), r"exponent must be at most 0 and finite, or a pair .* but got nan"),
    ],
)
def test_bad_arguments_of_mnasnet_reward_are_errors(arguments: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        mnasnet_reward(*arguments)


@pytest.mark.parametrize("values", [[0.5], [0.5, 1.0, 2.0], [0.5, 0.0]])
def test_mnasnet_reward_takes_an_accuracy_and_a_cost(values: list[float]) -> None:
    with pytest.raises(ValueError, match=r"mnasnet_reward takes two values, the accuracy and a"):
        mnasnet_reward(1.0)(values)


def test_by_default_the_reward_is_the_value_or_its_negative_when_minimising() -> None:
    trials = [complete(0.5), complete(-2.0)]
    assert rewards(trials, UP) == [0.5, -2.0]
    assert rewards(trials, DOWN) == [-0.5, 2.0]


def test_a_reward_of_ones_own_is_asked_about_the_values() -> None:
    assert rewards([complete(3.0, 4.0)], UP, DOWN, by=lambda v: v[0] * v[1]) == [12.0]


def test_with_several_objectives_the_reward_is_the_negative_of_the_rank_so_far() -> None:
    trials = [complete(1, 1), complete(2, 2), complete(0, 3), complete(3, 0), complete(-1, 4)]
    assert rewards(trials, UP, DOWN) == [0, 0, -1, 0, -3]
    assert rewards(trials, DOWN, DOWN) == [0, -1, 0, 0, 0]


def test_the_rank_is_among_the_last_hundred() -> None:
    better = [complete(float(i), float(i)) for i in range(100, 0, -1)]
    assert rewards([*better, complete(0.0, 0.0)], UP, UP)[-1] == -99
    assert rewards([complete(1e9, 1e9), *better[1:], complete(0.0, 0.0)], UP, UP)[-1] == -99


@pytest.mark.parametrize("value", [math.inf, -math.inf])
def test_values_that_are_not_finite_count_as_worst_and_are_not_shown_to_the_reward(
    value: float,
) -> None:
    def reward(values: list[float]) -> float:
        assert all(map(math.isfinite, values))
        return values[0]

    trials = [complete(value), complete(2.0), complete(1.0), complete(3.0), complete(value)]
    assert rewards(trials, UP, by=reward) == [None, 2.0, 1.0, 3.0, 1.0]


def test_trials_that_break_a_constraint_count_as_worst() -> None:
    trials = [complete(1.0), complete(5.0, constraint=0.1), complete(2.0, constraint=-1.0)]
    assert rewards(trials, UP) == [1.0, 1.0, 2.0]


def test_rejected_trials_count_as_worst() -> None:
    assert rewards([pruned({}), complete(1.0), pruned({})], UP) == [None, 1.0, 1.0]


def test_a_pruned_trial_is_worth_its_last_value_but_no_more_than_any_that_got_further() -> None:
    trials = [
        pruned({1: 0.1, 3: 0.9}),
        pruned({1: 0.95}),
        complete(0.5),
        pruned({1: 0.7}),
        pruned({1: 0.2}),
        pruned({3: 0.3, 4: math.nan}),
        pruned({2: 0.4}),
    ]
    assert rewards(trials, UP) == [0.9, 0.9, 0.5, 0.5, 0.2, 0.3, 0.3]
    negated = [complete(-0.5), pruned({1: -0.7}), pruned({1: -0.2})]
    assert rewards(negated, DOWN) == [0.5, 0.5, 0.2]


def test_with_several_objectives_a_pruned_trial_counts_as_worst() -> None:
    trials = [complete(2.0, 1.0), complete(1.0, 2.0), pruned({}), complete(3.0, 0.0)]
    assert rewards(trials, UP, DOWN) == [0.0, -1.0, -1.0, 0.0]


@pytest.mark.parametrize("returned", [math.nan, -math.inf, None, "0.5", 1j])
def test_a_reward_that_is_not_a_finite_number_is_an_error(returned: Any) -> None:
    def scalarised(values: list[float]) -> Any:
        return returned

    message = (
        r"reward \(scalarised\) must return a finite number, but returned .* for trial 0 with "
        r"the values \[1\.0, 2\.0\]"
    )
    trial = complete(1.0, 2.0)
    trial.number = 0
    with pytest.raises(ValueError, match=message):
        rewards([trial], UP, UP, by=scalarised)


def test_the_baseline_is_the_moving_average_of_the_rewards_before() -> None:
    seen = np.random.default_rng(0).uniform(0.4, 0.6, 60).tolist()
    moving = deviation = weight = 0.0
    baseline = Baseline(0.9)
    for i, reward in enumerate(seen):
        advantage = baseline.advantage(reward)
        if i > 30:
            before = moving / weight
            distances = [0.9 ** (i - j) * abs(r - before) for j, r in enumerate(seen[: i + 1])]
            deviation = sum(distances) / (0.9 * weight + 1)
            assert advantage == pytest.approx((reward - before) / deviation)
        moving, weight = 0.9 * moving + reward, 0.9 * weight + 1


@given(
    seen=st.lists(st.floats(-10, 10), min_size=2, max_size=40),
    scale=st.sampled_from([1e-3, 1.0, 1e4]),
    shift=st.sampled_from([0.0, -1e3]),
)
def test_the_scale_of_the_rewards_does_not_matter(
    seen: list[float], scale: float, shift: float
) -> None:
    seen = [round(reward, 3) for reward in seen]
    one, other = Baseline(0.9), Baseline(0.9)
    for reward in seen:
        scaled = other.advantage(scale * reward + shift)
        assert scaled == pytest.approx(one.advantage(reward), abs=1e-4)


@pytest.mark.parametrize("decay", [0.0, 0.5, 0.9])
def test_equal_rewards_have_no_advantage(decay: float) -> None:
    baseline = Baseline(decay)
    assert [baseline.advantage(0.3) for _ in range(20)] == [0.0] * 20
    assert baseline.advantage(0.4) >= 1
    assert baseline.advantage(0.2) <= -1
    assert Baseline(decay).advantage(7.0) == 0


@pytest.mark.parametrize("exploded", [[0], [1], [50], [0, 3, 60]])
def test_losses_that_explode_do_not_drown_what_follows(exploded: list[int]) -> None:
    def advantages(of_exploded: float) -> np.ndarray:
        rewards = np.random.default_rng(0).normal(-0.5, 0.1, 200)
        rewards[exploded] = of_exploded
        baseline = Baseline(0.9)
        return np.array([baseline.advantage(reward) for reward in rewards])

    bad, worst = advantages(-0.8), advantages(-1e9)
    assert all(worst[i] < -1 for i in exploded if i > 3)
    for part in (slice(10, 50), slice(62, 200)):
        assert np.corrcoef(bad[part], worst[part])[0, 1] > 0.95
        assert abs(np.mean(bad[part] - worst[part])) < 0.2
