from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from itertools import pairwise
import math
from pathlib import Path
import pickle
from typing import Any

import numpy as np
import optuna
from optuna.distributions import CategoricalDistribution
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

from optuna_nas.samplers import PredictorSampler
from optuna_nas.samplers import RandomSampler
from optuna_nas.samplers import RegularizedEvolutionSampler
from optuna_nas.samplers._planning import plan_of


OPTIONS = list("abcde")


class TestPredictorSampler(
    BasicSamplerTestCase, RelativeSamplerTestCase, MultiObjectiveSamplerTestCase
):
    @pytest.fixture
    def sampler(self) -> Callable[[], BaseSampler]:
        return lambda: PredictorSampler(n_initial=3)


def interacting(trial: optuna.Trial) -> float:
    """Options are alike in the same way on all edges; neighbouring edges should agree."""
    worth = {"a": 0.0, "b": 1.0, "c": 0.9, "d": 0.2, "e": -1.0}
    answers = [trial.suggest_categorical(f"edge{i}", OPTIONS) for i in range(6)]
    agree = sum(a == b for a, b in pairwise(answers))
    return sum(worth[answer] for answer in answers) + 0.3 * agree


def conditional(trial: optuna.Trial) -> float:
    depth = trial.suggest_int("depth", 1, 4)
    total = 0.0
    for i in range(depth):
        if trial.suggest_categorical(f"op{i}", ["conv", "skip", "none"]) == "conv":
            total += 8 - abs(trial.suggest_int(f"width{i}", 8, 64, step=8) / 8 - 3 - i)
    return total


def two(trial: optuna.Trial) -> tuple[float, float]:
    cost = {"a": 0.0, "b": 3.0, "c": 1.0, "d": 1.0, "e": 0.0}
    value = interacting(trial)
    return value, sum(cost[answer] for answer in trial.params.values())


def run(sampler: BaseSampler, objective: Any, n_trials: int, **options: Any) -> optuna.Study:
    study = optuna.create_study(sampler=sampler, **{"direction": "maximize", **options})
    study.optimize(objective, n_trials=n_trials)
    return study


def mean_best(make: Callable[[int], BaseSampler], objective: Any, n_trials: int) -> float:
    return float(np.mean([run(make(s), objective, n_trials).best_value for s in range(5)]))


def test_it_finds_in_40_trials_what_others_do_not() -> None:
    ours = mean_best(lambda seed: PredictorSampler(seed=seed), interacting, 40)
    assert ours > 7  # of 7.5
    assert ours > mean_best(lambda seed: RandomSampler(seed=seed), interacting, 40) + 1
    assert ours > mean_best(lambda seed: RegularizedEvolutionSampler(seed=seed), interacting, 40)


def test_it_begins_with_a_latin_hypercube() -> None:
    def objective(trial: optuna.Trial) -> float:
        trial.suggest_categorical("op", list("abcde"))
        trial.suggest_int("width", 1, 2)
        return trial.suggest_float("lr", 0.0, 1.0)

    study = optuna.create_study(sampler=PredictorSampler(n_initial=10, seed=0))
    study.optimize(objective, n_trials=10)
    asked = {name: [trial.params[name] for trial in study.trials] for name in ("op", "width")}
    assert "".join(sorted(asked["op"])) == "aabbccddee"
    assert sorted(asked["width"]) == [1] * 5 + [2] * 5
    assert sorted(int(10 * trial.params["lr"]) for trial in study.trials) == list(range(10))


def test_it_finds_the_best_of_a_conditional_space() -> None:
    ours = mean_best(lambda seed: PredictorSampler(seed=seed), conditional, 60)
    assert ours > mean_best(lambda seed: RandomSampler(seed=seed), conditional, 60) + 3


def test_what_it_expects_to_be_asked_is_mostly_what_is_asked() -> None:
    study = run(PredictorSampler(seed=0), conditional, 60)
    right = [set(t.params) <= set(plan_of(t).params) for t in study.trials[10:]]
    assert np.mean(right) > 0.9


@pytest.mark.parametrize("objective", [interacting, conditional, two])
def test_25_trials_and_25_after_a_resume_equal_50(objective: Any, tmp_path: Path) -> None:
    directions = ["maximize", "minimize"] if objective is two else ["maximize"]
    options: dict[str, Any] = {"direction": None, "directions": directions}
    whole = run(PredictorSampler(seed=3), objective, 50, **options)
    for _ in range(2):
        resumed = optuna.create_study(
            study_name="s",
            storage=JournalStorage(JournalFileBackend(str(tmp_path / "s.journal"))),
            sampler=PredictorSampler(seed=3),
            directions=directions,
            load_if_exists=True,
        )
        resumed.optimize(objective, n_trials=25)
    assert [t.params for t in resumed.trials] == [t.params for t in whole.trials]


def test_two_samplers_with_one_seed_agree_on_one_storage() -> None:
    whole = run(PredictorSampler(seed=3), interacting, 30)
    first = optuna.create_study(sampler=PredictorSampler(seed=3), direction="maximize")
    second = optuna.load_study(
        study_name=first.study_name, storage=first._storage, sampler=PredictorSampler(seed=3)
    )
    for i in range(30):
        (first, second)[i % 2].optimize(interacting, n_trials=1)
    assert [t.params for t in first.trials] == [t.params for t in whole.trials]


def test_nothing_is_proposed_twice_while_there_is_something_new() -> None:
    def objective(trial: optuna.Trial) -> float:
        if trial.suggest_categorical("op", ["conv", "skip"]) == "skip":
            return 0.0
        return trial.suggest_int("width", 1, 7) + trial.suggest_int("kernel", 1, 2)

    study = run(PredictorSampler(seed=0, n_initial=4), objective, 15)
    assert len({str(sorted(t.params.items())) for t in study.trials}) == 15
    study.optimize(objective, n_trials=2)  # nothing is left, and it goes on


def test_workers_that_ask_at_the_same_time_get_different_architectures() -> None:
    study = run(PredictorSampler(seed=0), interacting, 20)
    asked = [study.ask() for _ in range(8)]
    for trial in asked:
        interacting(trial)
    assert len({str(trial.params) for trial in asked}) == 8


def test_rejected_trials_teach_what_to_avoid() -> None:
    def objective(trial: optuna.Trial) -> float:
        value = interacting(trial)
        if trial.params["edge0"] in ("b", "c"):
            trial.set_constraint("memory", math.inf)
            raise optuna.TrialPruned
        trial.set_constraint("memory", -1.0)
        return value

    studies = [run(PredictorSampler(seed=seed), objective, 60) for seed in range(2)]
    late = [t.state == TrialState.PRUNED for study in studies for t in study.trials[30:]]
    assert np.mean(late) < 0.2  # 0.4 of random ones are
    assert all(study.best_trial.params["edge0"] == "d" for study in studies)


def test_feasible_trials_count_before_infeasible_ones() -> None:
    def objective(trial: optuna.Trial) -> float:
        value = interacting(trial)
        used = sum(answer == "b" for answer in trial.params.values())
        trial.set_constraint("few b", used - 1.0)
        return value

    study = run(PredictorSampler(seed=0), objective, 60)
    assert study.best_trial.constraints["few b"] <= 0
    assert study.best_value > 6.5  # of 6.9, and 7.5 for infeasible ones


@pytest.mark.parametrize("pruner", [SuccessiveHalvingPruner(), HyperbandPruner(max_resource=9)])
def test_it_learns_from_pruned_trials(pruner: Any) -> None:
    def objective(trial: optuna.Trial) -> float:
        value = interacting(trial)
        for step in range(1, 10):
            trial.report(value * step, step)
            if trial.should_prune():
                raise optuna.TrialPruned
        return value * 9

    study = run(PredictorSampler(seed=0), objective, 50, pruner=pruner, study_name="pruned")
    assert sum(t.state == TrialState.PRUNED for t in study.trials) > 10
    control = run(RandomSampler(seed=0), objective, 200, pruner=pruner, study_name="pruned")
    assert study.best_value > control.best_value


def test_with_two_objectives_the_front_is_larger_than_that_of_random_search() -> None:
    def front(sampler: BaseSampler) -> list[optuna.trial.FrozenTrial]:
        study = run(sampler, two, 60, direction=None, directions=["maximize", "minimize"])
        return study.best_trials

    def dominated(ours: Any, theirs: Any) -> float:
        return float(
            np.mean(
                [
                    any(
                        o.values[0] >= t.values[0]
                        and o.values[1] <= t.values[1]
                        and o.values != t.values
                        for o in ours
                    )
                    for t in theirs
                ]
            )
        )

    for seed in range(2):
        ours, theirs = front(PredictorSampler(seed=seed)), front(RandomSampler(seed=seed))
        assert dominated(ours, theirs) > 0.7
        assert dominated(theirs, ours) < 0.1


def test_enqueued_and_added_trials_are_learned_from() -> None:
    study = optuna.create_study(sampler=PredictorSampler(seed=0), direction="maximize")
    distributions = {f"edge{i}": CategoricalDistribution(OPTIONS) for i in range(6)}
    rng = np.random.default_rng(0)
    for _ in range(40):
        params = {name: OPTIONS[rng.integers(5)] for name in distributions}
        value = interacting(optuna.trial.FixedTrial(params))  # type: ignore[arg-type]
        study.add_trial(create_trial(params=params, distributions=distributions, value=value))
    study.enqueue_trial({"edge0": "b"})
    study.optimize(interacting, n_trials=10)
    assert study.trials[40].params["edge0"] == "b"
    assert np.mean([t.value for t in study.trials[41:]]) > max(t.value for t in study.trials[:40])


@pytest.mark.parametrize("worst", [math.inf, 1e300])
def test_infinite_and_huge_values_count_as_worst(worst: float) -> None:
    def objective(trial: optuna.Trial) -> float:
        value = interacting(trial)
        return worst if trial.params["edge0"] == "a" else -value

    studies = [
        run(PredictorSampler(seed=seed), objective, 50, direction="minimize") for seed in range(5)
    ]
    assert np.mean([study.best_value for study in studies]) < -7  # of -7.5
    late = [trial.params["edge0"] for study in studies for trial in study.trials[20:]]
    assert np.mean([answer == "a" for answer in late]) < 0.1


def test_an_objective_that_asks_nothing_is_no_error() -> None:
    assert len(run(PredictorSampler(seed=0, n_initial=2), lambda _: 1.0, 5).trials) == 5


def test_copies_go_on_as_the_sampler_itself() -> None:
    whole = run(PredictorSampler(seed=3), interacting, 25)
    for copied in (deepcopy, lambda study: pickle.loads(pickle.dumps(study))):
        study = run(PredictorSampler(seed=3), interacting, 20)
        study.sampler = copied(study.sampler)
        study.optimize(interacting, n_trials=5)
        assert [t.params for t in study.trials] == [t.params for t in whole.trials]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_initial": 1}, r"n_initial must be an int of at least 2, but got 1"),
        ({"n_initial": 2.5}, r"n_initial must be an int of at least 2, but got 2\.5"),
        ({"seed": -1}, r"seed must be an int of at least 0, or None, but got -1"),
    ],
)
def test_bad_arguments_are_errors(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PredictorSampler(**options)
