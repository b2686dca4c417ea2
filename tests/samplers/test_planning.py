"""What evolution, local search and the predictor have in common."""

from __future__ import annotations

from collections.abc import Callable
import sys
from typing import Any

import optuna
from optuna.distributions import CategoricalDistribution
from optuna.samplers import BaseSampler
from optuna.samplers import PartialFixedSampler
from optuna.trial import create_trial
from optuna.trial import TrialState
import pytest

from optuna_nas.samplers import LocalSearchSampler
from optuna_nas.samplers import PredictorSampler
from optuna_nas.samplers import RegularizedEvolutionSampler
from optuna_nas.samplers import ReinforceSampler
from optuna_nas.samplers._planning import plan_of


PLANNERS: list[Callable[..., BaseSampler]] = [
    LocalSearchSampler,
    PredictorSampler,
    RegularizedEvolutionSampler,
]
planners = pytest.mark.parametrize("make", PLANNERS)


def flat(trial: optuna.Trial) -> float:
    return float(sum(trial.suggest_categorical(f"x{i}", list("abcd")) == "c" for i in range(4)))


def studied(make: Callable[..., BaseSampler], objective: Any, n_trials: int) -> optuna.Study:
    study = optuna.create_study(sampler=make(seed=0), direction="maximize")
    study.optimize(objective, n_trials=n_trials)
    return study


@planners
def test_plans_of_another_study_are_not_believed(make: Callable[..., BaseSampler]) -> None:
    old = studied(make, flat, 40)
    study = optuna.create_study(sampler=make(seed=0), direction="maximize")
    study.add_trials(old.trials[-12:])
    study.add_trial(
        create_trial(state=TrialState.WAITING, system_attrs=dict(old.trials[-1].system_attrs))
    )
    study.optimize(flat, n_trials=15)
    assert any(plan_of(trial).parents for trial in study.trials[13:])


@planners
def test_an_enqueued_trial_comes_from_nobody(make: Callable[..., BaseSampler]) -> None:
    study = studied(make, flat, 20)
    study.enqueue_trial({"x0": "a", "x1": "a"})
    study.optimize(flat, n_trials=1)
    last = study.trials[-1]
    assert (last.params["x0"], last.params["x1"]) == ("a", "a")
    assert list(plan_of(last).parents) == []
    assert plan_of(last).mutated is None


@planners
def test_an_objective_that_asks_more_than_before_is_searched(
    make: Callable[..., BaseSampler],
) -> None:
    study = studied(make, lambda trial: trial.suggest_categorical("x0", list("abcd")) == "c", 4)
    study.optimize(flat, n_trials=30)
    assert any(plan_of(trial).parents for trial in study.trials[10:])


@planners
@pytest.mark.parametrize("choices", [[True, 1], [0, False, 2], [None, "a"], [float("nan"), 1.0]])
def test_choices_that_python_takes_for_equal_are_no_crash(
    make: Callable[..., BaseSampler], choices: list[Any]
) -> None:
    def objective(trial: optuna.Trial) -> float:
        trial.suggest_categorical("x", choices)
        return flat(trial)

    assert len(studied(make, objective, 25).trials) == 25


@pytest.mark.filterwarnings("ignore:Choices for a categorical distribution should be")
@pytest.mark.parametrize(
    "make", [LocalSearchSampler, RegularizedEvolutionSampler, PredictorSampler]
)
def test_choices_that_cannot_be_hashed_are_as_others(make: Callable[..., BaseSampler]) -> None:
    def objective(trial: optuna.Trial) -> float:
        widths = trial.suggest_categorical("widths", [[8], [8, 16], [32]])
        options = trial.suggest_categorical("options", [{"bias": True}, None, "none"])
        return len(widths) + (options is None) + trial.suggest_int("k", 0, 1)

    study = studied(make, objective, 18)
    assert len({str(sorted(trial.params.items())) for trial in study.trials}) == 18
    assert study.best_value == 4


def different(trials: list[optuna.trial.FrozenTrial]) -> int:
    return len({str(sorted(trial.params.items())) for trial in trials})


@planners
@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
def test_with_a_decision_fixed_all_that_is_left_is_proposed_before_one_comes_again(
    make: Callable[..., BaseSampler],
) -> None:
    inner = PartialFixedSampler({"x0": "a", "x1": "b"}, make(seed=0))
    sampler = PartialFixedSampler({"x1": "c"}, inner)
    study = optuna.create_study(sampler=sampler, direction="maximize")
    study.optimize(flat, n_trials=16)
    assert {(t.params["x0"], t.params["x1"]) for t in study.trials} == {("a", "c")}
    assert different(study.trials) == 16
    assert study.best_value == 3
    study.optimize(flat, n_trials=2)  # nothing is left, and it goes on


@planners
@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
def test_a_decision_may_be_fixed_in_the_middle_of_a_study(
    make: Callable[..., BaseSampler],
) -> None:
    study = studied(make, flat, 20)
    study.sampler = PartialFixedSampler({"x0": "a"}, study.sampler)
    study.optimize(flat, n_trials=10)
    assert {trial.params["x0"] for trial in study.trials[20:]} == {"a"}
    assert different(study.trials) == 30
    assert not any(plan_of(trial).mutated == "x0" for trial in study.trials[20:])


@planners
def test_what_is_enqueued_in_part_is_completed_to_something_new(
    make: Callable[..., BaseSampler],
) -> None:
    study = studied(make, flat, 10)
    for _ in range(4):
        study.enqueue_trial({"x0": "a", "x1": "b", "x2": "d"})
    study.enqueue_trial(study.trials[0].params)  # once more, because they were asked to
    study.optimize(flat, n_trials=5)
    assert different(study.trials[10:14]) == 4
    assert study.trials[14].params == study.trials[0].params


@pytest.mark.parametrize("make", [*PLANNERS, ReinforceSampler])
def test_the_largest_numbers_there_are_do_no_harm(make: Callable[..., BaseSampler]) -> None:
    def objective(trial: optuna.Trial) -> float:
        value = flat(trial)
        return -sys.float_info.max if trial.params["x0"] == "a" else value

    study = studied(make, objective, 80)
    late = [trial.params["x0"] for trial in study.trials[40:]]
    assert late.count("a") < 20
    assert len(set(late)) > 1


def test_a_trial_that_waits_is_not_proposed_by_others() -> None:
    distributions = {"x": CategoricalDistribution(["a", "b"])}
    study = optuna.create_study(sampler=LocalSearchSampler(seed=0))
    study.add_trial(create_trial(params={"x": "a"}, distributions=distributions, value=1.0))
    first = study.ask()
    first.suggest_categorical("x", ["a", "b"])
    assert first.params == {"x": "b"}


def test_local_search_begins_new_descents_with_several_workers_and_after_one_was_killed() -> None:
    study = optuna.create_study(sampler=LocalSearchSampler(seed=0), direction="maximize")
    study.ask()  # a worker that was killed
    running = [study.ask() for _ in range(3)]
    for _ in range(150):
        trial = running.pop(0)
        study.tell(trial, flat(trial))
        running.append(study.ask())
    assert len({plan_of(trial).descent for trial in study.trials}) > 2
