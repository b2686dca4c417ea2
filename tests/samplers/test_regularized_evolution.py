from __future__ import annotations

from collections.abc import Callable
import math
from typing import Any

import numpy as np
import optuna
from optuna.distributions import CategoricalDistribution
from optuna.distributions import IntDistribution
from optuna.pruners import HyperbandPruner
from optuna.pruners import SuccessiveHalvingPruner
from optuna.samplers import BaseSampler
from optuna.testing.pytest_samplers import BasicSamplerTestCase
from optuna.testing.pytest_samplers import MultiObjectiveSamplerTestCase
from optuna.testing.pytest_samplers import RelativeSamplerTestCase
from optuna.trial import create_trial
from optuna.trial import TrialState
import pytest

from optuna_nas.samplers import RandomSampler
from optuna_nas.samplers import RegularizedEvolutionSampler
from optuna_nas.samplers._planning import PLAN


class TestRegularizedEvolutionSampler(
    BasicSamplerTestCase, RelativeSamplerTestCase, MultiObjectiveSamplerTestCase
):
    @pytest.fixture
    def sampler(self) -> Callable[[], BaseSampler]:
        return lambda: RegularizedEvolutionSampler(population_size=3, tournament_size=2)


def small(seed: int = 0, **options: Any) -> RegularizedEvolutionSampler:
    options = {"population_size": 8, "tournament_size": 3, **options}
    return RegularizedEvolutionSampler(seed=seed, **options)


def flat(trial: optuna.Trial) -> float:
    answers = [trial.suggest_categorical(f"edge{i}", list("abcde")) for i in range(6)]
    return float(sum(answer == "c" for answer in answers))


def conditional(trial: optuna.Trial) -> float:
    depth = trial.suggest_int("depth", 1, 4)
    total = 0.0
    for i in range(depth):
        if trial.suggest_categorical(f"op{i}", ["conv", "skip"]) == "conv":
            total += trial.suggest_int(f"width{i}", 8, 64, step=8)
    return total


def run(sampler: BaseSampler, objective: Any, n_trials: int, **options: Any) -> optuna.Study:
    study = optuna.create_study(sampler=sampler, direction="maximize", **options)
    study.optimize(objective, n_trials=n_trials)
    return study


def plans(study: optuna.Study) -> list[dict[str, Any]]:
    return [trial.system_attrs[PLAN] for trial in study.trials]


def test_a_child_differs_from_its_parent_in_exactly_the_mutated_decision() -> None:
    study = run(small(), flat, 40)
    for trial, plan in list(zip(study.trials, plans(study), strict=True))[8:]:
        (parent,) = plan["parents"]
        before = study.trials[parent].params
        differ = [name for name in before if before[name] != trial.params[name]]
        assert differ == [plan["mutated"]]


def test_in_a_conditional_space_a_child_inherits_what_it_is_still_asked() -> None:
    study = run(small(), conditional, 60)
    for trial, plan in list(zip(study.trials, plans(study), strict=True))[8:]:
        before = study.trials[plan["parents"][0]].params
        shared = [name for name in before if name in trial.params]
        differ = [name for name in shared if before[name] != trial.params[name]]
        assert differ == [plan["mutated"]]


def test_the_parent_is_one_of_the_youngest() -> None:
    study = run(small(), flat, 40)
    for trial, plan in list(zip(study.trials, plans(study), strict=True))[8:]:
        assert trial.number - 8 <= plan["parents"][0] < trial.number


def test_a_tournament_of_all_takes_the_best() -> None:
    study = run(small(tournament_size=8), flat, 30)
    for number in range(8, 30):
        youngest = study.trials[number - 8 : number]
        best = max(trial.value for trial in youngest)
        assert study.trials[plans(study)[number]["parents"][0]].value == best


def test_it_beats_random_search() -> None:
    def mean_best(make: Callable[[int], BaseSampler]) -> float:
        return float(np.mean([run(make(seed), flat, 80).best_value for seed in range(10)]))

    ours = mean_best(lambda seed: RegularizedEvolutionSampler(seed=seed))
    assert ours > mean_best(lambda seed: RandomSampler(seed=seed)) + 1


@pytest.mark.parametrize("objective", [flat, conditional])
def test_25_and_25_trials_after_a_resume_equal_50_in_one_go(objective: Any) -> None:
    whole = run(small(), objective, 50)
    resumed = run(small(), objective, 25)
    resumed.sampler = small()
    resumed.optimize(objective, n_trials=25)
    assert [t.params for t in resumed.trials] == [t.params for t in whole.trials]


def test_every_architecture_of_a_small_space_is_proposed_before_one_comes_again() -> None:
    def objective(trial: optuna.Trial) -> float:
        if trial.suggest_categorical("op", ["conv", "skip"]) == "skip":
            return 0.0
        return trial.suggest_int("width", 1, 7) + trial.suggest_int("kernel", 1, 2)

    for seed in range(5):
        study = run(small(seed, population_size=4), objective, 15)
        assert len({str(sorted(t.params.items())) for t in study.trials}) == 15
        study.optimize(objective, n_trials=2)  # nothing is left, and it goes on


def test_repeats_can_be_allowed() -> None:
    study = run(small(avoid_repeats=False), lambda t: t.suggest_int("x", 1, 3), 20)
    assert len(study.trials) == 20


def test_what_other_workers_are_running_is_not_proposed_again() -> None:
    study = optuna.create_study(sampler=small())
    asked = [study.ask().suggest_categorical("x", list("abcdefghi")) for _ in range(9)]
    assert sorted(asked) == list("abcdefghi")


def test_added_trials_of_any_source_join_the_population() -> None:
    distributions = {f"edge{i}": CategoricalDistribution(list("abcde")) for i in range(6)}
    params = dict.fromkeys(distributions, "c")
    study = optuna.create_study(sampler=small(tournament_size=8), direction="maximize")
    study.add_trials(
        [create_trial(params={**params, "edge0": x}, distributions=distributions, value=v)
         for x, v in zip("abcdeabc", range(8), strict=True)]
    )  # fmt: skip
    study.optimize(flat, n_trials=1)
    assert plans_of_last(study)["parents"] == [7]


def plans_of_last(study: optuna.Study) -> dict[str, Any]:
    return study.trials[-1].system_attrs[PLAN]


def test_enqueued_trials_keep_their_params_and_join() -> None:
    study = optuna.create_study(sampler=small(), direction="maximize")
    study.enqueue_trial({f"edge{i}": "c" for i in range(6)})
    study.optimize(flat, n_trials=1)
    assert study.trials[0].value == 6


def test_pruned_trials_join_behind_all_that_got_further() -> None:
    study = optuna.create_study(sampler=small(tournament_size=8), direction="maximize")
    x = {"x": IntDistribution(0, 1000)}
    steps = [1, 1, 2, 2, 3, 3, 3, 1]
    values = [99.0, 98.0, 7.0, 8.0, 1.0, 2.0, math.nan, 97.0]
    for i, (step, value) in enumerate(zip(steps, values, strict=True)):
        reported = {1: 0.5, step: value}
        study.add_trial(
            create_trial(
                state=TrialState.PRUNED, params={"x": 10 * i}, distributions=x,
                intermediate_values=reported,
            )
        )  # fmt: skip
    study.optimize(lambda t: t.suggest_int("x", 0, 1000), n_trials=1)
    assert plans_of_last(study)["parents"] == [5]
    study.optimize(lambda t: -t.suggest_int("x", 0, 1000), n_trials=1)
    assert plans_of_last(study)["parents"] == [8]  # complete, whatever its value


@pytest.mark.parametrize("pruner", [SuccessiveHalvingPruner(), HyperbandPruner(max_resource=9)])
def test_the_population_fills_although_most_trials_are_pruned(pruner: Any) -> None:
    def objective(trial: optuna.Trial) -> float:
        value = flat(trial)
        for step in range(1, 10):
            trial.report(value * step, step)
            if trial.should_prune():
                raise optuna.TrialPruned
        return value * 9

    # Hyperband's brackets are drawn from the study's name.
    study = run(small(), objective, 60, pruner=pruner, study_name="pruned")
    assert sum(t.state == TrialState.PRUNED for t in study.trials) > 10
    assert any(plan["parents"] for plan in plans(study))


def test_rejected_trials_are_no_parents() -> None:
    def objective(trial: optuna.Trial) -> float:
        if trial.suggest_categorical("a", [0, 1]):
            trial.set_constraint("small", math.inf)
            raise optuna.TrialPruned
        trial.set_constraint("small", -1.0)
        return trial.suggest_float("x", 0, 1)

    study = run(small(), objective, 40)
    parents = {number for plan in plans(study) for number in plan["parents"]}
    assert parents
    assert all(study.trials[number].state == TrialState.COMPLETE for number in parents)


def test_feasible_trials_go_before_infeasible_ones() -> None:
    def objective(trial: optuna.Trial) -> float:
        x = trial.suggest_float("x", 0, 1)
        trial.set_constraint("low", x - 0.5)
        return x

    study = run(small(tournament_size=8), objective, 40)
    for number in range(8, 40):
        population = study.trials[number - 8 : number]
        if any(t.params["x"] <= 0.5 for t in population):
            feasible = max(t.params["x"] for t in population if t.params["x"] <= 0.5)
            assert study.trials[plans(study)[number]["parents"][0]].params["x"] == feasible


def test_with_several_objectives_a_tournament_of_all_takes_from_the_front() -> None:
    def objective(trial: optuna.Trial) -> tuple[float, float]:
        x, y = trial.suggest_float("x", 0, 1), trial.suggest_float("y", 0, 1)
        return x + y, x * x

    study = optuna.create_study(
        sampler=small(tournament_size=8), directions=["maximize", "minimize"]
    )
    study.optimize(objective, n_trials=40)
    for number in range(8, 40):
        population = study.trials[number - 8 : number]
        a, b = study.trials[plans(study)[number]["parents"][0]].values
        assert not any(
            (c >= a and d <= b) and (c > a or d < b) for c, d in (t.values for t in population)
        )


def test_crossover_takes_every_decision_from_a_winner_but_the_mutated_one() -> None:
    study = run(small(crossover_probability=1.0), flat, 40)
    for trial, plan in list(zip(study.trials, plans(study), strict=True))[8:]:
        first, second = (study.trials[parent].params for parent in plan["parents"])
        for name, value in trial.params.items():
            assert name == plan["mutated"] or value in (first[name], second[name])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"population_size": 1}, "population_size must be an int of at least 2, but got 1"),
        ({"population_size": 2.5}, r"population_size must be an int of at least 2, but got 2\.5"),
        ({"population_size": "a"}, r"population_size must be an int of at least 2, but got 'a'"),
        ({"tournament_size": 9}, r"tournament_size must be in 1\.\.population_size \(8\).*got 9"),
        ({"tournament_size": 0}, r"tournament_size must be an int of at least 1, but got 0"),
        ({"tournament_size": 1.5}, r"tournament_size must be an int of at least 1, but got 1\.5"),
        ({"crossover_probability": 1.5}, r"crossover_probability must be .* 1, but got 1.5"),
        ({"crossover_probability": "a"}, r"crossover_probability must be .* 1, but got 'a'"),
        ({"seed": -1}, "seed must be an int of at least 0, or None, but got -1"),
    ],
)
def test_bad_arguments_are_errors(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        small(**options)
