from __future__ import annotations

import math
import pickle
from typing import Any

import numpy as np
import optuna
from optuna.study import StudyDirection
from optuna.trial import FixedTrial
from optuna.trial import TrialState
import pytest
import torch
from torch import nn

from optuna_nas import create_study
from optuna_nas import metrics
from optuna_nas import Objective
from optuna_nas import Rejected
from optuna_nas import Train
from optuna_nas.metrics import Metric
from optuna_nas.samplers import mnasnet_reward
from optuna_nas.space import Trial
from optuna_nas.study import best_under
from optuna_nas.study import Scalarized
from optuna_nas.study import weighted_sum


class Net(nn.Module):
    def __init__(self, trial: Trial) -> None:
        super().__init__()
        width = trial.suggest_int("width", 4, 32, step=4)
        self.layers = nn.Sequential(nn.Linear(5, width), nn.ReLU(), nn.Linear(width, 2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x)


class Order(Metric):
    """A cost that is noted in the order asked."""

    name = "order"
    unit = "calls"

    def __init__(self, calls: list[str], value: Any = 3.0) -> None:
        self.calls = calls
        self.value = value

    def measure(self, module: nn.Module) -> float:
        self.calls.append("metric")
        if isinstance(self.value, Exception):
            raise self.value
        return self.value


class Curve:
    """An evaluator that reports a curve and returns its last value."""

    name = "curve"

    def __init__(self, *values: float, calls: list[str] | None = None) -> None:
        self.values = values
        self.calls = [] if calls is None else calls

    def __call__(self, module: nn.Module, trial: Any) -> float:
        self.calls.append("curve")
        for step, value in enumerate(self.values, 1):
            trial.report(value, step)
            if trial.should_prune():
                raise optuna.TrialPruned
        return self.values[-1]


MODULE = nn.Linear(5, 2)


def data(rows: int) -> tuple[np.ndarray, np.ndarray]:
    x = np.random.default_rng(rows).normal(size=(rows, 5)).astype(np.float32)
    return x, (x[:, 0] * x[:, 1] > 0).astype(np.int64)


def run(score: Scalarized, direction: str = "maximize", **kwargs: Any) -> optuna.Study:
    study = create_study(sampler="random", direction=direction, seed=0, **kwargs)
    study.optimize(Objective(Net, score), n_trials=3)
    return study


def test_a_search_maximises_the_weighted_sum_of_score_and_cost() -> None:
    train = Train(data(64), data(32), epochs=2)
    score = Scalarized(train, metrics.Parameters(), by=weighted_sum(1.0, -0.001))
    assert score.example is train.example
    study = run(score, pruner=None)
    for trial in study.trials:
        size = trial.user_attrs["metrics"]["parameters"]
        curve = trial.user_attrs["curve"]
        assert trial.value == pytest.approx(max(curve) - 0.001 * size)
        assert list(trial.intermediate_values.values()) == [
            pytest.approx(value - 0.001 * size) for value in curve
        ]
    smallest = min(trial.user_attrs["metrics"]["parameters"] for trial in study.trials)
    assert best_under(study, parameters=smallest).user_attrs["metrics"]["parameters"] == smallest


def test_the_reward_of_mnasnet_fits_as_it_is() -> None:
    score = Scalarized(Curve(0.5), Order([], 10.0), by=mnasnet_reward(5.0, exponent=(0, -1)))
    assert score(MODULE, FixedTrial({})) == pytest.approx(0.25)


def test_metrics_are_measured_before_the_others_run_and_values_keep_their_order() -> None:
    calls: list[str] = []
    seen = []
    score = Scalarized(Curve(0.5, calls=calls), Order(calls), by=lambda v: seen.append(v) or 0.0)
    score(MODULE, FixedTrial({}))
    assert calls == ["metric", "curve"]
    assert seen == [[0.5, 3.0], [0.5, 3.0]]  # one report, and the end


def test_a_metric_that_is_a_constraint_too_is_measured_once() -> None:
    calls: list[str] = []
    order = Order(calls)
    both = Scalarized(order, lambda module, trial: 1.0, by=weighted_sum(-1.0, 1.0))
    study = create_study(sampler="random", direction="maximize", seed=0)
    study.optimize(Objective(Net, both, constraints=[order <= 5]), n_trials=1)
    assert calls == ["metric"]
    assert study.trials[0].user_attrs["metrics"] == {"order": 3.0}
    assert study.trials[0].constraints == {"order <= 5": -2.0}


def test_with_several_that_report_only_the_last_is_reported() -> None:
    score = Scalarized(Curve(1.0, 2.0), Curve(10.0, 20.0), by=sum)
    study = run(score, pruner=None)
    assert study.trials[0].intermediate_values == {1: 12.0, 2: 22.0}
    assert study.trials[0].value == 22.0


def test_pruners_compare_the_one_number() -> None:
    class Costs(Metric):
        name, unit = "cost", "widths"

        def measure(self, module: Any) -> float:
            return float(module.layers[0].out_features)

    study = create_study(sampler="random", direction="maximize", seed=0, pruner=None)
    study.pruner = optuna.pruners.ThresholdPruner(lower=-16)
    objective = Objective(Net, Scalarized(Curve(0.0), Costs(), by=weighted_sum(1.0, -1.0)))
    study.optimize(objective, n_trials=9)
    for trial in study.trials:
        assert (trial.state == TrialState.PRUNED) == (trial.params["width"] > 16)
    assert len({trial.state for trial in study.trials}) == 2


def test_everything_else_of_the_trial_is_there_for_the_evaluators() -> None:
    def asks(module: nn.Module, trial: Any) -> float:
        trial.set_user_attr("number", trial.number)
        return trial.suggest_float("lr", 0.1, 0.2)

    study = run(Scalarized(asks, Order([], 0.0), by=sum))
    for trial in study.trials:
        assert trial.value == trial.params["lr"]
        assert trial.user_attrs["number"] == trial.number


def test_the_study_must_go_the_same_way() -> None:
    score = Scalarized(Curve(0.5), Order([]), by=sum, direction="minimize")
    with pytest.raises(ValueError, match=r"create the study with directions=\['minimize'\]"):
        run(score)
    run(score, direction="minimize")


@pytest.mark.parametrize("broken", [Curve(math.nan), Order([], math.nan)])
def test_nan_rejects_the_candidate(broken: Any) -> None:
    study = run(Scalarized(broken, Curve(1.0), by=sum), pruner=None)
    assert "returned NaN" in study.trials[0].user_attrs["rejected"]
    score = Scalarized(Curve(1.0), Order([]), by=lambda values: math.nan)
    with pytest.raises(Rejected, match=r"by returned NaN"):
        score(MODULE, FixedTrial({}))


def test_nan_that_is_reported_is_reported() -> None:
    study = run(Scalarized(Curve(math.nan, 1.0), Order([]), by=sum), pruner=None)
    assert math.isnan(study.trials[0].intermediate_values[1])
    assert study.trials[0].value == 4.0


def test_a_metric_that_cannot_be_measured_rejects_the_candidate() -> None:
    study = run(Scalarized(Curve(1.0), Order([], ValueError("no row")), by=sum))
    assert study.trials[0].user_attrs["rejected"] == "order cannot be measured: no row"


def test_what_was_measured_before_stays_noted() -> None:
    trial = FixedTrial({})
    trial.set_user_attr("metrics", {"flops": 1.0})
    Scalarized(Curve(1.0), Order([]), by=sum)(MODULE, trial)
    assert trial.user_attrs["metrics"] == {"flops": 1.0, "order": 3.0}


def test_it_can_be_sent_to_another_process() -> None:
    score = Scalarized(Curve(0.5), Order([]), by=weighted_sum(1.0, -0.1))
    again = pickle.loads(pickle.dumps(score))
    assert again(MODULE, FixedTrial({})) == pytest.approx(0.2)


def test_one_evaluator_alone_is_refused() -> None:
    message = r"Scalarized makes one number of several, but got 1 evaluators; one alone goes to Ob"
    with pytest.raises(ValueError, match=message):
        Scalarized(Curve(1.0), by=sum)


@pytest.mark.parametrize("evaluator", [5, Curve, metrics.Parameters() <= 5])
def test_an_evaluator_that_is_none_is_refused(evaluator: Any) -> None:
    message = r"an evaluator must be a callable \(module, trial\) -> float, but got "
    with pytest.raises(TypeError, match=message):
        Scalarized(Curve(1.0), evaluator, by=sum)


@pytest.mark.parametrize("by", [None, 0.5, (1.0, -0.1)])
def test_by_must_be_callable(by: Any) -> None:
    with pytest.raises(TypeError, match=r"by must be a function of a list of values, weighted_su"):
        Scalarized(Curve(1.0), Order([]), by=by)


@pytest.mark.parametrize("returned", ["high", None, [1.0], True, 1j])
def test_by_must_return_a_number(returned: Any) -> None:
    def combine(values: Any) -> Any:
        return returned

    score = Scalarized(Curve(1.0), Order([]), by=combine)
    message = r"by \(combine\) must return a number, but returned .* for the values \[1.0, 3.0\]"
    with pytest.raises(TypeError, match=message):
        score(MODULE, FixedTrial({}))


def test_an_evaluator_must_return_a_number() -> None:
    score = Scalarized(lambda module, trial: "good", Order([]), by=sum)
    with pytest.raises(TypeError, match=r"evaluator <lambda> must return a float, but returned"):
        score(MODULE, FixedTrial({}))


def test_another_direction_is_refused() -> None:
    message = r"direction must be 'maximize' or 'minimize', but is 'up'"
    with pytest.raises(ValueError, match=message):
        Scalarized(Curve(1.0), Order([]), by=sum, direction="up")


def test_there_is_a_weight_for_each_evaluator() -> None:
    with pytest.raises(ValueError, match=r"weighted_sum has 3 weights, but there are 2 evaluator"):
        Scalarized(Curve(1.0), Order([]), by=weighted_sum(1, 2, 3))


@pytest.mark.parametrize("weights", [(), (math.nan, 1), (math.inf, 1), ("1", 2), ((1, 2),)])
def test_weights_must_be_numbers(weights: Any) -> None:
    with pytest.raises(ValueError, match=r"weights must be finite numbers, one for each value, "):
        weighted_sum(*weights)


@pytest.mark.parametrize("minimize", ["minimize", "MINIMIZE", StudyDirection.MINIMIZE])
def test_a_weight_that_rewards_what_is_to_be_small_is_refused(minimize: Any) -> None:
    cost = Order([])
    cost.direction = minimize
    message = (
        r"weight 0.01 of order goes the wrong way: that is to minimize, and the sum to maximize\. "
        r"Give -0.01\."
    )
    with pytest.raises(ValueError, match=message):
        Scalarized(Curve(1.0), cost, by=weighted_sum(1.0, 0.01))
    Scalarized(Curve(1.0), cost, by=weighted_sum(-1.0, 0.01), direction="minimize")
    Scalarized(Curve(1.0), cost, by=weighted_sum(1.0, 0.0))
