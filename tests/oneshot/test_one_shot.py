"""One-shot scores are those of the derived networks, in any study; and what is refused."""

import copy
import re

import numpy as np
import optuna
from optuna.trial import FixedTrial
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader
from torch.utils.data import TensorDataset

from optuna_nas import create_study
from optuna_nas import metrics
from optuna_nas import Objective
from optuna_nas import Supernet
from optuna_nas.oneshot import OneShot
from optuna_nas.samplers import RegularizedEvolutionSampler
from optuna_nas.training import score
from tests.oneshot.networks import Sketch
from tests.oneshot.networks import SKETCH_VALUES


X = torch.randn(40, 4, generator=torch.Generator().manual_seed(0))
Y = (X[:, 0] * X[:, 1] > 0).long()
OPS = {"relu": nn.ReLU, "linear": lambda: nn.Linear(4, 4), "none": nn.Identity}


def small(trial):
    """Two decisions, with a normalization and without numbers."""
    return nn.Sequential(
        nn.Linear(4, 4),
        nn.BatchNorm1d(4),
        trial.suggest_module("first", OPS),
        trial.suggest_module("second", OPS),
        nn.Linear(4, 2),
    )


@pytest.fixture
def sketch():
    torch.manual_seed(0)
    return Supernet(Sketch, SKETCH_VALUES)


@pytest.fixture
def supernet():
    torch.manual_seed(0)
    return Supernet(small)


def drawn(supernet, n):
    generator = torch.Generator().manual_seed(0)
    return [supernet.sample(generator) for _ in range(n)]


def test_a_score_is_that_of_the_derived_network(sketch):
    evaluate = OneShot(sketch, (X, Y), metric="loss")
    for params in drawn(sketch, 8):
        expected = score(sketch.derive(params), (X, Y), "loss")
        assert evaluate(nn.Identity(), FixedTrial(params)) == expected


def test_a_score_with_own_statistics_is_that_of_the_recalibrated_network(sketch):
    batches = [X[:20] * 3, X[20:]]
    evaluate = OneShot(sketch, (X, Y), metric="loss", recalibrate=iter(batches))
    without = OneShot(sketch, (X, Y), metric="loss")
    for params in drawn(sketch, 8):
        torch.manual_seed(1)  # for dropout
        expected = score(sketch.derive(params, recalibrate=batches), (X, Y), "loss")
        torch.manual_seed(1)
        assert evaluate(nn.Identity(), FixedTrial(params)) == expected
        assert without(nn.Identity(), FixedTrial(params)) != expected


def test_the_supernet_is_left_as_it_was(sketch):
    path = drawn(sketch, 1)[0]
    sketch.train().module.stem.eval()
    sketch.activate(path)
    modes = [part.training for part in sketch.modules()]
    before = copy.deepcopy(sketch.state_dict())
    evaluate = OneShot(sketch, (X, Y), recalibrate=[X])
    for params in drawn(sketch, 4):
        evaluate(nn.Identity(), FixedTrial(params))
    assert sketch.path == path
    assert [part.training for part in sketch.modules()] == modes
    after = sketch.state_dict()
    assert after.pop("_extra_state") == before.pop("_extra_state")
    assert all(torch.equal(after[key], before[key]) for key in before)


def test_the_mixture_comes_back_also_after_an_error(supernet):
    evaluate = OneShot(supernet, (X, Y + 7))
    with pytest.raises(ValueError, match="classes must be integers from 0 to 1"):
        evaluate(nn.Identity(), FixedTrial({"first": "none", "second": "relu"}))
    assert supernet.path is None
    assert supernet.training


def test_only_what_the_network_asked_counts(supernet):
    params = {"first": "none", "second": "relu"}
    trial = FixedTrial({**params, "lr": 0.1})
    trial.set_user_attr("architecture", ["first", "second"])
    expected = score(supernet.derive(params), (X, Y))
    assert OneShot(supernet, (X, Y))(nn.Identity(), trial) == expected


def test_evolution_searches_a_supernet_and_no_score_differs_from_its_path(supernet):
    study = create_study(
        sampler=RegularizedEvolutionSampler(population_size=4, tournament_size=2, seed=0),
        direction="maximize",
        seed=0,
    )
    study.optimize(Objective(small, OneShot(supernet, (X, Y))), n_trials=12)
    for trial in study.trials:
        assert trial.value == score(supernet.derive(trial.params), (X, Y))


def test_two_objectives_search_a_supernet(supernet):
    study = create_study(sampler="nsga2", directions=["maximize", "minimize"], seed=0)
    objective = Objective(small, OneShot(supernet, (X, Y)), metrics.Parameters())
    study.optimize(objective, n_trials=12)
    for trial in study.trials:
        module = supernet.derive(trial.params)
        assert trial.values == [score(module, (X, Y)), sum(p.numel() for p in module.parameters())]


def test_latency_beside_it_is_that_of_the_architecture_alone(supernet, monkeypatch):
    seen = []
    record = metrics.Latency.record
    monkeypatch.setattr(metrics.Latency, "record", lambda *x: seen.append(x[1]) or record(*x))
    latency = metrics.Latency(X[:1], time_limit=0.05)
    study = create_study(directions=["maximize", "minimize"], pruner=None, seed=0)
    study.optimize(Objective(small, OneShot(supernet, (X, Y)), latency), n_trials=3)
    for trial, module in zip(study.trials, seen, strict=True):
        assert trial.values[1] == trial.user_attrs["latency_ms"]["median_ms"] > 0
        assert list(module.state_dict()) == list(supernet.derive(trial.params).state_dict())


def test_directions_are_those_of_train(supernet):
    floats = (X, X[:, :2])
    assert OneShot(supernet, (X, Y)).direction == "maximize"
    assert OneShot(supernet, floats).direction == "maximize"
    assert OneShot(supernet, floats, metric="mse").direction == "minimize"
    worst = OneShot(supernet, (X, Y), metric=lambda out, y: out.max(), direction="minimize")
    assert worst.direction == "minimize"
    study = create_study(direction="minimize", seed=0)
    with pytest.raises(ValueError, match=re.escape("the evaluators want directions ['maximize']")):
        study.optimize(Objective(small, OneShot(supernet, (X, Y))), n_trials=1)


def test_a_loader_will_do_and_says_the_same(supernet):
    loader = DataLoader(TensorDataset(X, Y), 7)
    trial = FixedTrial({"first": "linear", "second": "relu"})
    scores = [OneShot(supernet, data)(nn.Identity(), trial) for data in ((X, Y), loader)]
    assert scores[0] == scores[1]


def test_another_value_than_the_supernets_is_refused_with_the_remedy(sketch):
    params = next(p for p in drawn(sketch, 50) if "wide/width" in p)
    with pytest.raises(
        ValueError,
        match=re.escape(
            "the trial has 'wide/width' = 5, but the supernet was made with {'wide/width': 3}. "
            "Search a network that does not ask for them, or fix them in the study: "
            "optuna.samplers.PartialFixedSampler({'wide/width': 3}, sampler)."
        ),
    ):
        OneShot(sketch, (X, Y))(nn.Identity(), FixedTrial({**params, "wide/width": 5}))


@pytest.mark.filterwarnings("ignore:PartialFixedSampler is experimental")
def test_the_remedy_works(sketch):
    sampler = optuna.samplers.PartialFixedSampler(
        {"wide/width": 3}, RegularizedEvolutionSampler(seed=0)
    )
    study = create_study(sampler=sampler, direction="maximize", seed=0)
    study.optimize(Objective(Sketch, OneShot(sketch, (X, Y))), n_trials=10)
    assert any("wide/width" in trial.params for trial in study.trials)


def test_another_architecture_than_the_supernets_is_refused(supernet):
    with pytest.raises(
        ValueError, match=re.escape("params do not fit the supernet: missing 'second'.")
    ):
        OneShot(supernet, (X, Y))(nn.Identity(), FixedTrial({"first": "none"}))


def test_no_supernet_is_refused():
    with pytest.raises(
        TypeError,
        match=re.escape(
            "supernet must be a Supernet, Supernet(network, values), a FewShot or a OnceForAll, "
            "but got 3 (int)."
        ),
    ):
        OneShot(3, (X, Y))


@pytest.mark.parametrize(
    ("empty", "message"),
    [
        ((np.zeros((0, 4)), np.zeros(0)), "valid: X and y have no rows."),
        (TensorDataset(X[:0], Y[:0]), "valid: X and y have no rows."),
        (DataLoader(TensorDataset(X[:0], Y[:0])), "valid: the dataset has no rows."),
    ],
)
def test_nothing_to_score_on_is_refused(supernet, empty, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        OneShot(supernet, empty)


def test_a_metric_that_does_not_go_with_the_targets_is_refused(supernet):
    with pytest.raises(ValueError, match="metric 'r2' needs floats"):
        OneShot(supernet, (X, Y), metric="r2")


def test_recalibration_without_batches_is_refused(supernet):
    evaluate = OneShot(supernet, (X, Y), recalibrate=[])
    with pytest.raises(ValueError, match="recalibrate must give at least one batch of inputs"):
        evaluate(nn.Identity(), FixedTrial({"first": "none", "second": "relu"}))
