from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import optuna
import pytest
import torch
from torch import nn

import optuna_nas
from optuna_nas import metrics
from optuna_nas import Objective
from optuna_nas import spaces
from optuna_nas import Train
from optuna_nas.proxies import Proxy
from optuna_nas.proxies import synflow
from optuna_nas.study import Batched
from optuna_nas.study import optimize_batched
from optuna_nas.study import Screen
from optuna_nas.study import truth
from optuna_nas.training import Recipe
from optuna_nas.training import Rejected
from optuna_nas.training import tuned_recipe
from optuna_nas.training._stacked_loop import StackedLoop
from tests.spaces.searching import digits


def data(rows: int = 90) -> list[tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(0)
    parts = []
    for _ in range(2):
        y = rng.permutation(np.arange(rows) % 3)
        parts.append(((rng.normal(size=(rows, 6)) + y[:, None]).astype("float32"), y))
    return parts


def recipe(trial: Any, module: nn.Module) -> Recipe:
    lr = trial.suggest_float("lr", 1e-3, 1e-1, log=True)
    return Recipe(torch.optim.AdamW(module.parameters(), lr=lr), batch_size=32)


def training(**rest: Any) -> Train:
    given: dict[str, Any] = {"epochs": 3, "device": "cpu", "seed": 0, "recipe": recipe}
    return Train(*data(), **{**given, "metric": "loss", **rest})


def perceptrons(trial: Any) -> nn.Module:
    width = trial.suggest_int("width", 4, 12)
    act = trial.suggest_module("act", {"relu": nn.ReLU, "tanh": nn.Tanh})
    return nn.Sequential(nn.Linear(6, width), act, nn.Linear(width, 3))


def new_study(**rest: Any) -> optuna.Study:
    given: dict[str, Any] = {"sampler": "random", "pruner": None, "seed": 0}
    if "directions" not in rest:
        given["direction"] = "minimize"
    return optuna_nas.create_study(**{**given, **rest})


def assert_same_trials(batched: optuna.Study, one_by_one: optuna.Study) -> None:
    assert len(batched.trials) == len(one_by_one.trials)
    for got, expected in zip(batched.trials, one_by_one.trials, strict=True):
        assert (got.params, got.state) == (expected.params, expected.state)
        assert list(got.distributions.items()) == list(expected.distributions.items())
        values = None if expected.values is None else pytest.approx(expected.values, abs=1e-4)
        assert got.values == values
        between = expected.intermediate_values
        assert got.intermediate_values == pytest.approx(between, abs=1e-4)
        assert got.user_attrs.keys() == expected.user_attrs.keys()
        for key in got.user_attrs.keys() - {"seconds", "curve", "reports"}:
            assert got.user_attrs[key] == expected.user_attrs[key]
        if "curve" in got.user_attrs:
            curve = expected.user_attrs["curve"]
            assert got.user_attrs["curve"] == pytest.approx(curve, abs=1e-4)


def test_a_study_is_as_from_optimize():
    studies = new_study(), new_study()
    limit = metrics.Parameters() <= 100
    objectives = [Objective(perceptrons, training(), constraints=[limit]) for _ in studies]
    done = optimize_batched(studies[0], objectives[0], n_trials=20, batch=8, measure=False)
    studies[1].optimize(objectives[1], n_trials=20)
    assert_same_trials(*studies)
    rejected = sum("rejected" in trial.user_attrs for trial in studies[1].trials)
    assert 0 < rejected < 10
    assert done.untrained == rejected
    assert done.together + sum(done.alone.values()) + rejected == 20
    assert done.together >= 10


def test_what_is_trained_alone_is_bit_for_bit_as_from_optimize():
    def network(trial: Any) -> nn.Module:
        return nn.Sequential(perceptrons(trial), nn.Dropout(0.3))

    studies = new_study(), new_study()
    done = optimize_batched(studies[0], Objective(network, training()), n_trials=4, batch=4)
    studies[1].optimize(Objective(network, training()), n_trials=4)
    assert [t.value for t in studies[0].trials] == [t.value for t in studies[1].trials]
    assert done == Batched(0, {"too few of one structure": 4}, 0)


def test_of_several_objectives_metrics_are_measured_as_in_optimize():
    studies = [new_study(directions=["minimize", "minimize"]) for _ in range(2)]
    objective = partial(Objective, perceptrons, metrics.Parameters(), training())
    optimize_batched(studies[0], objective(), n_trials=8, measure=False)
    studies[1].optimize(objective(), n_trials=8)
    assert_same_trials(*studies)


class FromStep(optuna.pruners.BasePruner):
    """Stops every third trial after as many epochs as the rest of its number."""

    def prune(self, study: optuna.Study, trial: optuna.trial.FrozenTrial) -> bool:
        return trial.number % 3 > 0 and (trial.last_step or 0) >= trial.number % 3


def test_trials_are_pruned_one_by_one():
    studies = [new_study(pruner=FromStep()) for _ in range(2)]
    done = optimize_batched(
        studies[0], Objective(perceptrons, training()), n_trials=12, measure=False
    )
    studies[1].optimize(Objective(perceptrons, training()), n_trials=12)
    assert_same_trials(*studies)
    assert [t.state.name for t in studies[0].trials[:3]] == ["COMPLETE", "PRUNED", "PRUNED"]
    assert done.together == 12


@pytest.mark.parametrize("sampler", ["tpe", "regularized_evolution", "nsga2", "local_search"])
def test_samplers_learn_from_earlier_batches(sampler):
    study = new_study(sampler=sampler)
    objective = Objective(perceptrons, training(epochs=1))
    optimize_batched(study, objective, n_trials=30, batch=10, measure=False)
    assert [trial.state.name for trial in study.trials] == ["COMPLETE"] * 30


def test_a_loss_that_is_no_number_rejects_its_trial_alone():
    def explosive(trial: Any, module: nn.Module) -> Recipe:
        lr = trial.suggest_categorical("lr", [1e-2, 1e38])
        return Recipe(torch.optim.SGD(module.parameters(), lr=lr), batch_size=32)

    studies = new_study(), new_study()
    for study, run in zip(studies, (partial(optimize_batched, measure=False), None), strict=True):
        objective = Objective(perceptrons, training(recipe=explosive))
        if run is None:
            study.optimize(objective, n_trials=8)
        else:
            run(study, objective, n_trials=8)
    assert_same_trials(*studies)
    assert {trial.state.name for trial in studies[0].trials} == {"COMPLETE", "PRUNED"}


def test_with_dropout_mean_scores_agree():
    network = spaces.MLP(6, 3, 1, 1, (32,), activations=["relu"], norms=["none"], residual=[False])
    studies = new_study(), new_study()
    train = partial(training, epochs=5)
    done = optimize_batched(studies[0], Objective(network, train()), 16, measure=False)
    studies[1].optimize(Objective(network, train()), n_trials=16)
    assert done.together == 16
    means = [np.mean([trial.value for trial in study.trials]) for study in studies]
    assert means[0] == pytest.approx(means[1], abs=0.02)
    again = new_study()
    optimize_batched(again, Objective(network, train()), 16, measure=False)
    assert [t.value for t in again.trials] == [t.value for t in studies[0].trials]


SPACES = {
    "MLP": spaces.MLP(64, 10),
    "CNN": spaces.CNN((1, 8, 8), 10, widths=(4,), max_stages=2),
    "Transformer": spaces.Transformer((1, 8, 8), 10, widths=(8,), max_depth=2),
    "NASBench201": spaces.NASBench201(channels=4, cells=1, in_channels=1),
}


@pytest.mark.parametrize("name", SPACES)
def test_the_same_architecture_with_several_rates_is_one_group(name):
    """Seeds and learning rates are each trial's own; what has no gradient is left to rounding."""
    network, (x, y) = SPACES[name], digits()

    def sgd(trial: Any, module: nn.Module) -> Recipe:
        lr = trial.suggest_float("lr", 1e-3, 1e-2, log=True)
        return Recipe(torch.optim.SGD(module.parameters(), lr=lr), batch_size=32)

    def study_of() -> tuple[optuna.Study, Objective]:
        study = new_study()
        first = new_study()
        train = Train((x, y), (x, y), epochs=1, device="cpu", seed=0, recipe=sgd, metric="loss")
        objective = Objective(network, train)
        first.optimize(objective, n_trials=1)
        params = {k: v for k, v in first.trials[0].params.items() if k != "lr"}
        params = {k: 0.0 if k == "dropout" else v for k, v in params.items()}
        for _ in range(4):
            study.enqueue_trial(params)
        return study, objective

    (batched, objective), (alone, other) = study_of(), study_of()
    done = optimize_batched(batched, objective, 4, measure=False)
    alone.optimize(other, n_trials=4)
    assert_same_trials(batched, alone)
    assert done.together == 4, done


def test_recurrent_networks_are_trained_one_by_one_and_the_reason_is_told():
    network = spaces.RNN(3, 2, cells=["lstm"], hidden=[8])
    x, y = np.random.default_rng(0).normal(size=(40, 5, 3)).astype("float32"), np.arange(40) % 2
    objective = Objective(network, Train((x, y), (x, y), epochs=1, device="cpu"))
    done = optimize_batched(new_study(direction="maximize"), objective, 3, measure=False)
    assert done == Batched(0, {"torch.vmap has no rule for LSTM": 3}, 0)
    assert str(done) == (
        "0 of 3 trainings were part of a group; 3 one by one: torch.vmap has no rule for LSTM"
    )


def test_any_other_objective_is_run_as_optimize_does():
    study = new_study()
    done = optimize_batched(study, lambda trial: trial.suggest_float("x", 0, 1), 3)
    assert done == Batched(0, {"the objective is not an optuna_nas.Objective": 3}, 0)
    assert [trial.state.name for trial in study.trials] == ["COMPLETE"] * 3


@pytest.mark.parametrize(
    ("evaluators", "reason"),
    [
        ([lambda module, trial: 1.0], "evaluators are not one Train and metrics"),
        ([lambda module, trial: 1.0, training()], "evaluators are not one Train and metrics"),
        (
            [training(epochs=None, resource="flops", budget=0.01)],
            "counts epochs on rows in memory",
        ),
    ],
)
def test_other_evaluators_are_run_as_optimize_does(evaluators, reason):
    study = new_study(directions=["minimize"] * len(evaluators))
    done = optimize_batched(study, Objective(perceptrons, *evaluators), 2)
    assert [n for text, n in done.alone.items() if reason in text] == [2]
    assert len(study.get_trials(states=[optuna.trial.TrialState.COMPLETE])) == 2


def test_duplicates_are_not_trained_twice():
    study = new_study()
    objective = Objective(perceptrons, training(recipe=tuned_recipe), duplicates="reuse")
    params = {"width": 8, "act": "relu", "lr": 0.01, "weight_decay": 0.01, "batch_size": 32}
    for _ in range(3):
        study.enqueue_trial(params)
    done = optimize_batched(study, objective, 3, batch=1)
    assert done.untrained == 2
    assert len({trial.value for trial in study.trials}) == 1


def test_callbacks_are_called_for_each_trial_and_may_stop_the_search():
    seen: list[int] = []

    def stop(study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
        seen.append(trial.number)
        if trial.number == 5:
            study.stop()

    study = new_study()
    objective = Objective(perceptrons, training(epochs=1))
    optimize_batched(study, objective, 20, batch=4, callbacks=[stop], measure=False)
    assert sorted(seen) == list(range(8))


def test_n_trials_is_of_this_call_as_optunas():
    study = new_study()
    objective = Objective(perceptrons, training(epochs=1))
    for _ in range(2):
        optimize_batched(study, objective, 3, batch=2, measure=False)
    assert len(study.trials) == 6


def test_a_timeout_ends_it_after_a_batch():
    study = new_study()
    objective = Objective(perceptrons, training(epochs=1))
    optimize_batched(study, objective, batch=3, timeout=1e-3, measure=False)
    assert len(study.trials) in (0, 3)


def test_a_bug_leaves_no_trial_running():
    def buggy(trial: Any, module: nn.Module) -> Recipe:
        if trial.number == 2:
            raise KeyError("bug")
        return recipe(trial, module)

    study = new_study()
    objective = Objective(perceptrons, training(recipe=buggy))
    with pytest.raises(KeyError, match=r"bug"):
        optimize_batched(study, objective, 4, measure=False)
    assert [trial.state.name for trial in study.trials] == ["FAIL"] * 3


def test_memory_that_runs_out_for_the_group_is_not_the_candidates_fault(monkeypatch):
    full_from(monkeypatch, epoch=1)
    study = new_study()
    done = optimize_batched(study, Objective(perceptrons, training()), 4, measure=False)
    assert done.alone["out of memory as one"] >= 2
    assert [trial.state.name for trial in study.trials] == ["COMPLETE"] * 4


def full_from(monkeypatch: pytest.MonkeyPatch, epoch: int) -> None:
    """Lets groups run out of memory."""
    trained = StackedLoop.epoch

    def full(self: StackedLoop, number: int) -> Any:
        if number == epoch:
            raise MemoryError
        return trained(self, number)

    monkeypatch.setattr(StackedLoop, "epoch", full)


def same(trial: Any) -> nn.Module:
    return nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.BatchNorm1d(8), nn.Linear(8, 3))


@pytest.mark.parametrize("evaluators", [[training()], [training(), metrics.Parameters()]])
def test_a_group_whose_memory_runs_out_later_begins_again_as_if_alone(monkeypatch, evaluators):
    full_from(monkeypatch, epoch=2)
    directions = ["minimize"] * len(evaluators)
    pruner = FromStep() if len(directions) == 1 else None
    studies = [new_study(pruner=pruner, directions=directions) for _ in range(2)]
    optimize_batched(studies[0], Objective(same, *evaluators), 6, measure=False)
    studies[1].optimize(Objective(same, *evaluators), n_trials=6)
    assert_same_trials(*studies)
    assert {trial.state.name for trial in studies[0].trials[::3]} == {"COMPLETE"}


def test_members_that_were_pruned_before_memory_ran_out_stay_pruned(monkeypatch):
    full_from(monkeypatch, epoch=2)
    study = new_study(pruner=FromStep())
    done = optimize_batched(study, Objective(same, training()), 6, measure=False)
    assert done == Batched(2, {"out of memory as one": 4}, 0)
    assert [len(trial.user_attrs["curve"]) for trial in study.trials] == [3, 1, 2, 3, 1, 2]


class Halving:
    """A schedule with state: from its second step on, half the rate."""

    def __init__(self) -> None:
        self.factor = 2.0

    def __call__(self, progress: float) -> float:
        self.factor = max(0.5, self.factor / 2)
        return self.factor


def test_a_group_whose_memory_runs_out_begins_again_with_recipes_that_have_made_no_step(
    monkeypatch,
):
    def drawn(trial: Any, module: nn.Module) -> Recipe:
        torch.nn.init.normal_(module[0].weight)
        with torch.no_grad():
            module[3].weight.mul_(0.1)
        made = recipe(trial, module)
        return replace(made, schedule=Halving())

    full_from(monkeypatch, epoch=2)
    studies = [new_study() for _ in range(2)]
    objective = Objective(same, training(recipe=drawn))
    optimize_batched(studies[0], objective, 4, measure=False)
    studies[1].optimize(objective, n_trials=4)
    assert_same_trials(*studies)


@pytest.mark.parametrize("n_trials", [1, 4])
@pytest.mark.parametrize("measure", [False, True])
def test_a_recipe_that_changes_its_module_is_asked_once(n_trials, measure):
    asked: list[int] = []

    def deeper(trial: Any, module: nn.Module) -> Recipe:
        asked.append(trial.number)
        assert isinstance(module, nn.Sequential)
        module[0].requires_grad_(False)
        module[3] = nn.Sequential(module[3], nn.Linear(3, 3))
        return recipe(trial, module)

    studies = new_study(), new_study()
    train = partial(training, recipe=deeper, epochs=40, seed=None)
    optimize_batched(studies[0], Objective(same, train()), n_trials, measure=measure)
    assert sorted(asked) == list(range(n_trials))
    studies[1].optimize(Objective(same, train()), n_trials=n_trials)
    assert_same_trials(*studies)


@pytest.mark.parametrize("error", [Rejected("no such rate"), MemoryError("full")])
def test_a_recipe_that_rejects_is_asked_once(error):
    asked: list[int] = []

    def never(trial: Any, module: nn.Module) -> Recipe:
        asked.append(trial.number)
        raise error

    studies = new_study(), new_study()
    optimize_batched(studies[0], Objective(same, training(recipe=never)), 2, measure=False)
    assert asked == [0, 1]
    studies[1].optimize(Objective(same, training(recipe=never)), n_trials=2)
    assert_same_trials(*studies)


@pytest.mark.parametrize("measure", [False, True])
def test_a_schedule_is_asked_once_a_step(measure):
    asked: list[int] = []

    def scheduled(trial: Any, module: nn.Module) -> Recipe:
        def counted(progress: float) -> float:
            asked.append(trial.number)
            return 1.0

        return replace(recipe(trial, module), schedule=counted)

    objective = Objective(same, training(recipe=scheduled, epochs=40))
    optimize_batched(new_study(), objective, 4, measure=measure)
    assert [asked.count(number) for number in range(4)] == [120] * 4


def test_what_came_of_it_is_logged(caplog: pytest.LogCaptureFixture):
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.INFO)
    optuna.logging.enable_propagation()
    try:
        optimize_batched(new_study(), Objective(perceptrons, training(epochs=1)), 2)
    finally:
        optuna.logging.disable_propagation()
        optuna.logging.set_verbosity(verbosity)
    assert "optimize_batched: 0 of 2 trainings were part of a group" in caplog.text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_trials": 0}, r"n_trials must be an int of at least 1, or None, but got 0\."),
        ({"n_trials": -3}, r"n_trials must be an int of at least 1, or None, but got -3\."),
        ({"n_trials": 2, "batch": 0}, r"batch must be an int of at least 1, but got 0\."),
        ({"n_trials": 2, "batch": -1}, r"batch must be an int of at least 1, but got -1\."),
        ({"n_trials": 2, "batch": 1.5}, r"batch must be an int of at least 1, but got 1\.5\."),
        ({"n_trials": 2, "batch": "a"}, r"batch must be an int of at least 1, but got 'a'\."),
        ({"timeout": "a"}, r"timeout must be .* above 0 seconds, or None, but got 'a'\."),
        ({"timeout": 0}, r"timeout must be a finite number above 0 seconds, or None, but got 0\."),
        ({"timeout": float("nan")}, r"timeout must be .* above 0 seconds, or None, but got nan\."),
        ({}, r"optimize_batched needs n_trials, timeout, or both: else it would never end\."),
    ],
)
def test_bad_numbers_are_refused_before_any_work(arguments, message):
    study = new_study()
    with pytest.raises(ValueError, match=message):
        optimize_batched(study, Objective(perceptrons, training()), **arguments)
    assert study.trials == []


def test_what_is_no_study_or_no_objective_is_refused_before_any_work():
    study = new_study()
    with pytest.raises(TypeError, match=r"^study must be a study, but is str; optuna\.load_study"):
        optimize_batched("s", Objective(perceptrons, training()), 2)
    with pytest.raises(TypeError, match=r"^objective must be optuna_nas\.Obj.* is 3 \(int\)"):
        optimize_batched(study, 3, 2)
    assert study.trials == []


def test_a_study_that_goes_the_other_way_is_refused_before_any_work():
    study = new_study(direction="maximize")
    with pytest.raises(ValueError, match=r"minimize"):
        optimize_batched(study, Objective(perceptrons, training()), 2)
    assert study.trials == []


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_a_gpu_a_study_is_as_from_optimize_there():
    studies = new_study(), new_study()
    objective: Callable[[], Objective] = lambda: Objective(perceptrons, training(device="cuda"))  # noqa: E731
    done = optimize_batched(studies[0], objective(), n_trials=8, measure=False)
    studies[1].optimize(objective(), n_trials=8)
    assert_same_trials(*studies)
    assert done.together >= 4


def test_what_a_screen_is_worth_is_known_when_the_last_trial_has_ended():
    study = new_study()
    screen = Screen(Proxy(synflow, (torch.ones(4, 6), None)), first=5)
    objective = Objective(perceptrons, training(), screen=screen)
    assert optimize_batched(study, objective, n_trials=12, measure=False).together == 12
    assert study.user_attrs["optuna_nas:screen"]["trials"] == len(truth(study, "synflow")) == 12
