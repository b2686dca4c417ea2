from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

import optuna_nas
from optuna_nas import create_study
from optuna_nas import Objective
from optuna_nas import spaces
from optuna_nas.study._remembered_network import network_code
from optuna_nas.study._remembered_network import remembered_network


def score(module: nn.Module, trial: Any) -> float:
    return 0.0


def own(trial: Any) -> nn.Module:
    return nn.Linear(4, trial.suggest_int("width", 1, 3))


@pytest.mark.parametrize(
    "network",
    [
        spaces.MLP(in_features=4, out_features=2),
        spaces.CNN(input_shape=(1, 8, 8), num_classes=10),
        spaces.NASBench201(),
        spaces.Tabular(numeric=3, cardinalities=(2, 5), out_features=2),
    ],
    ids=lambda network: type(network).__name__,
)
def test_a_study_remembers_a_shipped_network_and_its_inputs(network: Any) -> None:
    study = create_study(direction="maximize", seed=0)
    example = torch.zeros(7, 4, dtype=torch.int64)
    Objective(network, score, example=example).check(study)
    remembered, inputs = remembered_network(study)
    assert remembered == network
    assert inputs is not None
    assert (inputs[0].shape, inputs[0].dtype) == ((2, 4), torch.int64)
    code = network_code(network)
    assert code is not None
    assert eval(code, {"optuna_nas": optuna_nas}) == network


@pytest.mark.parametrize(
    "told",
    [
        "text",
        {"space": "os.system", "arguments": {"command": "true"}},
        {"space": "from_dict", "arguments": {}},
        {"space": "MLP", "arguments": {"no_such": 1}},
        {"space": "MLP", "example": [[[1], "no_such"]]},
        {"space": None, "example": "text"},
    ],
)
def test_what_a_study_from_elsewhere_says_runs_nothing(told: Any) -> None:
    study = create_study(direction="maximize", seed=0)
    study.set_user_attr("optuna_nas:network", told)
    assert remembered_network(study) == (None, None)


def test_of_a_network_of_ones_own_a_study_remembers_the_inputs_only() -> None:
    study = create_study(direction="maximize", seed=0)
    Objective(own, score, example=torch.zeros(2, 4)).check(study)
    network, inputs = remembered_network(study)
    assert network is None
    assert inputs is not None
    assert inputs[0].shape == (2, 4)
    assert network_code(own) is None


def test_what_a_study_remembers_stays() -> None:
    study = create_study(direction="maximize", seed=0)
    Objective(own, score, example=torch.zeros(2, 4)).check(study)
    Objective(own, score, example=torch.zeros(2, 5)).check(study)
    _, inputs = remembered_network(study)
    assert inputs is not None
    assert inputs[0].shape == (2, 4)


def test_a_study_that_was_never_searched_remembers_nothing() -> None:
    assert remembered_network(create_study(direction="maximize", seed=0)) == (None, None)
