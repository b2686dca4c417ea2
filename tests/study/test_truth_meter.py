"""What a study says of its screen, and when."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import optuna
import pytest
from scipy.stats import spearmanr

from optuna_nas import create_study
from optuna_nas import Objective
from optuna_nas.metrics._latency_fit import spearman
from optuna_nas.study import Screen
from optuna_nas.study import truth
from optuna_nas.study._truth_meter import measured_trials
from optuna_nas.study._truth_meter import truth_of
from tests.study.test_screen import accuracy
from tests.study.test_screen import estimate
from tests.study.test_screen import Net
from tests.study.test_screen import rejected
from tests.study.test_screen import search
from tests.study.test_screen import shuffled
from tests.study.test_screen import STATE


@pytest.mark.parametrize("n_trials", [1, 7, 20, 33])
def test_the_last_word_in_the_study_is_of_all_trials_that_were_measured(n_trials: int) -> None:
    study = search(accuracy, Screen(estimate(5.0)), n_trials)
    last, noted = truth(study, "guess")[-1], study.user_attrs[STATE]
    assert noted["trials"] == last.trials
    told = {n: [c.spearman, c.low, c.high] for n, c in last.coefficients.items()}
    assert noted["spearman"] == told
    assert (noted["estimate"], noted["objective"]) == ("guess", 0)


def test_a_screen_is_judged_as_soon_as_its_first_trials_have_ended() -> None:
    screening = Screen(estimate(5.0), first=20)
    assert search(shuffled, screening, 19).user_attrs[STATE]["off"] is None
    noted = search(shuffled, screening, 20).user_attrs[STATE]
    assert noted["trials"] == 20
    assert "which is not above zero" in noted["off"]


def test_the_last_word_counts_a_trial_that_is_pruned_after_a_report() -> None:
    def stopped(module: Any, trial: Any) -> float:
        trial.report(float(module.worth), 1)
        raise optuna.TrialPruned

    study = search(stopped, Screen(estimate(5.0)), 9)
    assert study.user_attrs[STATE]["trials"] == len(truth(study, "guess")) == 9


def test_the_last_word_does_not_count_a_trial_that_fails_or_is_pruned_before_a_report() -> None:
    def ends(module: Any, trial: Any) -> float:
        if trial.number == 7:
            raise KeyError("a bug")
        if trial.number == 8:
            raise optuna.TrialPruned
        return float(module.worth)

    study = create_study(sampler="random", direction="maximize", seed=0)
    objective = Objective(Net, ends, screen=Screen(estimate(5.0)))
    study.optimize(objective, n_trials=9, catch=(KeyError,))
    assert study.user_attrs[STATE]["trials"] == len(truth(study, "guess")) == 7


def test_the_last_word_counts_what_another_worker_measured_meanwhile() -> None:
    def slow(module: Any, trial: Any) -> float:
        if trial.number == 3:
            other = optuna.load_study(study_name=study.study_name, storage=study._storage)
            other.sampler = study.sampler
            other.optimize(objective, n_trials=2)
        return float(module.worth)

    study = create_study(sampler="random", direction="maximize", seed=0)
    objective = Objective(Net, slow, screen=Screen(estimate(5.0)))
    study.optimize(objective, n_trials=4)
    assert study.user_attrs[STATE]["trials"] == len(truth(study, "guess")) == 6


def test_the_last_word_counts_two_trials_that_end_at_the_same_moment() -> None:
    study = search(accuracy, Screen(estimate(5.0)), 8)
    objective = Objective(Net, accuracy, screen=Screen(estimate(5.0)))
    first, second = study.ask(), study.ask()
    values = [objective(first), objective(second)]
    for trial, value in zip((first, second), values, strict=True):
        study.tell(trial, value)  # type: ignore[arg-type]
    last = truth(study, "guess")[-1]
    assert study.user_attrs[STATE]["trials"] == last.trials == 10
    assert study.user_attrs[STATE]["spearman"]["guess"][0] == last.coefficients["guess"].spearman


def test_the_last_word_is_not_that_of_a_slow_worker_who_looked_before_another_trial_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    study = search(accuracy, Screen(estimate(5.0)), 8)
    objective = Objective(Net, accuracy, screen=Screen(estimate(5.0)))
    slow, quick = study.ask(), study.ask()
    kept = optuna.Study.set_user_attr

    def while_another_ends(study: optuna.Study, key: str, value: Any) -> None:
        if key == STATE:
            monkeypatch.setattr(optuna.Study, "set_user_attr", kept)
            study.tell(quick, objective(quick))  # type: ignore[arg-type]
        kept(study, key, value)

    monkeypatch.setattr(optuna.Study, "set_user_attr", while_another_ends)
    study.tell(slow, objective(slow))  # type: ignore[arg-type]
    assert study.user_attrs[STATE]["trials"] == len(truth(study, "guess")) == 10


def test_a_trial_that_fails_after_its_last_word_is_not_counted_by_the_next() -> None:
    study = search(accuracy, Screen(estimate(5.0)), 8)
    objective = Objective(Net, accuracy, screen=Screen(estimate(5.0)))
    killed = study.ask()
    objective(killed)
    study.tell(killed, state=optuna.trial.TrialState.FAIL)
    study.optimize(objective, n_trials=1)
    assert study.user_attrs[STATE]["trials"] == len(truth(study, "guess")) == 9


def test_what_a_screen_rejects_or_chooses_writes_nothing_to_the_study(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[int] = []
    kept = optuna.Study.set_user_attr

    def watching(study: optuna.Study, key: str, value: Any) -> None:
        if key == STATE:
            told.append(value["trials"])
        kept(study, key, value)

    monkeypatch.setattr(optuna.Study, "set_user_attr", watching)
    study = search(accuracy, Screen(estimate(5.0), first=10))
    assert rejected(study)
    assert told == list(range(1, truth(study, "guess")[-1].trials + 1))


def test_each_reading_is_what_the_meter_said_after_that_trial() -> None:
    study = search(accuracy, Screen(estimate(30.0)), 25)
    trials = measured_trials(study, "guess")
    for n, reading in enumerate(truth(study, "guess"), start=1):
        assert reading == truth_of(study, trials[:n], "guess", 0)


def test_a_trial_that_runs_again_is_not_counted_by_the_attrs_of_the_first_time() -> None:
    study = search(accuracy, Screen(estimate(5.0)), 8)
    first = study.trials[0]
    study.enqueue_trial(first.params, user_attrs=first.user_attrs)
    study.ask()
    assert len(measured_trials(study, "guess")) == 8


def enormous(module: Any, trial: Any) -> float:
    """Most values are so far from the median that a predictor would not tell them apart."""
    return float(10.0**module.worth)


def test_values_of_any_size_have_their_ranks_and_the_meter_and_the_study_say_the_same() -> None:
    study = search(enormous, Screen(estimate(30.0), quantile=0.0), 25)
    trials, readings = measured_trials(study, "guess"), truth(study, "guess")
    for n, reading in enumerate(readings, start=1):
        assert reading == truth_of(study, trials[:n], "guess", 0)
    told = [trial.user_attrs["screen"]["score"] for trial in trials]
    rho = spearmanr(told, [trial.value for trial in trials]).statistic
    assert readings[-1].coefficients["guess"].spearman == pytest.approx(rho)
    assert study.user_attrs[STATE]["spearman"]["guess"][0] == pytest.approx(rho)


def test_with_several_objectives_a_reading_does_not_change_as_more_trials_are_pruned() -> None:
    def stopped(module: Any, trial: Any) -> float:
        worths = [float(module.worth), float(-trial.params["width"])]
        trial.report(worths, 1)
        raise optuna.TrialPruned

    study = create_study(sampler="random", directions=["maximize", "maximize"], seed=0)
    objective = Objective(Net, stopped, stopped, screen=Screen(estimate(0.0)))
    study.optimize(objective, n_trials=25)
    trials = measured_trials(study, "guess")
    for n, reading in enumerate(truth(study, "guess"), start=1):
        assert reading == truth_of(study, trials[:n], "guess", 0)
    assert truth(study, "guess")[-1].coefficients["guess"].spearman == pytest.approx(1.0)


def test_a_trial_that_is_pruned_or_breaks_a_constraint_is_behind_those_that_ended() -> None:
    study = search(accuracy, Screen(estimate(0.0), quantile=0.0), 5)
    best = max(measured_trials(study, "guess"), key=lambda trial: trial.params["worth"])
    best.set_constraint("limit", 1.0)
    worths = sorted(t.params["worth"] for t in study.trials)
    rho = spearmanr(worths, [2, 3, 4, 5, 1]).statistic
    assert truth(study, "guess")[-1].coefficients["guess"].spearman == pytest.approx(rho)


@pytest.mark.parametrize("objective", [3, -1, "x"])
def test_a_truth_by_an_objective_that_the_study_has_not_is_refused(objective: Any) -> None:
    message = rf"objective must be an int of at least 0 and below 1.* but got {objective!r}"
    with pytest.raises(ValueError, match=message):
        truth(search(accuracy, None, 1), "guess", objective=objective)


def test_ties_and_infinite_scores_have_the_ranks_that_scipy_gives_them() -> None:
    rng = np.random.default_rng(0)
    for n in (2, 5, 40):
        first = rng.integers(0, 6, n).astype(float)
        first[rng.random(n) < 0.2] = -math.inf
        second = rng.permutation(n).astype(float)
        found = spearman(first.tolist(), second.tolist())
        assert found == pytest.approx(spearmanr(first, second).statistic)
