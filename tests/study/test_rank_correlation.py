"""What a cheap score of trials says of a dear one."""

from __future__ import annotations

from collections.abc import Callable
import re
from typing import Any
import warnings

import numpy as np
import optuna
import pytest

from optuna_nas import oneshot
from optuna_nas import SampledTrial
from optuna_nas.study import rank_correlation


RNG = np.random.default_rng(0)
TRUE = RNG.normal(size=30)
CHEAP = TRUE + RNG.normal(size=30)


def study_of(objective: Callable[[Any], Any], n_trials: int = 30, **options: Any) -> optuna.Study:
    study = optuna.create_study(**options)
    study.optimize(objective, n_trials=n_trials)
    return study


def two_reports(trial: optuna.Trial) -> float:
    trial.set_user_attr("cheap", CHEAP[trial.number])
    trial.set_user_attr("metrics", {"parameters": -TRUE[trial.number], "hidden": "text"})
    trial.report(CHEAP[trial.number], 11)
    trial.report(TRUE[trial.number], 100)
    return float(TRUE[trial.number])


EXPECTED = oneshot.rank_correlation(CHEAP.tolist(), TRUE.tolist())


@pytest.mark.parametrize(
    ("low", "high"),
    [
        (11, 100),
        (11, "value 0"),
        ("cheap", "value 0"),
        ("cheap", lambda trial: trial.value),
        (lambda trial: trial.intermediate_values[11], 100),
        (np.int64(11), np.int64(100)),
    ],
)
def test_a_score_is_a_step_a_name_or_a_function(low: Any, high: Any) -> None:
    assert rank_correlation(study_of(two_reports), low, high) == EXPECTED


def test_a_metric_is_known_by_its_name() -> None:
    found = rank_correlation(study_of(two_reports), "parameters", "value 0")
    assert found.spearman.value == pytest.approx(-1)


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
def test_with_several_objectives_reports_are_those_of_one_of_them() -> None:
    def objective(bare: optuna.Trial) -> tuple[float, float]:
        trial = SampledTrial(bare)
        true, cheap = float(TRUE[bare.number]), float(CHEAP[bare.number])
        trial.report([0.0, cheap], 11)
        trial.report([None, true], 100)
        return -true, true

    study = study_of(objective, directions=["minimize", "maximize"])
    study.set_metric_names(["loss", "accuracy"])
    assert rank_correlation(study, 11, 100, objective=1) == EXPECTED
    assert rank_correlation(study, 11, "accuracy", objective=1) == EXPECTED
    found = rank_correlation(study, "loss", "accuracy")
    assert found.spearman.value == pytest.approx(-1)


def test_trials_that_have_not_both_are_left_out() -> None:
    def objective(trial: optuna.Trial) -> float:
        if trial.number < 20:
            trial.report(CHEAP[trial.number], 11)
        else:
            trial.set_user_attr("cheap", "not known")
        trial.report(float("nan") if trial.number < 5 else TRUE[trial.number], 100)
        return 0.0

    found = rank_correlation(study_of(objective), 11, 100)
    assert found == oneshot.rank_correlation(CHEAP[5:20].tolist(), TRUE[5:20].tolist())


def test_pruned_trials_without_the_high_score_are_warned_of() -> None:
    def objective(trial: optuna.Trial) -> float:
        trial.report(CHEAP[trial.number], 11)
        if CHEAP[trial.number] < 0:
            raise optuna.TrialPruned
        trial.report(TRUE[trial.number], 100)
        if TRUE[trial.number] < 0:
            raise optuna.TrialPruned  # it has both, and counts
        return 0.0

    study, through = study_of(objective), CHEAP >= 0
    message = rf"{(~through).sum()} pruned trials have no high \(100\) and are left out"
    with pytest.warns(UserWarning, match=message) as warned:
        found = rank_correlation(study, 11, 100)
    assert found.pairs == through.sum()
    assert warned[0].filename == __file__
    assert found.spearman.value < EXPECTED.spearman.value
    (silence,) = re.findall(r"message='(.*?)'", str(warned[0].message))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=silence)
        rank_correlation(study, 11, 100)


def test_the_seed_is_that_of_the_bootstrap() -> None:
    study = study_of(two_reports)
    first, second = (rank_correlation(study, 11, 100, seed=seed) for seed in (0, 1))
    assert first.spearman.value == second.spearman.value
    assert first.spearman.low != second.spearman.low


@pytest.mark.parametrize(
    ("low", "message"),
    [
        (5, r"low is 5, which none of 30 trials has; they have the steps 11, 100\."),
        ("chaep", r"low is 'chaep', .* have the names 'cheap', 'parameters', 'value 0'\. Did you"),
        ("hidden", r"low is 'hidden', which none of 30 trials has"),
        (lambda trial: 0.5, r"is 0\.5 in all 30 trials, which puts them in no order"),
        (lambda trial: {0: 1.0, 1: 2.0}.get(trial.number), r"have both .* but 2 of 30 have"),
    ],
)
def test_what_cannot_be_correlated_is_refused(low: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        rank_correlation(study_of(two_reports), low, 100)


@pytest.mark.parametrize("low", [0.5, None, True])
def test_what_is_no_score_is_refused(low: Any) -> None:
    message = r"low must be a step, a name or a function of a trial, but is"
    with pytest.raises(TypeError, match=message):
        rank_correlation(study_of(two_reports, 3), low, 100)


def test_a_function_must_give_numbers() -> None:
    message = r"high .* must be a number or None, but is 'a' in trial 0"
    with pytest.raises(TypeError, match=message):
        rank_correlation(study_of(two_reports, 3), 11, lambda trial: "a")


def test_a_study_without_trials_has_no_steps() -> None:
    with pytest.raises(ValueError, match=r"none of 0 trials has; they have the steps none\."):
        rank_correlation(optuna.create_study(), 11, 100)


def test_what_is_no_study_is_refused() -> None:
    with pytest.raises(TypeError, match=r"^study must be a study, but is str; optuna\.load_study"):
        rank_correlation("s", 11, 100)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", [-1, 1.5])
def test_a_seed_that_is_none_is_refused(seed: Any) -> None:
    with pytest.raises(ValueError, match=rf"^seed must be an int of .*, but got {seed}\.$"):
        rank_correlation(study_of(two_reports, 3), 11, 100, seed=seed)


def test_an_objective_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match=r"objective must be an int of .* below 1.*, but got 1"):
        rank_correlation(study_of(two_reports, 3), 11, 100, objective=1)
