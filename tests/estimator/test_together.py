"""``n_jobs``: trials in several processes."""

from __future__ import annotations

from collections.abc import Callable
import os
from pathlib import Path
import pickle
from time import monotonic
from time import perf_counter
from time import sleep
from typing import Any

import numpy as np
import optuna
from optuna.storages import InMemoryStorage
import pytest
import torch
from torch import nn

from optuna_nas import NASClassifier
from optuna_nas import NASRegressor
from optuna_nas._estimator._arguments import jobs_of
from optuna_nas._estimator._candidate import Candidate
from optuna_nas._estimator._candidate import Kept
from optuna_nas._estimator._candidate import read_candidate
from optuna_nas._estimator._candidate import Trained
from optuna_nas._estimator._clock import Clock
from optuna_nas._estimator._together import _copied
from optuna_nas._estimator._together import _payload
from optuna_nas.study._heartbeat import WORKER
from tests.estimator.tables import CHEAP
from tests.estimator.tables import numbers
from tests.estimator.tables import two_classes


PATIENCE = 120
"""Seconds for a process to begin; a busy machine takes long."""

TOGETHER: dict[str, Any] = {**CHEAP, "n_jobs": 2}


def of_the_other_process(last: int, folder: Path) -> Callable[[Any], nn.Module]:
    """A space of which this process trains the first network, a bad one, and no other.

    Of its next one it learns that it cannot be built, once the other has begun the last.
    """
    here, done = os.getpid(), folder / "done"

    def network(trial: Any) -> nn.Module:
        number = getattr(trial, "number", 0)
        if number > 0 and os.getpid() == here:
            latest = monotonic() + PATIENCE
            while not done.exists() and monotonic() < latest:
                sleep(0.05)
            raise ValueError("not here")
        if number == last:
            done.touch()
        width = trial.suggest_categorical("width", ["none", "16", "32"])
        if width == "none":
            return nn.Sequential(nn.Linear(4, 2), nn.Threshold(1e9, 0.0))
        return nn.Sequential(nn.Linear(4, int(width)), nn.ReLU(), nn.Linear(int(width), 2))

    network.default_params = {"width": "none"}  # type: ignore[attr-defined]
    return network


def test_trials_of_two_processes_are_in_one_study_and_the_best_of_both_predicts(
    tmp_path: Path,
) -> None:
    x, y = two_classes()
    space, storage = of_the_other_process(6, tmp_path), tmp_path / "study.journal"
    arguments = {**TOGETHER, "space": space, "n_trials": 7, "epochs": 20, "storage": storage}
    classifier = NASClassifier(**arguments, refit=False, pruner=None, sampler="random").fit(x, y)
    trials = classifier.study_.trials
    assert len(trials) == len(classifier.history_) == 7
    assert sum(trial.user_attrs[WORKER]["pid"] != os.getpid() for trial in trials) == 5
    assert classifier.best_score_ == classifier.study_.best_value > trials[0].value
    assert classifier.best_params_ == classifier.study_.best_trial.params
    assert classifier.score(x, y) > 0.8


def test_a_study_in_memory_comes_back_as_one_and_a_warm_start_goes_on() -> None:
    x, y = two_classes()
    classifier = NASClassifier(**{**TOGETHER, "n_trials": 3, "warm_start": True}).fit(x, y)
    assert len(classifier.study_.trials) == 3
    assert not any(WORKER in trial.user_attrs for trial in classifier.study_.trials)
    before = classifier.best_score_
    classifier.fit(x, y)
    assert len(classifier.study_.trials) == len(classifier.history_) == 6
    assert classifier.best_score_ >= before
    again = pickle.loads(pickle.dumps(classifier))
    assert np.array_equal(again.predict_proba(x), classifier.predict_proba(x))


def test_an_ensemble_over_folds_is_made_of_the_networks_of_all_processes() -> None:
    x, y = numbers()
    regressor = NASRegressor(**{**TOGETHER, "n_trials": 4, "ensemble": 3, "cv": 2}).fit(x, y)
    assert sum(regressor.ensemble_weights_.values()) == pytest.approx(1)
    assert regressor.predict(x).shape == y.shape


def test_a_network_is_found_though_the_other_process_is_not_there_in_time() -> None:
    x, y = two_classes()
    short = {**TOGETHER, "n_trials": None, "timeout": 0.2, "pruner": None}
    assert NASClassifier(**short).fit(x, y).score(x, y) > 0


def test_an_error_of_the_search_is_raised_whichever_process_meets_it() -> None:
    def broken(trial: Any) -> nn.Module:
        trial.suggest_int("a", 0, 1)
        raise ValueError("no such layer")

    with pytest.raises(ValueError, match=r"no such layer"):
        NASClassifier(**{**TOGETHER, "space": broken}).fit(*two_classes())


def test_what_cannot_go_to_another_process_is_told() -> None:
    with pytest.raises(ValueError, match=r"n_jobs: the search cannot go to other processes: .*"):
        _payload(i for i in range(3))


def test_jobs_are_counted_as_joblib_does() -> None:
    assert jobs_of(None) == 1
    assert jobs_of(3) == 3
    assert jobs_of(-1) >= 1


def test_a_clock_goes_on_in_another_process() -> None:
    clock = Clock(10.0, trials=[1.0])
    clock.started -= 4
    other = pickle.loads(pickle.dumps(clock))
    assert other.left() == pytest.approx(6, abs=1)
    assert other.started == pytest.approx(perf_counter() - 4, abs=1)
    assert other.trials == [1.0]


def test_candidates_among_the_best_are_left_in_files(tmp_path: Path) -> None:
    kept = Kept(1, tmp_path)
    for number, score in ((0, 0.5), (1, 0.4), (2, 0.9)):
        trained = Trained(score, {"weight": torch.ones(2)}, torch.zeros(3, 2), 3, 5)
        kept.add(Candidate(number, score, (trained, trained)))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.pt", "2.pt"]
    read = read_candidate(tmp_path / "2.pt")
    assert (read.number, read.score, read.epochs) == (2, 0.9, (3, 5))
    assert torch.equal(read.folds[1].state["weight"], torch.ones(2))


def test_trials_keep_their_numbers_though_an_earlier_one_still_runs() -> None:
    study = optuna.create_study()
    study.ask()
    study.tell(study.ask(), 1.0)
    study.enqueue_trial({"width": 8})
    trials = _copied(study, InMemoryStorage()).trials
    assert [trial.number for trial in trials] == [0, 1, 2]
    assert [trial.state.name for trial in trials] == ["FAIL", "COMPLETE", "WAITING"]
