from __future__ import annotations

from collections.abc import Callable
import copy
from itertools import pairwise
import math
import os
from pathlib import Path
import pickle
from typing import Any

import optuna
from optuna.distributions import CategoricalDistribution
from optuna.distributions import IntDistribution
from optuna.pruners import HyperbandPruner
from optuna.pruners import SuccessiveHalvingPruner
from optuna.samplers import BaseSampler
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.testing.pytest_samplers import BasicSamplerTestCase
from optuna.testing.pytest_samplers import MultiObjectiveSamplerTestCase
from optuna.testing.pytest_samplers import RelativeSamplerTestCase
from optuna.trial import create_trial
from optuna.trial import TrialState
import pytest

from optuna_nas.samplers import best_first
from optuna_nas.samplers import LocalSearchSampler
from optuna_nas.samplers import RandomSampler
from optuna_nas.samplers import RegularizedEvolutionSampler
from optuna_nas.samplers._mutation import neighbours
from optuna_nas.samplers._planning import Plan
from optuna_nas.samplers._planning import plan_of


class TestLocalSearchSampler(
    BasicSamplerTestCase, RelativeSamplerTestCase, MultiObjectiveSamplerTestCase
):
    @pytest.fixture
    def sampler(self) -> Callable[[], BaseSampler]:
        return lambda: LocalSearchSampler(n_initial=2)


X = {"x": IntDistribution(0, 9)}


def flat(trial: optuna.Trial) -> float:
    answers = [trial.suggest_categorical(f"edge{i}", list("abc")) for i in range(4)]
    agree = sum(answer == before for answer, before in zip(answers[1:], answers, strict=False))
    return float(sum(answer == "c" for answer in answers) + 2 * agree)


def conditional(trial: optuna.Trial) -> float:
    total = 0.0
    for i in range(trial.suggest_int("depth", 1, 4)):
        if trial.suggest_categorical(f"op{i}", ["conv", "skip"]) == "conv":
            total += trial.suggest_int(f"width{i}", 8, 64, step=8)
    return total


def two(trial: optuna.Trial) -> tuple[float, float]:
    x, y = trial.suggest_int("x", 0, 20), trial.suggest_int("y", 0, 20)
    return float(x - abs(y - 10)), float(-x)


def run(
    objective: Any, n_trials: int, sampler: BaseSampler | None = None, **options: Any
) -> optuna.Study:
    options.setdefault("directions", ["maximize"])
    study = optuna.create_study(sampler=sampler or LocalSearchSampler(seed=0), **options)
    study.optimize(objective, n_trials=n_trials)
    return study


def plans(study: optuna.Study) -> list[Plan]:
    return [plan_of(trial) for trial in study.trials]


def params(study: optuna.Study) -> list[dict[str, Any]]:
    return [trial.params for trial in study.trials]


def neighbours_of(trial: optuna.trial.FrozenTrial) -> list[dict[str, Any]]:
    """Of a flat space."""
    return [
        {**trial.params, name: value}
        for name, distribution in trial.distributions.items()
        for value in neighbours(distribution, trial.params[name])
    ]


@pytest.mark.parametrize("objective", [flat, conditional])
def test_after_random_ones_each_trial_differs_from_its_parent_in_one_decision(
    objective: Any,
) -> None:
    study = run(objective, 60)
    for trial, plan in zip(study.trials, plans(study), strict=True):
        if trial.number - plan.descent < 5:
            assert list(plan.parents) == []
            continue
        (parent,) = plan.parents
        before = study.trials[parent]
        shared = before.params.keys() & trial.params.keys()
        assert [n for n in shared if before.params[n] != trial.params[n]] == [plan.mutated]
        near = neighbours(before.distributions[plan.mutated], before.params[plan.mutated])
        assert trial.params[plan.mutated] in near


@pytest.mark.parametrize(
    ("objective", "directions"),
    [(flat, ["maximize"]), (flat, ["minimize"]), (two, ["maximize", "maximize"])],
)
def test_the_parent_is_the_best_of_the_descent_that_has_unseen_neighbours(
    objective: Any, directions: list[str]
) -> None:
    study = run(objective, 75, directions=directions)
    for trial, plan in zip(study.trials, plans(study), strict=True):
        pool = study.trials[plan.descent : trial.number]
        seen = params(study)[: trial.number]
        if plan.parents:
            before = best_first(pool, study.directions)
            before = before[: [t.number for t in before].index(plan.parents[0])]
            assert all(other in seen for better in before for other in neighbours_of(better))
        if plan.parents and len(directions) == 1:
            # As soon as one is better it is the parent, and no other than the best is.
            assert (
                study.trials[plan.parents[0]].value == best_first(pool, study.directions)[0].value
            )


def test_a_new_descent_begins_at_random_when_all_neighbours_of_the_best_were_seen() -> None:
    study = run(flat, 75)
    begins = sorted({plan.descent for plan in plans(study)})
    assert len(begins) > 2
    for start, end in pairwise(begins):
        best = best_first(study.trials[start:end], study.directions)[0]
        assert all(other in params(study)[:end] for other in neighbours_of(best))
        assert not any(plan.parents for plan in plans(study)[end : end + 5])


def test_n_initial_is_the_number_of_random_samples() -> None:
    study = run(flat, 12, LocalSearchSampler(n_initial=8, seed=0))
    assert [bool(plan.parents) for plan in plans(study)] == [False] * 8 + [True] * 4


def test_it_finds_the_top_of_a_hill() -> None:
    def hill(trial: optuna.Trial) -> float:
        return -sum(abs(trial.suggest_int(f"x{i}", 0, 9) - 2 * i) for i in range(4))

    for seed in range(3):
        assert run(hill, 150, LocalSearchSampler(seed=seed)).best_value == 0


def test_it_finds_the_higher_of_two_hills_by_beginning_again() -> None:
    def hills(trial: optuna.Trial) -> float:
        x, y = trial.suggest_int("x", 0, 19), trial.suggest_int("y", 0, 19)
        return max(10 - abs(x - 3) - abs(y - 3), 12 - 2 * abs(x - 16) - 2 * abs(y - 16))

    for seed in range(3):
        study = run(hills, 200, LocalSearchSampler(n_initial=2, seed=seed))
        assert study.best_value == 12
        assert len({plan.descent for plan in plans(study)}) > 1


def test_every_architecture_of_a_small_space_is_proposed_before_one_comes_again() -> None:
    def objective(trial: optuna.Trial) -> float:
        if trial.suggest_categorical("op", ["conv", "skip"]) == "skip":
            return 0.0
        return trial.suggest_int("width", 1, 7) + trial.suggest_int("kernel", 1, 2)

    for seed in range(5):
        study = run(objective, 15, LocalSearchSampler(n_initial=2, seed=seed))
        assert len({str(sorted(p.items())) for p in params(study)}) == 15
        study.optimize(objective, n_trials=2)  # nothing is left, and it goes on


SAMPLERS: list[Callable[[], BaseSampler]] = [
    lambda: LocalSearchSampler(seed=0),
    lambda: RegularizedEvolutionSampler(seed=0),
    lambda: RandomSampler(seed=0),
]


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of a journal that does not wait for the disk, which would be most of the time."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    return tmp_path / "journal"


def journal(path: Path) -> JournalStorage:
    return JournalStorage(JournalFileBackend(str(path)))


@pytest.mark.parametrize("make", SAMPLERS)
@pytest.mark.parametrize(
    ("objective", "directions"),
    [(flat, ["maximize"]), (conditional, ["maximize"]), (two, ["maximize", "minimize"])],
)
def test_25_and_25_trials_after_a_resume_from_a_file_equal_50_in_one_go(
    make: Any, objective: Any, directions: list[str], file: Path
) -> None:
    whole = run(objective, 50, make(), directions=directions)
    run(objective, 25, make(), directions=directions, study_name="s", storage=journal(file))
    resumed = optuna.load_study(study_name="s", storage=journal(file), sampler=make())
    resumed.optimize(objective, n_trials=25)
    assert params(resumed) == params(whole)


@pytest.mark.parametrize("make", SAMPLERS)
@pytest.mark.parametrize("objective", [flat, conditional])
def test_two_that_take_turns_on_one_storage_are_as_one(
    make: Any, objective: Any, file: Path
) -> None:
    whole = run(objective, 30, make())
    optuna.create_study(study_name="s", storage=journal(file), direction="maximize")
    studies = [
        optuna.load_study(study_name="s", storage=journal(file), sampler=make()) for _ in range(2)
    ]
    for i in range(30):
        studies[i * 7 // 3 % 2].optimize(objective, n_trials=1)
    assert params(studies[0]) == params(whole)


@pytest.mark.parametrize("objective", [flat, conditional])
@pytest.mark.parametrize("done", [1, 3, 20])
def test_trials_asked_at_once_are_different_architectures(objective: Any, done: int) -> None:
    study = run(objective, done)
    trials = [study.ask() for _ in range(12)]
    for trial in trials:
        objective(trial)
    assert len({str(sorted(p.items())) for p in params(study)[done:]}) == 12


@pytest.mark.parametrize("workers", [4, 8, 20])
def test_more_workers_than_initial_samples_still_search_locally(workers: int) -> None:
    study = optuna.create_study(sampler=LocalSearchSampler(seed=0), direction="maximize")
    running: list[tuple[optuna.Trial, float]] = []
    for _ in range(100):
        if len(running) == workers:
            study.tell(*running.pop(0))
        trial = study.ask()
        value = sum(trial.suggest_int(f"x{i}", 0, 9) for i in range(6))
        running.append((trial, float(value)))
    assert all(plan.parents for plan in plans(study)[max(workers, 5) :])


def test_a_neighbour_that_fails_does_not_keep_the_search_from_going_on() -> None:
    def objective(trial: optuna.Trial) -> float:
        value = conditional(trial)
        if trial.params["depth"] == 4:
            raise RuntimeError("out of memory")
        return value

    study = optuna.create_study(sampler=LocalSearchSampler(seed=1), direction="maximize")
    study.optimize(objective, n_trials=150, catch=RuntimeError)
    assert len({plan.descent for plan in plans(study)}) > 1
    failed = [t for t in study.trials if t.state == TrialState.FAIL]
    changes = [(plan_of(t).parents[0], plan_of(t).mutated) for t in failed if plan_of(t).parents]
    assert changes
    assert len(changes) == len(set(changes))


def test_an_infeasible_trial_is_a_parent_only_where_none_is_feasible() -> None:
    def objective(trial: optuna.Trial) -> float:
        x = trial.suggest_int("x", 0, 50) + trial.suggest_int("y", 0, 50)
        trial.set_constraint("small", x - 30.0)
        return float(x)

    study = run(objective, 100)
    for trial, plan in zip(study.trials, plans(study), strict=True):
        pool = study.trials[plan.descent : trial.number]
        if plan.parents and any(t.value <= 30 for t in pool):
            assert study.trials[plan.parents[0]].value <= 30
    assert max(t.value for t in study.trials if t.value <= 30) == 30


@pytest.mark.parametrize("pruner", [SuccessiveHalvingPruner(), HyperbandPruner(max_resource=9)])
def test_a_parent_got_furthest_although_most_trials_are_pruned(pruner: Any) -> None:
    def objective(trial: optuna.Trial) -> float:
        value = flat(trial)
        for step in range(1, 10):
            trial.report(value * step, step)
            if trial.should_prune():
                raise optuna.TrialPruned
        return value * 9

    # Hyperband's brackets are drawn from the study's name.
    study = run(objective, 50, pruner=pruner, study_name="pruned")
    assert sum(t.state == TrialState.PRUNED for t in study.trials) > 10
    for trial, plan in zip(study.trials, plans(study), strict=True):
        pool = study.trials[plan.descent : trial.number]
        if plan.parents and any(t.state == TrialState.COMPLETE for t in pool):
            assert study.trials[plan.parents[0]].state == TrialState.COMPLETE


def test_trials_without_a_value_are_no_parents_and_do_not_count_as_initial() -> None:
    def objective(trial: optuna.Trial) -> float:
        value = flat(trial)
        if trial.number < 10:
            raise optuna.TrialPruned
        return value

    found = plans(run(objective, 20))
    assert not any(plan.parents for plan in found[:15])
    assert all(plan.parents[0] >= 10 for plan in found[15:])


def test_added_and_enqueued_trials_belong_to_the_descent() -> None:
    study = optuna.create_study(
        sampler=LocalSearchSampler(n_initial=3, seed=0), direction="maximize"
    )
    distributions = {f"edge{i}": CategoricalDistribution(list("abc")) for i in range(4)}
    for value, choice in enumerate("ab"):
        given = dict.fromkeys(distributions, choice)
        study.add_trial(create_trial(params=given, distributions=distributions, value=value))
    study.enqueue_trial(dict.fromkeys(distributions, "c"))
    study.optimize(flat, n_trials=2)
    assert params(study)[2] == dict.fromkeys(distributions, "c")
    assert list(plans(study)[3].parents) == [2]


def test_what_another_worker_runs_is_not_proposed() -> None:
    study = run(lambda trial: trial.suggest_int("x", 0, 9), 3)
    left = [x for x in range(10) if {"x": x} not in params(study)]
    asked = [study.ask()]  # before it waits, and so ahead of it
    asked[0].suggest_int("x", 0, 9)
    (waits, *_) = [x for x in left if x != asked[0].params["x"]]
    study.add_trial(create_trial(state=TrialState.RUNNING, params={"x": waits}, distributions=X))
    rest = [study.ask().suggest_int("x", 0, 9) for _ in range(len(left) - 2)]
    assert sorted([*rest, waits, asked[0].params["x"]]) == left


def test_that_a_trial_has_no_neighbours_left_is_told_by_the_plan_of_who_found_out() -> None:
    study = optuna.create_study(sampler=LocalSearchSampler(n_initial=2, seed=0))
    for x in (3, 5):  # equally good, so that there are two to go on from
        study.add_trial(create_trial(params={"x": x}, distributions=X, value=0.0))
    for x in (2, 4):
        study.add_trial(create_trial(state=TrialState.RUNNING, params={"x": x}, distributions=X))
    trial = study.ask()
    assert trial.suggest_int("x", 0, 9) == 6
    assert list(plan_of(study.trials[-1]).exhausted) == [0]
    for number in (2, 3):
        study.tell(number, state=TrialState.FAIL)
    study.sampler = LocalSearchSampler(n_initial=2, seed=0)
    last = study.ask()
    assert last.suggest_int("x", 0, 9) == 4
    assert list(plan_of(study.trials[-1]).parents) == [1]


def test_the_plans_of_other_samplers_say_nothing_of_descents() -> None:
    study = run(flat, 60)
    descent = plan_of(study.trials[-1]).descent
    assert descent
    evolution = RegularizedEvolutionSampler(seed=1)
    for sampler in (evolution, study.sampler):
        study.sampler = sampler
        study.optimize(flat, n_trials=1)
    assert plan_of(study.trials[-2]).descent is None
    assert plan_of(study.trials[-1]).descent in (descent, 61)


def test_with_several_objectives_parents_are_on_the_front() -> None:
    study = run(two, 60, directions=["maximize", "maximize"])
    parents = 0
    for trial, plan in zip(study.trials, plans(study), strict=True):
        for number in plan.parents:
            a, b = study.trials[number].values
            pool = (t.values for t in study.trials[plan.descent : trial.number])
            assert not any(c >= a and d >= b and (c > a or d > b) for c, d in pool)
            parents += 1
    assert parents > 40


@pytest.mark.parametrize("n_objectives", [1, 2])
def test_values_may_be_infinite(n_objectives: int) -> None:
    def objective(trial: optuna.Trial) -> list[float]:
        x = trial.suggest_int("x", 0, 60)
        return [[math.inf, -math.inf, float(x)][x % 3], -math.inf][:n_objectives]

    study = run(objective, 40, directions=["minimize", "maximize"][:n_objectives])
    assert len({p["x"] for p in params(study)}) == 40


@pytest.mark.parametrize("again", [copy.deepcopy, lambda s: pickle.loads(pickle.dumps(s))])
def test_a_copy_of_a_sampler_in_use_goes_on_as_the_sampler(again: Any) -> None:
    whole = run(conditional, 50)
    study = run(conditional, 30)
    study.sampler = again(study.sampler)
    study.optimize(conditional, n_trials=20)
    assert params(study) == params(whole)


def test_one_sampler_may_serve_two_studies() -> None:
    whole, sampler = run(flat, 20), LocalSearchSampler(seed=0)
    studies = [
        optuna.create_study(sampler=sampler, direction="maximize", study_name=name)
        for name in ("one", "other")
    ]
    for _ in range(20):
        for study in studies:
            study.optimize(flat, n_trials=1)
    assert params(studies[0]) == params(studies[1]) == params(whole)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_initial": 0}, r"^n_initial must be an int of at least 1, but got 0\.$"),
        ({"n_initial": 1.5}, r"^n_initial must be an int of at least 1, but got 1\.5\.$"),
        ({"seed": -1}, r"^seed must be an int of at least 0, or None, but got -1\.$"),
    ],
)
def test_bad_arguments_are_errors(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LocalSearchSampler(**options)
