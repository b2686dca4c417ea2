import math
import pickle
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from optuna_nas.metrics import Constraint
from optuna_nas.metrics import Metric
from optuna_nas.metrics import Parameters


def test_a_comparison_is_a_constraint_named_as_it_is_written() -> None:
    names = [c.name for c in (P <= 1e6, P >= 1000, P < 2.5, P > 0)]
    assert names == [
        "parameters <= 1000000",
        "parameters >= 1000",
        "parameters < 2.5",
        "parameters > 0",
    ]


@pytest.mark.parametrize("limit", [1e6, 1000, np.float64(1e6), np.int64(1000)])
def test_the_limit_may_stand_on_the_left(limit: Any) -> None:
    assert (limit >= P) == (limit >= P)
    assert (limit <= P) == (limit <= P)
    assert (limit > P) == (limit > P)
    assert (limit < P) == (limit < P)


@pytest.mark.parametrize("value", [-1.0, 0.0, 9.0, 10.0, 10.5, 1e9])
def test_it_is_violated_by_more_than_zero_exactly_when_it_does_not_hold(value: float) -> None:
    assert ((P <= 10).violation(value) <= 0) == (value <= 10)
    assert ((P >= 10).violation(value) <= 0) == (value >= 10)
    assert ((P < 10).violation(value) <= 0) == (value < 10)
    assert ((P > 10).violation(value) <= 0) == (value > 10)


def test_the_violation_is_the_distance_to_the_limit() -> None:
    assert (P <= 10).violation(13) == 3
    assert (P >= 10).violation(4) == 6


def test_what_could_not_be_measured_is_infinitely_far_off() -> None:
    assert (P <= 10).violation(math.nan) == math.inf


def test_a_constraint_has_no_truth_value_and_says_what_to_write() -> None:
    with pytest.raises(TypeError, match=r"\(parameters >= low, parameters <= high\)"):
        bool(P <= 5)
    with pytest.raises(TypeError, match="'parameters >= 1' has no truth value"):
        assert 1 <= P <= 5


@pytest.mark.parametrize("limit", ["1e6", None, True, 1j, torch.tensor(1.0), Parameters()])
def test_a_limit_that_is_no_number_is_refused(limit: Any) -> None:
    with pytest.raises(TypeError, match="parameters: a limit must be a number, but is"):
        assert limit >= P


def test_a_limit_that_is_nan_is_refused() -> None:
    with pytest.raises(ValueError, match="parameters: a limit must be a number, but is NaN"):
        assert math.nan <= P


def test_it_is_data() -> None:
    constraint = P <= 1e6
    assert pickle.loads(pickle.dumps(constraint)) == constraint == Constraint(P, 1e6, upper=True)
    assert len({constraint, P <= 1e6, P <= 2e6}) == 2


def test_a_new_metric_is_a_name_a_unit_and_a_measure() -> None:
    class Layers(Metric):
        name = "layers"
        unit = "layers"

        def measure(self, module: nn.Module) -> float:
            return float(len(list(module.children())))

    net = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    assert Layers()(net, None) == 2
    assert (Layers() <= 3).name == "layers <= 3"
    assert Layers().direction == "minimize"


P = Parameters()


def test_an_infinite_limit_holds_for_an_infinite_cost() -> None:
    assert (Parameters() <= math.inf).violation(math.inf) == 0
    assert (Parameters() < math.inf).violation(math.inf) > 0
    assert (Parameters() <= math.inf).violation(3.0) == -math.inf
