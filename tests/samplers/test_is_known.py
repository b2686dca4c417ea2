"""What our samplers do with an objective that tells which candidates compute what is known."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.distributions import CategoricalDistribution
from optuna.trial import FrozenTrial
import pytest

from optuna_nas.samplers import LocalSearchSampler
from optuna_nas.samplers import PredictorSampler
from optuna_nas.samplers import RegularizedEvolutionSampler
from optuna_nas.samplers._planning import LOOKED_UP


DIGITS = CategoricalDistribution(list(range(6)))
Answer = Callable[[str, BaseDistribution], Any]


def objective(trial: optuna.Trial) -> float:
    """What counts are the digits, in whatever order."""
    return float(sum(trial.suggest_categorical(name, list(range(6))) for name in "abc"))


class Digits:
    """Takes candidates with the same digits to be the same, and counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, trials: Sequence[FrozenTrial], answer: Answer) -> bool:
        self.asked += 1
        own = sorted(answer(name, DIGITS) for name in "abc")
        return any(sorted(trial.params.values()) == own for trial in trials)


SAMPLERS = (RegularizedEvolutionSampler, LocalSearchSampler, PredictorSampler)


def search(sampler: Any, n_trials: int) -> list[tuple[int, ...]]:
    study = optuna.create_study(sampler=sampler)
    study.optimize(objective, n_trials=n_trials)
    return [tuple(sorted(trial.params.values())) for trial in study.trials]


@pytest.mark.parametrize("kind", SAMPLERS)
def test_what_is_known_is_not_proposed(kind: Any) -> None:
    without, sampler = kind(seed=0), kind(seed=0)
    sampler.is_known = Digits()
    assert len(set(search(without, 20))) < 20
    assert len(set(search(sampler, 20))) == 20


@pytest.mark.parametrize("kind", SAMPLERS)
def test_it_is_asked_so_often_and_then_what_is_new_by_its_params_will_do(kind: Any) -> None:
    sampler = kind(seed=0)
    asked: list[int] = []

    def all_is_known(trials: Sequence[FrozenTrial], answer: Answer) -> bool:
        asked.append(len(trials))
        return True

    sampler.is_known = all_is_known
    study = optuna.create_study(sampler=sampler)
    study.optimize(objective, n_trials=20)
    assert len({tuple(trial.params.values()) for trial in study.trials}) == 20
    assert max(asked.count(n) for n in set(asked)) == 2 * LOOKED_UP


def five(trial: optuna.Trial) -> float:
    return float(sum(trial.suggest_categorical(name, list(range(6))) for name in "abcde"))


@pytest.mark.parametrize("kind", SAMPLERS)
def test_where_all_near_the_best_is_known_it_proposes_a_random_one_that_is_not(kind: Any) -> None:
    study = optuna.create_study(sampler=kind(seed=0), direction="minimize")
    study.optimize(five, n_trials=15)

    def is_small(trials: Sequence[FrozenTrial], answer: Answer) -> bool:
        return sum(answer(name, DIGITS) for name in "abcde") < 12

    study.sampler.is_known = is_small  # type: ignore[attr-defined]
    study.optimize(five, n_trials=10)
    assert all(trial.value >= 12 for trial in study.trials[15:])


def test_a_sampler_that_may_repeat_does_not_ask() -> None:
    sampler = RegularizedEvolutionSampler(seed=0, avoid_repeats=False)
    sampler.is_known = digits = Digits()
    search(sampler, 20)
    assert digits.asked == 0


def test_another_study_is_not_asked_about() -> None:
    sampler = RegularizedEvolutionSampler(seed=0)
    first = optuna.create_study(sampler=sampler)
    sampler.is_known = digits = Digits()
    sampler.known_in = (first._storage, first._study_id)
    first.optimize(objective, n_trials=5)
    asked = digits.asked
    search(sampler, 5)
    assert digits.asked == asked > 0
    assert sampler.is_known is None


def test_what_is_asked_about_is_what_the_trial_becomes() -> None:
    sampler = RegularizedEvolutionSampler(seed=0)
    last: list[int] = []

    def nothing_is_known(trials: Sequence[FrozenTrial], answer: Answer) -> bool:
        last[:] = [answer(name, DIGITS) for name in "abc"]
        return False

    sampler.is_known = nothing_is_known
    study = optuna.create_study(sampler=sampler)
    for _ in range(20):
        trial = study.ask()
        value = objective(trial)
        assert last == list(trial.params.values())
        study.tell(trial, value)
