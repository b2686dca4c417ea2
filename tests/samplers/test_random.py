from __future__ import annotations

from collections.abc import Callable
from typing import Any

import optuna
from optuna.samplers import BaseSampler
from optuna.testing.pytest_samplers import BasicSamplerTestCase
from optuna.testing.pytest_samplers import MultiObjectiveSamplerTestCase
import pytest

from optuna_nas.samplers import RandomSampler


class TestRandomSampler(BasicSamplerTestCase, MultiObjectiveSamplerTestCase):
    @pytest.fixture
    def sampler(self) -> Callable[[], BaseSampler]:
        return RandomSampler


def objective(trial: optuna.Trial) -> float:
    x = trial.suggest_float("x", -5, 5)
    if trial.suggest_categorical("more", [True, False]):
        x += trial.suggest_int("y", 1, 1000, log=True)
    return x


def params(study: optuna.Study) -> list[dict[str, Any]]:
    return [trial.params for trial in study.trials]


def test_25_and_25_trials_after_a_resume_equal_50_in_one_go() -> None:
    whole = optuna.create_study(sampler=RandomSampler(seed=3))
    whole.optimize(objective, n_trials=50)
    resumed = optuna.create_study(sampler=RandomSampler(seed=3))
    resumed.optimize(objective, n_trials=25)
    resumed.sampler = RandomSampler(seed=3)
    resumed.optimize(objective, n_trials=25)
    assert params(resumed) == params(whole)


def test_what_is_drawn_does_not_depend_on_the_order_of_the_questions() -> None:
    study = optuna.create_study(sampler=RandomSampler(seed=0))
    study.optimize(lambda t: t.suggest_float("x", 0, 1) + t.suggest_float("y", 0, 1), n_trials=1)
    turned = optuna.create_study(sampler=RandomSampler(seed=0))
    turned.optimize(lambda t: t.suggest_float("y", 0, 1) + t.suggest_float("x", 0, 1), n_trials=1)
    assert params(study) == params(turned)


def test_other_seeds_trials_and_names_draw_other_values() -> None:
    def ten(seed: int | None) -> list[dict[str, Any]]:
        study = optuna.create_study(sampler=RandomSampler(seed=seed))
        study.optimize(
            lambda t: t.suggest_float("x", 0, 1) - t.suggest_float("y", 0, 1), n_trials=10
        )
        return params(study)

    drawn = [value for p in ten(0) + ten(1) + ten(None) for value in p.values()]
    assert len(set(drawn)) == 60


def test_values_are_uniform() -> None:
    study = optuna.create_study(sampler=RandomSampler(seed=0))
    study.optimize(lambda t: t.suggest_int("x", 1, 4), n_trials=400)
    counts = [sum(p["x"] == value for p in params(study)) for value in range(1, 5)]
    assert sum((count - 100) ** 2 / 100 for count in counts) < 16.27  # chi2(3) at 0.001


def test_a_negative_seed_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"seed must be an int of at least 0, or .* got -1"):
        RandomSampler(seed=-1)
