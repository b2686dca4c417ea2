"""The same architecture, thinner or shallower."""

from __future__ import annotations

from typing import Any

import optuna
import pytest
import torch
from torch import nn

from optuna_nas import build
from optuna_nas import SampledTrial
from optuna_nas.space import smaller
from optuna_nas.spaces import CNN
from optuna_nas.spaces import MLP


def parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def random_params(network: Any, n: int) -> list[dict[str, Any]]:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    trials = [study.ask() for _ in range(n)]
    for trial in trials:
        network(SampledTrial(trial))
    return [trial.params for trial in trials]


class Recorded:
    """A network that says what it was answered."""

    def __call__(self, trial: Any) -> nn.Module:
        module = nn.Linear(1, 1)
        module.answers = {  # type: ignore[assignment]
            "width": trial.suggest_categorical("width", [4, 8, 32]),
            "depth": trial.suggest_int("depth", 1, 9, step=2),
            "rate": trial.suggest_float("rate", 0.1, 0.9),
            "a/units": trial.suggest_int("a/units", 2, 64, log=True),
            "a/b/units": trial.suggest_int("a/b/units", 2, 64, log=True),
        }
        return module


PARAMS = {"width": 32, "depth": 9, "rate": 0.8, "a/units": 64, "a/b/units": 50}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"width": 0.5}, {"width": 8}),  # 16 lies between; the nearer one
        ({"width": 0.9}, {"width": 32}),
        ({"width": 3}, {"width": 4}),
        ({"depth": 4}, {"depth": 5}),
        ({"depth": 0.5}, {"depth": 5}),
        ({"depth": 100}, {}),
        ({"rate": 0.5}, {"rate": 0.4}),
        ({"rate": 0.01}, {"rate": 0.1}),
        ({"units": 0.25}, {"a/units": 16, "a/b/units": 12}),
        ({"units": 8, "b/units": 0.5}, {"a/units": 8, "a/b/units": 25}),
        ({"a/units": 0.5, "depth": 1}, {"a/units": 32, "depth": 1}),
    ],
)
def test_values_become_the_nearest_legal_ones(
    changes: dict[str, float], expected: dict[str, float]
) -> None:
    answers = smaller(Recorded(), changes)(PARAMS).answers
    assert answers == pytest.approx({**PARAMS, **expected})


def test_no_value_becomes_larger() -> None:
    assert smaller(Recorded(), {"width": 0.9})({**PARAMS, "width": 8}).answers["width"] == 8


@pytest.mark.parametrize(
    ("network", "changes"),
    [(CNN((1, 8, 8), 10), {"width": 0.5, "blocks": 1}), (MLP(4, 2), {"width": 0.5, "depth": 1})],
)
def test_a_shipped_network_becomes_smaller_and_never_larger(
    network: Any, changes: dict[str, float]
) -> None:
    shrunk, less = smaller(network, changes), 0
    for params in random_params(network, 20):
        with torch.device("meta"):
            whole, small = build(network, params), shrunk(params)
        assert parameters(small) <= parameters(whole)
        less += parameters(small) < parameters(whole)
    assert less > 10


def test_names_of_evaluators_are_left_aside_and_new_questions_answered_by_the_first() -> None:
    def network(trial: Any) -> nn.Module:
        if trial.suggest_int("depth", 1, 3) == 1:
            return nn.Linear(trial.suggest_int("units", 2, 5), 1)
        return nn.Linear(9, 1)

    made = smaller(network, {"depth": 1})({"depth": 3, "lr": 0.1})
    assert made.in_features == 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, r"changes must name at least a decision"),
        ({"width": 1.5}, r"changes\['width'\] must be a float in \(0, 1\), .* but is 1\.5"),
        ({"width": True}, r"changes\['width'\] must be .* but is True"),
        ({"width": "half"}, r"changes\['width'\] must be .* but is 'half'"),
        ({"wdith": 0.5}, r"changes names 'wdith', but the network asks depth, width"),
        ({"op": 0.5}, r"the values of 'op' are no numbers: .*relu"),
    ],
)
def test_bad_changes_are_refused(changes: dict[str, Any], message: str) -> None:
    def network(trial: Any) -> nn.Module:
        trial.suggest_int("depth", 1, 3)
        trial.suggest_categorical("op", ["relu", "gelu"])
        return nn.Linear(trial.suggest_int("width", 1, 8), 1)

    message = message.replace("depth, width", "depth, op, width")
    with pytest.raises(ValueError, match=message):
        smaller(network, changes)


def test_params_of_another_network_are_refused() -> None:
    with pytest.raises(
        ValueError, match=r"params must have decisions of the network \(width, .*\), but have none"
    ):
        smaller(Recorded(), {"width": 0.5})({})
