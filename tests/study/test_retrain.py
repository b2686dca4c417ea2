"""The best of a study are trained on their own, and which these are."""

import math
import re

import optuna
import pytest
import torch
from torch import nn

from optuna_nas import create_study
from optuna_nas import metrics
from optuna_nas import Objective
from optuna_nas import Rejected
from optuna_nas import Train
from optuna_nas.study import retrain


OPS = {"relu": nn.ReLU, "tanh": nn.Tanh, "none": nn.Identity}
X = torch.randn(60, 4, generator=torch.Generator().manual_seed(0))
Y = (X[:, 0] * X[:, 1] > 0).long()


def network(trial):
    return nn.Sequential(nn.Linear(4, 8), trial.suggest_module("op", OPS), nn.Linear(8, 2))


def cheap(module, trial):
    return {"relu": 3.0, "tanh": 2.0, "none": 1.0}[trial.params["op"]]


def upside_down(module, trial):
    return -cheap(module, trial)


@pytest.fixture
def study():
    study = create_study(sampler="random", pruner=None, direction="maximize", seed=0)
    study.optimize(Objective(network, cheap), n_trials=12)
    return study


def ops(retrained):
    return [trial.params["op"] for trial, _ in retrained]


def test_the_k_best_that_differ_are_trained_and_sorted_anew(study):
    assert ops(retrain(study, network, upside_down, k=2)) == ["tanh", "relu"]
    assert ops(retrain(study, network, upside_down, k=9)) == ["none", "tanh", "relu"]
    assert [score for _, score in retrain(study, network, cheap, k=9)] == [3, 2, 1]


def test_an_evaluator_may_ask_what_a_network_may():
    def judged(module, trial):
        trial.scope("other").suggest_module("op", OPS)
        return trial.suggest_float("bonus", 0, 1)

    asked = create_study(sampler="random", pruner=None, direction="maximize", seed=0)
    asked.optimize(Objective(network, judged), n_trials=8)
    [(best, score)] = retrain(asked, network, judged, k=1)
    assert score == best.value


def test_an_evaluator_that_minimizes_has_its_least_first(study):
    def error(module, trial):
        return cheap(module, trial)

    error.direction = "minimize"
    assert ops(retrain(study, network, error, k=3)) == ["none", "tanh", "relu"]
    error.direction = optuna.study.StudyDirection.MINIMIZE
    assert ops(retrain(study, network, error, k=3)) == ["none", "tanh", "relu"]


def test_a_score_is_that_of_the_trial_had_it_been_trained_in_the_study(study):
    train = Train((X, Y), (X, Y), epochs=3, metric="loss", seed=0)
    trained = create_study(sampler="random", pruner=None, direction="minimize", seed=0)
    trained.optimize(Objective(network, train), n_trials=12)
    before = torch.get_rng_state()
    retrained = retrain(study, network, train, k=3)
    assert torch.equal(torch.get_rng_state(), before)
    assert len(retrained) == 3
    for trial, score in retrained:
        assert trained.trials[trial.number].params == trial.params
        assert trained.trials[trial.number].value == score
    assert [score for _, score in retrained] == sorted(score for _, score in retrained)


def test_of_two_objectives_the_front_comes_first():
    study = create_study(
        sampler="random", pruner=None, directions=["maximize", "minimize"], seed=0
    )
    study.optimize(Objective(network, cheap, metrics.Parameters()), n_trials=12)
    assert ops(retrain(study, network, cheap, k=1)) == ["relu"]


def test_what_cannot_be_trained_comes_last(study):
    def picky(module, trial):
        if trial.params["op"] == "relu":
            raise Rejected("no such")
        return cheap(module, trial)

    *others, (trial, score) = retrain(study, network, picky, k=3)
    assert ops(others) == ["tanh", "none"]
    assert trial.params["op"] == "relu"
    assert math.isnan(score)


@pytest.mark.parametrize("k", [0, 1.5, True])
def test_a_number_below_1_is_refused(study, k):
    with pytest.raises(
        ValueError, match=re.escape(f"k must be an int of at least 1, but got {k!r}.")
    ):
        retrain(study, network, cheap, k)


def test_a_study_without_trials_is_refused():
    study = create_study(direction="maximize", study_name="new")
    with pytest.raises(
        ValueError,
        match=re.escape("study 'new' has no complete trial, so there is none to train again."),
    ):
        retrain(study, network, cheap, 1)
